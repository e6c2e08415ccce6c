package sqlite

import (
	"context"
	"math"

	"github.com/go-json-experiment/json"

	"docket"
)

const versions = " AND version > ?2 AND version <= ?3"

// indexed selects the live tasks that are in the index by version, fresh the others.
const (
	indexed = fromLive + " AND fresh = 0" + versions
	fresh   = fromLive + " AND id >= (SELECT fresh_from FROM owners WHERE user_id = ?1) AND fresh = 1" + versions
)

// changesSQL reads the tasks in a range of versions, snapshotSQL only the live ones.
var (
	changesSQL  = selectColumns + ", NULL" + indexed + "\nUNION ALL " + selectColumns + ", NULL" + fresh + "\nUNION ALL " + selectTrash + versions + "\nORDER BY version LIMIT ?4"
	snapshotSQL = selectColumns + indexed + "\nUNION ALL " + selectColumns + fresh + "\nORDER BY version LIMIT ?4"
)

// countersSQL takes the users as a JSON array.
const countersSQL = "SELECT user_id, epoch, counter, purged_through FROM owners WHERE user_id IN (SELECT value FROM json_each(?1))"

// Changes implements docket.Store.
func (s *Store) Changes(ctx context.Context, owner docket.UserID, q docket.ChangeRange) (docket.ChangePage, error) {
	return atOnce(ctx, s.readers, func(r *reader) (docket.ChangePage, error) { return r.changed(owner, q) })
}

func (r *reader) changed(owner docket.UserID, q docket.ChangeRange) (page docket.ChangePage, err error) {
	page.State, _, _, err = r.stateOf(owner)
	if err != nil {
		return page, err
	}
	stmt, through := r.conn.Stmt(changesSQL), q.Through
	if q.Live {
		stmt = r.conn.Stmt(snapshotSQL)
	}
	if through == 0 {
		through = math.MaxInt64
	}
	stmt.Text(string(owner)).Num(q.After).Num(through).Num(int64(q.Limit) + 1)
	page.Tasks, page.More, err = readTasks(stmt, owner, q.Limit, 0)
	return page, err
}

// Counters implements docket.Store.
func (s *Store) Counters(ctx context.Context, owners []docket.UserID) (map[docket.UserID]docket.State, error) {
	list, err := json.Marshal(owners)
	if err != nil {
		return nil, err
	}
	states := map[docket.UserID]docket.State{}
	err = s.readers.use(ctx, func(r *reader) error {
		c := r.conn.Stmt(countersSQL)
		return c.Text(string(list)).Each(func() bool {
			states[docket.UserID(c.TextAt(0))] = docket.State{Epoch: c.Int64At(1), Counter: c.Int64At(2), PurgedThrough: c.Int64At(3)}
			return true
		})
	})
	return states, err
}
