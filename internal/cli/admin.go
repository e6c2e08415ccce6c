package cli

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// adminAddress completes ADMIN_ADDR: the default host is 127.0.0.1.
func adminAddress(text string) (string, error) {
	if !strings.Contains(text, ":") {
		text = ":" + text
	}
	host, port, err := net.SplitHostPort(text)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		return "", errors.New("ADMIN_ADDR must be a port, such as 9090, or an address and a port, such as 0.0.0.0:9090")
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// adminServer returns the server of ADMIN_ADDR: metrics, profiles and probes.
// Probes here do not wait for the connections and requests of the API. On
// loopback it refuses what a web page of another origin may have sent.
func adminServer(address string, metrics prometheus.Gatherer, ready func() error) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { probe(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { probe(w, ready()) })
	var h http.Handler = mux
	if host, _, err := net.SplitHostPort(address); err == nil && isLoopback(host) {
		h = sameOrigin(mux)
	}
	return &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
}

// probe answers 200, or 503 when err is not nil.
func probe(w http.ResponseWriter, err error) {
	status, body := http.StatusOK, `{"status":"ok"}`
	if err != nil {
		status, body = http.StatusServiceUnavailable, `{"status":"unavailable"}`
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // fails only when the client has disconnected
}

// sameOrigin refuses requests that a web page of another origin may have caused:
// they name a host other than this machine (DNS rebinding), another Origin, or
// the browser marks them as cross-site. A page must not read metrics or profiles,
// nor start a profile, which costs CPU time.
func sameOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		origin := r.Header.Get("Origin")
		if !isLoopback(strings.Trim(host, "[]")) || origin != "" && origin != "http://"+r.Host || r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
