package router

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/classifier"
	"assay/models"
	"assay/models/openai"
	"assay/router/policy"
	"assay/scoring"
)

func decide(t testing.TB, table *Table, model string, c classifier.Classification, n Needs) (Decision, error) {
	t.Helper()
	target, err := table.Resolve(model)
	if err != nil {
		t.Fatal(err)
	}
	if n.PromptTokens == 0 {
		n.PromptTokens = 50
	}
	return Decide(table, Query{Target: target, Class: c, Needs: n, Explain: true})
}

func mustDecide(t testing.TB, table *Table, model string, c classifier.Classification, n Needs) Decision {
	t.Helper()
	d, err := decide(t, table, model, c, n)
	if err != nil {
		t.Fatalf("%s: %v", model, err)
	}
	return d
}

// A hard prompt goes to a stronger and dearer model than an easy one.
func TestHarderPromptsGoToStrongerModels(t *testing.T) {
	table := realTable(t, Policy{})
	strength := func(d Decision) float64 { return table.abilities[0][table.byID[d.Model]].theta }
	easy := mustDecide(t, table, "assay/balanced", class(classifier.Chitchat, -3.5), Needs{})
	hard := mustDecide(t, table, "assay/balanced", class(classifier.Math, 2.5), Needs{})
	if easy.Model == hard.Model || strength(easy) >= strength(hard) {
		t.Errorf("easy goes to %s, hard to %s", easy.Model, hard.Model)
	}
	if easy.CostUSD >= hard.CostUSD {
		t.Errorf("easy costs %v, hard %v", easy.CostUSD, hard.CostUSD)
	}
}

func TestTierSelectorsStayInTheirTier(t *testing.T) {
	table := realTable(t, Policy{})
	for _, tier := range scoring.AllTiers {
		for _, dir := range []string{"cost", "quality", "speed", "balanced"} {
			d := mustDecide(t, table, string(tier)+":"+dir, class(classifier.Writing, 0), Needs{})
			for _, c := range d.Candidates {
				if c.Tier != tier {
					t.Errorf("%s:%s has candidate %s of tier %q", tier, dir, c.Model, c.Tier)
				}
			}
		}
	}
	cheap := mustDecide(t, table, "flagship:cost", class(classifier.Writing, 0), Needs{})
	for _, c := range cheap.Candidates {
		if c.costNano < cheap.Candidates[0].costNano {
			t.Errorf("flagship:cost: %s is cheaper than %s", c.Model, cheap.Model)
		}
	}
	good := mustDecide(t, table, "flagship:quality", class(classifier.Writing, 0), Needs{})
	for _, c := range good.Candidates {
		if c.PSuccess > good.PSuccess {
			t.Errorf("flagship:quality: %s is likelier than %s", c.Model, good.Model)
		}
	}
}

// A model that nobody measured is never the fastest.
func TestUnmeasuredIsNeverFastest(t *testing.T) {
	table := realTable(t, Policy{})
	target, _ := table.Resolve("cheap-fast:speed")
	q := Query{Target: target, Class: class(classifier.Chitchat, -2), Needs: Needs{PromptTokens: 10}, Explain: true}
	d, err := Decide(table, q)
	if err != nil || !strings.Contains(d.Reason, "no speed measured yet") {
		t.Fatalf("without measurements: %q, %v", d.Reason, err)
	}
	slow, fast := d.Candidates[len(d.Candidates)-1].Model, d.Candidates[len(d.Candidates)-2].Model
	q.Speeds = map[string]SpeedEstimate{slow: {FirstByte: 9, TokensPerSecond: 1, Samples: 1}, fast: {FirstByte: 0.1, TokensPerSecond: 100, Samples: 1}}
	d, err = Decide(table, q)
	if err != nil {
		t.Fatal(err)
	}
	if d.Candidates[0].Model != fast || d.Candidates[1].Model != slow {
		t.Errorf("order %s, %s; want the two measured ones %s, %s first", d.Candidates[0].Model, d.Candidates[1].Model, fast, slow)
	}
}

