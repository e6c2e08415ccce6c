package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"docket"
	"docket/internal/edge"
	"docket/internal/feed"
	"docket/internal/problem"
)

// Options are what New needs besides the service.
type Options struct {
	Edge  edge.Options            // MaxBody is set by New
	Feed  *feed.Hub               // wakes the streams; nil: a hub that nothing wakes
	Pages map[string]http.Handler // other handlers, by ServeMux pattern
	// StrictInput refuses unknown members of bodies and unknown query parameters, as a
	// request does with Prefer: handling=strict. Otherwise they are ignored.
	StrictInput bool
}

// api joins the service to its routes.
type api struct {
	service *docket.Service
	now     func() time.Time // the service's clock
	ready   func() error     // nil when tokens can be verified
	feed    *feed.Hub
	drain   <-chan struct{}
	mux     *http.ServeMux
	strict  bool // Options.StrictInput
}

// New returns a handler that serves service, and the pages. It panics when two
// routes have one pattern.
func New(service *docket.Service, o Options) http.Handler {
	a := &api{service: service, now: service.Time, ready: func() error { return nil }, feed: o.Feed, drain: o.Edge.Draining, mux: http.NewServeMux(), strict: o.StrictInput}
	if a.feed == nil {
		a.feed = feed.New(service.Counters)
	}
	if o.Edge.Verifier != nil {
		a.ready = o.Edge.Verifier.Ready
	}
	for i := range routes {
		rt := &routes[i]
		a.mux.Handle(rt.Method+" "+rt.Path, edge.Handler(func(w http.ResponseWriter, r *http.Request) error {
			if rt.OfUser() {
				if err := edge.InfoOf(r.Context()).Require(rt.Scope); err != nil {
					return err
				}
			}
			return rt.handle(a, rt, w, r)
		}))
	}
	for pattern, page := range o.Pages {
		a.mux.Handle(pattern, page)
	}
	for _, pattern := range append(notTasks, "/") {
		a.mux.Handle(pattern, edge.Handler(a.noRoute))
	}
	o.Edge.MaxBody = a.maxBody
	return edge.New(a.mux, o.Edge)
}

// maxBody returns the largest body of the route that a request is for.
func (a *api) maxBody(r *http.Request) int64 {
	path := strings.TrimSuffix(r.URL.EscapedPath(), "/")
	switch {
	case r.Method != http.MethodPost:
		return problem.MaxBody
	case strings.HasSuffix(path, "/tasks/batch"), strings.HasSuffix(path, edge.AgentsPath):
		return problem.MaxBatchBody
	case strings.HasSuffix(path, "/import"):
		return problem.MaxImportBody
	}
	return problem.MaxBody
}

// notTasks are the methods of the batch's path that would otherwise match a task with
// the id batch.
var notTasks = []string{"GET " + batchPath, "PUT " + batchPath, "PATCH " + batchPath, "DELETE " + batchPath}

// noRoute answers paths and methods that no pattern matches: 405 when the path
// has other methods, else 404. ServeMux would answer in plain text.
func (a *api) noRoute(w http.ResponseWriter, r *http.Request) error {
	var allowed []string
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := a.mux.Handler(probe); pattern != "/" && !slices.Contains(notTasks, pattern) {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 || slices.Contains(allowed, r.Method) {
		return problem.ErrNoRoute
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	if r.Method == http.MethodOptions && r.Header.Get("Origin") != "" {
		return problem.ErrNoCORS
	}
	return problem.NotAllowed(allowed...)
}
