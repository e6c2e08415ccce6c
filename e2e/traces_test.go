package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestTracesAreSent has an OpenTelemetry collector receive the trace that a request
// names. One of OpenTelemetry's variables is in the .env file.
func TestTracesAreSent(t *testing.T) {
	t.Parallel()
	const id, secret = "4bf92f3577b34da6a3ce929d0e0e4736", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	var mu sync.Mutex
	var received bytes.Buffer
	var paths []string
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body io.Reader = r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			zipped, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = zipped
		}
		mu.Lock()
		defer mu.Unlock()
		paths = append(paths, r.URL.Path)
		if _, err := received.ReadFrom(body); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer collector.Close()
	s := newServer(t, t.TempDir(), defaultDatabase)
	if err := os.WriteFile(filepath.Join(s.dir, ".env"), []byte("OTEL_SERVICE_NAME=tasks-of-the-test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Start(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL)
	c := newClient(t, s.URL, 1)
	a, err := c.do(t.Context(), http.MethodPost, tasksPath("u"), `{"title": "traced"}`, "traceparent: 00-"+id+"-00f067aa0ba902b7-01",
		bearer("dkt_dQ.019a4e6f-1b2c-7d3e-8f40-516273849a5b."+secret))
	if err != nil || a.Status != http.StatusCreated {
		t.Fatalf("%d, %v", a.Status, err)
	}
	s.Stop(t) // sends the spans that are left
	raw, err := hex.DecodeString(id)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range [][]byte{raw, []byte("tasks-of-the-test"), []byte("POST /api/{user_id}/tasks")} {
		if !bytes.Contains(received.Bytes(), want) {
			t.Errorf("the collector got no %q at %q", want, paths)
		}
	}
	if bytes.Contains(received.Bytes(), []byte(secret)) {
		t.Error("the collector got the API key of the request")
	}
	if len(paths) == 0 || paths[0] != "/v1/traces" {
		t.Errorf("the collector was asked at %q", paths)
	}
}
