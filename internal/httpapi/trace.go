package httpapi

import (
	"net/http"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traced has a span for each request, of the trace that the request's
// traceparent names where it has one (W3C Trace Context). But for the request's
// id, which a client may choose, nothing that users wrote is in it, nor who they are.
func traced(provider trace.TracerProvider, next http.Handler) http.Handler {
	if provider == nil {
		return next
	}
	tracer := provider.Tracer("docket/internal/httpapi")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := tracer.Start(ctx, methodOf(r), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			attribute.String("http.request.method", methodOf(r)), attribute.String("url.scheme", "http"),
			attribute.String("docket.request_id", requestOf(r.Context()).id)))
		inner, status := r.WithContext(ctx), http.StatusInternalServerError // of a panic
		defer func() {
			r.Pattern = inner.Pattern // the log and the metrics want it
			span.SetAttributes(attribute.Int("http.response.status_code", status))
			if r.Pattern != "" && r.Pattern != "/" {
				span.SetName(r.Pattern)
				span.SetAttributes(attribute.String("http.route", r.Pattern))
			}
			if status >= http.StatusInternalServerError {
				span.SetStatus(codes.Error, "")
			}
			span.End()
		}()
		next.ServeHTTP(w, inner)
		status = statusOf(w)
	})
}

// methodOf is the request's method as traces name it.
func methodOf(r *http.Request) string {
	if slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, r.Method) {
		return r.Method
	}
	return "_OTHER"
}

// statusOf is the status that was answered so far.
func statusOf(w http.ResponseWriter) int {
	for {
		switch v := w.(type) {
		case *response:
			return v.status
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return 0
		}
	}
}
