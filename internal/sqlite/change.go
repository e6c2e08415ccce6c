package sqlite

import (
	"context"
	"database/sql"
	"math"

	"github.com/go-json-experiment/json"

	"docket"
)

const versions = " AND version > ?2 AND version <= ?3"

// changesSQL reads the tasks in a range of versions, snapshotSQL only the live ones.
var (
	changesSQL  = selectColumns + ", NULL" + fromLive + versions + "\nUNION ALL " + selectTrash + versions + "\nORDER BY version LIMIT ?4"
	snapshotSQL = selectLive + versions + " ORDER BY version LIMIT ?4"
)

// countersSQL takes the users as a JSON array.
const countersSQL = "SELECT user_id, epoch, counter, purged_through FROM owners WHERE user_id IN (SELECT value FROM json_each(?1))"

// Changes implements docket.Store.
func (s *Store) Changes(ctx context.Context, owner docket.UserID, q docket.ChangeRange) (docket.ChangePage, error) {
	return atOnce(ctx, s.readers, func(ctx context.Context, r *reader) (docket.ChangePage, error) { return r.changed(ctx, owner, q) })
}

func (r *reader) changed(ctx context.Context, owner docket.UserID, q docket.ChangeRange) (page docket.ChangePage, err error) {
	page.State, _, _, err = r.stateOf(ctx, owner)
	if err != nil {
		return page, err
	}
	stmt, rows, through := r.changes, newTrashScanner(owner), q.Through
	if q.Live {
		stmt, rows = r.snapshot, newScanner(owner)
	}
	if through == 0 {
		through = math.MaxInt64
	}
	page.Tasks, page.More, err = readTasks(rows, q.Limit, 0, func() (*sql.Rows, error) {
		return stmt.QueryContext(ctx, string(owner), q.After, through, q.Limit+1)
	})
	return page, err
}

// Counters implements docket.Store.
func (s *Store) Counters(ctx context.Context, owners []docket.UserID) (map[docket.UserID]docket.State, error) {
	list, err := json.Marshal(owners)
	if err != nil {
		return nil, err
	}
	states := map[docket.UserID]docket.State{}
	err = s.readers.use(ctx, func(ctx context.Context, r *reader) error {
		rows, err := r.counters.QueryContext(ctx, string(list))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var owner docket.UserID
			var state docket.State
			if err := rows.Scan(&owner, &state.Epoch, &state.Counter, &state.PurgedThrough); err != nil {
				return err
			}
			states[owner] = state
		}
		return rows.Err()
	})
	return states, err
}
