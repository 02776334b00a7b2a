package scoring

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/models"
)

func TestEveryCapabilityHasItsBenchmarks(t *testing.T) {
	seen := map[string]int{}
	s := scored(t)
	for _, it := range s.Items {
		asks, ok := capabilitiesOf[it.Item.Benchmark]
		if !ok && it.Item.Benchmark != "AA-Index" {
			t.Errorf("%s feeds no capability", it.Item)
		}
		for _, c := range asks {
			seen[c]++
		}
		if (slices.Contains(asks, ChineseLanguage)) != it.Item.Chinese() {
			t.Errorf("%s: Chinese by one table and not by the other", it.Item)
		}
	}
	for _, c := range Capabilities {
		if seen[c] == 0 {
			t.Errorf("no item feeds %s", c)
		}
	}
}

func TestCapabilitiesWithoutEvidenceAreTheGeneralAbilityLessCertain(t *testing.T) {
	s := scored(t)
	for _, card := range s.Cards {
		f := s.fit.family(card.Family)
		if len(card.Abilities) != 1+len(Capabilities) || card.Abilities[General] != card.Ability {
			t.Fatalf("%s: %d abilities", card.Family, len(card.Abilities))
		}
		for c, n := range s.deviations.evidence(f) {
			a := card.Abilities[Capabilities[c]]
			if n == 0 && (math.Abs(a.Theta-card.Ability.Theta) > 1e-12 || a.SD <= card.Ability.SD) {
				t.Errorf("%s in %s without evidence: %+v, in general %+v", card.Family, Capabilities[c], a, card.Ability)
			}
			if a.SD < card.Ability.SD-1e-12 {
				t.Errorf("%s in %s: sd %.3f, in general %.3f", card.Family, Capabilities[c], a.SD, card.Ability.SD)
			}
		}
	}
}

// A world in which half of the families are stronger in mathematics than their
// general ability says, by 0.6 logits up or down.
func TestDeviationsAreRecovered(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	var scores []models.Score
	truth := map[string]float64{}
	for i := range 120 {
		family := "fam" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		theta := rng.NormFloat64()
		truth[family] = 0.5 * rng.NormFloat64()
		for _, b := range []string{"HumanEval", "LiveCodeBench", "MMLU", "MMLU-Pro", "GPQA", "IFEval", "MATH", "MATH-500", "GSM8K"} {
			x := theta
			if slices.Contains(capabilitiesOf[b], Math) {
				x += truth[family]
			}
			scores = append(scores, row(family, b, 100*logistic(x+0.2*rng.NormFloat64()), "", "independent"))
		}
	}
	s, err := Score(scores, nil, Config{})
	if err != nil {
		t.Fatal(err)
	}
	var n, sx, sy, sxx, syy, sxy float64
	for f, y := range truth {
		x := s.Cards[f].Abilities[Math].Theta - s.Cards[f].Abilities[Code].Theta
		n, sx, sy, sxx, syy, sxy = n+1, sx+x, sy+y, sxx+x*x, syy+y*y, sxy+x*y
	}
	if r := (sxy - sx*sy/n) / math.Sqrt((sxx-sx*sx/n)*(syy-sy*sy/n)); r < 0.9 {
		t.Errorf("correlation of estimated and true deviations %.3f", r)
	}
	at := func(c string) float64 { return s.deviations.variance[slices.Index(Capabilities, c)] }
	// Abilities have unit variance, the deviations 0.25 on a scale of 1 to 1.1.
	if v := at(Math); v < 0.1 || v > 0.4 {
		t.Errorf("variance of mathematics %.3f, drawn with 0.25", v)
	}
	if v := at(Instructions); v > 0.05 {
		t.Errorf("variance of instructions %.3f, drawn with 0", v)
	}
}

