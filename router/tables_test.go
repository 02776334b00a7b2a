package router

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"assay/classifier"
	"assay/models"
	"assay/models/openai"
	"assay/router/policy"
	"assay/scoring"
)

// edition is a tier table like the real one under another name, in which a
// model's family has lost its ability ("" none), made so many days ago.
func edition(t testing.TB, id, demoted string, days int, p Policy, only ...string) *Edition {
	t.Helper()
	c, tiers := realParts()
	tiers.ID, tiers.CreatedAt, tiers.Families = id, testNow.AddDate(0, 0, -days), maps.Clone(tiers.Families)
	if m, ok := c.Model(demoted); ok {
		f := tiers.Families[m.Family]
		f.Abilities = map[string]scoring.Ability{scoring.General: {Theta: -9, SD: 0.1}}
		tiers.Families[m.Family] = f
	}
	available := map[string]Availability{}
	for _, pr := range c.Providers() {
		available[pr.Name] = Availability{OK: len(only) == 0, Why: "no provider key"}
	}
	for _, name := range only {
		available[name] = Availability{OK: true}
	}
	return &Edition{Tiers: id, CreatedAt: tiers.CreatedAt, Build: func() (*Table, error) {
		return NewTable(TableOptions{Catalog: c, Tiers: tiers, Policy: p, Available: available, Now: testNow})
	}}
}

// arranged is a router whose newest table is the last edition.
func arranged(t testing.TB, layers []Layer, named func(string) (string, bool), editions ...*Edition) *Router {
	t.Helper()
	newest, err := editions[len(editions)-1].Table()
	if err != nil {
		t.Fatal(err)
	}
	newest.Arrange(NewTables(editions, layers, named))
	return New(newest, Options{Classifier: fixedClassifier(class(classifier.KnowledgeQA, 0)), Tokens: tokens(), Now: func() time.Time { return testNow }})
}

func tiersOf(t *testing.T, r *Router, a Ask) string {
	t.Helper()
	table, err := r.tableOf(a, Conversation{})
	if err != nil {
		return err.Error()
	}
	return table.Tiers.ID
}

func TestWhichTableDecides(t *testing.T) {
	p := policy.Default()
	p.Orgs = map[string]policy.Org{"pinned": {Table: "old"}, "week": {TableDelayDays: 7}, "month": {TableDelayDays: 30}, "years": {TableDelayDays: 1000}, "plain": {}}
	named := func(table string) (string, bool) {
		tiers, ok := map[string]string{"t-of-mid": "mid", "t-of-lost": "lost"}[table]
		return tiers, ok
	}
	r := arranged(t, nil, named, edition(t, "old", "", 40, p), edition(t, "mid", "", 10, p), edition(t, "new", "", 2, p))
	for name, c := range map[string]struct{ org, pin, want string }{
		"the newest":                             {"", "", "new"},
		"an org that says nothing":               {"plain", "", "new"},
		"an org's pin":                           {"pinned", "", "old"},
		"the newest that is a week old":          {"week", "", "mid"},
		"the newest that is a month old":         {"month", "", "old"},
		"none is so old: the oldest":             {"years", "", "old"},
		"a request's pin":                        {"", "mid", "mid"},
		"a request goes before its org":          {"pinned", "mid", "mid"},
		"a request goes before its org's delay":  {"week", "new", "new"},
		"the id that an answer's header named":   {"", "t-of-mid", "mid"},
		"the newest by its header":               {"pinned", r.Table().ID, "new"},
		"unknown":                                {"", "nope", `unknown_table: table "nope" (header X-Gateway-Table) is not known here; known tier tables, the newest first: "new", "mid", "old"`},
		"a routing table of tiers that are gone": {"", "t-of-lost", `unknown_table: table "t-of-lost" (header X-Gateway-Table) is not known here; known tier tables, the newest first: "new", "mid", "old"`},
	} {
		if got := tiersOf(t, r, Ask{Org: c.org, Policy: policy.Request{Table: c.pin}}); got != c.want {
			t.Errorf("%s: %s; want %s", name, got, c.want)
		}
	}
	_, err := r.Route(t.Context(), withTable(ask(t, `{"model":"assay/cost","messages":[{"role":"user","content":"hi"}]}`), "nope"))
	var oe *openai.Error
	if !errors.As(err, &oe) || oe.Status != http.StatusNotFound || oe.Code != "unknown_table" {
		t.Errorf("%v", err)
	}
}

