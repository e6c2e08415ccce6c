package cli

import (
	"log/slog"
	"net/http"
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
