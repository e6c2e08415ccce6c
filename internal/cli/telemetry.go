package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"docket/internal/auth"
	"docket/internal/feed"
)

// telemetry holds the metrics of the service.
type telemetry struct {
	registry            *prometheus.Registry
	expired             prometheus.Counter
	purged              prometheus.Counter
	maintenanceFailures prometheus.Counter
}

// newTelemetry registers the metrics of the process, the hub, API keys (unless verifier
// is nil) and the store, if the store is a prometheus.Collector.
func newTelemetry(version string, store any, hub *feed.Hub, verifier *auth.Verifier, ready func() error) *telemetry {
	t := &telemetry{
		registry:            prometheus.NewRegistry(),
		expired:             prometheus.NewCounter(prometheus.CounterOpts{Name: "docket_expired_keys_total", Help: "Expired idempotency keys that were removed."}),
		purged:              prometheus.NewCounter(prometheus.CounterOpts{Name: "docket_purged_tasks_total", Help: "Deleted tasks that were purged after TRASH_RETENTION."}),
		maintenanceFailures: prometheus.NewCounter(prometheus.CounterOpts{Name: "docket_maintenance_failures_total", Help: "Failed rounds of maintenance; each is retried."}),
	}
	t.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), t.expired, t.purged, t.maintenanceFailures,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "docket_streams", Help: "Open event streams."}, func() float64 { return float64(hub.Stats().Streams) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "docket_feed_polls_total", Help: "Polls of the database for changes made by other instances."}, func() float64 { return float64(hub.Stats().Polls) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "docket_feed_poll_failures_total", Help: "Failed polls; the next one finds the same changes."}, func() float64 { return float64(hub.Stats().Failures) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "docket_ready", Help: "1 when /readyz answers 200, otherwise 0."}, func() float64 {
			if ready() != nil {
				return 0
			}
			return 1
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "docket_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": version}}, func() float64 { return 1 }))
	if verifier != nil {
		t.registerAPIKeys(verifier.APIKeyStats())
	}
	if c, ok := store.(prometheus.Collector); ok {
		t.registry.MustRegister(c)
	}
	return t
}

func (t *telemetry) registerAPIKeys(stats *auth.Stats) {
	for _, c := range []struct {
		name, help string
		value      *atomic.Int64
	}{
		{"docket_api_key_lookups_total", "Questions to the database about API keys.", &stats.LookUps},
		{"docket_api_key_unknown_total", "API keys that were looked up and did not exist, or had another secret.", &stats.Unknown},
		{"docket_api_key_limited_total", "API keys that were answered with 503 and not looked up, because too many that do not exist were sent.", &stats.Limited},
	} {
		t.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: c.name, Help: c.help}, func() float64 { return float64(c.value.Load()) }))
	}
}

// endpoints are OpenTelemetry's variables for the receiver of traces.
var endpoints = []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}

// tracingFaults returns one line for each invalid variable of OpenTelemetry. The
// exporter itself ignores invalid values.
func tracingFaults(variables map[string]string) (faults []string) {
	for _, name := range endpoints {
		u, err := url.Parse(variables[name])
		if variables[name] != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
			faults = append(faults, name+" must be a URL, such as http://localhost:4318")
		}
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
		if !slices.Contains([]string{"", "http/protobuf"}, variables[name]) {
			faults = append(faults, name+" must be http/protobuf, or not set")
		}
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"} {
		for header := range strings.SplitSeq(variables[name], ",") {
			key, value, ok := strings.Cut(header, "=")
			_, bad := url.PathUnescape(value)
			if variables[name] != "" && (!ok || strings.TrimSpace(key) == "" || bad != nil) {
				faults = append(faults, name+" must be name=value pairs, separated by commas, with % encoded as %25")
			}
		}
	}
	return faults
}

// tracing returns a provider that exports traces, or nil when OpenTelemetry's
// variables name no endpoint, and a function that sends the remaining traces.
// The exporter reads the variables from the environment of the process.
func tracing(ctx context.Context, variables map[string]string, version string, log *slog.Logger) (trace.TracerProvider, func(context.Context) error, error) {
	none := func(context.Context) error { return nil }
	if strings.EqualFold(variables["OTEL_SDK_DISABLED"], "true") || variables["OTEL_TRACES_EXPORTER"] == "none" ||
		!slices.ContainsFunc(endpoints, func(name string) bool { return variables[name] != "" }) {
		return nil, none, nil
	}
	otel.SetLogger(logr.Discard()) // it logs values of variables, which may be secrets
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("tracing", "error", err) }))
	for name, value := range variables { // variables of the .env file are not in the environment yet
		if err := os.Setenv(name, value); err != nil {
			return nil, none, err
		}
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, none, fmt.Errorf("traces cannot be exported: %w (see the OTEL_EXPORTER_OTLP variables)", err)
	}
	what, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", "docket"), attribute.String("service.version", version)), resource.WithFromEnv()) // the environment wins
	if err != nil {
		return nil, none, fmt.Errorf("traces cannot be labelled: %w (see OTEL_RESOURCE_ATTRIBUTES)", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(what))
	return provider, provider.Shutdown, nil
}
