package api

import (
	"crypto/sha256"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"assay/models"
	"assay/router"
	"assay/router/allowance"
	"assay/router/health"
	"assay/router/policy"
)

// scraped is what GET /metrics says.
func scraped(t *testing.T, s *Server) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

// lacks reports the lines that a scrape does not have.
func lacks(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, line+"\n") {
			name, _, _ := strings.Cut(line, "{")
			var near []string
			for l := range strings.Lines(text) {
				if strings.HasPrefix(l, name) {
					near = append(near, l)
				}
			}
			t.Errorf("no line %s; there is\n%s", line, strings.Join(near, ""))
		}
	}
}

func TestEveryCallAndItsCostIsCounted(t *testing.T) {
	s := observed(io.Discard, Options{})
	s.metrics.record(troubled())
	kept := troubled()
	kept.Attempts[2].Started = after(800) // the second answer was rejected, not the first
	s.metrics.record(kept)
	s.metrics.record(swapped())
	s.Shadow(copied())
	lacks(t, scraped(t, s),
		`assay_hedges_total{outcome="won"} 2`,
		`assay_hedge_cost_nano_usd_total{simulated="false"} 1400`,
		`assay_escalations_total{outcome="replaced"} 1`,
		`assay_escalations_total{outcome="kept"} 1`,
		`assay_findings_total{defect="truncated",model="mistral/quick"} 2`,
		`assay_free_calls_total{key="trial",provider="mistral"} 2`,
		`assay_skipped_total{model="google/busy"} 2`,
		`assay_attempts_total{outcome="rejected",provider="mistral"} 2`,
		`assay_cost_nano_usd_total{model="anthropic/large",simulated="false"} 1.8e+06`,
		`assay_would_total{by="swap",pick="other"} 2`,
		`assay_swaps_total{from_tier="flagship",to_tier="cheap-fast"} 1`,
		`assay_stays_total 1`,
		`assay_cost_unknown_total{model="openai/small"} 1`,
		`assay_shadows_total{model="xai/new",outcome="success"} 1`,
		`assay_shadow_cost_nano_usd_total{model="xai/new",simulated="false"} 31000`,
		`assay_table_requests_total{table="other"} 3`,
		`assay_request_seconds_count{stream="true"} 1`, // a copy is no request
		`assay_upstream_seconds_count 3`,
	)
}

func TestHedgesByHowTheyEnded(t *testing.T) {
	for _, c := range []struct {
		at   router.Attempt
		want string
	}{
		{router.Attempt{Served: true, Outcome: router.Success}, "won"},
		{router.Attempt{Served: true, Outcome: router.ClientGone}, "won"},
		{router.Attempt{Outcome: router.Rejected}, "won"},
		{router.Attempt{Outcome: router.HedgeLost}, "lost"},
		{router.Attempt{Outcome: router.UpstreamFail}, "failed"},
	} {
		if got := hedge(&c.at); got != c.want {
			t.Errorf("%+v: %s, want %s", c.at, got, c.want)
		}
	}
}

