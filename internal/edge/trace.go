package edge

import (
	"context"
	"net/http"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// startSpan starts the span of a request, continuing the trace of its traceparent
// (W3C Trace Context), if any. Except for the request's id, which a client may
// choose, a span contains no user input and no user id.
//
//nolint:spancheck // endSpan ends it
func startSpan(ctx context.Context, tracer trace.Tracer, r *http.Request, requestID string) (context.Context, trace.Span) {
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	return tracer.Start(ctx, methodOf(r), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", methodOf(r)), attribute.String("url.scheme", "http"),
		attribute.String("docket.request_id", requestID)))
}

// endSpan ends the span of an exchange that has finished.
func endSpan(span trace.Span, x *exchange) {
	span.SetAttributes(attribute.Int("http.response.status_code", x.status))
	if pattern := x.request.Pattern; pattern != "" && pattern != "/" {
		span.SetName(pattern)
		span.SetAttributes(attribute.String("http.route", pattern))
	}
	if x.status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// methodOf is the request's method as traces name it.
func methodOf(r *http.Request) string {
	if slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, r.Method) {
		return r.Method
	}
	return "_OTHER"
}
