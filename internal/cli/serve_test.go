package cli

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestIdleTimeout(t *testing.T) {
	inDir(t, "")
	for want, environ := range map[time.Duration][]string{120 * time.Second: nil, 610 * time.Second: {"IDLE_TIMEOUT=610s"}} {
		c, err := loadConfig(environ)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.server(http.NotFoundHandler(), slog.New(slog.DiscardHandler)).IdleTimeout; got != want {
			t.Errorf("%v: the idle timeout is %s", environ, got)
		}
	}
}

// stopAt is a log that calls stop when it contains a text.
type stopAt struct {
	bytes.Buffer
	text string
	stop func()
}

func (s *stopAt) Write(p []byte) (int, error) {
	if strings.Contains(string(p), s.text) {
		s.stop()
	}
	return s.Buffer.Write(p)
}

// served returns the log of a server that stops as soon as it serves.
func served(t *testing.T, environ ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log := &stopAt{text: `"msg":"serving"`, stop: stop}
	if code := Run(ctx, []string{"serve"}, append([]string{"PORT=0", "DRAIN_DELAY=0s"}, environ...), io.Discard, log); code != 0 {
		t.Fatalf("exit %d: %s", code, log)
	}
	return log.String()
}

func TestReadableDotenvIsWarnedAbout(t *testing.T) {
	for name, test := range map[string]struct {
		dotenv  string
		mode    os.FileMode
		environ []string
		want    string // the variables in the warning, "" for no warning
	}{
		"readable by all":   {"AUTH_SECRET=" + long, 0o644, nil, `["AUTH_SECRET"]`},
		"readable by group": {"AUTH_SECRET=" + long + "\nAUTH_SECRET_PREVIOUS=" + other, 0o640, nil, `["AUTH_SECRET","AUTH_SECRET_PREVIOUS"]`},
		"header":            {"OTEL_EXPORTER_OTLP_HEADERS=key=x", 0o644, nil, `["OTEL_EXPORTER_OTLP_HEADERS"]`},
		"private":           {"AUTH_SECRET=" + long, 0o600, nil, ""},
		"without a secret":  {"LOG_LEVEL=info", 0o644, nil, ""},
		"set elsewhere":     {"LOG_LEVEL=info", 0o644, []string{"AUTH_SECRET=" + long}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inDir(t, test.dotenv)
			if err := os.Chmod(".env", test.mode); err != nil {
				t.Fatal(err)
			}
			log := served(t, test.environ...)
			if n := strings.Count(log, "chmod 600 .env"); (n == 1) != (test.want != "") || n > 1 || test.want != "" && !strings.Contains(log, `"variables":`+test.want) {
				t.Errorf("the log is %s", log)
			}
		})
	}
}

// announced is a log that passes on where the server listens.
type announced chan string

var servingAt = regexp.MustCompile(`"msg":"serving","address":"([^"]+)"`)

func (a announced) Write(p []byte) (int, error) {
	if match := servingAt.FindSubmatch(p); match != nil {
		a <- string(match[1])
	}
	return len(p), nil
}

func TestInputIsAsConfigured(t *testing.T) {
	for input, want := range map[string]int{"lenient": http.StatusOK, "strict": http.StatusUnprocessableEntity} {
		inDir(t, "INPUT="+input)
		ctx, stop := context.WithCancel(t.Context())
		at, ended := make(announced, 1), make(chan int)
		go func() { ended <- Run(ctx, []string{"serve"}, []string{"PORT=0", "DRAIN_DELAY=0s"}, io.Discard, at) }()
		response, err := http.Get(<-at + "/api/alice/tasks?x=1")
		if err != nil {
			t.Fatal(err)
		}
		if response.Body.Close(); response.StatusCode != want {
			t.Errorf("INPUT=%s: an unknown parameter is answered with %d", input, response.StatusCode)
		}
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("INPUT=%s: exit %d", input, code)
		}
	}
}