// The money of swaps and of what is only observed is that of the decision.
func TestSwapsAndObservationsSaveWhatDecisionsExpect(t *testing.T) {
	for _, c := range []struct {
		rule    string
		policy  router.Policy
		model   string
		series  []string
		nothing []string
	}{
		{"a swap", router.Policy{Orgs: map[string]policy.Org{"acme": {Swaps: policy.On}}}, "gpt-4o",
			[]string{"assay_swaps_total{", "assay_swap_saving_nano_usd_total{"}, []string{"assay_would_total{"}},
		{"an observed swap", router.Policy{Orgs: map[string]policy.Org{"acme": {Swaps: policy.Observe}}}, "gpt-4o",
			[]string{`assay_would_total{by="swap",pick="other"} 1`, `assay_would_save_nano_usd_total{by="swap"`}, []string{"assay_swaps_total{", "assay_would_cost_nano_usd_total{"}},
		{"neither", router.Policy{}, "gpt-4o", nil, []string{"assay_would_total{", "assay_swaps_total{"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			base := table()
			tb, err := router.NewTable(router.TableOptions{Catalog: base.Catalog(), Tiers: base.Tiers, Policy: c.policy, Available: everyone(base.Catalog()), Simulated: true, Now: base.Made})
			if err != nil {
				t.Fatal(err)
			}
			r := router.New(tb, router.Options{Classifier: byLength{}, Tokens: tokens(), Upstream: func(string, string) router.Upstream { return upstream(echo) }})
			s := New(Options{Router: r, Keys: []Key{{Label: "team", SHA256: sha256.Sum256([]byte("sk-client")), Org: "acme"}}})
			srv := httptest.NewServer(s)
			defer srv.Close()
			got := send(t, "POST", srv.URL+"/v1/chat/completions", strings.Replace(easy, "assay/balanced", c.model, 1), "Authorization", "Bearer sk-client")
			if got.status != 200 {
				t.Fatalf("%d %s", got.status, got.body)
			}
			text := scraped(t, s)
			for _, line := range c.series {
				if !strings.Contains(text, "\n"+line) {
					t.Errorf("no %s", line)
				}
			}
			for _, line := range c.nothing {
				if strings.Contains(text, "\n"+line) {
					t.Errorf("there is %s", line)
				}
			}
		})
	}
}

func everyone(c *models.Catalog) map[string]router.Availability {
	all := map[string]router.Availability{}
	for _, p := range c.Providers() {
		all[p.Name] = router.Availability{OK: true}
	}
	return all
}

func TestBreakersAllowancesAndTablesAreReadAtTheScrape(t *testing.T) {
	book, err := allowance.Open(t.TempDir(), map[string]allowance.Limits{"groq/trial": {RequestsPerDay: 10}}, allowance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	if _, err := book.Reserve("groq/trial", 5); err != nil {
		t.Fatal(err)
	}
	breakers := []health.Status{
		{Scope: health.Scope{Provider: "groq"}, InFlight: 2, Waiting: 1, Limit: 4},
		{Scope: health.Scope{Provider: "groq", Model: "groq/llama"}, State: health.Open, Why: health.Limited, Detail: "SECRET"},
		{Scope: health.Scope{Provider: "xai", Model: "xai/new"}, State: health.HalfOpen, Why: health.Failing},
	}
	s := observed(io.Discard, Options{Allowances: book, Breakers: func() []health.Status { return breakers },
		Layers: func() []router.Layer { return []router.Layer{{Tiers: "old", Share: 1}, {Tiers: "new", Share: 0.25}} }})
	text := scraped(t, s)
	lacks(t, text,
		`assay_breaker_state{model="",provider="groq",why=""} 0`,
		`assay_breaker_state{model="groq/llama",provider="groq",why="rate_limited"} 2`,
		`assay_breaker_state{model="xai/new",provider="xai",why="failing"} 1`,
		`assay_provider_calls_in_flight{provider="groq"} 2`,
		`assay_provider_calls_waiting{provider="groq"} 1`,
		`assay_provider_calls_limit{provider="groq"} 4`,
		`assay_free_allowance_left{key="groq/trial",window="requests_per_day"} 9`,
		`assay_free_allowance_limit{key="groq/trial",window="requests_per_day"} 10`,
		`assay_table_share{tiers="old"} 0.75`,
		`assay_table_share{tiers="new"} 0.25`,
	)
	if strings.Contains(text, "SECRET") {
		t.Error("a provider's words are in a metric")
	}
}

func TestLayersShareAllConversations(t *testing.T) {
	got := shares([]router.Layer{{Tiers: "a", Share: 0.1}, {Tiers: "b", Share: 0.5}, {Tiers: "c", Share: 0.2}})
	for tiers, want := range map[string]float64{"a": 0.4, "b": 0.4, "c": 0.2} {
		if d := got[tiers] - want; d > 1e-9 || d < -1e-9 {
			t.Errorf("%s decides %v, want %v", tiers, got[tiers], want)
		}
	}
}