func TestOutcomesAreCombinedByPrecision(t *testing.T) {
	scores, ms, _ := catalogue(t)
	base := scored(t)
	outcomes := []OutcomeAbility{
		{"gpt-4o", Math, 3.5, 0.3}, {"gpt-4o", Math, 3.1, 0.4},
		{"o3", General, 4.0, 0.25}, {"nobody", Code, 1, 0.1},
	}
	got, err := Score(scores, nil, Config{Models: ms, Outcomes: outcomes})
	if err != nil {
		t.Fatal(err)
	}
	// By hand: precisions 1/SD², 1/0.09 and 1/0.16.
	was, is := base.Cards["gpt-4o"], got.Cards["gpt-4o"]
	a := was.Abilities[Math]
	p := 1/(a.SD*a.SD) + 1/0.09 + 1/0.16
	want := (a.Theta/(a.SD*a.SD) + 3.5/0.09 + 3.1/0.16) / p
	if m := is.Abilities[Math]; math.Abs(m.Theta-want) > 1e-9 || math.Abs(m.SD-math.Sqrt(1/p)) > 1e-9 {
		t.Errorf("mathematics %+v, want %.6f and %.6f", m, want, math.Sqrt(1/p))
	}
	if is.Abilities[Code] != was.Abilities[Code] || is.Ability != was.Ability || is.Capability != was.Capability {
		t.Error("an outcome in mathematics moved something else")
	}
	was, is = base.Cards["o3"], got.Cards["o3"]
	moved := is.Ability.Theta - was.Ability.Theta
	if moved == 0 || is.Ability.SD >= was.Ability.SD {
		t.Errorf("general ability %+v after %+v", is.Ability, was.Ability)
	}
	for _, c := range Capabilities {
		if d := is.Abilities[c].Theta - was.Abilities[c].Theta; math.Abs(d-moved) > 1e-9 || is.Abilities[c].SD > was.Abilities[c].SD {
			t.Errorf("%s moved by %.4f, the general ability by %.4f", c, d, moved)
		}
	}
	slices.Reverse(outcomes)
	again, err := Score(scores, nil, Config{Models: ms, Outcomes: outcomes})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got.Cards, again.Cards, cmp.AllowUnexported(Scorecard{}, Cell{})); diff != "" {
		t.Errorf("order of outcomes matters:\n%s", diff)
	}
}

func TestUnusableOutcomesAreNamed(t *testing.T) {
	scores, _ := synthetic(rand.New(rand.NewPCG(1, 2)), 30)
	for want, o := range map[string]OutcomeAbility{
		"family must be set":    {"", Math, 1, 0.1},
		`capability "juggling"`: {"a", "juggling", 1, 0.1},
		"want a finite number":  {"a", Math, math.NaN(), 0.1},
		"standard error 0":      {"a", Math, 1, 0},
		"standard error -1":     {"a", Math, 1, -1},
		"standard error NaN":    {"a", Math, 1, math.NaN()},
		"ability -Inf":          {"a", General, math.Inf(-1), 1},
	} {
		if _, err := Score(scores, nil, Config{Outcomes: []OutcomeAbility{o}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}

func TestAbilitiesReachTheTableAndMoveWithTheFamily(t *testing.T) {
	base, in := published(t)
	f := base.Families["o3-mini"]
	if len(f.Abilities) != 1+len(Capabilities) {
		t.Fatalf("%d abilities published", len(f.Abilities))
	}
	if a, ok := base.Ability("o3-mini", "", Math); !ok || a.Theta <= f.Abilities[General].Theta {
		t.Errorf("o3-mini in mathematics %+v, in general %+v", a, f.Abilities[General])
	}
	out, _ := retier(t, base, measure("google/gemini-2.5-pro", 100, 0.2, 0.2), in)
	was, is := base.Families["gemini-2.5-pro"].Abilities, out.Families["gemini-2.5-pro"].Abilities
	fell := was[General].Theta - is[General].Theta
	if fell < 0.3 {
		t.Fatalf("general ability fell by %.2f only", fell)
	}
	for _, c := range Capabilities {
		if d := was[c].Theta - is[c].Theta; math.Abs(d-fell) > 1e-5 {
			t.Errorf("%s fell by %.3f, the general ability by %.3f", c, d, fell)
		}
	}
	if _, err := Encode(out); err != nil {
		t.Error(err)
	}
}
