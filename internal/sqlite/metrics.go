package sqlite

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"zombiezen.com/go/sqlite"
)

// writerMetrics are the metrics of the group commit.
type writerMetrics struct {
	groups, writes prometheus.Counter
	commit         prometheus.Histogram
}

func newWriterMetrics() writerMetrics {
	return writerMetrics{
		groups: prometheus.NewCounter(prometheus.CounterOpts{Name: "docket_sqlite_groups_total", Help: "Transactions, each of one or more writes."}),
		writes: prometheus.NewCounter(prometheus.CounterOpts{Name: "docket_sqlite_writes_total", Help: "Writes that were committed or refused; over docket_sqlite_groups_total, the size of a group."}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "docket_sqlite_commit_seconds", Help: "Time from the begin of a group's transaction until it is on stable storage.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}),
	}
}

// Describe implements prometheus.Collector.
func (s *Store) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(s, ch) }

var queueLength = prometheus.NewDesc("docket_sqlite_queue", "Writes that wait for the writer.", nil, nil)

// Collect implements prometheus.Collector.
func (s *Store) Collect(ch chan<- prometheus.Metric) {
	s.writer.metrics.groups.Collect(ch)
	s.writer.metrics.writes.Collect(ch)
	s.writer.metrics.commit.Collect(ch)
	ch <- prometheus.MustNewConstMetric(queueLength, prometheus.GaugeValue, float64(len(s.writer.queue)))
}

// traced runs f in a span of the request's trace, if it has one.
func traced(ctx context.Context, name string, f func() error) error {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return f()
	}
	_, span := parent.TracerProvider().Tracer("docket/internal/sqlite").Start(ctx, name,
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("db.system.name", "sqlite")))
	defer span.End()
	err := f()
	if code(err) != sqlite.ResultOK {
		span.SetStatus(codes.Error, "")
	}
	return err
}
