package api

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"assay/classifier"
	"assay/models"
	"assay/models/openai"
	"assay/router"
	"assay/router/policy"
	"assay/scoring"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var began = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

// after is a moment in the life of a made-up request.
func after(ms int) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }

func millisecond(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// decided is a request that assay/balanced was asked by.
func decided() router.Record {
	return router.Record{ID: "req_1", Key: "team-a", Org: "acme", Workload: policy.Interactive, Started: began, Decided: 400 * time.Microsecond,
		Decision: router.Decision{Requested: "assay/balanced", Rule: "alias", Model: "openai/small", Provider: "openai", Tier: scoring.CheapFast,
			Intent: classifier.KnowledgeQA, Level: classifier.L2, PSuccess: 0.91, CostUSD: 0.0004, Table: "t-1", Policy: "p-1", Reason: "cheapest of 9 models",
			Candidates: []router.Candidate{{Model: "openai/small", Provider: "openai", Tier: scoring.CheapFast}, {Model: "anthropic/large", Provider: "anthropic", Tier: scoring.Flagship}},
			Class:      classifier.Classification{Intent: classifier.KnowledgeQA, Level: classifier.L2, Difficulty: -1.2, Source: classifier.Fast, Language: "en"}}}
}

// answered is the plain case: one call, one answer.
func answered() *router.Record {
	r := decided()
	r.Outcome, r.Duration = router.Success, millisecond(500)
	r.Attempts = []router.Attempt{{Model: "openai/small", Provider: "openai", Key: "main", Outcome: router.Success, Status: 200, Served: true,
		Usage: models.Usage{Input: 100, CacheRead: 64, Output: 20, Reasoning: 5}, CostNano: 31_000, CostKnown: true,
		Started: after(1), FirstByte: millisecond(300), Duration: millisecond(498)}}
	return &r
}

// troubled has it all: a failure, a hedge that won, an answer that was rejected,
// a candidate left alone, and another model that was only observed.
func troubled() *router.Record {
	r := decided()
	r.Outcome, r.Duration, r.Escalated = router.Success, millisecond(900), true
	r.Decision.Would = &router.Would{By: "swap", Model: "openai/other", CostUSD: 0.0003}
	r.Skipped = []router.LeftOut{{Model: "google/busy", Why: "model google/busy at google is left alone (rate_limited) until 2026-11-25T09:01:00Z: you said SECRET"}}
	r.Attempts = []router.Attempt{
		{Model: "openai/small", Provider: "openai", Outcome: router.UpstreamFail, Status: 503, Error: "openai: overloaded by SECRET", Started: after(1), Duration: millisecond(99)},
		{Model: "groq/slow", Provider: "groq", Outcome: router.HedgeLost, Usage: models.Usage{Input: 100, Estimated: true}, CostNano: 700, CostKnown: true, Started: after(100), Duration: millisecond(300)},
		{Model: "mistral/quick", Provider: "mistral", Outcome: router.Rejected, Status: 200, Hedge: true, Free: true, Key: "trial", CostKnown: true,
			Findings: []string{"truncated: ends in SECRET"}, Usage: models.Usage{Input: 100, Output: 50}, Started: after(200), FirstByte: millisecond(200), Duration: millisecond(200)},
		{Model: "anthropic/large", Provider: "anthropic", Outcome: router.Success, Status: 200, Served: true,
			Usage: models.Usage{Input: 110, Output: 60}, CostNano: 900_000, CostKnown: true, Started: after(450), FirstByte: millisecond(440), Duration: millisecond(440)},
	}
	return &r
}

// swapped is a stream for a named model that broke off.
func swapped() *router.Record {
	r := decided()
	d := &r.Decision
	d.Requested, d.Rule, d.RoutedFrom, d.Swap, d.Stayed = "gpt-large", "name", "anthropic/large", "swapped by org acme; anthropic/large costs 4 times as much", true
	r.Stream, r.Outcome, r.Duration = true, router.Broken, millisecond(80)
	r.Attempts = []router.Attempt{{Model: "openai/small", Provider: "openai", Outcome: router.Broken, Status: 200, Served: true, Error: "broke off after SECRET",
		Usage: models.Usage{Input: 9, Output: 2, Estimated: true}, Started: after(2), FirstByte: millisecond(30), Duration: millisecond(70)}}
	return &r
}

// nobody is a request for which nobody was asked.
func nobody() *router.Record {
	r := router.Record{ID: "req_4", Key: "team-a", Started: began, Outcome: router.NoCandidate, Duration: millisecond(1),
		Decision: router.Decision{Requested: strings.Repeat("gpt", 60), Table: "t-1", Policy: "p-1"}}
	return &r
}

// copied is a copy for a model in the shadow.
func copied() *router.Record {
	r := answered()
	r.ShadowOf, r.Attempts[0].Model, r.Attempts[0].Provider, r.Attempts[0].Served = "openai/small", "xai/new", "xai", false
	return r
}

// observed is a server whose log goes to w.
func observed(w io.Writer, o Options) *Server {
	o.Router = router.New(table(), router.Options{Classifier: byLength{}, Tokens: tokens()})
	o.Log = slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return Discreet(groups, a)
	}}))
	return New(o)
}

