package router

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"assay/classifier"
	"assay/router/policy"
)

func share(x float64) *float64 { return &x }

// session asks as the i-th conversation.
func session(t *testing.T, body string, i int) Ask {
	a := ask(t, body)
	a.Session = fmt.Sprint(i)
	return a
}

// favourite is the model that assay/balanced picks for an easy question.
func favourite(t *testing.T) string {
	t.Helper()
	r := New(realTable(t, Policy{}), Options{Classifier: fixedClassifier(class(classifier.KnowledgeQA, 0)), Tokens: tokens()})
	d, err := r.Route(context.Background(), ask(t, balanced))
	if err != nil {
		t.Fatal(err)
	}
	return d.Model
}

func TestStagesOfANewModel(t *testing.T) {
	id := favourite(t)
	name := strings.ToLower(id)
	for _, c := range []struct {
		stage       policy.Stage
		picked      float64 // share of conversations in which a selector picks it
		named, eval bool
	}{
		{policy.StageOff, 0, false, false},
		{policy.StageEval, 0, false, true},
		{policy.StageShadow, 0, false, true},
		{policy.StageTrial, 0.3, true, true},
		{policy.StageFull, 1, true, true},
	} {
		t.Run(string(c.stage), func(t *testing.T) {
			p := Policy{Rollouts: map[string]policy.Rollout{name: {Stage: c.stage, Share: share(0.3)}}}
			r := New(realTable(t, p), Options{Classifier: fixedClassifier(class(classifier.KnowledgeQA, 0)), Tokens: tokens()})
			picked, n := 0, 400
			for i := range n {
				d, err := r.Route(context.Background(), session(t, balanced, i))
				if err != nil {
					t.Fatal(err)
				}
				if d.Model == id {
					picked++
				}
				if again, _ := r.Route(context.Background(), session(t, balanced, i)); again.Model != d.Model {
					t.Fatal("one conversation is on trial and then it is not")
				}
			}
			if got := float64(picked) / float64(n); got < c.picked-0.08 || got > c.picked+0.08 {
				t.Errorf("picked in %.2f of the conversations; want %.2f", got, c.picked)
			}
			named := ask(t, strings.Replace(balanced, "assay/balanced", id, 1))
			if _, err := r.Route(context.Background(), named); (err == nil) != c.named {
				t.Errorf("by name: %v", err)
			}
			if _, err := r.Route(context.Background(), withWorkload(named, policy.Eval)); (err == nil) != c.eval {
				t.Errorf("for an evaluation: %v", err)
			}
		})
	}
}

func TestShadowsSeeTrafficAndClientsDoNotSeeThem(t *testing.T) {
	id := favourite(t)
	p := Policy{Rollouts: map[string]policy.Rollout{strings.ToLower(id): {Stage: policy.StageShadow, Share: share(0.25)}}}
	up := &slow{}
	var mu sync.Mutex
	var copies []*Record
	r := New(realTable(t, p), Options{Classifier: fixedClassifier(class(classifier.KnowledgeQA, 0)), Tokens: tokens(), Upstream: func(string, string) Upstream { return up },
		OnShadow: func(rec *Record) { mu.Lock(); copies = append(copies, rec); mu.Unlock() }})
	n := 200
	for i := range n {
		rec, err := r.Complete(context.Background(), session(t, balanced, i), &recorder{})
		if err != nil || len(rec.Attempts) != 1 || rec.Attempts[0].Model == id {
			t.Fatalf("the client meets the shadow: %+v, %v", rec.Attempts, err)
		}
		r.Wait()
	}
	if len(copies) < n/8 || len(copies) > n/2 {
		t.Errorf("%d copies of %d requests; want about a quarter", len(copies), n)
	}
	for _, c := range copies {
		if c.ShadowOf == "" || c.Attempts[0].Model != id || c.Attempts[0].Served || !c.Attempts[0].CostKnown {
			t.Errorf("copy %+v", c)
		}
	}
}

func TestObserveLeavesThingsAsTheyAre(t *testing.T) {
	p := Policy{Aliases: map[string]policy.Alias{"gpt-4o": {Model: "assay/balanced", Observe: true}, "gpt-4.1": {Model: "assay/balanced", Share: share(0.25)}},
		Orgs: map[string]policy.Org{"watch": {Swaps: policy.Observe}, "part": {Swaps: policy.On, SwapShare: share(0.25)}}}
	r := New(realTable(t, p), Options{Classifier: fixedClassifier(class(classifier.KnowledgeQA, -2)), Tokens: tokens()})
	named := func(name string) string { return strings.Replace(balanced, "assay/balanced", name, 1) }

	d, err := r.Route(context.Background(), ask(t, named("gpt-4o")))
	if err != nil || d.Model != "openai/gpt-4o" || d.Would == nil || d.Would.By != "assay/balanced" || d.Would.Model == d.Model || d.Would.CostUSD <= 0 || d.Would.CostUSD >= d.CostUSD {
		t.Errorf("an observed alias: %s, would %+v, %v", d.Model, d.Would, err)
	}
	a := ask(t, named("claude-haiku-4-5"))
	a.Org = "watch"
	if d, err = r.Route(context.Background(), a); err != nil || d.RoutedFrom != "" || d.Would == nil || d.Would.By != "swap" || d.Would.CostUSD >= d.CostUSD {
		t.Errorf("an observed swap: %+v, would %+v, %v", d.Model, d.Would, err)
	}
	aliased, swapped, n := 0, 0, 400
	for i := range n {
		d, _ := r.Route(context.Background(), session(t, named("gpt-4.1"), i))
		if d.Rule == "alias" {
			aliased++
		} else if d.Would == nil {
			t.Fatal("a conversation outside the share is not observed")
		}
		a := session(t, named("claude-haiku-4-5"), i)
		a.Org = "part"
		if d, _ = r.Route(context.Background(), a); d.RoutedFrom != "" {
			swapped++
		} else if d.Would == nil {
			t.Fatal("a conversation outside the share of swaps is not observed")
		}
	}
	for what, got := range map[string]int{"aliased": aliased, "swapped": swapped} {
		if x := float64(got) / float64(n); x < 0.17 || x > 0.33 {
			t.Errorf("%s in %.2f of the conversations; want 0.25", what, x)
		}
	}
}
