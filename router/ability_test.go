package router

import (
	"math"
	"slices"
	"testing"

	"assay/classifier"
	"assay/scoring"
)

// Every intent draws on one ability; only small talk on the general one.
func TestEveryIntentHasItsCapability(t *testing.T) {
	want := map[classifier.Intent]string{
		"chitchat": "general", "math": "math", "code_generation": "code", "code_understanding": "code", "reasoning": "reasoning",
		"knowledge_qa": "knowledge", "writing": "writing", "roleplay": "writing", "rewrite_edit": "writing", "summarization": "writing",
		"translation": "writing", "advice_brainstorm": "writing", "tool_use": "tools", "extraction": "instructions", "classification": "instructions",
		"reading_qa": "instructions",
	}
	for _, intent := range classifier.Intents {
		c := column(classifier.Classification{Intent: intent, Language: "en"})
		if c%2 != 0 || capabilities[c/2] != want[intent] {
			t.Errorf("%s draws on column %d, %s; want %s", intent, c, capabilities[c/2], want[intent])
		}
		if zh := column(classifier.Classification{Intent: intent, Language: "zh"}); zh != c+1 {
			t.Errorf("%s in Chinese is column %d, in English %d", intent, zh, c)
		}
	}
	for intent, capability := range capabilityOf {
		if !slices.Contains(classifier.Intents, intent) || !slices.Contains(capabilities, capability) {
			t.Errorf("%s or %s is unknown", intent, capability)
		}
	}
}

func TestAbilityOfAPrompt(t *testing.T) {
	known := func(theta, sd float64) scoring.Ability { return scoring.Ability{Theta: theta, SD: sd} }
	for name, c := range map[string]struct {
		abilities map[string]scoring.Ability
		intent    classifier.Intent
		language  string
		want      ability
	}{
		"its capability":                       {map[string]scoring.Ability{"general": known(1, 0.5), "math": known(2, 1)}, classifier.Math, "en", ability{2, 1}},
		"the general one where it is unknown":  {map[string]scoring.Ability{"general": known(1, 0.5), "math": known(2, 1)}, classifier.Writing, "en", ability{1, 0.25}},
		"Chinese is of no account in English":  {map[string]scoring.Ability{"general": known(1, 0.5), "chinese": known(9, 1)}, classifier.Writing, "en", ability{1, 0.25}},
		"in Chinese the mean of both":          {map[string]scoring.Ability{"general": known(0, 0), "math": known(2, 0.1), "chinese": known(1, 0.1)}, classifier.Math, "zh", ability{1.5, 0.01}},
		"in Chinese without one, no change":    {map[string]scoring.Ability{"general": known(0, 0), "math": known(2, 1)}, classifier.Math, "zh", ability{2, 1}},
		"a guess leaves the word to the other": {map[string]scoring.Ability{"general": known(0, 0), "math": known(2, 0), "chinese": known(-9, 1000)}, classifier.Math, "zh", ability{2, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			all, ok := abilitiesOf(scoring.Tiers{Families: map[string]scoring.Family{"f": {Abilities: c.abilities}}}, "f", "host/f")
			got := all[column(classifier.Classification{Intent: c.intent, Language: c.language})]
			if !ok || math.Abs(got.theta-c.want.theta) > 1e-4 || math.Abs(got.variance-c.want.variance) > 1e-4 {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
	if all, ok := abilitiesOf(scoring.Tiers{}, "f", "host/f"); ok || !math.IsInf(all[0].variance, 1) {
		t.Errorf("an unknown family has %+v", all[0])
	}
}

func TestCombineByPrecision(t *testing.T) {
	for name, c := range map[string]struct{ a, va, o, vo, want, variance float64 }{
		"as precise: the mean":                 {1, 0.5, 3, 0.5, 2, 0.25},
		"three times as precise":               {1, 0.75, 3, 0.25, 2.5, 0.1875},
		"no ability: outcomes alone":           {-5, math.Inf(1), 3, 0.25, 3, 0.25},
		"certain outcomes decide alone":        {-5, 0.5, 3, 1e-9, 3, 1e-9},
		"two that claim to be certain":         {1, 0, 3, 0, 2, leastVariance / 2},
		"outcomes that do not transfer at all": {1, 0.5, 3, math.Inf(1), 1, 0.5},
	} {
		l, v := combine(c.a, c.va, c.o, c.vo)
		if math.Abs(l-c.want) > 1e-6 || math.Abs(v-c.variance) > 1e-6 {
			t.Errorf("%s: %v, %v; want %v, %v", name, l, v, c.want, c.variance)
		}
	}
}

// MacKay's approximation against the integral itself, by the midpoint rule.
func TestExpectedIsTheExpectation(t *testing.T) {
	for _, mean := range []float64{-3, -1, 0, 0.5, 2} {
		for _, variance := range []float64{0, 0.25, 1, 4} {
			want, n := 0.0, 20_000
			for i := range n {
				z := -8 + 16*(float64(i)+0.5)/float64(n)
				want += 1 / (1 + math.Exp(-(mean + z*math.Sqrt(variance)))) * math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) * 16 / float64(n)
			}
			if got := expected(mean, variance); math.Abs(got-want) > 0.02 {
				t.Errorf("mean %v, variance %v: %v, the integral is %v", mean, variance, got, want)
			}
		}
	}
}

// A difficulty that is barely known makes predictions less sure, not models better.
func TestDoubtAboutDifficultyCounts(t *testing.T) {
	table := realTable(t, Policy{})
	c := class(classifier.Chitchat, -3)
	sure := mustDecide(t, table, "openai/gpt-4o", c, Needs{})
	c.DifficultySD = 2
	unsure := mustDecide(t, table, "openai/gpt-4o", c, Needs{})
	if !(unsure.PSuccess < sure.PSuccess && unsure.PSuccess > 0.5) {
		t.Errorf("p is %v when sure, %v when not", sure.PSuccess, unsure.PSuccess)
	}
}
