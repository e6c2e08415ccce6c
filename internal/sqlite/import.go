package sqlite

import (
	"context"

	"docket"
)

const hasSQL = "SELECT EXISTS (SELECT 1 FROM tasks WHERE user_id = ?1 AND id = ?2) OR EXISTS (SELECT 1 FROM trash WHERE user_id = ?1 AND id = ?2)"

// Import implements docket.Store. It counts the tasks when all are stored.
func (s *Store) Import(ctx context.Context, owner docket.UserID, tasks []docket.Task, epoch int64) (added int, err error) {
	count := docket.Write{Epoch: epoch}
	err = s.writer.do(ctx, len(tasks), func(q *statements) error {
		added = 0
		before, err := add(q, owner, count, 0, nil)
		if err != nil {
			return err
		}
		for _, t := range tasks {
			found, err := exists(q, &t)
			if err != nil {
				return err
			}
			if found {
				continue
			}
			added++
			t.Version = before.version + int64(added)
			if err := insert(q, &t, false); err != nil {
				return err
			}
		}
		_, err = add(q, owner, count, added, nil)
		return err
	})
	return added, err
}