// The line of a request says who asked for what, why that model, what was
// tried, and what it took. The diff of the golden file is the review.
func TestLogLine(t *testing.T) {
	var got bytes.Buffer
	s := observed(&got, Options{})
	broken := fmt.Errorf("%w: SECRET", router.ErrBroken)
	refused := &openai.Error{Status: 404, Code: "model_not_found", Message: "SECRET"}
	failed := &openai.Error{Status: 502, Code: "it said: SECRET", Message: "SECRET"}
	for _, c := range []struct {
		rec *router.Record
		err error
	}{{answered(), nil}, {troubled(), nil}, {swapped(), broken}, {nobody(), refused}, {nobody(), failed}, {nobody(), errors.New("SECRET")}} {
		s.explainInLog(t.Context(), "request", c.rec, failureOf(c.rec, c.err), trace.SpanContext{})
	}
	s.Shadow(copied())
	if strings.Contains(got.String(), "SECRET") {
		t.Error("the log quotes what an upstream said, or an answer")
	}
	const golden = "testdata/requestlog.golden"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What a client sees of a failure depends on whether its answer had begun.
func TestFailureIsWhatTheClientSees(t *testing.T) {
	record := func(o router.Outcome, served bool) *router.Record {
		return &router.Record{Outcome: o, Attempts: []router.Attempt{{Outcome: o, Served: served}}}
	}
	for _, c := range []struct {
		rule string
		rec  *router.Record
		err  error
		want failure
	}{
		{"no error", record(router.Success, true), nil, failure{200, ""}},
		{"a stream that broke", record(router.Broken, true), router.ErrBroken, failure{200, "upstream_broken"}},
		{"one that broke while it was held back", record(router.Broken, false), router.ErrBroken, failure{502, "upstream_broken"}},
		{"the client hung up in a stream", record(router.ClientGone, true), io.ErrClosedPipe, failure{200, "client_closed_request"}},
		{"the client hung up before", record(router.ClientGone, false), context.Canceled, failure{499, "client_closed_request"}},
		{"nobody was asked", &router.Record{}, &openai.Error{Status: 503, Code: "upstream_unavailable"}, failure{503, "upstream_unavailable"}},
		{"something unheard of", &router.Record{}, io.EOF, failure{500, "internal_error"}},
	} {
		if got := failureOf(c.rec, c.err); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.rule, got, c.want)
		}
	}
}

func TestUpstreamTimeCountsCallsSideBySideOnce(t *testing.T) {
	call := func(from, to int) router.Attempt {
		return router.Attempt{Started: after(from), Duration: millisecond(to - from)}
	}
	for _, c := range []struct {
		rule  string
		calls []router.Attempt
		want  int
	}{
		{"nobody was called", nil, 0},
		{"one", []router.Attempt{call(5, 9)}, 4},
		{"one after the other", []router.Attempt{call(0, 10), call(20, 25)}, 15},
		{"side by side, the later one first in the list", []router.Attempt{call(5, 12), call(0, 10)}, 12},
		{"one inside another", []router.Attempt{call(0, 10), call(2, 4), call(8, 11)}, 11},
	} {
		if got := upstreamTime(c.calls); got != millisecond(c.want) {
			t.Errorf("%s: %v; want %d ms", c.rule, got, c.want)
		}
	}
}

// What a provider writes in place of an error code must be one, and short.
func FuzzWord(f *testing.F) {
	for _, s := range []string{"rate_limit_exceeded", "", "400", "please write: a poem", strings.Repeat("x", 65), "\xff", "代码"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w := word(s)
		if len(w) > longestWord || strings.ContainsAny(w, " \t\r\n\"'{}=:/\\") || w != s && w != "other" {
			t.Errorf("%q became %q", s, w)
		}
	})
}

func TestErrorCodesAreBounded(t *testing.T) {
	reg := prometheus.NewRegistry()
	s := observed(io.Discard, Options{Registry: reg})
	for i := range 3 * mostCodes {
		s.metrics.errors.WithLabelValues(fmt.Sprint("code_", i)).Inc()
	}
	s.metrics.errors.WithLabelValues("two words").Inc()
	s.metrics.errors.WithLabelValues("code_0").Inc()
	text := scraped(t, s)
	if n := strings.Count(text, "assay_errors_total{"); n != mostCodes+1 {
		t.Errorf("%d series; want %d", n, mostCodes+1)
	}
	for _, line := range []string{`assay_errors_total{code="code_0"} 2`, fmt.Sprintf(`assay_errors_total{code="other"} %d`, 2*mostCodes+1)} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}
