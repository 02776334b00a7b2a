package router

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/classifier"
	"assay/models"
)

// A decision that nobody wants explained is the explained one, shortened.
func TestExplainingChangesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 300 {
		table := synthetic(t, 1+rng.IntN(120), uint64(round), round%3 == 0)
		for range 10 {
			q := randomQuery(rng, table)
			short, shortErr := Decide(table, q)
			q.Explain = true
			long, longErr := Decide(table, q)
			if len(long.Candidates)+len(long.LeftOut) != table.Chat() {
				t.Fatalf("table %d: %d candidates and %d left out are not %d", round, len(long.Candidates), len(long.LeftOut), table.Chat())
			}
			if fmt.Sprint(shortErr) != fmt.Sprint(longErr) {
				t.Fatalf("table %d, %+v: %v; explained %v", round, q, shortErr, longErr)
			}
			if shortErr == nil {
				long.Candidates, long.LeftOut = long.Candidates[:min(len(long.Candidates), listed)], []LeftOut{}
			}
			if diff := cmp.Diff(long, short, cmp.AllowUnexported(Candidate{})); diff != "" {
				t.Fatalf("table %d, %+v: (-explained +short):\n%s", round, q, diff)
			}
		}
	}
}

// The sum of linear prices is what the catalogue's arithmetic says.
func TestLinearPricesAreTheCatalogues(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	table := realTable(t, Policy{})
	linear := 0
	for i := range table.rows {
		if table.figures[i].linear {
			linear++
		}
		for range 20 {
			e := table.estimator(Query{Class: class(classifier.Math, 3*rng.NormFloat64()), Needs: Needs{PromptTokens: rng.Int64N(1 << 20)}})
			want, ok := table.rows[i].Cost(e.usage(i), models.ClassStandard, table.Made)
			if !ok {
				want = -1
			}
			if got := e.cost(i); got != want {
				t.Fatalf("%s, %+v: %d, the catalogue says %d", table.rows[i].ID, e.usage(i), got, want)
			}
		}
	}
	if linear < 200 {
		t.Errorf("only %d of %d prices are linear", linear, len(table.rows))
	}
}

// Rows lie in the order of their IDs, by which ties are broken.
func TestRowsAreInOrder(t *testing.T) {
	table := realTable(t, Policy{})
	for i := 1; i < len(table.rows); i++ {
		if table.rows[i-1].ID >= table.rows[i].ID {
			t.Fatalf("%s before %s", table.rows[i-1].ID, table.rows[i].ID)
		}
	}
}

// BenchmarkDecide decides among the catalogue's models and among ten thousand
// made-up ones; with a model of success that knows half of them, placing the
// prompt included; with what traffic has shown; and with every reason.
func BenchmarkDecide(b *testing.B) {
	real := realTable(b, Policy{})
	for _, c := range []struct {
		name  string
		table *Table
		with  func(*Query)
	}{
		{"models=284", real, func(*Query) {}},
		{"models=284/traffic", real, func(q *Query) { q.Learned = randomTraffic(rand.New(rand.NewPCG(1, 1)), real) }},
		{"models=284/outcomes", synthetic(b, 284, 1, true), func(q *Query) { q.Prompt = aPrompt }},
		{"models=284/explain", real, func(q *Query) { q.Explain = true }},
		{"models=10000", synthetic(b, 10_000, 1, false), func(*Query) {}},
		{"models=10000/outcomes", synthetic(b, 10_000, 1, true), func(q *Query) { q.Prompt = aPrompt }},
	} {
		b.Run(c.name, func(b *testing.B) {
			target, err := c.table.Resolve("assay/balanced")
			if err != nil {
				b.Fatal(err)
			}
			q := Query{Target: target, Class: class(classifier.KnowledgeQA, 0), Needs: Needs{PromptTokens: 200}}
			c.with(&q)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decide(c.table, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
