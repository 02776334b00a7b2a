package evals_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/evals"
	"assay/models"
)

const plainAnswer = `{"choices":[{"message":{"role":"assistant","content":"Answer: B"},"finish_reason":"stop"}],
	"usage":{"prompt_tokens":12,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4}}}`

// endpoint serves handler and records how long the sampler slept.
func endpoint(t *testing.T, handler http.HandlerFunc) (*evals.Endpoint, *[]time.Duration) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	slept := &[]time.Duration{}
	return &evals.Endpoint{BaseURL: server.URL + "/v1/", Client: server.Client(),
		Rand:  func() float64 { return 0.5 },
		Sleep: func(_ context.Context, d time.Duration) error { *slept = append(*slept, d); return nil },
	}, slept
}

func ask(e *evals.Endpoint, model string) (evals.Answer, error) {
	return e.Sample(ctx, evals.Request{Model: model, Messages: []evals.Message{{Role: "user", Content: "q"}}, Sampling: evals.Sampling{MaxTokens: 9}})
}

func TestRequestSaysExactlyWhatWasAskedFor(t *testing.T) {
	var body map[string]any
	var header http.Header
	e, _ := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		if r.URL.Path != "/v1/chat/completions" {
			t.Errorf("path %s", r.URL.Path)
		}
		raw, _ := io.ReadAll(r.Body)
		json.Unmarshal(raw, &body)
		io.WriteString(w, plainAnswer)
	})
	e.APIKey = "k"
	zero := 0.0
	_, err := e.Sample(ctx, evals.Request{Model: "p/m", Messages: []evals.Message{{Role: "user", Content: "q"}}, Sampling: evals.Sampling{
		System: "be brief", MaxTokens: 9, MaxTokensField: "max_completion_tokens", Temperature: &zero, Extra: map[string]any{"reasoning_effort": "low"}}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"model": "p/m", "stream": false, "max_completion_tokens": 9.0, "temperature": 0.0, "reasoning_effort": "low",
		"messages": []any{map[string]any{"role": "system", "content": "be brief"}, map[string]any{"role": "user", "content": "q"}}}
	if diff := cmp.Diff(want, body); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{"Authorization": "Bearer k", "X-Gateway-Routing": "explicit", "Cache-Control": "no-store", "Content-Type": "application/json"} {
		if got := header.Get(name); got != want {
			t.Errorf("header %s is %q, want %q", name, got, want)
		}
	}
	for _, alias := range []string{"assay/balanced", "flagship:cost", "cheap-fast:speed"} {
		if _, err := ask(e, alias); err != nil || header.Get("X-Gateway-Routing") != "" {
			t.Errorf("alias %s: %v, routing header %q; an alias leaves the choice to the gateway", alias, err, header.Get("X-Gateway-Routing"))
		}
	}
}

