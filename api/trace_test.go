package api

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidwall/gjson"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"assay/router"
	"assay/router/health"
)

const (
	traceID  = "0af7651916cd43dd8448eb211c80319c"
	parentID = "b7ad6b7169203331"
	sampled  = "00-" + traceID + "-" + parentID + "-01"
)

// recorded is a provider whose finished spans a test can read.
func recorded(o ...sdk.TracerProviderOption) (trace.TracerProvider, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	return sdk.NewTracerProvider(append(o, sdk.WithSpanProcessor(spans))...), spans
}

func requested(parent string) *http.Request {
	r := httptest.NewRequest("POST", "/v1/chat/completions", nil)
	if parent != "" {
		r.Header.Set("traceparent", parent)
	}
	return r
}

func attributes(s sdk.ReadOnlySpan) map[string]any {
	m := map[string]any{}
	for _, a := range s.Attributes() {
		m[string(a.Key)] = a.Value.AsInterface()
	}
	return m
}

const route = "/v1/chat/completions"

// A request is a span below the client's, and each call one below it, at the
// times and with the numbers of the record.
func TestSpansTellOfEveryCall(t *testing.T) {
	provider, spans := recorded()
	rec := troubled()
	newTracing(provider).request(requested(sampled), route, rec, failure{200, ""})
	got := spans.Ended()
	if len(got) != len(rec.Attempts)+1 {
		t.Fatalf("%d spans; want one and one for each of %d calls", len(got), len(rec.Attempts))
	}
	root := got[len(got)-1]
	if root.SpanContext().TraceID().String() != traceID || root.Parent().SpanID().String() != parentID || root.SpanKind() != trace.SpanKindServer {
		t.Errorf("the request's span is %v below %v, of kind %v", root.SpanContext().TraceID(), root.Parent().SpanID(), root.SpanKind())
	}
	if root.Name() != "POST "+route || !root.StartTime().Equal(rec.Started) || !root.EndTime().Equal(rec.Started.Add(rec.Duration)) {
		t.Errorf("%s from %v to %v", root.Name(), root.StartTime(), root.EndTime())
	}
	for i, a := range rec.Attempts {
		s := got[i]
		if s.Parent().SpanID() != root.SpanContext().SpanID() || s.SpanKind() != trace.SpanKindClient || s.Name() != "chat "+modelName(&a) {
			t.Errorf("call %d: %q of kind %v below %v", i, s.Name(), s.SpanKind(), s.Parent().SpanID())
		}
		if !s.StartTime().Equal(a.Started) || !s.EndTime().Equal(a.Started.Add(a.Duration)) {
			t.Errorf("call %d from %v to %v; want %v for %v", i, s.StartTime(), s.EndTime(), a.Started, a.Duration)
		}
		if failed := a.Outcome == router.UpstreamFail; (s.Status().Code == codes.Error) != failed || s.Status().Description != "" {
			t.Errorf("call %d: status %+v", i, s.Status())
		}
	}
	want := map[string]any{
		"http.request.method": "POST", "http.route": route, "http.response.status_code": int64(200),
		"assay.request.id": "req_1", "assay.key": "team-a", "assay.org": "acme", "assay.workload": "interactive",
		"assay.requested": "assay/balanced", "assay.rule": "alias", "assay.model": "anthropic/large", "assay.tier": "cheap-fast",
		"assay.intent": "knowledge_qa", "assay.level": "L2", "assay.difficulty": -1.2, "assay.classifier": "fast", "assay.p_success": 0.91,
		"assay.why":   "cheapest of 9 models; swap would have picked openai/other ($0.000300 instead of $0.000400); answered by anthropic/large, since openai/small failed (503)",
		"assay.table": "t-1", "assay.policy": "p-1", "assay.would.model": "openai/other", "assay.would.by": "swap",
		"assay.skipped": int64(1), "assay.escalated": true, "assay.outcome": "success",
		"assay.cost_nano_usd": int64(900_000), "assay.beside_cost_nano_usd": int64(700), "assay.decision_seconds": 0.0004, "assay.added_seconds": 0.061,
	}
	if diff := cmp.Diff(want, attributes(root)); diff != "" {
		t.Errorf("the request (-want +got)\n%s", diff)
	}
}