// What a request uses keeps out every model that is not known to express it.
func TestNeedsKeepOutWhoCannot(t *testing.T) {
	table := realTable(t, Policy{})
	for name, c := range map[string]struct {
		needs Needs
		can   func(models.Model) bool
	}{
		"images":      {Needs{Vision: true}, func(m models.Model) bool { return m.Caps.Vision.Ok() }},
		"tools":       {Needs{Tools: true}, func(m models.Model) bool { return m.Caps.Tools.Ok() }},
		"json schema": {Needs{JSONSchema: true}, func(m models.Model) bool { return m.Caps.JSONSchema.Ok() }},
		"logprobs":    {Needs{Logprobs: true}, func(m models.Model) bool { return m.Caps.Logprobs.Ok() }},
		"n":           {Needs{MultipleN: true, N: 3}, func(m models.Model) bool { return m.Caps.MultipleN.Ok() }},
		"sampling":    {Needs{Sampling: true}, func(m models.Model) bool { return m.Caps.Sampling != models.No }},
		"system":      {Needs{System: true}, func(m models.Model) bool { return m.Caps.SystemMessage != models.No }},
		"output":      {Needs{MaxTokens: 100_000}, func(m models.Model) bool { return m.MaxOutput == 0 || m.MaxOutput >= 100_000 }},
		"context":     {Needs{PromptTokens: 500_000}, func(m models.Model) bool { return m.Context >= 500_000 }},
	} {
		t.Run(name, func(t *testing.T) {
			d := mustDecide(t, table, "assay/balanced", class(classifier.KnowledgeQA, 0), c.needs)
			in := map[string]bool{}
			for _, cand := range d.Candidates {
				m, _, _, _ := table.Model(cand.Model)
				in[cand.Model] = true
				if !c.can(m) {
					t.Errorf("%s is a candidate", cand.Model)
				}
			}
			for _, l := range d.LeftOut {
				if in[l.Model] || l.Why == "" {
					t.Errorf("left out %+v", l)
				}
			}
			if len(d.Candidates)+len(d.LeftOut) != table.Chat() {
				t.Errorf("%d candidates and %d left out are not %d", len(d.Candidates), len(d.LeftOut), table.Chat())
			}
		})
	}
}

// The rule of sampling parameters must have somebody to keep out.
func TestSomeModelsDenySampling(t *testing.T) {
	table := realTable(t, Policy{})
	d := mustDecide(t, table, "assay/balanced", class(classifier.KnowledgeQA, 0), Needs{Sampling: true})
	if !slices.ContainsFunc(d.LeftOut, func(l LeftOut) bool { return strings.Contains(l.Why, "temperature") }) {
		t.Error("nobody is left out for temperature")
	}
}

func TestNamedModels(t *testing.T) {
	table := realTable(t, Policy{})
	status := func(err error) (int, string) {
		var e *openai.Error
		if !errors.As(err, &e) {
			return 0, ""
		}
		return e.Status, e.Code
	}
	c := class(classifier.KnowledgeQA, 0)
	if d := mustDecide(t, table, "openai/gpt-4o", c, Needs{}); d.Model != "openai/gpt-4o" || len(d.Candidates) != 1 {
		t.Errorf("exact name: %s of %d", d.Model, len(d.Candidates))
	}
	_, err := decide(t, table, "deepseek/deepseek-v4-flash", c, Needs{Vision: true})
	if s, code := status(err); s != 400 || code != "unsupported_by_model" || !strings.Contains(err.Error(), "images") {
		t.Errorf("images to a model stated not to see: %v", err)
	}
	_, err = decide(t, realTable(t, Policy{}, "openai"), "claude-haiku-4-5", c, Needs{})
	if s, code := status(err); s != 503 || code != "model_unavailable" || !strings.Contains(err.Error(), "no provider key") {
		t.Errorf("model without a key: %v", err)
	}
	_, err = decide(t, realTable(t, Policy{}, "nobody"), "assay/balanced", c, Needs{})
	if s, code := status(err); s != 503 || code != "no_model_available" {
		t.Errorf("nobody can be called: %v", err)
	}
	_, err = decide(t, realTable(t, Policy{}, "perplexity"), "assay/balanced", c, Needs{AudioOut: true})
	if s, code := status(err); s != 400 || code != "no_candidate" {
		t.Errorf("nobody can serve: %v", err)
	}
}