func TestAnswerCarriesWhatTheHeadersSay(t *testing.T) {
	for name, c := range map[string]struct {
		headers map[string]string
		want    evals.Answer
	}{
		"a provider":                 {nil, evals.Answer{EndpointKind: evals.KindReal}},
		"a gateway":                  {map[string]string{"X-Model-Router-Model": "p/m", "X-Model-Router-Provider": "p", "X-Model-Router-Cost-Usd": "0.000123456", "X-Request-Id": "r"}, evals.Answer{EndpointKind: evals.KindGateway, RoutedModel: "p/m", Provider: "p", CostNano: 123456, HasCost: true, RequestID: "r"}},
		"a simulated model":          {map[string]string{"X-Model-Router-Model": "p/m", "X-Assay-Simulated": "true"}, evals.Answer{EndpointKind: evals.KindSim, RoutedModel: "p/m"}},
		"a cost that is no number":   {map[string]string{"X-Model-Router-Cost-Usd": "much"}, evals.Answer{EndpointKind: evals.KindReal}},
		"a cost finer than nano-USD": {map[string]string{"X-Model-Router-Cost-Usd": "0.0000000001"}, evals.Answer{EndpointKind: evals.KindReal}},
	} {
		t.Run(name, func(t *testing.T) {
			e, _ := endpoint(t, func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range c.headers {
					w.Header().Set(k, v)
				}
				io.WriteString(w, plainAnswer)
			})
			now := time.Unix(0, 0)
			e.Now = func() time.Time { now = now.Add(time.Second); return now }
			got, err := ask(e, "p/m")
			if err != nil {
				t.Fatal(err)
			}
			c.want.Output, c.want.FinishReason, c.want.HasUsage = "Answer: B", "stop", true
			c.want.Usage = models.Usage{Input: 12, CacheRead: 4, Output: 3}
			c.want.Latency, c.want.Attempts = time.Second, 1
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnotherModelsAnswerDoesNotCount(t *testing.T) {
	for name, c := range map[string]struct {
		asked, answered, from string
		ok                    bool
	}{
		"the model itself":         {"p/m", "p/m", "", true},
		"another model":            {"p/m", "p/other", "", false},
		"a swap":                   {"p/m", "p/other", "p/m", false},
		"an alias may be anything": {"assay/cost", "p/other", "", true},
		"a bare name may be a row": {"gpt-x", "openai/gpt-x", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			e, slept := endpoint(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Model-Router-Model", c.answered)
				w.Header().Set("X-Gateway-Routed-From", c.from)
				io.WriteString(w, plainAnswer)
			})
			_, err := ask(e, c.asked)
			var call *evals.CallError
			if (err == nil) != c.ok || !c.ok && (!errors.As(err, &call) || !call.Permanent || call.Doubtful != 1) {
				t.Errorf("asked %s, answered by %s: %v", c.asked, c.answered, err)
			}
			if len(*slept) != 0 {
				t.Error("it was tried again, though it would be charged again")
			}
		})
	}
}

func TestRetries(t *testing.T) {
	for name, c := range map[string]struct {
		replies   []func(http.ResponseWriter)
		attempts  int
		slept     []time.Duration
		status    int // of the final failure; 0 none
		permanent bool
		doubtful  int
	}{
		"a passing 503":                            {[]func(http.ResponseWriter){status(503), good}, 2, []time.Duration{375 * time.Millisecond}, 0, false, 0},
		"backoff doubles":                          {[]func(http.ResponseWriter){status(500), status(502), status(504), good}, 4, []time.Duration{375 * time.Millisecond, 750 * time.Millisecond, 1500 * time.Millisecond}, 0, false, 0},
		"Retry-After in seconds":                   {[]func(http.ResponseWriter){after(429, "Retry-After", "7"), good}, 2, []time.Duration{7 * time.Second}, 0, false, 0},
		"retry-after-ms":                           {[]func(http.ResponseWriter){after(429, "Retry-After-Ms", "1500"), good}, 2, []time.Duration{1500 * time.Millisecond}, 0, false, 0},
		"Retry-After is a least":                   {[]func(http.ResponseWriter){after(429, "Retry-After", "0.01"), good}, 2, []time.Duration{375 * time.Millisecond}, 0, false, 0},
		"gives up":                                 {[]func(http.ResponseWriter){status(503), status(503), status(503)}, 3, []time.Duration{375 * time.Millisecond, 750 * time.Millisecond}, 503, false, 0},
		"a 400 is final":                           {[]func(http.ResponseWriter){status(400)}, 1, nil, 400, true, 0},
		"a 401 is final":                           {[]func(http.ResponseWriter){status(401)}, 1, nil, 401, true, 0},
		"a 404 is final":                           {[]func(http.ResponseWriter){status(404)}, 1, nil, 404, true, 0},
		"told not to retry":                        {[]func(http.ResponseWriter){after(429, "X-Should-Retry", "false")}, 1, nil, 429, true, 0},
		"an answer that is no JSON may be charged": {[]func(http.ResponseWriter){text("<html>"), good}, 2, []time.Duration{375 * time.Millisecond}, 0, false, 1},
		"an error inside a 200":                    {[]func(http.ResponseWriter){text(`{"error":{"message":"overloaded"}}`), good}, 2, []time.Duration{375 * time.Millisecond}, 0, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int64
			e, slept := endpoint(t, func(w http.ResponseWriter, _ *http.Request) { c.replies[calls.Add(1)-1](w) })
			e.Attempts = len(c.replies)
			a, err := ask(e, "p/m")
			if diff := cmp.Diff(c.slept, *slept, cmp.Transformer("nil", func(d []time.Duration) []time.Duration { return append([]time.Duration{}, d...) })); diff != "" {
				t.Errorf("waits: %s", diff)
			}
			if c.status == 0 {
				if err != nil || a.Attempts != c.attempts || a.Doubtful != c.doubtful {
					t.Errorf("%v, %d attempts, %d doubtful", err, a.Attempts, a.Doubtful)
				}
				return
			}
			var call *evals.CallError
			if !errors.As(err, &call) || call.Status != c.status || call.Permanent != c.permanent || call.Attempts != c.attempts {
				t.Errorf("got %#v", err)
			}
		})
	}
}

func good(w http.ResponseWriter) { io.WriteString(w, plainAnswer) }

func status(code int) func(http.ResponseWriter) { return after(code, "X-None", "") }

func after(code int, name, value string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set(name, value)
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"error":{"message":"no %d"}}`, code)
	}
}

func text(s string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { io.WriteString(w, s) }
}

func TestABrokenConnectionMayBeCharged(t *testing.T) {
	var calls atomic.Int64
	e, _ := endpoint(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, "{")
			panic(http.ErrAbortHandler)
		}
		good(w)
	})
	a, err := ask(e, "p/m")
	if err != nil || a.Doubtful != 1 || a.Attempts != 2 {
		t.Errorf("%v, %d doubtful of %d attempts", err, a.Doubtful, a.Attempts)
	}
	// With no money for a second doubtful call there is none.
	calls.Store(0)
	_, err = e.Sample(ctx, evals.Request{Model: "p/m", MayRetry: func() bool { return false }})
	if !errors.Is(err, evals.ErrBudget) || calls.Load() != 1 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

func TestNobodyListens(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	e := &evals.Endpoint{BaseURL: server.URL, Attempts: 1}
	if err := e.Reach(ctx); !errors.Is(err, evals.ErrUnreachable) {
		t.Errorf("Reach: %v", err)
	}
	_, err := ask(e, "p/m")
	var call *evals.CallError
	if !errors.As(err, &call) || call.Doubtful != 0 {
		t.Errorf("%#v: a call that was never sent costs nothing", err)
	}
}

func TestPacerSpreadsCalls(t *testing.T) {
	now := time.Unix(0, 0)
	var slept []time.Duration
	p := evals.NewPacer(func() time.Time { return now }, func(_ context.Context, d time.Duration) error { slept = append(slept, d); return nil })
	for range 3 {
		p.Wait(ctx, "m", 60)
	}
	p.Wait(ctx, "other", 60)
	now = now.Add(10 * time.Second)
	p.Wait(ctx, "m", 60)
	if diff := cmp.Diff([]time.Duration{0, time.Second, 2 * time.Second, 0, 0}, slept); diff != "" {
		t.Error(diff)
	}
}
