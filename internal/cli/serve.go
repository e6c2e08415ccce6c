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
	"sync"
	"time"

	"golang.org/x/term"

	"docket"
	"docket/internal/auth"
	"docket/internal/httpapi"
)

// stopTimeout bounds the time from the signal to the end of the process.
const stopTimeout = 20 * time.Second

// serve runs the service until ctx ends, then lets requests finish, then closes
// the database.
func (a *app) serve(ctx context.Context, c Config, _ []string) (err error) {
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
	service := docket.NewService(store)
	workers, stopWorkers := startWorkers(ctx, service, verifier, log)
	defer func() { stopWorkers(); workers.Wait() }()

	server := &http.Server{
		Handler: httpapi.New(service, httpapi.Options{
			Verifier: verifier, LocalOnly: verifier == nil && isLoopback(c.Host), CORSOrigins: c.CORSOrigins, Log: log,
		}),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	network := "tcp"
	if ip := net.ParseIP(c.Host); ip != nil && ip.To4() != nil {
		network = "tcp4" // 0.0.0.0 does not mean IPv6 too
	}
	listener, err := new(net.ListenConfig).Listen(ctx, network, c.address())
	if err != nil {
		return fmt.Errorf("cannot listen: %w (HOST and PORT say where)", err)
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	a.announce(log, c, d, listener.Addr().String())

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("stopping")
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(stop); err != nil {
		return errors.Join(fmt.Errorf("requests were still running after %s", stopTimeout), server.Close())
	}
	log.Info("stopped")
	return nil
}

// startWorkers starts what runs beside the requests. It goes on until stop is
// called, for requests that are being finished need it after ctx has ended.
func startWorkers(ctx context.Context, service *docket.Service, verifier *auth.Verifier, log *slog.Logger) (workers *sync.WaitGroup, stop func()) {
	ctx, stop = context.WithCancel(context.WithoutCancel(ctx))
	workers = &sync.WaitGroup{}
	workers.Go(func() {
		service.Run(ctx, func(err error) { log.WarnContext(ctx, "housekeeping failed, and is tried again later", "error", err) })
	})
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
