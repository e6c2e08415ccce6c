// Package edge does what happens to every request, whatever its route: request
// ids and the log, limits, CORS, authentication, the rate limit, metrics and
// traces.
//
// The steps stand in one function, serve, in the order that clients rely on. A
// step that needs the result of an earlier one takes it as an argument.
package edge

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/cors"
	"go.opentelemetry.io/otel/trace"

	"docket"
	"docket/internal/auth"
	"docket/internal/problem"
)

// Options configure the edge. The zero value has no authentication, rate limit,
// metrics, traces or log.
type Options struct {
	Verifier    *auth.Verifier            // nil: nobody is asked for a token
	LocalOnly   bool                      // answer only to this machine's own names; for a server without a Verifier
	Metadata    string                    // URL of the document that says where tokens for AgentsPath come from; "": there is none
	CORSOrigins []string                  // origins, as browsers send them, whose pages may call the API
	RateLimit   int                       // requests that each user may send in a minute; 0: any number
	MaxBody     func(*http.Request) int64 // the most bytes of this request's body; nil: problem.MaxBody
	Draining    <-chan struct{}           // closed when the server is about to stop; nil: never
	Metrics     prometheus.Registerer     // nil: nothing is counted
	Tracing     trace.TracerProvider      // nil: nothing is traced
	Log         *slog.Logger              // nil discards
}

// edge is the handler that New returns.
type edge struct {
	verifier *auth.Verifier
	local    *localOnly   // nil: every Host and Origin
	cors     *cors.Cors   // nil: no origin is allowed
	limiter  *rateLimiter // nil: no limit
	maxBody  func(*http.Request) int64
	metadata string // Options.Metadata
	draining <-chan struct{}
	metrics  *metrics
	load     *load
	tracer   trace.Tracer // nil: no spans
	log      *slog.Logger
	refusals *sampler // of refused tokens
	routes   http.Handler
}

// New returns a handler that takes requests through the edge to routes.
func New(routes http.Handler, o Options) http.Handler {
	e := &edge{
		verifier: o.Verifier, cors: newCORS(o.CORSOrigins), maxBody: o.MaxBody, metadata: o.Metadata, draining: o.Draining,
		metrics: newMetrics(), load: newLoad(), log: o.Log, refusals: newSampler(), routes: routes,
	}
	if o.LocalOnly {
		e.local = &localOnly{origins: o.CORSOrigins}
	}
	if o.RateLimit > 0 {
		e.limiter = newRateLimiter(o.RateLimit, time.Now)
	}
	if e.maxBody == nil {
		e.maxBody = func(*http.Request) int64 { return problem.MaxBody }
	}
	if o.Metrics != nil {
		e.metrics.register(o.Metrics, e.load)
	}
	if o.Tracing != nil {
		e.tracer = o.Tracing.Tracer("docket/internal/edge")
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	return e
}

// exchange is one request and its answer. It is written to by this package
// alone; handlers see Info.
type exchange struct {
	http.ResponseWriter

	edge    *edge
	url     *url.URL      // as it was sent
	request *http.Request // this exchange's own copy, which is routed
	info    Info
	share   *share // of the user whom the request is charged to; nil before that is known
	body    int64  // bytes of the request's body that are held
	file    bool   // the body may be larger than that of a batch
	answer  int64  // bytes of the answer that are held

	status int   // the status sent; 0: none yet
	err    error // the error answered, for the log
	lost   bool  // the client did not take the answer
	sent   int64 // bytes of the answer
}

func (e *edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{ResponseWriter: w, edge: e, url: r.URL, info: Info{RequestID: requestID(r)}}
	ctx := context.WithValue(r.Context(), exchangeKey{}, x)
	if e.tracer != nil {
		var span trace.Span
		ctx, span = startSpan(ctx, e.tracer, r, x.info.RequestID)
		defer func() { endSpan(span, x) }()
	}
	x.request = r.WithContext(ctx)
	header := w.Header()
	header["X-Request-Id"] = []string{x.info.RequestID}
	header["X-Content-Type-Options"] = noSniff
	header["Content-Security-Policy"] = loadNothing // pages have their own
	header["Referrer-Policy"] = noReferrer
	defer x.finish(time.Now())
	if err := e.serve(x, x.request); err != nil {
		x.fail(err)
	}
}

// Header values that never change.
var (
	noSniff     = []string{"nosniff"}
	loadNothing = []string{"default-src 'none'; frame-ancestors 'none'"}
	noReferrer  = []string{"no-referrer"}
	noStore     = []string{"no-store"}
	varies      = []string{"Authorization, Origin"}
)

// serve takes one request through every step. Its error is answered as a
// problem document.
func (e *edge) serve(x *exchange, r *http.Request) error {
	if err := e.local.check(r); err != nil {
		return err
	}
	if e.cors != nil {
		e.cors.HandlerFunc(x, r)
		if isPreflight(r) {
			return nil
		}
	}
	if strings.HasPrefix(r.URL.Path, "/api/") || r.URL.Path == AgentsPath {
		header := x.Header()
		header["Cache-Control"], header["Vary"] = noStore, varies
	}
	if err := x.limitBody(r); err != nil {
		return err
	}
	user, underAPI := userOf(r.URL)
	caller, err := authenticate(e.verifier, r, user, underAPI)
	if err != nil {
		if docket.KindOf(err) == problem.Unauthorized && isCalendar(r) {
			x.Header()["Www-Authenticate"] = []string{`Basic realm="docket", charset="UTF-8"`}
		}
		return err
	}
	x.info.caller = caller
	charged := caller.charged(user, underAPI)
	x.share = e.load.join(string(charged))
	if err := e.limiter.charge(x, charged); err != nil {
		return err
	}
	if err := strictPath(r); err != nil {
		return err
	}
	e.routes.ServeHTTP(x, r)
	return nil
}

var usableRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// requestID returns the client's id for the request when it is usable, else a new one.
func requestID(r *http.Request) string {
	if sent := r.Header["X-Request-Id"]; len(sent) > 0 && usableRequestID.MatchString(sent[0]) {
		return sent[0]
	}
	return rand.Text()
}

// finish ends the exchange: it turns a panic into a 500, counts the request and
// logs how it ended.
func (x *exchange) finish(start time.Time) {
	broken := false
	if p := recover(); p != nil {
		broken = x.recovered(p)
	}
	x.release()
	if x.status == 0 && !broken {
		x.WriteHeader(http.StatusOK)
	}
	took := time.Since(start)
	x.edge.metrics.count(x, took)
	x.log(took)
	if broken {
		panic(http.ErrAbortHandler)
	}
}

// release gives back what the exchange still has of the server.
func (x *exchange) release() {
	if x.share == nil {
		return
	}
	done := taken{answers: x.answer}
	x.withBody(&done)
	x.edge.load.give(x.share, done)
	x.edge.load.leave(x.share)
	x.share, x.body, x.answer = nil, 0, 0
}

// recovered answers a panic. When the answer has begun it reports that the
// connection has to be broken, so that the answer does not look complete.
func (x *exchange) recovered(p any) (broken bool) {
	if p != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
		err := fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		if x.status == 0 {
			x.fail(err)
			return false
		}
		x.err = err
	}
	x.status = http.StatusInternalServerError // for the metrics and the log
	return true
}
