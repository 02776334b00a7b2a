package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"assay/router"
)

// tracingConfig says where OpenTelemetry spans go. What it leaves out, the
// standard variables OTEL_* say; without an endpoint in either no span is made.
type tracingConfig struct {
	OTLPEndpoint string `yaml:"otlp_endpoint"` // base URL of an OTLP/HTTP collector, such as http://127.0.0.1:4318
	// Sample is the share of requests without a traceparent that are traced, 0..1;
	// default: what OTEL_TRACES_SAMPLER says, or all.
	Sample      *float64 `yaml:"sample"`
	ServiceName string   `yaml:"service_name"` // default OTEL_SERVICE_NAME, or assay
}

func (c tracingConfig) check(bad func(format string, args ...any)) {
	if u, err := url.Parse(c.OTLPEndpoint); c.OTLPEndpoint != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		bad("tracing.otlp_endpoint: want a URL such as http://127.0.0.1:4318")
	}
	if c.Sample != nil && !(*c.Sample >= 0 && *c.Sample <= 1) {
		bad("tracing.sample: %v; want a share from 0 to 1", *c.Sample)
	}
}

// flushFor bounds how long the last spans may take to be sent.
const flushFor = 5 * time.Second

// openTracing makes what spans are sent by; nil if they are not wanted. flush
// sends what is left and ends it. That a collector is away is logged, and never
// keeps a request or the start waiting.
func openTracing(ctx context.Context, conf tracingConfig, env environment, log *slog.Logger) (p trace.TracerProvider, flush func(), err error) {
	if !conf.wanted(env.Getenv) {
		return nil, func() {}, nil
	}
	var where []otlptracehttp.Option
	if conf.OTLPEndpoint != "" {
		where = append(where, otlptracehttp.WithEndpointURL(tracesURL(conf.OTLPEndpoint)))
	}
	exporter, err := otlptracehttp.New(ctx, where...)
	if err != nil {
		return nil, nil, usagef("tracing: %w", err)
	}
	about, err := conf.resource(ctx)
	if err != nil {
		return nil, nil, usagef("tracing: OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	o := []sdk.TracerProviderOption{sdk.WithBatcher(exporter), sdk.WithResource(about)}
	if conf.Sample != nil {
		o = append(o, sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(*conf.Sample))))
	}
	provider := sdk.NewTracerProvider(o...)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces", "error", err) }))
	return provider, func() {
		ctx, cancel := context.WithTimeout(context.Background(), flushFor)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			log.Warn("the last traces were not sent", "error", err)
		}
	}, nil
}

// wanted reports whether spans are to be sent anywhere.
func (c tracingConfig) wanted(getenv func(string) string) bool {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || strings.EqualFold(getenv("OTEL_TRACES_EXPORTER"), "none") {
		return false
	}
	return cmp.Or(c.OTLPEndpoint, getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), getenv("OTEL_EXPORTER_OTLP_ENDPOINT")) != ""
}

// tracesURL is where an OTLP collector with this base URL takes spans; one with
// a path of its own is taken as it is.
func tracesURL(base string) string {
	u, err := url.Parse(base)
	if err != nil || strings.Trim(u.Path, "/") != "" {
		return base
	}
	return strings.TrimRight(base, "/") + "/v1/traces"
}

// resource says who sends: the configured name, else what OTEL_SERVICE_NAME and
// OTEL_RESOURCE_ATTRIBUTES say, else assay.
func (c tracingConfig) resource(ctx context.Context) (*resource.Resource, error) {
	name := func(s string) resource.Option { return resource.WithAttributes(attribute.String("service.name", s)) }
	o := []resource.Option{name("assay"), resource.WithTelemetrySDK(), resource.WithFromEnv()}
	if c.ServiceName != "" {
		o = append(o, name(c.ServiceName))
	}
	r, err := resource.New(ctx, o...)
	if err != nil {
		return nil, fmt.Errorf("resource: %w", err)
	}
	return r, nil
}

// layers say which tier tables decide for which share of conversations, for
// metrics.
func (w *world) layers() []router.Layer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.shelf.move.Layers)
}
