package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"docket"
	"docket/internal/auth"
	"docket/internal/edge"
	"docket/internal/feed"
	"docket/internal/httpapi"
	"docket/internal/web"
)

const (
	// stopTimeout is the maximum time from the signal to the end of the process.
	stopTimeout = 25 * time.Second
	// maxDrainDelay leaves the rest of stopTimeout for requests in progress.
	maxDrainDelay = 20 * time.Second
	// workersTimeout is the part of stopTimeout that is reserved for the workers
	// and the store.
	workersTimeout = 3 * time.Second
	// flushTimeout is the part of workersTimeout for sending the last traces.
	flushTimeout = 2 * time.Second
	// maxConnections is the maximum number of open connections. A further one closes
	// the one that has been idle for the longest time.
	maxConnections = 10_000
)

// serve runs the service until ctx ends. Then, in this order, it fails
// readiness, serves for the drain delay, finishes requests, ends the workers and
// closes the database.
func (a *app) serve(ctx context.Context, c Config, _ []string) (err error) {
	growHeap()
	log := a.logger(c)
	if names := c.exposedSecrets(); len(names) > 0 {
		log.Warn("other users of this machine can read the secrets in .env: run `chmod 600 .env`", "variables", names)
	}
	d, store, err := c.openDatabase(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	verifier, err := c.Auth.verifier(store, c.agentAudience(), log)
	if err != nil {
		return err
	}
	tracers, stopTracing, err := tracing(ctx, c.otel, version(), log)
	if err != nil {
		return err
	}
	hub := feed.New(store.Counters)
	service := docket.NewService(store, docket.WithChanged(hub.Changed), docket.WithKeysEnded(keysEnded(verifier, hub)), docket.WithMaxTasks(c.MaxTasks), docket.WithRetention(c.Retention))
	draining := make(chan struct{})
	ready := func() error { return readiness(ctx, draining, verifier, service) }
	metrics := newTelemetry(version(), store, hub, verifier, ready)
	workers, stopWorkers := startWorkers(ctx, service, hub, verifier, metrics, log)
	defer func() {
		stopWorkers()
		workers.Wait()
		flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
		defer cancel()
		if err := stopTracing(flush); err != nil {
			log.Warn("the last traces could not be sent", "error", err)
		}
	}()

	pages := web.Pages(httpapi.ContractJSON, httpapi.ContractYAML)
	maps.Copy(pages, c.agents(service).Handlers())
	api := c.server(httpapi.New(service, httpapi.Options{
		Edge: edge.Options{
			Verifier: verifier, LocalOnly: verifier == nil && isLoopback(c.Host), Metadata: c.metadataURL(), CORSOrigins: c.CORSOrigins, RateLimit: c.RateLimit,
			Draining: draining, Metrics: metrics.registry, Tracing: tracers, Log: log,
		},
		Feed:        hub,
		Pages:       pages,
		StrictInput: c.Input == "strict",
	}), log)
	edge.NewConnections(maxConnections).Bound(api)
	listener, err := listen(ctx, c.address(), "see HOST and PORT")
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	if c.AdminAddr != "" {
		where, _ := adminAddress(c.AdminAddr) // validated
		adminListener, failure := listen(ctx, where, "see ADMIN_ADDR")
		if failure != nil {
			return errors.Join(failure, listener.Close())
		}
		admin := adminServer(where, metrics.registry, ready)
		defer func() { err = errors.Join(err, admin.Close()) }()
		serveOn(admin, adminListener, failed)
		log.Info("serving operators", "metrics", "http://"+adminListener.Addr().String()+"/metrics", "profiles", "http://"+adminListener.Addr().String()+"/debug/pprof/")
	}
	serveOn(api, listener, failed)
	address := listener.Addr().String()
	a.announce(log, c, d, address)

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	return stop(context.WithoutCancel(ctx), api, draining, c.drainDelay(isTerminal(a.stdout)), log)
}

// keysEnded returns what happens when API keys of an owner have ended: none is accepted
// before it is looked up again, and streams look at theirs.
func keysEnded(verifier *auth.Verifier, hub *feed.Hub) func(docket.UserID) {
	return func(owner docket.UserID) {
		if verifier != nil {
			verifier.APIKeysEnded(owner)
		}
		hub.Changed(owner)
	}
}

// readiness returns nil when requests can be served: not while the server is
// stopping, nor while tokens cannot be verified or the store cannot serve.
func readiness(ctx context.Context, draining <-chan struct{}, verifier *auth.Verifier, service *docket.Service) error {
	if closed(draining) {
		return errDraining
	}
	if verifier != nil {
		if err := verifier.Ready(); err != nil {
			return err
		}
	}
	return service.Ready(ctx)
}

// server returns the server of the API.
func (c *Config) server(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      time.Minute, // of net/http's own responses; ours set a deadline for each part
		IdleTimeout:       c.IdleTimeout,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// errDraining is the state between the signal and the stop.
var errDraining = errors.New("the server is stopping")

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// drainDelay returns DRAIN_DELAY, or its default: 0 on a terminal, where no load
// balancer has to notice the stop.
func (c *Config) drainDelay(terminal bool) time.Duration {
	switch {
	case c.DrainDelay != nil:
		return *c.DrainDelay
	case terminal:
		return 0
	}
	return 5 * time.Second
}

// listen listens on address. The hint ends the error message.
func listen(ctx context.Context, address, hint string) (net.Listener, error) {
	network := "tcp"
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.To4() != nil {
		network = "tcp4" // otherwise 0.0.0.0 would include IPv6
	}
	listener, err := new(net.ListenConfig).Listen(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w (%s)", err, hint)
	}
	return listener, nil
}

// serveOn starts server. If it ends without being closed, failed receives the error.
func serveOn(server *http.Server, listener net.Listener, failed chan<- error) {
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
}

// stop ends the server: readiness fails at once, the server serves for delay so
// that load balancers notice, then it finishes the requests in progress.
func stop(ctx context.Context, server *http.Server, draining chan<- struct{}, delay time.Duration, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout-workersTimeout)
	defer cancel()
	close(draining)
	log.Info("stopping", "drain_delay", delay.String())
	time.Sleep(delay)
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("requests were still running after %s", stopTimeout-workersTimeout), server.Close())
	}
	log.Info("stopped")
	return nil
}

