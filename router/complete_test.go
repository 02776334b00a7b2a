package router

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"assay/models/openai"
)

const (
	plain    = `{"model":"assay/balanced","messages":[{"role":"user","content":"hi"}]}`
	named    = `{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}`
	streamed = `{"model":"assay/balanced","stream":true,"messages":[{"role":"user","content":"hi"}]}`
	answer   = `{"choices":[{"message":{"content":"hello"}}],"usage":{"prompt_tokens":1000,"completion_tokens":100},"future":1}`

	chunk1     = `{"choices":[{"delta":{"content":"hel"}}]}`
	chunk2     = `{"choices":[{"delta":{"content":"lo"},"finish_reason":"stop"}]}`
	usageChunk = `{"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100}}`
)

func sse(data ...string) string {
	var b []byte
	for _, d := range data {
		b = openai.AppendEvent(b, []byte(d))
	}
	return string(b)
}

func outcomes(rec *Record) (out []Outcome) {
	for _, a := range rec.Attempts {
		out = append(out, a.Outcome)
	}
	return out
}

func TestCompleteBeforeTheFirstByte(t *testing.T) {
	ok := step{body: answer}
	for name, c := range map[string]struct {
		body   string
		steps  []step
		want   []Outcome
		status int // of the error; 0: success
	}{
		"first answers":                           {plain, []step{ok}, []Outcome{Success}, 0},
		"connection fails, next answers":          {plain, []step{{err: errors.New("refused")}, ok}, []Outcome{UpstreamFail, Success}, 0},
		"500, next answers":                       {plain, []step{{status: 500}, ok}, []Outcome{UpstreamFail, Success}, 0},
		"429, next answers":                       {plain, []step{{status: 429}, ok}, []Outcome{UpstreamFail, Success}, 0},
		"operator's key refused, next answers":    {plain, []step{{status: 401}, ok}, []Outcome{UpstreamFail, Success}, 0},
		"body breaks off, next answers":           {plain, []step{{body: `{"cho`, then: io.ErrUnexpectedEOF}, ok}, []Outcome{UpstreamFail, Success}, 0},
		"nonsense, next answers":                  {plain, []step{{body: `<html>`}, ok}, []Outcome{UpstreamFail, Success}, 0},
		"400 is the client's to mend":             {plain, []step{{status: 400, body: `{"error":{"message":"bad field"}}`}, ok}, []Outcome{Refused}, 400},
		"three failures are enough":               {plain, []step{{status: 500}, {status: 500}, {status: 503}, ok}, []Outcome{UpstreamFail, UpstreamFail, UpstreamFail}, 502},
		"a named model never moves":               {named, []step{{status: 500}, ok}, []Outcome{UpstreamFail}, 502},
		"a named model's 429 stays a 429":         {named, []step{{status: 429}, ok}, []Outcome{UpstreamFail}, 429},
		"a named model's 401 is not the client's": {named, []step{{status: 401}}, []Outcome{UpstreamFail}, 502},
	} {
		t.Run(name, func(t *testing.T) {
			r, up := newRouter(t, Policy{}, nil, c.steps...)
			sink := &recorder{}
			rec, err := r.Complete(context.Background(), ask(t, c.body), sink)
			if diff := cmp.Diff(c.want, outcomes(rec)); diff != "" {
				t.Fatalf("outcomes (-want +got):\n%s\nerror: %v", diff, err)
			}
			var e *openai.Error
			switch {
			case c.status == 0 && (err != nil || sink.body != answer || sink.started != 1):
				t.Errorf("error %v, body %q, started %d", err, sink.body, sink.started)
			case c.status != 0 && (!errors.As(err, &e) || e.Status != c.status || sink.started != 0):
				t.Errorf("error %v; want status %d and nothing sent", err, c.status)
			}
			seen := map[string]bool{}
			for _, call := range up.calls {
				if seen[call.Model.ID] {
					t.Errorf("%s was asked twice", call.Model.ID)
				}
				seen[call.Model.ID] = true
			}
		})
	}
}

