package router

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"

	"assay/classifier"
	"assay/models"
)

// taught is what n equal answers of openai/gpt-4o teach of it.
func taught(t *testing.T, n int, a Observation) (*Outputs, *lengths) {
	t.Helper()
	var o Outputs
	for range n {
		o.Observe("openai/gpt-4o", a)
	}
	table := realTable(t, Policy{})
	l := o.Of(table)[table.byID["openai/gpt-4o"]]
	if l == nil {
		l = &lengths{}
	}
	return &o, l
}

func TestOutputsFollowTraffic(t *testing.T) {
	qa, math5 := class(classifier.KnowledgeQA, 0), class(classifier.Math, 3)
	for name, c := range map[string]struct {
		n    int
		a    Observation
		ask  classifier.Classification
		want tokensOut
	}{
		"nothing seen: the prior":                  {0, Observation{}, qa, tokensOut{150, 0}},
		"twenty answers weigh what it weighs":      {20, Observation{Class: qa, Got: models.Usage{Output: 450}}, qa, tokensOut{293, 0}},   // 18.2 of 20 remain: (18.2*450 + 20*150) / 38.2
		"many outweigh it":                         {2000, Observation{Class: qa, Got: models.Usage{Output: 450}}, qa, tokensOut{400, 0}}, // at most 100 are remembered
		"other intents keep their prior":           {2000, Observation{Class: qa, Got: models.Usage{Output: 450}}, math5, tokensOut{250, 0}},
		"n answers are n lengths":                  {2000, Observation{Class: qa, N: 3, Got: models.Usage{Output: 450}}, qa, tokensOut{150, 0}},
		"thoughts of one that thinks, by level":    {2000, Observation{Class: math5, Reasoning: models.Yes, Got: models.Usage{Output: 10250, Reasoning: 10000}}, class(classifier.Math, -3), tokensOut{250, 367}},
		"thoughts that nobody expected are output": {2000, Observation{Class: math5, Got: models.Usage{Output: 1250, Reasoning: 1000}}, math5, tokensOut{1083, 0}},
		"an answer that was cut says nothing":      {2000, Observation{Class: qa, MaxTokens: 20, Got: models.Usage{Output: 20}}, qa, tokensOut{150, 0}},
		"nor does an empty one":                    {2000, Observation{Class: qa}, qa, tokensOut{150, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			_, l := taught(t, c.n, c.a)
			if got := l.tokens(intentIndex(c.ask.Intent), priorTokens(c.ask, c.a.Reasoning)); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestPromptsAreAsLongAsTheProviderCounts(t *testing.T) {
	a := Observation{Class: class(classifier.Chitchat, 0), Prompt: 100, Got: models.Usage{Input: 130, Output: 10}}
	if _, l := taught(t, 2000, a); l.prompt(1000) != 1250 { // a hundred answers at 1.3 and twenty at 1
		t.Errorf("1000 tokens are expected to be %d", l.prompt(1000))
	}
	a.Got.Estimated = true // counted here, since the provider said nothing
	if _, l := taught(t, 2000, a); l.prompt(1000) != 1000 {
		t.Errorf("own counts teach that 1000 tokens are %d", l.prompt(1000))
	}
}

func TestErrorsOfPredictionsAreKept(t *testing.T) {
	a := Observation{Class: class(classifier.Chitchat, 0), Expected: models.Usage{Output: 60}, Got: models.Usage{Output: 40}}
	o, _ := taught(t, 7, a)
	fit := o.Fits()["openai/gpt-4o"]
	if math.Abs(fit.OutputError-0.5) > 1e-9 || fit.Answers != 7 || fit.PromptRatio != 1 {
		t.Errorf("%+v, want an error of a half after 7 answers", fit)
	}
}

// What has been handed out never changes, and a new table gets what is known.
func TestExpectationsAreImmutable(t *testing.T) {
	var o Outputs
	one, two := realTable(t, Policy{}), realTable(t, Policy{})
	i := one.byID["openai/gpt-4o"]
	before := o.Of(one)
	a := Observation{Class: class(classifier.Chitchat, 0), Got: models.Usage{Output: 40}}
	o.Observe("openai/gpt-4o", a)
	o.Observe("nobody/knows", a)
	if before[i] != nil || o.Of(one)[i] == nil || o.Of(two)[i] == nil {
		t.Errorf("before %v, after %v, in a new table %v", before[i], o.Of(one)[i], o.Of(two)[i])
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 100 {
				o.Observe("openai/gpt-4o", a)
				o.Of(one)
				o.Fits()
			}
		})
	}
	group.Wait()
	if n := o.Fits()["openai/gpt-4o"].Answers; n != 401 {
		t.Errorf("%d answers were counted, want 401", n)
	}
}

// Answers teach the router; made-up ones do not.
func TestCompleteLearnsFromRealAnswers(t *testing.T) {
	r, _ := newRouter(t, Policy{}, nil, step{body: answer}, step{body: answer, simulated: true})
	rec, err := r.Complete(context.Background(), ask(t, named), &recorder{})
	if err != nil {
		t.Fatal(err)
	}
	// the prompt as it was counted, and what an answer to a question takes
	if e := rec.Attempts[0].Expected; e.Input != rec.Decision.PromptTokens || e.Output != 150 || !e.Estimated {
		t.Errorf("expected %+v", e)
	}
	first := r.Outputs().Fits()["openai/gpt-4o"]
	if first.Answers != 1 || math.Abs(first.OutputError-0.5) > 1e-9 || first.PromptRatio <= 1 { // 150 expected, 100 came
		t.Errorf("learned %+v", first)
	}
	if _, err := r.Complete(context.Background(), ask(t, named), &recorder{}); err != nil {
		t.Fatal(err)
	}
	if second := r.Outputs().Fits()["openai/gpt-4o"]; second != first {
		t.Errorf("a simulated answer taught %+v", second)
	}
	long := strings.Replace(named, `"hi"`, `"`+strings.Repeat("word ", 1000)+`"`, 1)
	d, err := r.Route(context.Background(), ask(t, long))
	if err != nil || d.Candidates[0].usage.Input <= d.PromptTokens {
		t.Errorf("%d tokens are expected to be %d", d.PromptTokens, d.Candidates[0].usage.Input)
	}
}
