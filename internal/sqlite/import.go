package sqlite

import (
	"context"

	"docket"
)

const (
	ownSQL = "INSERT INTO owners (user_id, epoch, counter, live) VALUES (?1, ?2, 0, 0) ON CONFLICT (user_id) DO NOTHING"
	hasSQL = "SELECT EXISTS (SELECT 1 FROM tasks WHERE user_id = ?1 AND id = ?2) OR EXISTS (SELECT 1 FROM trash WHERE user_id = ?1 AND id = ?2)"
)

// Import implements docket.Store.
func (s *Store) Import(ctx context.Context, owner docket.UserID, tasks []docket.Task, epoch int64) (added int, err error) {
	err = s.writer.do(ctx, len(tasks), func(q *statements) error {
		added = 0
		if err := exec(q.own, string(owner), epoch); err != nil {
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
			if err := q.add.QueryRow(string(owner), epoch, unlimited, t.ID[:]).Scan(&t.Version); err != nil {
				return err
			}
			if err := insert(q, &t); err != nil {
				return err
			}
			added++
		}
		return nil
	})
	return added, err
}
