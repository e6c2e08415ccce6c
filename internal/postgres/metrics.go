package postgres

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// Describe implements prometheus.Collector.
func (s *Store) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(s, ch) }

var (
	connections     = prometheus.NewDesc("docket_postgres_connections", "Connections of the pool, by state.", []string{"state"}, nil)
	connectionsMax  = prometheus.NewDesc("docket_postgres_connections_max", "The most connections that the pool may have.", nil, nil)
	acquires        = prometheus.NewDesc("docket_postgres_acquires_total", "Connections that were taken from the pool.", nil, nil)
	acquireSeconds  = prometheus.NewDesc("docket_postgres_acquire_seconds_total", "Time spent waiting for connections of the pool.", nil, nil)
	groups          = prometheus.NewDesc("docket_postgres_groups_total", "Round trips that carried the statements of concurrent requests together, by what these do.", []string{"lane"}, nil)
	grouped         = prometheus.NewDesc("docket_postgres_grouped_total", "Statements in such round trips.", []string{"lane"}, nil)
	acquiresStopped = prometheus.NewDesc("docket_postgres_acquires_canceled_total", "Waits for a connection of the pool that ended without one.", nil, nil)
)

// Collect implements prometheus.Collector: the state of the pool. It asks the
// database nothing.
func (s *Store) Collect(ch chan<- prometheus.Metric) {
	stat := s.pool.Stat()
	gauge := func(desc *prometheus.Desc, v int32, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(v), labels...)
	}
	gauge(connections, stat.IdleConns(), "idle")
	gauge(connections, stat.AcquiredConns(), "acquired")
	gauge(connections, stat.ConstructingConns(), "constructing")
	gauge(connectionsMax, stat.MaxConns())
	for name, lanes := range map[string][]*lane{"tasks": {s.lanes.reads}, "pages": {s.lanes.pages}, "writes": s.lanes.writes[:]} {
		var trips, statements float64
		for _, l := range lanes {
			trips += float64(l.groups.Load())
			statements += float64(l.calls.Load())
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
