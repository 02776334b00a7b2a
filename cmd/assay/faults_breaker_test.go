package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/deploy/faults"
)

// twoProviders is a gateway whose selectors have two models to choose from, at
// a provider each, both played by one server under the provider's name.
func twoProviders(t *testing.T) *ill {
	t.Helper()
	faulty := faults.New(faults.Options{})
	server := httptest.NewServer(faulty)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	dir := t.TempDir()
	conf := write(t, filepath.Join(dir, "assay.yaml"), fmt.Sprintf("log: {level: error}\nproviders:\n  openai: {base_url: %q, keyless: true}\n  deepseek: {base_url: %q, keyless: true}\n",
		server.URL+"/openai/v1", server.URL+"/deepseek/v1"))
	policy := write(t, filepath.Join(dir, "policy.yaml"), faultPolicy+"models: {allow: [openai/gpt-4o-mini, deepseek/deepseek-v3.2]}\nassess: {escalate: false}\n")
	return &ill{startGateway(t, nil, "--config", conf, "--policy", policy), faulty}
}

// calls are those that a provider has had, of whatever model.
func (g *ill) calls(provider string) int {
	return g.faulty.Stats(provider, "gpt-4o-mini").Calls + g.faulty.Stats(provider, "deepseek-v3.2").Calls
}

// TestBreakersOpenAndRecover protects docs/resilience.md as seen from outside:
// failures among ten calls open a model's breaker, then its provider is left alone while the
// next candidate answers selectors, and a probe closes it once it is well again.
func TestBreakersOpenAndRecover(t *testing.T) {
	g := twoProviders(t)
	client := &http.Client{Timeout: faultPatience}
	defer client.CloseIdleConnections()
	balanced := chat("assay/balanced", "count to four")
	favourite := look(client, g.url, balanced).header
	provider, model := favourite.Get("X-Model-Router-Provider"), favourite.Get("X-Model-Router-Model")
	if provider == "" {
		t.Fatalf("no model is picked: %v", favourite)
	}
	named := chat(model, "count to four")
	g.faulty.Break(provider, "500")
	for g.calls(provider) < 10 { // half of at least 10 in 30 s; one of them was good
		if s := look(client, g.url, named); s.status != 502 {
			t.Fatalf("call %d: %d %s", g.calls(provider), s.status, s.raw)
		}
	}
	opened := time.Now()
	s := look(client, g.url, named)
	if s.status != 503 || s.code != "upstream_unavailable" || !slices.Contains([]string{"1", "2", "3", "4", "5"}, s.header.Get("Retry-After")) {
		t.Errorf("an open breaker: %d %s, Retry-After %q; want 503 upstream_unavailable, 1 to 5 s", s.status, s.raw, s.header.Get("Retry-After"))
	}
	for range 5 {
		if s := look(client, g.url, balanced); s.status != 200 || s.header.Get("X-Model-Router-Provider") == provider {
			t.Errorf("a selector meanwhile: %d by %s", s.status, s.header.Get("X-Model-Router-Provider"))
		}
	}
	if calls := g.calls(provider); calls != 10 {
		t.Errorf("%d calls; want none after the tenth", calls)
	}
	g.faulty.Break(provider, "")
	eventually(t, "the breaker closes", func() bool { return look(client, g.url, named).status == 200 })
	t.Logf("%s was left alone for %v (documented: 2.5 to 5 s)", model, time.Since(opened).Round(100*time.Millisecond))
	for range 5 {
		if s := look(client, g.url, balanced); s.status != 200 || s.header.Get("X-Model-Router-Provider") != provider {
			t.Errorf("a selector afterwards: %d by %s", s.status, s.header.Get("X-Model-Router-Provider"))
		}
	}
}

// TestSelectorsAnswerThroughBursts protects clients that leave the choice to
// the router: while one of two providers suffers, each gets an answer from the
// other. Every fault has two providers of its own.
func TestSelectorsAnswerThroughBursts(t *testing.T) {
	bursts := []string{"429", "429-seconds", "500", "503", "401", "quota", "404", "cut", "cut-half", "html", "error-200", "hang"}
	providers := map[string]string{}
	for i := range bursts {
		providers[fmt.Sprintf("a%d", i)], providers[fmt.Sprintf("b%d", i)] = "ok", "ok"
	}
	g := startIll(t, providers)
	client := &http.Client{Timeout: faultPatience, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	var wg sync.WaitGroup
	for i, fault := range bursts {
		wg.Go(func() {
			among := fmt.Sprintf("a%d,b%d", i, i)
			ill := look(client, g.url, chat("assay/balanced", "count to four"), "X-Gateway-Providers", among).header.Get("X-Model-Router-Provider")
			g.faulty.Break(ill, fault)
			for n := range 12 {
				wg.Go(func() {
					mode := []string{"json", "stream"}[n%2]
					s := look(client, g.url, strings.Replace(askFor("", "", mode), `"/"`, `"assay/balanced"`, 1), "X-Gateway-Providers", among)
					w := answered
					if mode == "stream" && fault == "cut-half" && s.code != "" { // it had begun
						w = breaks("upstream_broken")
					}
					if err := w.check(s, mode); err != nil {
						t.Errorf("%s, %s: %v\n%.300s", fault, mode, err, s.raw)
					}
				})
			}
		})
	}
	wg.Wait()
	for i, fault := range bursts {
		a, b := g.faulty.Stats(fmt.Sprintf("a%d", i), "ok").Calls, g.faulty.Stats(fmt.Sprintf("b%d", i), "ok").Calls
		if a == 0 || b == 0 {
			t.Errorf("%s: %d and %d calls: one provider was never asked", fault, a, b)
		}
	}
}
