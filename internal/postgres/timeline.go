package postgres

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"docket/internal/postgres/connect"
	"docket/internal/postgres/dispatch"
	"docket/internal/postgres/pgerror"
)

// timelineSQL reads the recorded timeline, and that of the server, or null while
// the server is a standby. A promotion and a restore to a point in time begin
// another timeline, and the latest writes of the old one may be lost with it.
//
// It also tells whether commits may wait for a standby, and whether the database has
// the extension Citus.
const timelineSQL = `SELECT coalesce((SELECT d.timeline FROM docket.database AS d WHERE d.id = 1), ''),
  CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END,
  current_setting('synchronous_standby_names') <> '', EXISTS (SELECT 1 FROM pg_extension AS e WHERE e.extname = 'citus')`

// recordTimelineSQL records the timeline $1. With $2 it replaces one that was
// recorded.
const recordTimelineSQL = `INSERT INTO docket.database AS d (id, timeline) VALUES (1, $1)
ON CONFLICT (id) DO UPDATE SET timeline = CASE WHEN $2::boolean OR d.timeline IS NULL THEN excluded.timeline ELSE d.timeline END`

// meet looks at the server of a new connection. It refuses one that takes no
// writes, and notes the server's timeline.
func (s *Store) meet(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, s.db.Limits.Statement)
	defer cancel()
	if s.worker != nil {
		return s.meetWorker(ctx, conn)
	}
	_, _, err := s.readTimeline(ctx, conn)
	return s.tolerate(conn, err)
}

// tolerate drops the error of readTimeline when the server has refused to tell: its
// schema is older, or it has no such functions. Whether it can serve is for the
// check to say.
func (s *Store) tolerate(conn *pgx.Conn, err error) error {
	if pgerror.Code(err) == "" || conn.IsClosed() {
		return err
	}
	s.log.Debug("the server does not tell its timeline, so a failover that loses writes is not noticed", "error", err)
	return nil
}

// readTimeline returns the recorded timeline, "" when there is none, and the
// server's. The error is pgerror.ErrStandby when the server is a standby, and
// errDistributed when the tables have been distributed since the store was opened.
func (s *Store) readTimeline(ctx context.Context, conn *pgx.Conn) (recorded, met string, err error) {
	var server *string
	var synchronous, citus bool
	if err := conn.QueryRow(ctx, timelineSQL, pgx.QueryExecModeExec).Scan(&recorded, &server, &synchronous, &citus); err != nil {
		return "", "", err
	}
	s.synchronous.Store(synchronous)
	if server == nil {
		return recorded, "", pgerror.ErrStandby
	}
	if citus && !s.distributed {
		if is, err := connect.IsDistributed(ctx, conn); err != nil || is {
			return recorded, "", cmp.Or(err, errDistributed)
		}
	}
	s.noteTimeline(recorded, *server)
	return recorded, *server, nil
}

// noteTimeline keeps, and logs once, the warning that the server is on another
// timeline than the recorded one.
func (s *Store) noteTimeline(recorded, met string) {
	if recorded == "" || recorded == met {
		s.moved.Store(nil)
		return
	}
	warning := fmt.Sprintf("The database server is on timeline %s, and was on timeline %s: it was promoted or restored, and the latest writes may have been lost. Run `docket renew`, so that no client takes what is new for what was lost.",
		timelineNumber(met), timelineNumber(recorded))
	if old := s.moved.Swap(&warning); old == nil || *old != warning {
		s.log.Warn("the database may have lost writes", "warning", warning)
	}
}

// timelineNumber returns a timeline as PostgreSQL's messages name it.
func timelineNumber(hex string) string {
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		return hex
	}
	return strconv.FormatUint(n, 10)
}

// recordTimeline records the server's timeline when none is recorded.
func (s *Store) recordTimeline(ctx context.Context) error {
	return s.db.Run(ctx, dispatch.Maintaining, func(ctx context.Context, conn *pgx.Conn) error {
		recorded, met, err := s.readTimeline(ctx, conn)
		if err = s.tolerate(conn, err); err != nil || recorded != "" || met == "" {
			return err
		}
		_, err = conn.Exec(ctx, recordTimelineSQL, pgx.QueryExecModeExec, met, false)
		return err
	})
}

// recheck looks at the timeline in the background, once at a time: docket renew may
// have been run since.
func (s *Store) recheck() {
	if !s.rechecking.CompareAndSwap(false, true) {
		return
	}
	s.background.Go(func() {
		defer s.rechecking.Store(false)
		_ = s.db.Run(context.Background(), dispatch.Checking, func(ctx context.Context, conn *pgx.Conn) error { // after an error the warning stays
			_, _, err := s.readTimeline(ctx, conn)
			return err
		})
	})
}

// Warnings implements docket.Store. While there is one it looks again, for the next
// caller.
func (s *Store) Warnings() []string {
	if warning := s.moved.Load(); warning != nil {
		s.recheck()
		return []string{*warning}
	}
	return nil
}

// errDistributed is the error of a connection of a store whose writes might be carried out
// twice there, because it does not send BEGIN and COMMIT in words as Citus needs.
var errDistributed error = distributedError{}

type distributedError struct{}

func (distributedError) Error() string {
	return "the tables were distributed after this program started: restart it"
}

// SafeToRetry tells pgconn.SafeToRetry that nothing was sent.
func (distributedError) SafeToRetry() bool { return true }
