package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"docket/internal/postgres/connect"
	"docket/internal/postgres/dispatch"
	"docket/internal/postgres/pgerror"
)

// worker is a server of a distributed database that has shards.
type worker struct {
	host  string
	port  uint16
	group int32 // by which Citus knows it
}

func (w *worker) address() string { return net.JoinHostPort(w.host, strconv.Itoa(int(w.port))) }

// placed is the part of the users that a worker has: those whose hash is lowest or more,
// up to the next part.
type placed struct {
	lowest int32
	worker worker
}

// placementSQL reads where the shards of all users are, by hash.
const placementSQL = `SELECT s.shardminvalue::integer, n.nodename, n.nodeport, n.groupid
FROM pg_dist_shard AS s JOIN pg_dist_placement AS p ON p.shardid = s.shardid JOIN pg_dist_node AS n ON n.groupid = p.groupid AND n.noderole = 'primary'
WHERE s.logicalrelid = to_regclass('docket.owners') ORDER BY 1`

// clusterSQL returns which server this is, and what tells its cluster from others: the
// servers of it.
const clusterSQL = `SELECT (SELECT l.groupid FROM pg_dist_local_group AS l),
  (SELECT md5(string_agg(concat_ws(' ', n.nodeid, n.groupid, n.nodename, n.nodeport), ',' ORDER BY n.nodeid)) FROM pg_dist_node AS n)`

// readPlacement reads the parts from the server of DATABASE_URL, and the cluster's mark.
func (s *Store) readPlacement(ctx context.Context) (parts []placed, cluster string, err error) {
	err = s.db.Run(ctx, dispatch.Reading, func(ctx context.Context, conn *pgx.Conn) error {
		var group int32
		if err := conn.QueryRow(ctx, clusterSQL, pgx.QueryExecModeExec).Scan(&group, &cluster); err != nil {
			return err
		}
		rows, err := conn.Query(ctx, placementSQL, pgx.QueryExecModeExec)
		if err != nil {
			return err
		}
		parts, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p placed, err error) {
			var port int32
			err = row.Scan(&p.lowest, &p.worker.host, &port, &p.worker.group)
			p.worker.port = uint16(port) //nolint:gosec // of TCP
			return p, err
		})
		return err
	})
	if err == nil && len(parts) == 0 {
		err = errors.New("postgres: the distributed tables have no shards")
	}
	return parts, cluster, err
}

// find returns the index of the part that has a hash. The first part has the lowest hash
// that there is.
func find[P any](parts []P, lowest func(P) int32, hash int32) int {
	i, found := slices.BinarySearchFunc(parts, hash, func(p P, hash int32) int { return cmp.Compare(lowest(p), hash) })
	if !found {
		i = max(0, i-1)
	}
	return i
}

// reach connects to a worker to find out whether this process reaches it, and whether it
// is the one that the cluster knows under this name: names such as localhost may lead
// elsewhere from here.
func (w *worker) reach(ctx context.Context, t connect.Target, cluster string) error {
	ctx, cancel := context.WithTimeout(ctx, connect.ReconnectTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, t.Config())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing is lost with it
	var group int32
	var mark string
	if err := conn.QueryRow(ctx, clusterSQL, pgx.QueryExecModeExec).Scan(&group, &mark); err != nil {
		return err
	}
	if group != w.group || mark != cluster {
		return errors.New("another server answers there")
	}
	return nil
}

// meetWorkerSQL tells whether a server takes no writes, whether its commits may wait for
// a standby, and its group.
const meetWorkerSQL = `SELECT pg_is_in_recovery(), current_setting('synchronous_standby_names') <> '', (SELECT l.groupid FROM pg_dist_local_group AS l)`

// meetWorker is meet for a connection to a worker. The timeline is not looked at: that of
// the coordinator alone is recorded.
func (s *Store) meetWorker(ctx context.Context, conn *pgx.Conn) error {
	var standby, synchronous bool
	var group int32
	if err := conn.QueryRow(ctx, meetWorkerSQL, pgx.QueryExecModeExec).Scan(&standby, &synchronous, &group); err != nil {
		return err
	}
	s.synchronous.Store(synchronous)
	switch {
	case standby:
		return pgerror.ErrStandby
	case group != s.worker.group:
		return fmt.Errorf("postgres: at %s is the server of group %d instead of %d", s.worker.address(), group, s.worker.group)
	}
	return nil
}
