package cli

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// adminStatus returns the status of a GET on the server of ADMIN_ADDR.
func adminStatus(t *testing.T, address string, ready error, path, host string, headers map[string]string) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
	r.Host = host
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	adminServer(address, prometheus.NewRegistry(), func() error { return ready }).Handler.ServeHTTP(w, r)
	return w.Code
}

func TestAdminRefusesOtherOrigins(t *testing.T) {
	const loopback = "127.0.0.1:9090"
	for name, test := range map[string]struct {
		address, host string
		headers       map[string]string
		want          int
	}{
		"curl":            {loopback, "localhost:9090", nil, 200},
		"address":         {loopback, "127.0.0.1:9090", nil, 200},
		"IPv6":            {"[::1]:9090", "[::1]:9090", nil, 200},
		"address bar":     {loopback, "localhost:9090", map[string]string{"Sec-Fetch-Site": "none"}, 200},
		"own link":        {loopback, "localhost:9090", map[string]string{"Sec-Fetch-Site": "same-origin"}, 200},
		"own fetch":       {loopback, "localhost:9090", map[string]string{"Origin": "http://localhost:9090", "Sec-Fetch-Site": "same-origin"}, 200},
		"rebinding":       {loopback, "evil.example:9090", nil, 403},
		"no host":         {loopback, "", nil, 403},
		"foreign image":   {loopback, "localhost:9090", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"foreign fetch":   {loopback, "localhost:9090", map[string]string{"Origin": "https://evil.example"}, 403},
		"sandboxed fetch": {loopback, "localhost:9090", map[string]string{"Origin": "null"}, 403},
		"other port":      {loopback, "localhost:9090", map[string]string{"Origin": "http://localhost:3000"}, 403},
		"not on loopback": {"0.0.0.0:9090", "docket.example:9090", map[string]string{"Sec-Fetch-Site": "cross-site"}, 200},
	} {
		for _, path := range []string{"/debug/pprof/", "/metrics", "/healthz"} {
			if got := adminStatus(t, test.address, nil, path, test.host, test.headers); got != test.want {
				t.Errorf("%s: %s is %d", name, path, got)
			}
		}
	}
}

func TestAdminProbes(t *testing.T) {
	for _, test := range []struct {
		path  string
		ready error
		want  int
	}{{"/healthz", nil, 200}, {"/healthz", errors.New("no database"), 200}, {"/readyz", nil, 200}, {"/readyz", errors.New("no database"), 503}} {
		if got := adminStatus(t, "0.0.0.0:9090", test.ready, test.path, "10.0.0.1:9090", nil); got != test.want {
			t.Errorf("%s, ready %v: %d", test.path, test.ready, got)
		}
	}
}