func TestCallsHaveTheGenAINames(t *testing.T) {
	streamed := answered()
	streamed.Stream, streamed.Attempts[0].Findings = true, []string{"truncated: SECRET", "truncated: SECRET", "refused: SECRET"}
	for _, c := range []struct {
		rule string
		rec  *router.Record
		call int
		want map[string]any
	}{
		{"a stream that ended well", streamed, 0, map[string]any{
			"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.system": "openai", "gen_ai.request.model": "small", "gen_ai.response.model": "small",
			"gen_ai.request.stream": true, "gen_ai.response.time_to_first_chunk": 0.3, "gen_ai.usage.input_tokens": int64(100), "gen_ai.usage.output_tokens": int64(20),
			"gen_ai.usage.cache_read.input_tokens": int64(64), "gen_ai.usage.reasoning.output_tokens": int64(5), "http.response.status_code": int64(200),
			"assay.attempt": int64(1), "assay.outcome": "success", "assay.served": true, "assay.provider_key": "main", "assay.cost_nano_usd": int64(31_000),
			"assay.findings": []string{"truncated", "refused"}}},
		{"a failure has no usage and no model of an answer", troubled(), 0, map[string]any{
			"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.system": "openai", "gen_ai.request.model": "small",
			"http.response.status_code": int64(503), "error.type": "503", "assay.attempt": int64(1), "assay.outcome": "upstream_fail"}},
		{"a lost hedge is no error", troubled(), 1, map[string]any{
			"gen_ai.operation.name": "chat", "gen_ai.provider.name": "groq", "gen_ai.system": "groq", "gen_ai.request.model": "slow",
			"gen_ai.usage.input_tokens": int64(100), "gen_ai.usage.output_tokens": int64(0), "assay.usage_estimated": true,
			"assay.attempt": int64(2), "assay.outcome": "hedge_lost", "assay.cost_nano_usd": int64(700)}},
		{"a rejected hedge inside an allowance, of a provider with a name of its own", troubled(), 2, map[string]any{
			"gen_ai.operation.name": "chat", "gen_ai.provider.name": "mistral_ai", "gen_ai.system": "mistral_ai", "gen_ai.request.model": "quick", "gen_ai.response.model": "quick",
			"gen_ai.usage.input_tokens": int64(100), "gen_ai.usage.output_tokens": int64(50), "http.response.status_code": int64(200),
			"assay.attempt": int64(3), "assay.outcome": "rejected", "assay.hedge": true, "assay.free": true, "assay.provider_key": "trial", "assay.cost_nano_usd": int64(0),
			"assay.findings": []string{"truncated"}}},
		{"a stream that broke, of an unknown price", swapped(), 0, map[string]any{
			"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.system": "openai", "gen_ai.request.model": "small", "gen_ai.response.model": "small",
			"gen_ai.request.stream": true, "gen_ai.response.time_to_first_chunk": 0.03, "gen_ai.usage.input_tokens": int64(9), "gen_ai.usage.output_tokens": int64(2), "assay.usage_estimated": true,
			"http.response.status_code": int64(200), "error.type": "broken", "assay.attempt": int64(1), "assay.outcome": "broken", "assay.served": true}},
	} {
		provider, spans := recorded()
		newTracing(provider).request(requested(""), route, c.rec, failure{200, ""})
		if diff := cmp.Diff(c.want, attributes(spans.Ended()[c.call])); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.rule, diff)
		}
	}
}

func TestServerErrorsAndBrokenStreamsAreErrorsOfTheRequest(t *testing.T) {
	for _, c := range []struct {
		rec  *router.Record
		f    failure
		want codes.Code
	}{
		{answered(), failure{200, ""}, codes.Unset},
		{nobody(), failure{404, "model_not_found"}, codes.Unset},
		{nobody(), failure{503, "upstream_unavailable"}, codes.Error},
		{swapped(), failure{200, "upstream_broken"}, codes.Error},
	} {
		provider, spans := recorded()
		newTracing(provider).request(requested(""), route, c.rec, c.f)
		got := spans.Ended()
		root := got[len(got)-1]
		if root.Status().Code != c.want || attributes(root)["error.type"] != nil != (c.f.code != "") {
			t.Errorf("%+v: status %+v, error.type %v", c.f, root.Status(), attributes(root)["error.type"])
		}
	}
}

// Who samples is the client if it says so; nonsense in its header starts a trace
// of our own.
func TestClientsTraceparentIsHonoured(t *testing.T) {
	for _, c := range []struct {
		rule, parent string
		spans        int
		joined       bool
	}{
		{"sampled", sampled, 2, true},
		{"not sampled", "00-" + traceID + "-" + parentID + "-00", 0, true},
		{"none", "", 2, false},
		{"nonsense", "00-" + traceID + "-01", 2, false},
		{"zeros", "00-00000000000000000000000000000000-" + parentID + "-01", 2, false},
	} {
		provider, spans := recorded(sdk.WithSampler(sdk.ParentBased(sdk.AlwaysSample())))
		span := newTracing(provider).request(requested(c.parent), route, answered(), failure{200, ""})
		if n := len(spans.Ended()); n != c.spans || (span.TraceID().String() == traceID) != c.joined || !span.IsValid() {
			t.Errorf("%s: %d spans of trace %v", c.rule, n, span.TraceID())
		}
	}
}

