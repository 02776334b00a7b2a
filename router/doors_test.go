package router

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"assay/classifier"
	"assay/models"
	"assay/models/openai"
	"assay/router/allowance"
	"assay/router/policy"
)

// giving is a table in which groq has a free key and, if paid, one to pay for.
func giving(t *testing.T, p Policy, paid bool) *Table {
	t.Helper()
	c, tiers := realParts()
	keys := []ProviderKey{{Terms: policy.Terms{Key: "free", Free: true, Trains: models.Yes, RetentionDays: -1}}}
	if paid {
		keys = append(keys, ProviderKey{Terms: policy.Terms{Key: "paid", Trains: models.No, RetentionDays: 30}})
	}
	table, err := NewTable(TableOptions{Catalog: c, Tiers: tiers, Policy: p, Now: testNow, Available: map[string]Availability{
		"groq": {OK: true, Keys: keys}, "openai": {OK: true, Keys: []ProviderKey{{Terms: policy.Terms{Trains: models.No, RetentionDays: 30}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// keysSeen answers all calls and remembers by which key they came.
type keysSeen struct {
	mu sync.Mutex
	n  map[string]int
}

func (k *keysSeen) via(provider, key string) Upstream {
	return upstreamFunc(func(ctx context.Context, c Call) (*Response, error) {
		k.mu.Lock()
		k.n[provider+"/"+key]++
		k.mu.Unlock()
		return (&scripted{steps: []step{{body: answer}}}).Do(ctx, c)
	})
}

type upstreamFunc func(context.Context, Call) (*Response, error)

func (f upstreamFunc) Do(ctx context.Context, c Call) (*Response, error) { return f(ctx, c) }

func freeRouter(t *testing.T, table *Table, perDay int64, now func() time.Time) (*Router, *keysSeen) {
	t.Helper()
	book, err := allowance.Open(t.TempDir(), map[string]allowance.Limits{"groq/free": {RequestsPerDay: perDay}}, allowance.Options{Now: now, Slack: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { book.Close() })
	seen := &keysSeen{n: map[string]int{}}
	return New(table, Options{Classifier: fixedClassifier(class(classifier.KnowledgeQA, -1)), Tokens: tokens(), Allowances: book, Upstream: seen.via, Now: now}), seen
}

var accepting = Policy{Orgs: map[string]policy.Org{"takes": {Rules: policy.Rules{Training: policy.AcceptTraining}}, "refuses": {}}}

func TestFreeInsideTheAllowanceForWhoAcceptsItsTerms(t *testing.T) {
	now := testNow
	r, seen := freeRouter(t, giving(t, accepting, true), 7, func() time.Time { return now })
	const body = `{"model":"assay/free","messages":[{"role":"user","content":"hi"}]}`
	as := func(org, body string) Ask {
		a := ask(t, body)
		a.Org = org
		return a
	}
	var oe *openai.Error
	if _, err := r.Complete(context.Background(), as("refuses", body), &recorder{}); !errors.As(err, &oe) || seen.n["groq/free"] != 0 {
		t.Errorf("an org that did not accept training uses the free key: %v, %v", err, seen.n)
	}
	for range 7 {
		rec, err := r.Complete(context.Background(), as("takes", body), &recorder{})
		if err != nil {
			t.Fatal(err)
		}
		if a, _ := rec.Final(); !a.Free || a.CostNano != 0 || !a.CostKnown || a.Provider != "groq" || a.Key != "free" {
			t.Errorf("%+v", a)
		}
	}
	_, err := r.Complete(context.Background(), as("takes", body), &recorder{})
	if !errors.As(err, &oe) || oe.Status != 429 || oe.Code != "free_allowance_used_up" || oe.RetryAfter < 3600 || seen.n["groq/free"] != 7 {
		t.Errorf("after the last one: %v (%+v), %v", err, oe, seen.n)
	}
	if rec, err := r.Complete(context.Background(), as("takes", `{"model":"assay/balanced","messages":[{"role":"user","content":"hi"}]}`), &recorder{}); err != nil || seen.n["groq/free"] != 7 {
		t.Errorf("assay/balanced without an allowance: %+v, %v, %v", rec.Attempts, err, seen.n)
	} else if a, _ := rec.Final(); a.Free || a.CostNano == 0 {
		t.Errorf("a paid answer counts as free: %+v", a)
	}
	now = now.Add(25 * time.Hour)
	if _, err := r.Complete(context.Background(), as("takes", body), &recorder{}); err != nil || seen.n["groq/free"] != 8 {
		t.Errorf("on the next day: %v", err)
	}
}

func TestAFreeModelWinsWhileItIsFree(t *testing.T) {
	r, _ := freeRouter(t, giving(t, accepting, true), 100, func() time.Time { return testNow })
	a := ask(t, balanced)
	paid, err := r.Route(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	a.Org = "takes"
	free, err := r.Route(context.Background(), a)
	if err != nil || free.Provider != "groq" || free.CostUSD != 0 || paid.CostUSD == 0 {
		t.Errorf("free: %s for $%v, else %s for $%v, %v", free.Model, free.CostUSD, paid.Model, paid.CostUSD, err)
	}
}

// TestTheAllowanceIsRespectedUnderLoad: many clients at once, not one call more
// than given, and each given one used.
func TestTheAllowanceIsRespectedUnderLoad(t *testing.T) {
	r, seen := freeRouter(t, giving(t, accepting, false), 60, func() time.Time { return testNow })
	var wg sync.WaitGroup
	var mu sync.Mutex
	answered := 0
	for range 150 {
		wg.Go(func() {
			a := ask(t, `{"model":"assay/free","messages":[{"role":"user","content":"hi"}]}`)
			a.Org = "takes"
			if _, err := r.Complete(context.Background(), a, &recorder{}); err == nil {
				mu.Lock()
				answered++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if answered != 60 || seen.n["groq/free"] != 60 {
		t.Errorf("%d answered, %v calls; want 60 of each", answered, seen.n)
	}
}
