package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0" // the last version that holds the GenAI names
	"go.opentelemetry.io/otel/trace"

	"assay/router"
)

// tracing makes OpenTelemetry spans of finished records: one of the request,
// and below it one of each call with the GenAI names. nil makes none and costs
// nothing. A span has what a record has: no prompt, no answer, no key.
type tracing struct{ tracer trace.Tracer }

func newTracing(p trace.TracerProvider) *tracing {
	if p == nil {
		return nil
	}
	return &tracing{p.Tracer("assay/api", trace.WithSchemaURL(semconv.SchemaURL))}
}

// request makes the spans of a request. A W3C traceparent that came with it is
// taken for its parent.
func (t *tracing) request(r *http.Request, route string, rec *router.Record, f failure) trace.SpanContext {
	if t == nil {
		return trace.SpanContext{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(r.Header))
	return t.spans(ctx, rec, r.Method+" "+route, trace.SpanKindServer, f, func() []attribute.KeyValue {
		return []attribute.KeyValue{semconv.HTTPRequestMethodKey.String(r.Method), semconv.HTTPRoute(route), semconv.HTTPResponseStatusCode(f.status)}
	})
}

// shadow makes the spans of a copy of a request below the request's. If the copy
// ended first they stand for themselves; assay.request.id joins them.
func (t *tracing) shadow(request trace.SpanContext, rec *router.Record, f failure) trace.SpanContext {
	if t == nil {
		return trace.SpanContext{}
	}
	ctx := trace.ContextWithSpanContext(context.Background(), request)
	return t.spans(ctx, rec, "shadow", trace.SpanKindInternal, f, func() []attribute.KeyValue {
		return []attribute.KeyValue{attribute.String("assay.shadow_of", rec.ShadowOf)}
	})
}

// spans makes a span of a record and one of each call. Attributes are put
// together for sampled requests alone.
func (t *tracing) spans(ctx context.Context, rec *router.Record, name string, kind trace.SpanKind, f failure, more func() []attribute.KeyValue) trace.SpanContext {
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithTimestamp(rec.Started))
	if !span.IsRecording() {
		return span.SpanContext()
	}
	span.SetAttributes(more()...)
	span.SetAttributes(requestAttributes(rec)...)
	if f.code != "" {
		span.SetAttributes(semconv.ErrorTypeKey.String(f.code))
	}
	if f.status >= 500 || rec.Outcome == router.Broken {
		span.SetStatus(codes.Error, "")
	}
	for i := range rec.Attempts {
		t.attempt(ctx, rec, i)
	}
	span.End(trace.WithTimestamp(rec.Started.Add(rec.Duration)))
	return span.SpanContext()
}

// attempt makes the span of one call.
func (t *tracing) attempt(ctx context.Context, rec *router.Record, i int) {
	a := &rec.Attempts[i]
	_, span := t.tracer.Start(ctx, "chat "+modelName(a), trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(a.Started),
		trace.WithAttributes(attemptAttributes(rec, a, i+1)...))
	switch a.Outcome {
	case router.UpstreamFail, router.Broken, router.Refused:
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(a.Started.Add(a.Duration)))
}

// fields collects attributes; what says nothing is left out.
type fields []attribute.KeyValue

func (f *fields) text(key attribute.Key, v string) {
	if v != "" {
		*f = append(*f, key.String(v))
	}
}

func (f *fields) flag(key attribute.Key, v bool) {
	if v {
		*f = append(*f, key.Bool(true))
	}
}

func (f *fields) count(key attribute.Key, v int64) {
	if v != 0 {
		*f = append(*f, key.Int64(v))
	}
}

func (f *fields) add(kv attribute.KeyValue) { *f = append(*f, kv) }