// An unknown price, or a zero that the row does not call free, is never cheap.
func TestUnknownPriceIsNeverPicked(t *testing.T) {
	table := realTable(t, Policy{})
	d := mustDecide(t, table, "assay/cost", class(classifier.Chitchat, -4), Needs{})
	for _, c := range d.Candidates {
		m, _, _, _ := table.Model(c.Model)
		if c.costNano < 0 || c.costNano == 0 && !m.Free {
			t.Errorf("%s is a candidate at cost %d", c.Model, c.costNano)
		}
	}
	if slices.ContainsFunc(d.Candidates, func(c Candidate) bool { return c.Model == "glm/glm-4.7-flash" }) {
		t.Error("glm/glm-4.7-flash is listed at 0 without being marked free")
	}
}

// Nobody knows how good a model without any score is, however cheap it is.
func TestUnscoredIsPickedByNoAlias(t *testing.T) {
	table := realTable(t, Policy{})
	d := mustDecide(t, table, "assay/cost", class(classifier.Chitchat, -4), Needs{})
	for _, c := range d.Candidates {
		m, _, _, _ := table.Model(c.Model)
		if len(table.Catalog().ScoresOf(m.Family)) == 0 {
			t.Errorf("%s has no published score and is a candidate", c.Model)
		}
	}
	if d := mustDecide(t, table, "glm/glm-4-flash", class(classifier.Chitchat, -4), Needs{}); d.Model != "glm/glm-4-flash" {
		t.Errorf("by name it can be had: %s", d.Model)
	}
}

func TestPolicyNarrows(t *testing.T) {
	p := Policy{Rules: policy.Rules{Regions: []string{"eu"}, Providers: policy.AllowDeny{Deny: []string{"openai"}}}}
	table := realTable(t, p)
	d := mustDecide(t, table, "assay/balanced", class(classifier.KnowledgeQA, -2), Needs{})
	for _, c := range d.Candidates {
		if m, _, _, _ := table.Model(c.Model); m.Region != "eu" || m.Provider == "openai" {
			t.Errorf("candidate %s in %s", c.Model, m.Region)
		}
	}
	if _, err := decide(t, table, "gpt-4o", class(classifier.KnowledgeQA, 0), Needs{}); err == nil {
		t.Error("a denied provider's model was routed by name")
	}
}

func TestSimulatedTiersNeverSteerRealTraffic(t *testing.T) {
	c, tiers := realParts()
	tiers.Evidence = scoring.Sim
	if _, err := NewTable(TableOptions{Catalog: c, Tiers: tiers, Now: testNow}); err == nil {
		t.Error("a real table was made from simulated tiers")
	}
	if _, err := NewTable(TableOptions{Catalog: c, Tiers: tiers, Now: testNow, Simulated: true}); err != nil {
		t.Error(err)
	}
}

// Decide is a function of its arguments: equal tables decide alike.
func TestDecideIsDeterministic(t *testing.T) {
	one, two := realTable(t, Policy{}), realTable(t, Policy{})
	if one.ID != two.ID {
		t.Fatalf("the same parts make tables %s and %s", one.ID, two.ID)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		c := class(classifier.Intents[rng.IntN(16)], rng.NormFloat64()*2)
		n := Needs{PromptTokens: 1 + int64(rng.IntN(3000))}
		if diff := cmp.Diff(mustDecide(t, one, "assay/balanced", c, n), mustDecide(t, two, "assay/balanced", c, n), cmp.AllowUnexported(Candidate{})); diff != "" {
			t.Fatalf("two equal tables differ:\n%s", diff)
		}
	}
}
