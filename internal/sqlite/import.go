package sqlite

import (
	"context"

	"docket"
)

// Import implements docket.Store.
func (s *Store) Import(ctx context.Context, owner docket.UserID, tasks []docket.Task, epoch int64) (added int, err error) {
	err = s.writer.do(ctx, len(tasks), func(q *statements) error {
		added = 0
		if err := exec(q.own, string(owner), epoch); err != nil {
			return err
		}
		for _, t := range tasks {
			var there bool
			if err := q.has.QueryRow(string(owner), t.ID[:]).Scan(&there); err != nil {
				return err
			}
			if there {
				continue
			}
			if err := q.bump.QueryRow(string(owner), 1).Scan(&t.Version); err != nil {
				return err
			}
			if err := insert(q, t); err != nil {
				return err
			}
			added++
		}
		return nil
	})
	return added, err
}
