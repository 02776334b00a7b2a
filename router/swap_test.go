package router

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"assay/classifier"
	"assay/models"
	"assay/router/policy"
)

// randomRequest makes a request for a model with a random choice of the parts
// that matter to swaps, and says which it has.
func randomRequest(rng *rand.Rand, model string) (body string, has map[string]bool) {
	has = map[string]bool{}
	part := func(name string, share float64, json string) string {
		if rng.Float64() >= share {
			return ""
		}
		has[name] = true
		return json
	}
	content := `"hello"`
	if rng.IntN(4) == 0 {
		has["vision"] = true
		content = `[{"type":"text","text":"what is this?"},{"type":"image_url","image_url":{"url":"https://x.example/a.png"}}]`
	}
	history := part("tool history", 0.07, `{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"2"},`)
	long := part("long", 0.1, strings.Repeat("word ", 7000))
	body = fmt.Sprintf(`{"model":%q,"messages":[%s{"role":"user","content":"%s"},{"role":"user","content":%s}]%s%s%s%s%s%s}`, model, history, long, content,
		part("tools", 0.07, `,"tools":[{"type":"function","function":{"name":"f"}}]`),
		part("response_format", 0.07, []string{`,"response_format":{"type":"json_object"}`, `,"response_format":{"type":"text"}`}[rng.IntN(2)]),
		part("logprobs", 0.07, `,"logprobs":true`), part("seed", 0.07, `,"seed":7`),
		part("n", 0.1, `,"n":2`), part("max_tokens", 0.2, `,"max_tokens":3000`))
	return body, has
}