func requestAttributes(rec *router.Record) []attribute.KeyValue {
	d := &rec.Decision
	a, _ := rec.Final()
	f := make(fields, 0, 40)
	f.text("assay.request.id", rec.ID)
	f.text("assay.key", rec.Key)
	f.text("assay.org", rec.Org)
	f.text("assay.workload", string(rec.Workload))
	f.text("assay.requested", clip(d.Requested))
	f.text("assay.rule", d.Rule)
	f.text("assay.model", a.Model)
	f.text("assay.tier", string(d.Tier))
	if d.Class.Intent != "" {
		f.text("assay.intent", string(d.Intent))
		f.text("assay.level", d.Level.String())
		f.add(attribute.Float64("assay.difficulty", d.Class.Difficulty))
		f.text("assay.classifier", string(d.Class.Source))
	}
	if d.Model != "" {
		f.add(attribute.Float64("assay.p_success", d.PSuccess))
	}
	f.text("assay.why", why(rec))
	f.text("assay.table", d.Table)
	f.text("assay.policy", d.Policy)
	f.text("assay.routed_from", d.RoutedFrom)
	f.text("assay.swap", d.Swap)
	if d.Would != nil {
		f.text("assay.would.model", d.Would.Model)
		f.text("assay.would.by", d.Would.By)
	}
	f.flag("assay.stayed", d.Stayed)
	f.count("assay.skipped", int64(len(rec.Skipped)))
	f.flag("assay.escalated", rec.Escalated)
	f.flag("assay.stream", rec.Stream)
	f.flag("assay.free", a.Free)
	f.flag("assay.simulated", a.Simulated)
	f.text("assay.outcome", string(rec.Outcome))
	if a.CostKnown {
		f.add(attribute.Int64("assay.cost_nano_usd", a.CostNano))
	}
	f.count("assay.beside_cost_nano_usd", besideCost(rec))
	f.add(attribute.Float64("assay.decision_seconds", rec.Decided.Seconds()))
	f.add(attribute.Float64("assay.added_seconds", max(rec.Duration-upstreamTime(rec.Attempts), 0).Seconds()))
	return f
}

func attemptAttributes(rec *router.Record, a *router.Attempt, number int) []attribute.KeyValue {
	f := make(fields, 0, 24)
	f.add(semconv.GenAIOperationNameChat)
	f.text(semconv.GenAIProviderNameKey, providerName(a.Provider))
	f.text("gen_ai.system", providerName(a.Provider)) // its name until version 1.36, which many still read
	f.text(semconv.GenAIRequestModelKey, modelName(a))
	f.flag(semconv.GenAIRequestStreamKey, rec.Stream)
	switch a.Outcome {
	case router.Success, router.Broken, router.Rejected:
		f.text(semconv.GenAIResponseModelKey, modelName(a))
		if rec.Stream {
			f.add(semconv.GenAIResponseTimeToFirstChunkKey.Float64(a.FirstByte.Seconds()))
		}
		fallthrough
	case router.ClientGone, router.HedgeLost:
		f.add(semconv.GenAIUsageInputTokensKey.Int64(a.Usage.Input))
		f.add(semconv.GenAIUsageOutputTokensKey.Int64(a.Usage.Output))
		f.count(semconv.GenAIUsageCacheReadInputTokensKey, a.Usage.CacheRead)
		f.count(semconv.GenAIUsageCacheCreationInputTokensKey, a.Usage.CacheWrite)
		f.count(semconv.GenAIUsageReasoningOutputTokensKey, a.Usage.Reasoning)
		f.flag("assay.usage_estimated", a.Usage.Estimated)
	}
	f.count(semconv.HTTPResponseStatusCodeKey, int64(a.Status))
	f.text(semconv.ErrorTypeKey, errorType(a))
	f.add(attribute.Int("assay.attempt", number))
	f.text("assay.outcome", string(a.Outcome))
	f.flag("assay.served", a.Served)
	f.flag("assay.hedge", a.Hedge)
	f.flag("assay.free", a.Free)
	f.flag("assay.simulated", a.Simulated)
	f.text("assay.provider_key", a.Key)
	if a.CostKnown {
		f.add(attribute.Int64("assay.cost_nano_usd", a.CostNano))
	}
	if len(a.Findings) > 0 {
		defects := make([]string, len(a.Findings))
		for i, text := range a.Findings {
			defects[i] = beforeDetail(text)
		}
		f.add(attribute.StringSlice("assay.findings", slices.Compact(defects)))
	}
	return f
}

// errorType is the class of a call's failure: the HTTP status, else how it ended.
func errorType(a *router.Attempt) string {
	switch {
	case a.Status >= http.StatusBadRequest:
		return strconv.Itoa(a.Status)
	case a.Outcome == router.UpstreamFail, a.Outcome == router.Broken, a.Outcome == router.Refused, a.Outcome == router.ClientGone:
		return string(a.Outcome)
	}
	return ""
}

// modelName is the model as its provider calls it.
func modelName(a *router.Attempt) string {
	if n := len(a.Provider) + 1; len(a.Model) > n && a.Model[:n-1] == a.Provider {
		return a.Model[n:]
	}
	return a.Model
}

// conventional are the names that the GenAI conventions give to providers which
// the catalogue calls otherwise.
var conventional = map[string]string{
	"bedrock": "aws.bedrock", "google": "gcp.gemini", "mistral": "mistral_ai", "xai": "x_ai",
}

func providerName(provider string) string {
	if name, ok := conventional[provider]; ok {
		return name
	}
	return provider
}
