package httpapi

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what is counted of requests.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	shed     prometheus.Counter
	limited  prometheus.Counter
	load     loadLimit
}

// newMetrics registers the metrics, unless r is nil.
func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "docket_http_requests_total", Help: "Requests that were answered, by route and status. Those refused before they had a route have the route none.",
		}, []string{"route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "docket_http_request_duration_seconds", Help: "Time from the head of a request to the end of its answer, by route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
		shed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "docket_http_shed_total", Help: "Requests refused because too many were under way.",
		}),
		limited: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "docket_http_rate_limited_total", Help: "Requests refused because their user had sent too many.",
		}),
	}
	m.load.metrics = m
	if r != nil {
		r.MustRegister(m.requests, m.duration, m.shed, m.limited, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "docket_http_load", Help: "Requests at work, of " + strconv.Itoa(maxLoad) + " at the most.",
		}, func() float64 { return float64(m.load.atWork.Load()) }), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "docket_http_body_bytes", Help: "Bytes of request bodies that are held, of " + strconv.Itoa(maxBodies) + " at the most.",
		}, func() float64 { return float64(m.load.bytes.Load()) }))
	}
	return m
}

// count counts a request that was answered.
func (m *metrics) count(r *http.Request, status int) {
	m.requests.WithLabelValues(routeOf(r), strconv.Itoa(status)).Inc()
}

// observe notes how long a request took.
func (m *metrics) observe(r *http.Request, took time.Duration) {
	m.duration.WithLabelValues(routeOf(r)).Observe(took.Seconds())
}

func routeOf(r *http.Request) string {
	if r.Pattern == "/" { // the pattern of what nothing is served at
		return "none"
	}
	return cmp.Or(r.Pattern, "none")
}
