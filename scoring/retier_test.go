package scoring

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// measure gives a run of n items on each of two benchmarks.
func measure(model string, n int, gsm8k, cmmlu float64) []Measurement {
	return []Measurement{
		{ModelID: model, Benchmark: "gsm8k", N: n, Score: gsm8k, EndpointKind: "sim", RunID: "r1", FinishedAt: now},
		{ModelID: model, Benchmark: "cmmlu", N: n, Score: cmmlu, EndpointKind: "sim", RunID: "r1", FinishedAt: now},
	}
}

// expected gives the score that published evidence predicts for a family.
func expected(t testing.TB, s *Scorecards, family, benchmark string) float64 {
	t.Helper()
	p, lo, hi, ok := s.Expected(family, s.Cards[family].Mode, benchmark)
	if !ok || !(lo < p && p < hi) {
		t.Fatalf("no prediction for %s on %s: %v in [%v, %v]", family, benchmark, p, lo, hi)
	}
	return p
}

func retier(t testing.TB, base Tiers, m []Measurement, in Inputs) (Tiers, []Change) {
	t.Helper()
	out, changes, err := retierOn(scored(t), base, m, in, now.Add(24*time.Hour), RetierConfig{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	return out, changes
}

func TestACollapsedFlagshipFalls(t *testing.T) {
	base, in := published(t)
	for family, model := range map[string]string{
		"gpt-4o": "openai/gpt-4o", "grok-4": "xai/grok-4", "gemini-2.5-pro": "google/gemini-2.5-pro",
		"deepseek-v4-flash": "deepseek/deepseek-v4-flash", "qwen-max": "qwen/qwen-max", "claude-sonnet-5": "anthropic/claude-sonnet-5",
		"gpt-4.1": "openai/gpt-4.1-2025-04-14", "kimi-k2.5": "kimi/kimi-k2.5", "gpt-5.4": "openai/gpt-5.4",
	} {
		if got := base.TierOf(family, model); got != Flagship {
			t.Fatalf("%s starts as %q", model, got)
		}
		out, changes := retier(t, base, measure(model, 50, 0.25, 0.25), in)
		if got := out.TierOf(family, model); got == Flagship || got == Reasoning {
			t.Errorf("%s at 25 %% of 100 items is still %s: %s", model, got, strings.Join(out.Families[family].Reasons, "; "))
		}
		if i := slices.IndexFunc(changes, func(c Change) bool { return c.From == Flagship }); i < 0 || !strings.Contains(changes[i].Why, "25.0 %") {
			t.Errorf("%s: the change is not explained with its numbers: %+v", model, changes)
		}
		if out.Evidence != Sim || !slices.Equal(out.RunIDs, []string{"r1"}) || out.Parent != base.ID || out.ID == base.ID {
			t.Errorf("%s: evidence %s, runs %v, parent %s", model, out.Evidence, out.RunIDs, out.Parent)
		}
		if a, _ := out.Ability(family, model, General); a.Theta > base.Families[family].Abilities[General].Theta-0.5 {
			t.Errorf("%s: ability %.2f, before %.2f", model, a.Theta, base.Families[family].Abilities[General].Theta)
		}
	}
}

// A host that does far worse than its family can is no draw from the usual
// spread of hosts: few items are enough to take its ability down, and the
// family's other hosts keep theirs.
func TestACollapsedHostLosesItsAbility(t *testing.T) {
	base, in := published(t)
	const family, bad, good = "qwen2.5-7b-instruct", "siliconflow/Qwen/Qwen2.5-7B-Instruct", "qwen/qwen2-5-7b-instruct"
	out, _ := retier(t, base, measure(bad, 16, 0.12, 0.18), in)
	was, _ := base.Ability(family, bad, General)
	is, _ := out.Ability(family, bad, General)
	other, _ := out.Ability(family, good, General)
	if is.Theta > was.Theta-2 {
		t.Errorf("collapsed host: ability %.2f, before %.2f", is.Theta, was.Theta)
	}
	if other.Theta < was.Theta-0.5 {
		t.Errorf("the other host fell with it: %.2f, before %.2f", other.Theta, was.Theta)
	}
	slightly, _ := retier(t, base, measure(bad, 16, 0.75, 0.62), in)
	if a, _ := slightly.Ability(family, bad, General); math.Abs(a.Theta-was.Theta) > 0.5 {
		t.Errorf("a result within the noise moved the ability from %.2f to %.2f", was.Theta, a.Theta)
	}
}

func TestScoringAsExpectedChangesNoTier(t *testing.T) {
	base, in := published(t)
	s := scored(t)
	var all []Measurement
	for _, m := range in.Models {
		if m.Kind == "chat" && hostMode(m) == s.Cards[m.Family].Mode {
			all = append(all, measure(m.ID, 50, expected(t, s, m.Family, "gsm8k"), expected(t, s, m.Family, "cmmlu"))...)
		}
	}
	out, changes := retier(t, base, all, in)
	if len(changes) > 0 {
		t.Errorf("%d models measured as expected, %d changes, the first %+v", len(all)/2, len(changes), changes[0])
	}
	if out.Evidence != Sim {
		t.Errorf("evidence %s, want sim", out.Evidence)
	}
	if _, err := Encode(out); err != nil {
		t.Error(err)
	}
}

func TestOneBadHostOfSeveralLeavesTheOthers(t *testing.T) {
	base, in := published(t)
	const bad = "together/deepseek-ai/DeepSeek-V3.1"
	out, _ := retier(t, base, measure(bad, 100, 0.2, 0.3), in)
	if got := out.TierOf("deepseek-v3.1", bad); got == Flagship {
		t.Errorf("the bad host is still %s", got)
	}
	if got := out.TierOf("deepseek-v3.1", "siliconflow/deepseek-ai/DeepSeek-V3.1"); got != Flagship {
		t.Errorf("a host that nobody measured is %q, want flagship", got)
	}
	if h := out.Families["deepseek-v3.1"].Hosts[bad]; h.Offset > -0.3 {
		t.Errorf("offset of the bad host %.2f logits", h.Offset)
	}
}

func TestRetierTwiceIsRetierOnce(t *testing.T) {
	base, in := published(t)
	var m []Measurement
	for _, x := range []struct {
		id     string
		gsm, c float64
	}{{"openai/gpt-4o", 0.2, 0.2}, {"kimi/moonshot-v1-8k", 0.99, 0.97}, {"kimi/moonshot-v1-32k", 0.1, 0.2}, {"sarvam/sarvam-30b", 0.8, 0.6},
		{"krutrim/meta-llama/Llama-4-Scout-17B-16E-Instruct", 0.9, 0.7}, {"xai/grok-4", 0.3, 0.9}, {"openai/o3-2025-04-16", 0.5, 0.5}} {
		m = append(m, measure(x.id, 60, x.gsm, x.c)...)
	}
	once, changes := retier(t, base, m, in)
	if len(changes) == 0 {
		t.Fatal("nothing changed: the test proves nothing")
	}
	slices.Reverse(m)
	twice, again := retier(t, once, m, in)
	if twice.ID != once.ID || len(again) != 0 {
		t.Errorf("second re-tiering: id %s after %s, changes %+v", twice.ID, once.ID, again)
	}
	other, _ := retier(t, base, m, in)
	if diff := cmp.Diff(once, other, cmp.AllowUnexported(Tiers{}, Family{}, Host{})); diff != "" {
		t.Errorf("order of measurements matters:\n%s", diff)
	}
}

func TestABetterScoreNeverLowersATier(t *testing.T) {
	base, in := published(t)
	rng := rand.New(rand.NewPCG(7, 8))
	ids := []string{"openai/gpt-4o", "openai/gpt-4o-mini", "xai/grok-4", "deepseek/deepseek-v4-flash", "kimi/moonshot-v1-8k",
		"openai/o3-2025-04-16", "together/mistralai/Mixtral-8x7B-Instruct-v0.1", "sarvam/mistral-saba-24b", "fireworks/accounts/fireworks/models/glm-4p6"}
	family := map[string]string{}
	for _, m := range in.Models {
		family[m.ID] = m.Family
	}
	for _, id := range ids {
		n, fixed := 10+rng.IntN(200), rng.Float64()
		before, last := -1, Tier("")
		for score := 0.0; score <= 1.001; score += 0.2 {
			m := measure(id, n, math.Min(score, 1), fixed)
			out, _ := retier(t, base, m, in)
			got := out.TierOf(family[id], id)
			if rank(got) < before {
				t.Errorf("%s: GSM8K %.2f of %d items gives %q, a lower score gave %q", id, score, n, got, last)
			}
			before, last = rank(got), got
		}
	}
}

func TestHoldsOutrankEvidenceUntilTheyEnd(t *testing.T) {
	base, in := published(t)
	f := base.Families["gpt-4o"]
	f.Hold = &Hold{Tier: Flagship, Until: now.Add(48 * time.Hour), Reason: "contract"}
	base.Families["gpt-4o"] = f
	out, changes := retier(t, base, measure("openai/gpt-4o", 100, 0.1, 0.1), in)
	if got := out.TierAt("gpt-4o", "openai/gpt-4o", now.Add(25*time.Hour)); got != Flagship || len(changes) != 0 {
		t.Errorf("held family is %q, changes %+v", got, changes)
	}
	late, _, err := Retier(out, measure("openai/gpt-4o", 100, 0.1, 0.1), in, now.Add(72*time.Hour), RetierConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if got := late.TierAt("gpt-4o", "openai/gpt-4o", now.Add(72*time.Hour)); got == Flagship {
		t.Errorf("the hold has ended and the model is still %s", got)
	}
}

func TestRetierRefuses(t *testing.T) {
	base, in := published(t)
	sim := base
	sim.Evidence = Sim
	m := measure("openai/gpt-4o", 50, 0.9, 0.8)
	mixed := slices.Clone(m)
	mixed[1].EndpointKind = "real"
	real := slices.Clone(m)
	real[0].EndpointKind, real[1].EndpointKind = "real", "real"
	edit := func(f func(*Measurement)) []Measurement { c := slices.Clone(m); f(&c[0]); return c }
	for _, c := range []struct {
		rule string
		base Tiers
		m    []Measurement
		is   error
		says string
	}{
		{"kinds in one run", base, mixed, ErrMixedKinds, "real and sim"},
		{"a real run on a simulated table", sim, real, ErrMixedKinds, "base table is sim"},
		{"unknown kind", base, edit(func(x *Measurement) { x.EndpointKind = "dream" }), nil, `endpoint kind "dream"`},
		{"unknown model", base, edit(func(x *Measurement) { x.ModelID = "openai/gpt-9" }), ErrUnknownModel, "openai/gpt-9"},
		{"unknown benchmark", base, edit(func(x *Measurement) { x.Benchmark = "tic-tac-toe" }), ErrUnknownBenchmark, "tic-tac-toe"},
		{"no items", base, edit(func(x *Measurement) { x.N = 0 }), nil, "0 items"},
		{"score above 1", base, edit(func(x *Measurement) { x.Score = 93 }), nil, "want 0 to 1"},
		{"score not a number", base, edit(func(x *Measurement) { x.Score = math.NaN() }), nil, "want 0 to 1"},
	} {
		_, _, err := Retier(c.base, c.m, in, now, RetierConfig{})
		if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %v saying %q", c.rule, err, c.is, c.says)
		}
	}
}

func TestOnlyTheNewestRunOfABenchmarkCounts(t *testing.T) {
	base, in := published(t)
	old := measure("openai/gpt-4o", 200, 0.05, 0.05)
	fresh := measure("openai/gpt-4o", 200, 0.93, 0.75)
	for i := range fresh {
		fresh[i].FinishedAt, fresh[i].RunID = now.Add(time.Hour), "r2"
	}
	out, _ := retier(t, base, append(fresh, old...), in)
	if got := out.TierOf("gpt-4o", "openai/gpt-4o"); got != Flagship {
		t.Errorf("the older, worse run decided: %q", got)
	}
}
