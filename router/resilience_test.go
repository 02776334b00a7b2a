package router

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"assay/classifier"
	"assay/models/openai"
	"assay/router/health"
	"assay/router/policy"
)

// slow answers each call after the model's delay.
type slow struct {
	delays map[string]time.Duration // by model ID; others at once
	mu     sync.Mutex
	calls  []string
}

func (s *slow) Do(ctx context.Context, c Call) (*Response, error) {
	s.mu.Lock()
	s.calls = append(s.calls, c.Model.ID)
	s.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(s.delays[c.Model.ID]):
	}
	return (&scripted{steps: []step{{body: answer}}}).Do(ctx, c)
}

const balanced = `{"model":"assay/balanced","messages":[{"role":"user","content":"hi"}]}`

// inBubble makes a router over an upstream inside a synctest bubble.
func inBubble(t *testing.T, p Policy, up Upstream, h health.Config) *Router {
	t.Helper()
	h.Rand = func() float64 { return 0.5 }
	return New(realTable(t, p), Options{Classifier: fixedClassifier(class(classifier.KnowledgeQA, 0)), Tokens: tokens(), Health: health.New(h), Upstream: func(string, string) Upstream { return up }})
}

func TestSlowAnswersAreHedgedAndTheClientPaysForOne(t *testing.T) {
	realTable(t, Policy{}) // outside the bubble: it starts workers
	tokens()
	synctest.Test(t, func(t *testing.T) {
		up := &slow{delays: map[string]time.Duration{}}
		r := inBubble(t, Policy{}, up, health.Config{HedgeShare: 1})
		d, err := r.Route(context.Background(), ask(t, balanced))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range d.Candidates {
			up.delays[c.Model] = 100 * time.Millisecond
		}
		for range 80 { // usual times and lengths become known
			if _, err := r.Complete(context.Background(), ask(t, balanced), &recorder{}); err != nil {
				t.Fatal(err)
			}
		}
		if d, err = r.Route(context.Background(), ask(t, balanced)); err != nil {
			t.Fatal(err)
		}
		first, second := d.Candidates[0].Model, d.Candidates[1].Model
		up.calls, up.delays[first] = nil, 10*time.Second
		begun := time.Now()
		sink := &recorder{}
		rec, err := r.Complete(context.Background(), ask(t, balanced), sink)
		if err != nil {
			t.Fatal(err)
		}
		final, _ := rec.Final()
		if final.Model != second || !final.Hedge || !final.Served || sink.head == nil || time.Since(begun) > time.Second {
			t.Errorf("%s answered after %v; want the hedge %s", final.Model, time.Since(begun), second)
		}
		lost := slices.IndexFunc(rec.Attempts, func(a Attempt) bool { return a.Outcome == HedgeLost })
		if len(rec.Attempts) != 2 || lost < 0 || rec.Attempts[lost].Model != first || rec.Attempts[lost].Served || !rec.Attempts[lost].Usage.Estimated {
			t.Errorf("attempts %+v", rec.Attempts)
		}

		for name, a := range map[string]Ask{
			"background work": withWorkload(ask(t, balanced), policy.Background),
			"evaluation":      withWorkload(ask(t, balanced), policy.Eval),
			"a model by name": ask(t, strings.Replace(balanced, "assay/balanced", first, 1)),
		} {
			up.calls = nil
			if _, err := r.Complete(context.Background(), a, &recorder{}); err != nil || len(up.calls) != 1 {
				t.Errorf("%s is hedged: %v, %v", name, up.calls, err)
			}
		}
	})
}

func TestAHedgeThatFailsIsNotAskedAgain(t *testing.T) {
	realTable(t, Policy{})
	tokens()
	synctest.Test(t, func(t *testing.T) {
		up := &slow{delays: map[string]time.Duration{}}
		failing := false
		r := inBubble(t, Policy{MaxAttempts: 3}, upstreamFunc(func(ctx context.Context, c Call) (*Response, error) {
			res, err := up.Do(ctx, c)
			if err == nil && failing {
				return (&scripted{steps: []step{{status: 500, body: "{}"}}}).Do(ctx, c)
			}
			return res, err
		}), health.Config{HedgeShare: 1})
		d, _ := r.Route(context.Background(), ask(t, balanced))
		for _, c := range d.Candidates {
			up.delays[c.Model] = 100 * time.Millisecond
		}
		for range 80 {
			if _, err := r.Complete(context.Background(), ask(t, balanced), &recorder{}); err != nil {
				t.Fatal(err)
			}
		}
		d, _ = r.Route(context.Background(), ask(t, balanced))
		failing, up.calls = true, nil
		up.delays[d.Candidates[0].Model] = 10 * time.Second
		rec, err := r.Complete(context.Background(), ask(t, balanced), &recorder{})
		asked := map[string]int{}
		for _, c := range up.calls {
			asked[c]++
		}
		if err == nil || asked[d.Candidates[1].Model] != 1 || !slices.ContainsFunc(rec.Attempts, func(a Attempt) bool { return a.Hedge }) || len(rec.Attempts) != 3 {
			t.Errorf("%v: calls %v, attempts %+v", err, asked, rec.Attempts)
		}
	})
}

func withWorkload(a Ask, w policy.Workload) Ask {
	a.Policy.Workload = w
	return a
}

