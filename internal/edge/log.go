package edge

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"docket/internal/problem"
)

// log writes one entry about the exchange: an error at level error, also when it
// came after the answer had begun; a refused token at level info, because its
// answer does not say why; and the rest at level debug.
func (x *exchange) log(took time.Duration) {
	ctx := x.request.Context()
	level := slog.LevelDebug
	switch {
	case ctx.Err() != nil: // the client has left
	case expected(x.err):
	case x.err != nil && problem.StatusOf(x.err) >= http.StatusInternalServerError:
		level = slog.LevelError
	case x.status == http.StatusUnauthorized:
		level = slog.LevelInfo
	}
	if !x.edge.log.Enabled(ctx, level) {
		return
	}
	unlogged := 0
	if level == slog.LevelInfo {
		var allowed bool
		if unlogged, allowed = x.edge.refusals.log(); !allowed {
			return
		}
	}
	attrs := []slog.Attr{
		slog.String("request_id", x.info.RequestID), slog.String("method", methodOf(x.request)), slog.String("route", x.route()),
		slog.Int("status", x.status), slog.Float64("took_ms", float64(took.Microseconds())/1000),
	}
	user, known := userOf(x.url)
	if subject := x.info.Subject(); subject != "" {
		user, known = string(subject), true
	}
	if known {
		attrs = append(attrs, slog.String("user", hashUser(user)))
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		attrs = append(attrs, slog.String("trace_id", span.TraceID().String()))
	}
	if unlogged > 0 {
		attrs = append(attrs, slog.Int("unlogged", unlogged))
	}
	if level > slog.LevelDebug {
		attrs = append(attrs, slog.Any("error", x.err))
	}
	x.edge.log.LogAttrs(ctx, level, "request", attrs...)
}

// sampler lets some of many entries of one kind into the log, and counts the
// others.
type sampler struct {
	limit    *rate.Limiter
	unlogged atomic.Int64
}

// newSampler lets 10 entries a second into the log, and 20 at once.
func newSampler() *sampler { return &sampler{limit: rate.NewLimiter(10, 20)} }

// log reports whether the next entry is allowed, and then how many before it were not.
func (s *sampler) log() (unlogged int, allowed bool) {
	if !s.limit.Allow() {
		s.unlogged.Add(1)
		return 0, false
	}
	return int(s.unlogged.Swap(0)), true
}

// hashUser returns a stable pseudonym of a user; the id itself may be an e-mail
// address.
func hashUser(user string) string {
	sum := sha256.Sum256([]byte(user))
	return hex.EncodeToString(sum[:8])
}
