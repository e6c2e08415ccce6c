package postgres

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// Describe implements prometheus.Collector.
func (s *Store) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(s, ch) }

var (
	connections     = prometheus.NewDesc("docket_postgres_connections", "Connections of the pool, by state.", []string{"state"}, nil)
	connectionsMax  = prometheus.NewDesc("docket_postgres_connections_max", "Size of the pool.", nil, nil)
	acquires        = prometheus.NewDesc("docket_postgres_acquires_total", "Connections taken from the pool.", nil, nil)
	acquireSeconds  = prometheus.NewDesc("docket_postgres_acquire_seconds_total", "Time spent waiting for connections of the pool.", nil, nil)
	groups          = prometheus.NewDesc("docket_postgres_groups_total", "Round trips of the batchers, which send statements of concurrent requests in groups.", []string{"batcher"}, nil)
	grouped         = prometheus.NewDesc("docket_postgres_grouped_total", "Statements that the batchers sent.", []string{"batcher"}, nil)
	timelineChanged = prometheus.NewDesc("docket_postgres_timeline_changed", "1 when the server is on another timeline than the recorded one: writes may have been lost.", nil, nil)
	acquiresStopped = prometheus.NewDesc("docket_postgres_acquires_canceled_total", "Waits for a connection of the pool that were given up.", nil, nil)
)

// Collect implements prometheus.Collector with the state of the pool and the
// batchers. It does not query the database.
func (s *Store) Collect(ch chan<- prometheus.Metric) {
	stat := s.pool.Stat()
	gauge := func(desc *prometheus.Desc, v int32, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(v), labels...)
	}
	gauge(connections, stat.IdleConns(), "idle")
	gauge(connections, stat.AcquiredConns(), "acquired")
	gauge(connections, stat.ConstructingConns(), "constructing")
	gauge(connectionsMax, stat.MaxConns())
	gauge(timelineChanged, int32(len(s.Warnings()))) //nolint:gosec // 0 or 1
	for name, kind := range map[string][]*batcher{"tasks": {s.batchers.reads}, "pages": {s.batchers.pages}, "writes": s.batchers.writes[:]} {
		var trips, statements float64
		for _, b := range kind {
			trips += float64(b.groups.Load())
			statements += float64(b.calls.Load())
		}
		ch <- prometheus.MustNewConstMetric(groups, prometheus.CounterValue, trips, name)
		ch <- prometheus.MustNewConstMetric(grouped, prometheus.CounterValue, statements, name)
	}
	for desc, v := range counters(stat) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, v)
	}
}

func counters(stat *pgxpool.Stat) map[*prometheus.Desc]float64 {
	return map[*prometheus.Desc]float64{
		acquires: float64(stat.AcquireCount()), acquireSeconds: stat.AcquireDuration().Seconds(), acquiresStopped: float64(stat.CanceledAcquireCount()),
	}
}