// TestNoSwapBreaksARule routes random requests over random catalogues and
// policies and holds every swap against the rules as the product states them,
// read from the catalogue, the policy and the request's text anew.
func TestNoSwapBreaksARule(t *testing.T) {
	swaps, kept := 0, map[string]int{}
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 99))
		const n = 120
		never, pinned, barredTo := family(rng.IntN(n)), family(rng.IntN(n)), family(rng.IntN(n))
		table := synthetic(t, n, seed, false, func(o *TableOptions) {
			o.Policy = Policy{Swaps: []string{"", "", "", policy.Never}[rng.IntN(4)], NeverSwap: []string{never}, Orgs: map[string]policy.Org{
				"on":    {Swaps: policy.On, Pins: map[string]policy.Pin{pinned: {Tier: "flagship", Never: []string{barredTo}}}},
				"off":   {Swaps: policy.Off},
				"never": {Swaps: policy.Never},
				"cn":    {Swaps: policy.On, Rules: policy.Rules{Regions: []string{"cn", "global"}, Providers: policy.AllowDeny{Deny: []string{"acme"}}}},
			}}
		})
		r := New(table, Options{Classifier: fixedClassifier(class(classifier.KnowledgeQA, rng.NormFloat64())), Tokens: tokens()})
		for range 300 {
			i := rng.IntN(n)
			named := table.rows[i].ID
			if rng.IntN(8) == 0 {
				named = []string{never, pinned}[rng.IntN(2)]
			}
			body, has := randomRequest(rng, named)
			a := ask(t, body)
			a.Org = []string{"", "on", "on", "off", "never", "cn"}[rng.IntN(6)]
			a.Policy.Swaps = []string{"", "", policy.On, policy.Off}[rng.IntN(4)]
			a.Policy.Explicit = rng.IntN(10) == 0
			if rng.IntN(10) == 0 {
				a.Policy.Workload = policy.Eval
			}
			d, err := r.Route(context.Background(), a)
			if err != nil {
				continue
			}
			if d.RoutedFrom == "" {
				kept[d.Swap]++
				if got := table.rows[table.byID[d.Model]]; !strings.HasSuffix(strings.ToLower(named), got.Family) {
					t.Fatalf("seed %d: %s asked for, %s answers without a swap being reported", seed, named, d.Model)
				}
				continue
			}
			swaps++
			from, _ := table.catalog.Model(d.RoutedFrom)
			to, _ := table.catalog.Model(d.Model)
			_, tierFrom, _, _ := table.Model(from.ID)
			_, tierTo, barred, _ := table.Model(to.ID)
			if a.Org == "on" && from.Family == pinned {
				tierFrom = "flagship"
			}
			optedIn := a.Policy.Swaps == policy.On || a.Policy.Swaps == "" && (a.Org == "on" || a.Org == "cn")
			promptTokens := int(d.PromptTokens)
			for rule, broken := range map[string]bool{
				"crosses a tier":            tierFrom == "" || tierFrom != tierTo,
				"has tools":                 has["tools"],
				"has tool calls in history": has["tool history"],
				"has response_format":       has["response_format"],
				"has logprobs":              has["logprobs"],
				"has seed":                  has["seed"],
				"vision to text-only":       has["vision"] && to.Caps.Vision != models.Yes,
				"leaves the region":         from.Region == "" || from.Region != to.Region,
				"exceeds context":           to.Context > 0 && promptTokens > to.Context || to.MaxInput > 0 && promptTokens > to.MaxInput || to.MaxOutput > 0 && has["max_tokens"] && to.MaxOutput < 3000,
				"without opt-in":            !optedIn,
				"explicit":                  a.Policy.Explicit,
				"eval":                      a.Policy.Workload == policy.Eval,
				"org says never":            a.Org == "never",
				"policy says never":         table.Policy.Swaps == policy.Never,
				"never_swap":                from.Family == never,
				"pins.never":                a.Org == "on" && from.Family == pinned && to.Family == barredTo,
				"denied provider":           a.Org == "cn" && to.Provider == "acme",
				"region of the org":         a.Org == "cn" && !slices.Contains([]string{"cn", "global"}, to.Region),
				"can't be called":           barred != "",
				"not cheaper":               d.Candidates[0].CostUSD >= d.Candidates[1].CostUSD,
				"n not supported":           has["n"] && to.Caps.MultipleN != models.Yes,
				"the named is no fallback":  d.Candidates[1].Model != from.ID,
			} {
				if broken {
					t.Errorf("seed %d: the swap of %s for %s breaks a rule: %s\n%s", seed, from.ID, to.ID, rule, body[:min(len(body), 300)])
				}
			}
		}
	}
	if swaps < 100 {
		t.Errorf("only %d swaps were seen: the test shows nothing", swaps)
	}
	for _, why := range []string{"no swap: nobody opted in", "no swap: the request has tools", "no swap: policy (never_swap)", "no cheaper model of its tier is as good"} {
		if kept[why] == 0 {
			t.Errorf("never seen: %q", why)
		}
	}
}

func TestSwapsSayWhy(t *testing.T) {
	table := realTable(t, Policy{Orgs: map[string]policy.Org{"acme": {Swaps: policy.On, Pins: map[string]policy.Pin{"gpt-4o": {Tier: "flagship", Never: []string{"deepseek-v4-pro"}}}}}})
	r := New(table, Options{Classifier: fixedClassifier(class(classifier.KnowledgeQA, -2)), Tokens: tokens()})
	a := ask(t, `{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}`)
	plain, err := r.Route(context.Background(), a)
	if err != nil || plain.Model != "openai/gpt-4o" || plain.RoutedFrom != "" {
		t.Fatalf("without opt-in: %s from %q, %v", plain.Model, plain.RoutedFrom, err)
	}
	a.Org = "acme"
	d, err := r.Route(context.Background(), a)
	if err != nil || d.RoutedFrom != "openai/gpt-4o" || !strings.Contains(d.Swap, "org acme (swaps: on)") || strings.Contains(strings.ToLower(d.Model), "deepseek-v4-pro") {
		t.Errorf("with opt-in: %s from %q because %q, %v", d.Model, d.RoutedFrom, d.Swap, err)
	}
	if !(d.PSuccess >= d.Candidates[0].Needs) || d.Candidates[1].Model != "openai/gpt-4o" {
		t.Errorf("candidates %+v", d.Candidates)
	}
}