func TestCompleteBooksUsageAndCost(t *testing.T) {
	r, _ := newRouter(t, Policy{}, nil, step{body: answer})
	rec, err := r.Complete(context.Background(), ask(t, named), &recorder{})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := rec.Final()
	// gpt-4o: $2.50 in and $10.00 out per million: 1000 and 100 tokens are $0.0035.
	if a.Usage.Input != 1000 || a.Usage.Output != 100 || !a.CostKnown || a.CostNano != 3_500_000 {
		t.Errorf("usage %+v, cost %d", a.Usage, a.CostNano)
	}
}

func TestStreams(t *testing.T) {
	whole := step{body: sse(chunk1, chunk2, usageChunk, "[DONE]")}
	withUsage := strings.Replace(streamed, `"stream":true`, `"stream":true,"stream_options":{"include_usage":true}`, 1)
	for name, c := range map[string]struct {
		body   string
		steps  []step
		events []string // the client's
		want   []Outcome
		broken bool
	}{
		"relayed without the usage chunk nobody asked for": {streamed, []step{whole}, []string{chunk1, chunk2, "[DONE]"}, []Outcome{Success}, false},
		"missing [DONE] after the finish is no break":      {streamed, []step{{body: sse(chunk1, chunk2)}}, []string{chunk1, chunk2, "[DONE]"}, []Outcome{Success}, false},
		"fails before the first event: next answers":       {streamed, []step{{then: io.ErrUnexpectedEOF}, whole}, []string{chunk1, chunk2, "[DONE]"}, []Outcome{UpstreamFail, Success}, false},
		"first event is an error: next answers":            {streamed, []step{{body: sse(`{"error":{"message":"busy"}}`)}, whole}, []string{chunk1, chunk2, "[DONE]"}, []Outcome{UpstreamFail, Success}, false},
		"empty stream: next answers":                       {streamed, []step{{body: ""}, whole}, []string{chunk1, chunk2, "[DONE]"}, []Outcome{UpstreamFail, Success}, false},
		"breaks after the first event: no retry, no DONE":  {streamed, []step{{body: sse(chunk1), then: io.ErrUnexpectedEOF}, whole}, []string{chunk1}, []Outcome{Broken}, true},
		"closes cleanly without finish: still broken":      {streamed, []step{{body: sse(chunk1)}, whole}, []string{chunk1}, []Outcome{Broken}, true},
		"error event in the middle":                        {streamed, []step{{body: sse(chunk1, `{"error":{"message":"died"}}`)}}, []string{chunk1}, []Outcome{Broken}, true},
		"usage chunk carries the cost when asked for":      {strings.Replace(withUsage, "assay/balanced", "gpt-4o", 1), []step{whole}, []string{chunk1, chunk2, `{"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100,"cost":0.0035}}`, "[DONE]"}, []Outcome{Success}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := newRouter(t, Policy{}, nil, c.steps...)
			sink := &recorder{}
			rec, err := r.Complete(context.Background(), ask(t, c.body), sink)
			if diff := cmp.Diff(c.events, sink.events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.want, outcomes(rec)); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if errors.Is(err, ErrBroken) != c.broken || err != nil && !c.broken {
				t.Errorf("error %v; broken should be %v", err, c.broken)
			}
		})
	}
}

// An upstream that reports no usage is counted, and the record says so.
func TestMissingUsageIsEstimated(t *testing.T) {
	r, _ := newRouter(t, Policy{}, nil, step{body: sse(chunk1, chunk2, "[DONE]")})
	rec, _ := r.Complete(context.Background(), ask(t, streamed), &recorder{})
	a, _ := rec.Final()
	if !a.Usage.Estimated || a.Usage.Output != 1 || a.Usage.Input == 0 { // "hello" is one token
		t.Errorf("usage %+v", a.Usage)
	}
}

// A client that asked for usage gets it even where the upstream sends none.
func TestAskedForUsageIsNeverLeftOut(t *testing.T) {
	r, _ := newRouter(t, Policy{}, nil, step{body: sse(`{"id":"c1","choices":[{"delta":{"content":"hello"}}]}`, `{"id":"c1","choices":[{"delta":{},"finish_reason":"stop"}]}`, "[DONE]")})
	sink := &recorder{}
	if _, err := r.Complete(context.Background(), ask(t, strings.Replace(streamed, `"stream":true`, `"stream":true,"stream_options":{"include_usage":true}`, 1)), sink); err != nil {
		t.Fatal(err)
	}
	if len(sink.events) != 4 || sink.events[3] != "[DONE]" {
		t.Fatalf("events %q", sink.events)
	}
	usage := gjson.Parse(sink.events[2])
	if usage.Get("id").Str != "c1" || len(usage.Get("choices").Array()) != 0 || usage.Get("usage.completion_tokens").Int() != 1 || !usage.Get("usage.estimated").Bool() || !usage.Get("usage.cost").Exists() {
		t.Errorf("usage chunk %s", usage.Raw)
	}
}