// startWorkers starts the background work. It runs until stop is called, not
// until ctx ends: requests that are in progress then still need it.
func startWorkers(ctx context.Context, service *docket.Service, hub *feed.Hub, verifier *auth.Verifier, t *telemetry, log *slog.Logger) (workers *sync.WaitGroup, stop func()) {
	ctx, stop = context.WithCancel(context.WithoutCancel(ctx))
	workers = &sync.WaitGroup{}
	workers.Go(func() {
		service.Run(ctx, func(removed docket.Removed, err error) {
			t.expired.Add(float64(removed.Keys))
			t.purged.Add(float64(removed.Tasks))
			if err != nil {
				t.maintenanceFailures.Inc()
				log.WarnContext(ctx, "maintenance failed; it will be retried", "error", err)
			}
		})
	})
	workers.Go(func() { hub.Run(ctx) })
	if verifier != nil {
		workers.Go(func() { verifier.Run(ctx) })
	}
	return workers, stop
}

// announce reports that the service is up: a few lines on a terminal, a log entry
// elsewhere.
func (a *app) announce(log *slog.Logger, c Config, d database, address string) {
	if !isLoopback(c.Host) && c.Auth.mode() == authNone {
		log.Warn("AUTH=none on an address that other machines can reach: anybody who reaches it can read and change every task", "address", address)
	}
	if !isTerminal(a.stdout) {
		log.Info("serving", "address", "http://"+address, "data", d.String(), "documentation", "http://"+address+"/docs")
		return
	}
	fmt.Fprintf(a.stdout, `
  Docket is ready.

  API            http://%[1]s
  Documentation  http://%[1]s/docs
  Data           %[2]s

  Stop it with Ctrl-C.

`, address, d)
}

// logger returns a logger on stderr, in LOG_FORMAT; the default is text on a
// terminal and JSON elsewhere.
func (a *app) logger(c Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "text" || c.LogFormat == "" && isTerminal(a.stderr) {
		return slog.New(slog.NewTextHandler(a.stderr, options))
	}
	return slog.New(slog.NewJSONHandler(a.stderr, options))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