func TestOpenBreakersAreLeftAlone(t *testing.T) {
	realTable(t, Policy{})
	tokens()
	synctest.Test(t, func(t *testing.T) {
		up := &scripted{steps: []step{{status: 429, body: `{"error":{"message":"slow down"}}`}, {body: answer}, {body: answer}, {body: answer}}}
		r := inBubble(t, Policy{}, up, health.Config{})
		rec, err := r.Complete(context.Background(), ask(t, balanced), &recorder{})
		if err != nil || len(rec.Attempts) != 2 || rec.Attempts[0].Outcome != UpstreamFail {
			t.Fatalf("%+v, %v", rec.Attempts, err)
		}
		limited := rec.Attempts[0].Model
		if rec, err = r.Complete(context.Background(), ask(t, balanced), &recorder{}); err != nil || len(rec.Attempts) != 1 || len(rec.Skipped) != 1 || rec.Skipped[0].Model != limited {
			t.Errorf("the limited model is called again at once: %+v, skipped %+v, %v", rec.Attempts, rec.Skipped, err)
		}
		named := ask(t, strings.Replace(balanced, "assay/balanced", limited, 1))
		_, err = r.Complete(context.Background(), named, &recorder{})
		var oe *openai.Error
		if !errors.As(err, &oe) || oe.Status != 429 || oe.RetryAfter < 1 || oe.Code != "upstream_rate_limited" {
			t.Errorf("a named model whose upstream limits: %+v", err)
		}
		time.Sleep(2 * time.Second)
		if rec, err = r.Complete(context.Background(), named, &recorder{}); err != nil || rec.Attempts[0].Model != limited {
			t.Errorf("after the wait: %v", err)
		}
	})
}

func TestNamedModelsRetryByRule(t *testing.T) {
	realTable(t, Policy{})
	tokens()
	body := strings.Replace(balanced, "assay/balanced", "deepseek-v3.2", 1)
	for _, c := range []struct {
		name      string
		retries   map[string]policy.Retry
		calls     int
		providers int
		ok        bool
	}{
		{"without a rule it fails with its upstream's own error", nil, 1, 1, false},
		{"attempts at the same upstream", map[string]policy.Retry{"*": {Attempts: 3}}, 3, 1, true},
		{"another host of the same weights", map[string]policy.Retry{"deepseek-v3.2": {Move: true}}, 2, 2, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				failing := slices.Repeat([]step{{status: 500, body: `{"error":{"message":"its own words"}}`}}, max(c.calls-1, 1))
				up := &scripted{steps: append(failing, step{body: answer})}
				r := inBubble(t, Policy{Retries: c.retries}, up, health.Config{})
				rec, err := r.Complete(context.Background(), ask(t, body), &recorder{})
				providers := map[string]bool{}
				for _, call := range up.calls {
					providers[call.Model.Provider] = true
					if call.Model.Family != up.calls[0].Model.Family {
						t.Errorf("other weights were asked: %s", call.Model.ID)
					}
				}
				if (err == nil) != c.ok || len(up.calls) != c.calls || len(providers) != c.providers || len(rec.Attempts) != c.calls {
					t.Errorf("%d calls of %d providers, %v", len(up.calls), len(providers), err)
				}
				if !c.ok && !strings.Contains(err.Error(), "its own words") {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func TestTheDeadlineEndsARequest(t *testing.T) {
	realTable(t, Policy{})
	tokens()
	synctest.Test(t, func(t *testing.T) {
		up := &slow{delays: map[string]time.Duration{}}
		r := inBubble(t, Policy{}, up, health.Config{})
		d, _ := r.Route(context.Background(), ask(t, balanced))
		for _, c := range d.Candidates {
			up.delays[c.Model] = time.Hour
		}
		a := ask(t, balanced)
		a.Policy.Timeout = 3 * time.Second
		begun := time.Now()
		rec, err := r.Complete(context.Background(), a, &recorder{})
		var oe *openai.Error
		if !errors.As(err, &oe) || oe.Code != "deadline_exceeded" || oe.Status != 504 || time.Since(begun) != 3*time.Second || len(rec.Attempts) != 1 {
			t.Errorf("after %v: %v, %+v", time.Since(begun), err, rec.Attempts)
		}
		if s := r.o.Health.Peek(d.Provider, d.Model); s.State != health.Closed {
			t.Errorf("an impatient client opened the breaker: %+v", s)
		}
	})
}

func TestASwapThatFailsFallsBackToTheNamedModel(t *testing.T) {
	p := Policy{Orgs: map[string]policy.Org{"acme": {Swaps: policy.On}}}
	r, up := newRouter(t, p, nil, step{status: 500, body: "{}"}, step{body: answer})
	a := ask(t, strings.Replace(balanced, "assay/balanced", "gpt-4o", 1))
	a.Org = "acme"
	rec, err := r.Complete(context.Background(), a, &recorder{})
	if err != nil || len(up.calls) != 2 || up.calls[0].Model.ID == "openai/gpt-4o" || up.calls[1].Model.ID != "openai/gpt-4o" || rec.Decision.RoutedFrom != "openai/gpt-4o" {
		t.Errorf("%v: %+v", err, rec.Attempts)
	}
}
