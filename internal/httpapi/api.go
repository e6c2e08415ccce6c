package httpapi

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/cors"
	"go.opentelemetry.io/otel/trace"

	"docket"
	"docket/internal/auth"
	"docket/internal/feed"
)

// Options are what New needs to know beside the service.
type Options struct {
	Verifier    *auth.Verifier        // nil: nobody is asked for a token
	LocalOnly   bool                  // answer only what was sent to this machine by its own name; for a server without a Verifier
	CORSOrigins []string              // origins, as browsers send them, whose pages may call the API
	RateLimit   int                   // requests that each user may send in a minute; 0: any number
	Draining    <-chan struct{}       // closed when the server is about to stop, so that it is not ready; nil: never
	Feed        *feed.Hub             // wakes the streams; nil: nothing does
	Metrics     prometheus.Registerer // nil: nothing is counted
	Tracing     trace.TracerProvider  // nil: nothing is traced
	Log         *slog.Logger          // nil discards
}

// api joins the service to its routes.
type api struct {
	service *docket.Service
	ready   func() error // nil when tokens can be verified
	feed    *feed.Hub
	drain   <-chan struct{}
	mux     *http.ServeMux
	huma    huma.API
}

// New returns a handler that serves service: the API, its contract and its
// documentation. It panics when an operation is declared wrongly.
func New(service *docket.Service, options Options) http.Handler {
	log := options.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	a := newAPI(service)
	a.drain, a.feed = options.Draining, options.Feed
	if a.feed == nil {
		a.feed = feed.New(service.Counters)
	}
	if options.Verifier != nil {
		a.ready = options.Verifier.Ready
	}
	a.contract()
	a.pages()
	for _, pattern := range append(notTasks, "/") {
		a.mux.HandleFunc(pattern, a.noRoute)
	}

	m := newMetrics(options.Metrics)
	var limiter *rateLimiter
	if options.RateLimit > 0 {
		limiter = newRateLimiter(options.RateLimit, time.Now)
	}
	var h http.Handler = a.mux
	h = exactly(h)
	h = limitRate(limiter, m, options.Draining, h)
	h = authenticate(options.Verifier, h)
	h = limitBody(h)
	h = m.load.each(h)
	h = forTasks(h)
	h = allowOrigins(options.CORSOrigins, h)
	if options.LocalOnly {
		h = localOnly(options.CORSOrigins, h)
	}
	h = traced(options.Tracing, h)
	return identify(log, m, h)
}

// Contract returns the OpenAPI document of the API.
func Contract() *huma.OpenAPI { return newAPI(nil).huma.OpenAPI() }

func newAPI(service *docket.Service) *api {
	mux := http.NewServeMux()
	a := &api{service: service, ready: func() error { return nil }, mux: mux, huma: humago.New(mux, config())}
	a.operations()
	return a
}

// allowOrigins lets the pages of origins call the API from a browser. With
// none it allows nothing, which is also what a browser does without headers.
func allowOrigins(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	return cors.New(cors.Options{
		AllowedOrigins:   origins,
		AllowedMethods:   []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"},
		AllowedHeaders:   []string{"Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "Prefer", "Last-Event-ID", "X-Request-Id", "traceparent", "tracestate"},
		ExposedHeaders:   []string{"ETag", "Link", "Location", "Retry-After", "X-Total-Count", "Preference-Applied", "Idempotent-Replayed", "RateLimit", "RateLimit-Policy", "X-Request-Id"},
		AllowCredentials: true,
		MaxAge:           600,
	}).Handler(next)
}

// notTasks are the patterns of what would be about a task if the path did not
// name the batch.
var notTasks = []string{"GET " + batchRoute, "PUT " + batchRoute, "PATCH " + batchRoute, "DELETE " + batchRoute}

// noRoute answers what no pattern matches: 405 when the path has other
// methods, else 404. ServeMux would answer in plain text.
func (a *api) noRoute(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := a.mux.Handler(probe); pattern != "/" && !slices.Contains(notTasks, pattern) {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 || slices.Contains(allowed, r.Method) {
		writeProblem(w, r, errNoRoute)
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	if r.Method == http.MethodOptions && r.Header.Get("Origin") != "" {
		writeProblem(w, r, errNoCORS)
		return
	}
	writeProblem(w, r, errMethod(allowed...))
}

var errNoCORS = &docket.Error{Kind: methodNotAllowed, Detail: "This server lets no page of another origin call it. CORS_ORIGINS lists those that may."}

func errMethod(allowed ...string) error {
	return &docket.Error{Kind: methodNotAllowed, Detail: "This path does not take this method. It takes " + strings.Join(allowed, ", ") + "."}
}
