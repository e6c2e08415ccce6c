package pgtest_test

import (
	"fmt"
	"testing"

	"docket/internal/pgtest"
)

func TestCitus(t *testing.T) {
	c := pgtest.NewCitus(t, 2)
	url := c.Database(t)
	owner := pgtest.Connect(t, url)
	do(t, owner, "CREATE TABLE things (user_id text PRIMARY KEY)")
	do(t, owner, "SELECT create_distributed_table('things', 'user_id')")
	do(t, owner, "INSERT INTO things SELECT 'user-' || u FROM generate_series(1, 100) AS u")
	const servers = "SELECT count(DISTINCT nodeport)::integer FROM citus_shards"
	equal(t, "servers with shards", get[int](t, owner, servers), 2)
	for i := range c.Workers {
		equal(t, fmt.Sprint("rows seen from worker ", i), get[int](t, pgtest.Connect(t, c.OnWorker(t, i, url)), "SELECT count(*)::integer FROM things"), 100)
	}
	c.AddWorker(t, url)
	equal(t, "servers with shards when one was added", get[int](t, owner, servers), 2)
	do(t, pgtest.Connect(t, pgtest.AsSuperuser(url)), "SELECT rebalance_table_shards(shard_transfer_mode => 'block_writes')")
	equal(t, "servers with shards when they were moved", get[int](t, owner, servers), 3)
	equal(t, "rows", get[int](t, owner, "SELECT count(*)::integer FROM things"), 100)
}
