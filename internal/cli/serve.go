package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/term"

	"docket"
	"docket/internal/auth"
	"docket/internal/feed"
	"docket/internal/httpapi"
)

const (
	// stopTimeout bounds the time from the signal to the end of the process.
	stopTimeout = 25 * time.Second
	// maxDrainDelay leaves the rest of stopTimeout to what is under way.
	maxDrainDelay = 20 * time.Second
	// workersTimeout is the end of stopTimeout that is kept for the workers and the store.
	workersTimeout = 3 * time.Second
	// flushTimeout is the part of that for traces that were not sent yet.
	flushTimeout = 2 * time.Second
	// maxConnections is the most that are open at a time; further ones wait.
	maxConnections = 10_000
	// gcPercent is for a heap of a few MiB, which the default collects hundreds of
	// times a second under load. GOGC overrides it.
	gcPercent = 200
)

// serve runs the service until ctx ends. Then it is not ready any more, goes
// on serving for a while, lets requests finish, ends the workers and closes the
// database, in this order.
func (a *app) serve(ctx context.Context, c Config, _ []string) (err error) {
	if _, set := os.LookupEnv("GOGC"); !set { //nolint:forbidigo // the runtime's own variable
		debug.SetGCPercent(gcPercent)
	}
	log := a.logger(c)
	d, err := c.database()
	if err != nil {
		return err
	}
	store, err := d.open(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	verifier, err := c.Auth.verifier(log)
	if err != nil {
		return err
	}
	tracers, stopTracing, err := tracing(ctx, c.otel, version(), log)
	if err != nil {
		return err
	}
	hub := feed.New(store.Counters)
	service := docket.NewService(store, docket.WithChanged(hub.Changed), docket.WithMaxTasks(c.MaxTasks), docket.WithRetention(c.Retention))
	draining := make(chan struct{})
	told := newTelemetry(version(), store, hub, func() bool { return !closed(draining) && service.Ready(ctx) == nil })
	workers, stopWorkers := startWorkers(ctx, service, hub, verifier, told, log)
	defer func() {
		stopWorkers()
		workers.Wait()
		flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
		defer cancel()
		if err := stopTracing(flush); err != nil {
			log.Warn("the last traces could not be sent", "error", err)
		}
	}()

	api := &http.Server{
		Handler: httpapi.New(service, httpapi.Options{
			Verifier: verifier, LocalOnly: verifier == nil && isLoopback(c.Host), CORSOrigins: c.CORSOrigins, RateLimit: c.RateLimit,
			Draining: draining, Feed: hub, Metrics: told.registry, Tracing: tracers, Log: log,
		}),
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      time.Minute, // of net/http's own answers; each part of ours has its own
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	listener, err := listen(ctx, c.address(), "HOST and PORT say where")
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	if c.AdminAddr != "" {
		where, _ := adminAddress(c.AdminAddr) // validated
		operators, failure := listen(ctx, where, "ADMIN_ADDR says where")
		if failure != nil {
			return errors.Join(failure, listener.Close())
		}
		admin := told.adminServer(where)
		defer func() { err = errors.Join(err, admin.Close()) }()
		serveOn(admin, operators, failed)
		log.Info("serving operators", "metrics", "http://"+operators.Addr().String()+"/metrics", "profiles", "http://"+operators.Addr().String()+"/debug/pprof/")
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

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// drainDelay is the configured one, or what suits where the program runs:
// nobody waits for a load balancer at a terminal.
func (c *Config) drainDelay(terminal bool) time.Duration {
	switch {
	case c.DrainDelay != nil:
		return *c.DrainDelay
	case terminal:
		return 0
	}
	return 5 * time.Second
}

// listen takes an address.
func listen(ctx context.Context, address, hint string) (net.Listener, error) {
	network := "tcp"
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.To4() != nil {
		network = "tcp4" // 0.0.0.0 does not mean IPv6 too
	}
	listener, err := new(net.ListenConfig).Listen(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w (%s)", err, hint)
	}
	return netutil.LimitListener(listener, maxConnections), nil
}

// serveOn starts server. When it ends by itself, why goes to failed.
func serveOn(server *http.Server, listener net.Listener, failed chan<- error) {
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
}

// stop ends the server: it is not ready at once, serves for delay, so that load
// balancers notice, and then finishes what it has.
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

// startWorkers starts what runs beside the requests. It goes on until stop is
// called, for requests that are being finished need it after ctx has ended.
func startWorkers(ctx context.Context, service *docket.Service, hub *feed.Hub, verifier *auth.Verifier, told *telemetry, log *slog.Logger) (workers *sync.WaitGroup, stop func()) {
	ctx, stop = context.WithCancel(context.WithoutCancel(ctx))
	workers = &sync.WaitGroup{}
	workers.Go(func() {
		service.Run(ctx, func(removed docket.Removed, err error) {
			told.expired.Add(float64(removed.Keys))
			told.purged.Add(float64(removed.Tasks))
			if err != nil {
				told.housekeeping.Inc()
				log.WarnContext(ctx, "housekeeping failed, and is tried again later", "error", err)
			}
		})
	})
	workers.Go(func() { hub.Run(ctx) })
	if verifier != nil {
		workers.Go(func() { verifier.Run(ctx) })
	}
	return workers, stop
}

// announce says that the service is up: in a few lines to a person, as log
// entries to a program.
func (a *app) announce(log *slog.Logger, c Config, d database, address string) {
	if !isLoopback(c.Host) && c.Auth.mode() == authNone {
		log.Warn("AUTH=none on an address that others can reach: anybody who does can read and change every task", "address", address)
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

// logger writes to stderr: text on a terminal and JSON elsewhere, unless c says.
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
