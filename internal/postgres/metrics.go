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
func (s *Store) Collect(ch chan<- prometheus.Metric) { collect(ch, len(s.Warnings()) > 0, s) }

// collect sends the sums over stores.
func collect(ch chan<- prometheus.Metric, changed bool, stores ...*Store) {
	states, sums := map[string]float64{}, map[*prometheus.Desc]float64{}
	trips, statements := map[string]float64{}, map[string]float64{}
	for _, s := range stores {
		stat := s.db.Pool.Stat()
		states["idle"] += float64(stat.IdleConns())
		states["acquired"] += float64(stat.AcquiredConns())
		states["constructing"] += float64(stat.ConstructingConns())
		sums[connectionsMax] += float64(stat.MaxConns())
		for desc, v := range counters(stat) {
			sums[desc] += v
		}
		for name, kind := range s.db.Batchers() {
			for _, b := range kind {
				sent := b.Stats()
				trips[name] += float64(sent.Groups)
				statements[name] += float64(sent.Calls)
			}
		}
	}
	send := func(desc *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, kind, v, labels...)
	}
	for state, v := range states {
		send(connections, prometheus.GaugeValue, v, state)
	}
	for name := range trips {
		send(groups, prometheus.CounterValue, trips[name], name)
		send(grouped, prometheus.CounterValue, statements[name], name)
	}
	for desc, v := range sums {
		kind := prometheus.CounterValue
		if desc == connectionsMax {
			kind = prometheus.GaugeValue
		}
		send(desc, kind, v)
	}
	send(timelineChanged, prometheus.GaugeValue, map[bool]float64{true: 1}[changed])
}

func counters(stat *pgxpool.Stat) map[*prometheus.Desc]float64 {
	return map[*prometheus.Desc]float64{
		acquires: float64(stat.AcquireCount()), acquireSeconds: stat.AcquireDuration().Seconds(), acquiresStopped: float64(stat.CanceledAcquireCount()),
	}
}
