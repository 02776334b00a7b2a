package api

import (
	"encoding/json"
	"testing"

	"github.com/tidwall/gjson"
	"go.opentelemetry.io/otel/trace"

	"assay/classifier"
	"assay/router"
)

// GET /v1/requests/{id} shows who asked, what was tried, what was left alone,
// and what each part took.
func TestRequestViewTellsWhatHappened(t *testing.T) {
	show := func(rec *router.Record) string {
		b, err := json.Marshal(view(rec))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	text := show(troubled())
	for path, want := range map[string]string{
		"org": "acme", "workload": "interactive", "stream": "false", "model": "anthropic/large", "outcome": "success",
		"cost_usd": "0.000900000", "beside_usd": "0.000000700", "escalated": "true", "skipped.0.model": "google/busy",
		"attempts.#": "4", "attempts.2.hedge": "true", "attempts.2.free": "true", "attempts.2.key": "trial", "attempts.3.served": "true", "attempts.2.findings.#": "1",
		"decided_ms": "0.4", "first_byte_ms": "890", "added_ms": "61", "total_ms": "900",
		"why": "cheapest of 9 models; swap would have picked openai/other ($0.000300 instead of $0.000400); answered by anthropic/large, since openai/small failed (503)",
	} {
		if got := gjson.Get(text, path).String(); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for path, rec := range map[string]*router.Record{"cost_usd": swapped(), "first_byte_ms": nobody()} { // unknown is not zero
		if v := gjson.Get(show(rec), path); v.Type != gjson.Null || !v.Exists() {
			t.Errorf("%s: %s, want null", path, v.Raw)
		}
	}
}

// What is remembered of a request is little, and of its prompt nothing.
func TestRememberedRequestsAreSmall(t *testing.T) {
	l := newRequestLog(2)
	rec := answered()
	rec.Decision.Candidates = make([]router.Candidate, 300)
	rec.Decision.LeftOut = make([]router.LeftOut, 200)
	rec.Decision.Class.Embedding = make([]float32, 384)
	rec.Decision.Likeliest = &router.Candidate{}
	l.add(rec, trace.SpanContext{})
	got, ok := l.get("req_1")
	if !ok || len(got.Decision.Candidates) != keptCandidates || len(got.Decision.LeftOut) != 0 || got.Decision.Class.Embedding != nil || got.Decision.Likeliest != nil {
		t.Errorf("remembered: %v, %+v", ok, got)
	}
	if len(rec.Decision.Candidates) != 300 || rec.Decision.Class.Embedding == nil || rec.Decision.Class.Intent != classifier.KnowledgeQA {
		t.Error("remembering changed the record")
	}
	for _, id := range []string{"req_2", "req_3"} {
		other := answered()
		other.ID = id
		l.add(other, trace.SpanContext{})
	}
	if _, ok := l.get("req_1"); ok {
		t.Error("the oldest of three is still there where two are remembered")
	}
}