func withTable(a Ask, pin string) Ask {
	a.Policy.Table = pin
	return a
}

// Without other tables, a pin to the one there is holds, and others are refused.
func TestPinsWithoutOtherTables(t *testing.T) {
	r := New(realTable(t, policy.Default()), Options{})
	for _, pin := range []string{"", r.Table().ID, r.Table().Tiers.ID} {
		if got := tiersOf(t, r, Ask{Policy: policy.Request{Table: pin}}); got != r.Table().Tiers.ID {
			t.Errorf("%q: %s", pin, got)
		}
	}
	if got := tiersOf(t, r, Ask{Policy: policy.Request{Table: "t-0"}}); !strings.Contains(got, "is not known") {
		t.Errorf("%s", got)
	}
}

// A pinned old table decides by its own tiers, under today's bars: a model whose
// provider has no key any more is picked by no table.
func TestOldTablesHaveTodaysBars(t *testing.T) {
	p := policy.Default()
	request := ask(t, `{"model":"assay/balanced","messages":[{"role":"user","content":"hi"}]}`)
	before := arranged(t, nil, nil, edition(t, "old", "", 9, p), edition(t, "new", "", 1, p))
	was, err := before.Route(t.Context(), withTable(request, "old"))
	if err != nil {
		t.Fatal(err)
	}
	demoted := arranged(t, nil, nil, edition(t, "old", "", 9, p), edition(t, "new", was.Model, 1, p))
	pinned, err := demoted.Route(t.Context(), withTable(request, "old"))
	if err != nil || pinned.Model != was.Model {
		t.Errorf("pinned to the old tiers %s, then %s (%v)", was.Model, pinned.Model, err)
	}
	if free, err := demoted.Route(t.Context(), request); err != nil || free.Model == was.Model || free.Table == pinned.Table {
		t.Errorf("not pinned: %s of %s, the pinned one of %s (%v)", free.Model, free.Table, pinned.Table, err)
	}
	other := "anthropic"
	if was.Provider == other {
		other = "openai"
	}
	barred := arranged(t, nil, nil, edition(t, "old", "", 9, p, other), edition(t, "new", "", 1, p, other))
	now, err := barred.Route(t.Context(), withTable(request, "old"))
	if err != nil || now.Provider != other {
		t.Errorf("%s has the only key left; the pinned table picks %s (%v)", other, now.Model, err)
	}
}

// A kept table that can't be used fails the requests that pin it and no others.
func TestAnUnusableTable(t *testing.T) {
	p := policy.Default()
	p.Orgs = map[string]policy.Org{"month": {TableDelayDays: 30}}
	bad := &Edition{Tiers: "bad", CreatedAt: testNow.AddDate(0, 0, -40), Build: func() (*Table, error) { return nil, errors.New("damaged") }}
	r := arranged(t, []Layer{{Tiers: "bad", Share: 1}, {Tiers: "new", Share: 0}}, nil, bad, edition(t, "new", "", 1, p))
	for _, org := range []string{"", "month"} {
		if got := tiersOf(t, r, Ask{Org: org}); got != "new" {
			t.Errorf("org %q: %s", org, got)
		}
	}
	_, err := r.tableOf(Ask{Policy: policy.Request{Table: "bad"}}, Conversation{})
	var oe *openai.Error
	if !errors.As(err, &oe) || oe.Code != "table_unavailable" || strings.Contains(oe.Message, "damaged") {
		t.Errorf("%v", err)
	}
}

