package edge

import (
	"cmp"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the counts of requests.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	shed     prometheus.Counter
	limited  prometheus.Counter
	known    sync.Map // of outcome to series: what requests and duration have by these labels
}

// outcome is how a request ended. There are at most as many as routes times statuses,
// twice.
type outcome struct {
	route  string
	status int
	stream bool
}

// series are what one outcome is counted in.
type series struct {
	requests prometheus.Counter
	duration prometheus.Observer // nil for a stream, whose client decides how long it lasts
}

func newMetrics() *metrics {
	return &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "docket_http_requests_total", Help: "Requests that were answered, by route and status. Those refused before they had a route have the route none.",
		}, []string{"route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "docket_http_request_duration_seconds", Help: "Time from the head of a request to the end of its answer, by route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
		shed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "docket_http_shed_total", Help: "Admissions refused because the server, or the share of a user, had too many at work; a stream and an export try again.",
		}),
		limited: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "docket_http_rate_limited_total", Help: "Requests refused because their user had sent too many.",
		}),
	}
}

func (m *metrics) register(r prometheus.Registerer, l *load) {
	r.MustRegister(m.requests, m.duration, m.shed, m.limited, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "docket_http_load", Help: "Requests at work, of " + strconv.Itoa(maxWork) + " at most.",
	}, func() float64 { return float64(l.now().work) }), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "docket_http_body_bytes", Help: "Bytes of request bodies that are held, of " + strconv.Itoa(maxBodies) + " at most.",
	}, func() float64 { return float64(l.now().bodies) }), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "docket_http_answer_bytes", Help: "Bytes of answers that their clients have not yet taken, of " + strconv.Itoa(maxAnswers) + " at most.",
	}, func() float64 { return float64(l.now().answers) }))
}

// route is the pattern of the route that the request reached, "none" without one.
func (x *exchange) route() string {
	if x.request.Pattern == "/" { // the pattern of paths where nothing is served
		return "none"
	}
	return cmp.Or(x.request.Pattern, "none")
}

// count counts an exchange that has finished.
func (m *metrics) count(x *exchange, took time.Duration) {
	s := m.seriesOf(outcome{x.route(), x.status, x.Header().Get("Content-Type") == "text/event-stream"})
	s.requests.Inc()
	if s.duration != nil {
		s.duration.Observe(took.Seconds())
	}
}

func (m *metrics) seriesOf(o outcome) *series {
	if known, ok := m.known.Load(o); ok {
		s, _ := known.(*series)
		return s
	}
	s := &series{requests: m.requests.WithLabelValues(o.route, strconv.Itoa(o.status))}
	if !o.stream {
		s.duration = m.duration.WithLabelValues(o.route)
	}
	m.known.Store(o, s)
	return s
}