func TestTimeoutBeforeTheFirstByteMovesOn(t *testing.T) {
	r, _ := newRouter(t, Policy{FirstByteTimeout: 20 * time.Millisecond}, nil, step{hang: true}, step{body: answer})
	rec, err := r.Complete(context.Background(), ask(t, plain), &recorder{})
	if diff := cmp.Diff([]Outcome{UpstreamFail, Success}, outcomes(rec)); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	r, _ = newRouter(t, Policy{FirstByteTimeout: 20 * time.Millisecond}, nil, step{hang: true})
	_, err = r.Complete(context.Background(), ask(t, named), &recorder{})
	var e *openai.Error
	if !errors.As(err, &e) || e.Status != 504 {
		t.Errorf("named model that hangs: %v; want 504", err)
	}
}

func TestClientThatHangsUpEndsTheCall(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r, up := newRouter(t, Policy{}, nil, step{hang: true}, step{body: answer})
	time.AfterFunc(10*time.Millisecond, cancel)
	rec, err := r.Complete(ctx, ask(t, plain), &recorder{})
	if !errors.Is(err, context.Canceled) || rec.Outcome != ClientGone || len(up.calls) != 1 {
		t.Errorf("%v, %s, %d calls", err, rec.Outcome, len(up.calls))
	}
	r, _ = newRouter(t, Policy{}, nil, step{body: sse(chunk1, chunk2, "[DONE]")})
	rec, err = r.Complete(context.Background(), ask(t, streamed), &recorder{fail: errors.New("broken pipe")})
	if err == nil || rec.Outcome != ClientGone {
		t.Errorf("client gone in the stream: %v, %s", err, rec.Outcome)
	}
}

// ledger is a meter that remembers, or refuses.
type ledger struct {
	refuse            error
	reserved, settled []Outcome
}

func (l *ledger) Reserve(_ context.Context, r *Record) error {
	l.reserved = append(l.reserved, r.Outcome)
	return l.refuse
}
func (l *ledger) Settle(_ context.Context, r *Record) { l.settled = append(l.settled, r.Outcome) }

func TestMeterReservesBeforeAndSettlesOnce(t *testing.T) {
	l := &ledger{}
	r, _ := newRouter(t, Policy{}, l, step{status: 500}, step{body: answer})
	if _, err := r.Complete(context.Background(), ask(t, plain), &recorder{}); err != nil {
		t.Fatal(err)
	}
	if len(l.reserved) != 1 || len(l.settled) != 1 || l.settled[0] != Success {
		t.Errorf("reserved %v, settled %v", l.reserved, l.settled)
	}
	broke := &openai.Error{Status: 402, Code: "budget_exceeded"}
	l = &ledger{refuse: broke}
	r, up := newRouter(t, Policy{}, l, step{body: answer})
	if _, err := r.Complete(context.Background(), ask(t, plain), &recorder{}); !errors.Is(err, broke) || len(up.calls) != 0 || len(l.settled) != 0 {
		t.Errorf("refused: %v, %d calls, settled %v", err, len(up.calls), l.settled)
	}
}

func TestExplicitNeedsAnExactModel(t *testing.T) {
	r, up := newRouter(t, Policy{}, nil, step{body: answer})
	a := ask(t, plain)
	a.Policy.Explicit = true
	_, err := r.Complete(context.Background(), a, &recorder{})
	var e *openai.Error
	if !errors.As(err, &e) || e.Code != "explicit_needs_model" || len(up.calls) != 0 {
		t.Errorf("%v, %d calls", err, len(up.calls))
	}
	a = ask(t, named)
	a.Policy.Explicit = true
	rec, err := r.Complete(context.Background(), a, &recorder{})
	if err != nil || rec.Attempts[0].Model != "openai/gpt-4o" {
		t.Errorf("explicit gpt-4o: %v %+v", err, rec.Attempts)
	}
}