// Conversations go to the newest layer by their share, whole and the same on
// every replica; one that has gone over stays over when the share grows.
func TestLayersTakeShares(t *testing.T) {
	p := policy.Default()
	editions := func() []*Edition {
		return []*Edition{edition(t, "a", "", 9, p), edition(t, "b", "", 5, p), edition(t, "c", "", 1, p)}
	}
	layers := func(c float64) []Layer {
		return []Layer{{Tiers: "a", Share: 1}, {Tiers: "b", Share: 0.5}, {Tiers: "c", Share: c}}
	}
	one, other, later := arranged(t, layers(0.2), nil, editions()...), arranged(t, layers(0.2), nil, editions()...), arranged(t, layers(0.4), nil, editions()...)
	count := map[string]float64{}
	const n = 4000
	for i := range n {
		a := Ask{Org: "o", Session: fmt.Sprint(i)}
		c, _ := conversationOf(a)
		x, _ := one.tableOf(a, c)
		y, _ := other.tableOf(a, c)
		z, _ := later.tableOf(a, c)
		count[x.Tiers.ID]++
		if x.Tiers.ID != y.Tiers.ID {
			t.Fatalf("replicas differ: %s and %s", x.Tiers.ID, y.Tiers.ID)
		}
		if x.Tiers.ID != z.Tiers.ID && z.Tiers.ID != "c" {
			t.Fatalf("a larger share of c moved a conversation from %s to %s", x.Tiers.ID, z.Tiers.ID)
		}
	}
	for id, want := range map[string]float64{"a": 0.4, "b": 0.4, "c": 0.2} {
		if got := count[id] / n; got < want-0.04 || got > want+0.04 {
			t.Errorf("%s decides for %.3f of the conversations, want %.3f", id, got, want)
		}
	}
}

// Tables are swapped under load with pins: each request is decided by one table,
// a pinned one always by its own.
func TestSwapsUnderLoadWithPins(t *testing.T) {
	p := policy.Default()
	old := edition(t, "old", "", 9, p)
	oldTable, err := old.Table()
	if err != nil {
		t.Fatal(err)
	}
	var sets []*Table
	for i := range 4 {
		e := edition(t, fmt.Sprint("new", i), "", 1, p)
		newest, err := e.Table()
		if err != nil {
			t.Fatal(err)
		}
		newest.Arrange(NewTables([]*Edition{edition(t, "old", "", 9, p), e}, []Layer{{Tiers: "old", Share: 1}, {Tiers: e.Tiers, Share: 0.5}}, nil))
		sets = append(sets, newest)
	}
	r := New(sets[0], Options{Classifier: fixedClassifier(class(classifier.KnowledgeQA, 0)), Tokens: tokens(), Now: func() time.Time { return testNow }})
	base := ask(t, `{"model":"assay/balanced","messages":[{"role":"user","content":"hi"}]}`)
	var wg sync.WaitGroup
	var decided atomic.Int64
	for g := range 8 {
		wg.Go(func() {
			for i := range 60 {
				a := base
				a.Session = fmt.Sprint(g, i)
				pinned := i%2 == 0
				if pinned {
					a.Policy.Table = "old"
				}
				d, err := r.Route(t.Context(), a)
				if err != nil || d.Model == "" {
					t.Errorf("%v", err)
				}
				if pinned && d.Table != oldTable.ID {
					t.Errorf("pinned to %s, decided by %s", oldTable.ID, d.Table)
				}
				decided.Add(1)
			}
		})
	}
	for i := 0; decided.Load() < 8*60; i++ {
		r.Swap(sets[i%len(sets)])
		time.Sleep(time.Millisecond)
	}
	wg.Wait()
}

// BenchmarkTableOf is what choosing a table costs a request, with what traffic
// has shown put beside it: alone, and while conversations are on two tables.
func BenchmarkTableOf(b *testing.B) {
	p := policy.Default()
	for name, layers := range map[string][]Layer{"one": nil, "two": {{Tiers: "a", Share: 1}, {Tiers: "b", Share: 0.5}}} {
		r := arranged(b, layers, nil, edition(b, "a", "", 9, p), edition(b, "b", "", 5, p))
		for _, row := range r.Table().rows[:100] {
			r.outputs.Observe(row.ID, Observation{Got: models.Usage{Output: 10}})
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				t, err := r.tableOf(Ask{}, Conversation{byte(i), byte(i >> 8)})
				if err != nil {
					b.Fatal(err)
				}
				r.outputs.Of(t)
			}
		})
	}
}