func TestShadowsStandBelowTheirRequest(t *testing.T) {
	provider, spans := recorded()
	s := observed(io.Discard, Options{Traces: provider})
	span := s.traces.request(requested(""), route, answered(), failure{200, ""})
	s.log.add(answered(), span)
	before := len(spans.Ended())
	s.Shadow(copied())
	got := spans.Ended()[before:]
	if len(got) != 2 || got[1].Parent().SpanID() != span.SpanID() || got[0].Parent().SpanID() != got[1].SpanContext().SpanID() {
		t.Fatalf("%d spans; want the copy's below the request's, and its call's below that", len(got))
	}
	if a := attributes(got[1]); got[1].Name() != "shadow" || a["assay.shadow_of"] != "openai/small" || a["assay.request.id"] != "req_1" {
		t.Errorf("%s %v", got[1].Name(), a)
	}
	early := copied()
	early.ID = "req_of_which_nothing_is_known"
	s.Shadow(early)
	if last := spans.Ended()[len(spans.Ended())-1]; last.Parent().IsValid() || !last.SpanContext().IsValid() {
		t.Error("a copy that ended before its request was finished has no span of its own")
	}
}

func TestTracingThatIsOffAllocatesNothing(t *testing.T) {
	off, rec, r := newTracing(nil), answered(), requested(sampled)
	if n := testing.AllocsPerRun(100, func() {
		if off.request(r, route, rec, failure{200, ""}).IsValid() || off.shadow(trace.SpanContext{}, rec, failure{}).IsValid() {
			t.Fatal("there is a span")
		}
	}); n != 0 {
		t.Errorf("%v allocations a request", n)
	}
}

// Whatever an operator can see stands in docs/observability.md.
func TestEverythingIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	provider, spans := recorded()
	var lines bytes.Buffer
	s := observed(&lines, Options{Traces: provider, Breakers: func() []health.Status { return []health.Status{{Limit: 1}} }})
	for _, rec := range []*router.Record{answered(), troubled(), swapped(), nobody()} {
		span := s.traces.request(requested(""), route, rec, failure{502, "code"})
		s.explainInLog(t.Context(), "request", rec, failure{502, "code"}, span)
	}
	s.Shadow(copied())
	names := map[string]bool{}
	for _, span := range spans.Ended() {
		for name := range attributes(span) {
			names[name] = true
		}
	}
	for line := range strings.Lines(lines.String()) {
		gjson.Parse(line).ForEach(func(field, _ gjson.Result) bool {
			names[field.Str] = true
			return true
		})
	}
	described := make(chan *prometheus.Desc, 1000)
	s.o.Registry.Describe(described)
	close(described)
	for d := range described {
		if name := fqName.FindStringSubmatch(d.String()); strings.HasPrefix(name[1], "assay_") {
			names[name[1]] = true
		}
	}
	if len(names) < 100 {
		t.Fatalf("only %d names were found", len(names))
	}
	for name := range names {
		if name != "msg" && !bytes.Contains(text, []byte("`"+name+"`")) {
			t.Errorf("%s is not documented", name)
		}
	}
}

var fqName = regexp.MustCompile(`fqName: "([^"]*)"`)

// What one request costs when it is over, part by part; with everything on, in
// the last line.
func BenchmarkFinish(b *testing.B) {
	rec, r := answered(), requested("")
	provider := func(s sdk.Sampler) *tracing { return newTracing(sdk.NewTracerProvider(sdk.WithSampler(s))) }
	s := observed(io.Discard, Options{})
	for _, c := range []struct {
		part string
		do   func()
	}{
		{"metrics", func() { s.metrics.record(rec) }},
		{"remember", func() { s.log.add(rec, trace.SpanContext{}) }},
		{"line", func() { s.explainInLog(b.Context(), "request", rec, failure{200, ""}, trace.SpanContext{}) }},
	} {
		b.Run(c.part, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.do()
			}
		})
	}
	for _, c := range []struct {
		share string
		t     *tracing
	}{{"off", newTracing(nil)}, {"unsampled", provider(sdk.NeverSample())}, {"sampled", provider(sdk.AlwaysSample())}} {
		b.Run(fmt.Sprintf("spans=%s", c.share), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.t.request(r, route, rec, failure{200, ""})
			}
		})
	}
}
