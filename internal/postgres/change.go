package postgres

import (
	"context"
	"math"

	"github.com/jackc/pgx/v5"

	"docket"
	"docket/internal/postgres/column"
	"docket/internal/postgres/dispatch"
)

// countersSQL spans the users that somebody listens to.
var countersSQL = parameters[[]string]{
	"user_ids": func(owners []string) any { return owners },
}.compile("SELECT x.user_id, x.epoch, x.counter, x.purged_through FROM docket.owners AS x WHERE x.user_id = ANY (@user_ids::text[])")

// ownedRange holds the arguments of changesSQL.
type ownedRange struct {
	owner docket.UserID
	docket.ChangeRange
}

// changesStatement names a statement of Changes.
type changesStatement struct{ live, long bool }

// changesSQL holds the statements of Changes. Each returns the rows that readPage
// reads, in the order of versions.
var changesSQL = func() map[changesStatement]*statement[ownedRange] {
	p := parameters[ownedRange]{
		"user_id": func(r ownedRange) any { return string(r.owner) },
		"after":   func(r ownedRange) any { return r.After },
		"through": func(r ownedRange) any {
			if r.Through == 0 {
				return int64(math.MaxInt64)
			}
			return r.Through
		},
		"limit": func(r ownedRange) any { return r.Limit + 1 }, // one more tells whether there are more
	}
	statements := map[changesStatement]*statement[ownedRange]{}
	for _, c := range []changesStatement{{}, {long: true}, {live: true}, {live: true, long: true}} {
		where := "t.user_id = @user_id AND t.version > @after::bigint AND t.version <= @through::bigint"
		if c.live {
			where += " AND t.deleted_at IS NULL"
		}
		statements[c] = p.compile(`WITH o AS MATERIALIZED (
  SELECT x.epoch, x.counter, x.purged_through FROM docket.owners AS x WHERE x.user_id = @user_id)
SELECT ` + column.NoTask + `, ARRAY[o.epoch, o.counter, o.purged_through, 0] FROM o
UNION ALL
` + pageQuery(where, pageOrder{by: "t.version"}, false, c.long))
	}
	return statements
}()

// Changes implements docket.Store.
func (s *Store) Changes(ctx context.Context, owner docket.UserID, q docket.ChangeRange) (docket.ChangePage, error) {
	page, st := new(docket.Page), changesSQL[changesStatement{q.Live, q.Limit > maxBatchedPage}]
	c := &dispatch.Call{
		Owner: owner, SQL: st.sql, Args: st.args(ownedRange{owner, q}),
		Read:    func(rows pgx.Rows) error { return readPage(page, rows, owner, q.Limit) },
		Outcome: func(err error) error { return err },
	}
	// A snapshot may have to pass over any number of deleted tasks.
	if err := s.runPage(ctx, dispatch.Reading, c, !q.Live && q.Limit <= maxBatchedPage); err != nil {
		return docket.ChangePage{}, err
	}
	return docket.ChangePage{Tasks: page.Tasks, State: page.State, More: page.More}, nil
}

// Counters implements docket.Store.
func (s *Store) Counters(ctx context.Context, owners []docket.UserID) (states map[docket.UserID]docket.State, err error) {
	list := make([]string, len(owners))
	for i, owner := range owners {
		list[i] = string(owner)
	}
	err = s.db.Run(ctx, dispatch.Reading, func(ctx context.Context, conn *pgx.Conn) error {
		states = map[docket.UserID]docket.State{}
		rows, err := conn.Query(ctx, countersSQL.sql, countersSQL.args(list)...)
		if err != nil {
			return err
		}
		var owner string
		var state docket.State
		_, err = pgx.ForEachRow(rows, []any{&owner, &state.Epoch, &state.Counter, &state.PurgedThrough}, func() error {
			states[docket.UserID(owner)] = state
			return nil
		})
		return err
	})
	return states, err
}
