package edge

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// log writes one entry about the exchange: an error at level error, a refused
// token at level info, because its answer does not say why, and the rest at
// level debug.
func (x *exchange) log(took time.Duration) {
	ctx := x.request.Context()
	level := slog.LevelDebug
	switch {
	case ctx.Err() != nil: // the client has left
	case expected(x.err):
	case x.status >= http.StatusInternalServerError:
		level = slog.LevelError
	case x.status == http.StatusUnauthorized:
		level = slog.LevelInfo
	}
	if !x.edge.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", x.info.RequestID), slog.String("method", x.request.Method), slog.String("route", x.request.Pattern),
		slog.Int("status", x.status), slog.Float64("took_ms", float64(took.Microseconds())/1000),
	}
	if user, underAPI := userOf(x.url); underAPI {
		attrs = append(attrs, slog.String("user", hashUser(user)))
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		attrs = append(attrs, slog.String("trace_id", span.TraceID().String()))
	}
	if level > slog.LevelDebug {
		attrs = append(attrs, slog.Any("error", x.err))
	}
	x.edge.log.LogAttrs(ctx, level, "request", attrs...)
}

// hashUser stands for a user in the log: the same for the same user everywhere,
// and not the id itself, which may be an e-mail address.
func hashUser(user string) string {
	sum := sha256.Sum256([]byte(user))
	return hex.EncodeToString(sum[:8])
}
