package router

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"assay/classifier"
	"assay/models"
	"assay/scoring"
	"assay/scoring/success"
)

// witness makes a table of five families. Outcomes know f00000, f00002 and
// f00004; the tiers f00000 and f00001; f00004 has no price.
func witness(t *testing.T, edit func(*TableOptions)) *Table {
	t.Helper()
	c, err := models.Parse(fstest.MapFS{
		"providers.csv": {Data: []byte("name,kind,base_url,api_key_env\nacme,first_party,https://a.example/v1,A\n")},
		"models.csv":    {Data: []byte("id,kind,family,region,context\nacme/a,chat,f00000,global,8000\nacme/b,chat,f00001,global,8000\nacme/c,chat,f00002,global,8000\nacme/d,chat,f00003,global,8000\nacme/e,chat,f00004,global,8000\n")},
		"prices.csv": {Data: []byte("id,unit,direction,service_class,from_tokens,usd_per_million_units,valid_from,source\n" +
			"acme/a,token,in,standard,0,1,,x\nacme/a,token,out,standard,0,1,,x\nacme/b,token,in,standard,0,1,,x\nacme/b,token,out,standard,0,1,,x\n" +
			"acme/c,token,in,standard,0,1,,x\nacme/c,token,out,standard,0,1,,x\nacme/d,token,in,standard,0,1,,x\nacme/d,token,out,standard,0,1,,x\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	known := func(theta float64) scoring.Family {
		return scoring.Family{ObservedShare: 1, Abilities: map[string]scoring.Ability{"general": {Theta: theta, SD: 0.5}}}
	}
	o := TableOptions{Catalog: c, Now: testNow, Available: map[string]Availability{"acme": {OK: true}},
		Tiers:   scoring.Tiers{Evidence: scoring.Published, Families: map[string]scoring.Family{"f00000": known(1), "f00001": known(1)}},
		Success: outcomeModel(t, 5, rand.New(rand.NewPCG(1, 2)))}
	edit(&o)
	table, err := NewTable(o)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestOutcomesPredict(t *testing.T) {
	balanced := Target{Objective: Balanced}
	named := func(d Decision) string {
		var ids []string
		for _, c := range d.Candidates {
			ids = append(ids, strings.TrimPrefix(c.Model, "acme/"))
		}
		slices.Sort(ids)
		return strings.Join(ids, "")
	}
	for name, c := range map[string]struct {
		edit    func(*TableOptions)
		blind   bool // the query has no prompt for outcomes
		in      string
		because string // of acme/e
	}{
		"a family with outcomes needs no ability":  {func(*TableOptions) {}, false, "abc", "no known price"},
		"but their prompt":                         {func(*TableOptions) {}, true, "ab", "no known price"},
		"measured costs stand in for a price":      {func(o *TableOptions) { o.MeasuredCosts = true }, false, "abce", ""},
		"and they too need the prompt":             {func(o *TableOptions) { o.MeasuredCosts = true }, true, "ab", "no known price"},
		"without a model of success there is none": {func(o *TableOptions) { o.Success = nil }, false, "ab", "no known price"},
	} {
		t.Run(name, func(t *testing.T) {
			q := Query{Target: balanced, Class: class(classifier.Chitchat, 0), Needs: Needs{PromptTokens: 100}, Prompt: aPrompt, Explain: true}
			if c.blind {
				q.Prompt = nil
			}
			d, err := Decide(witness(t, c.edit), q)
			if err != nil || named(d) != c.in {
				t.Fatalf("candidates %s, error %v; want %s", named(d), err, c.in)
			}
			for _, l := range d.LeftOut {
				if l.Model == "acme/e" && l.Why != c.because {
					t.Errorf("acme/e is left out for %q, want %q", l.Why, c.because)
				}
			}
		})
	}
}

// How much the outcomes say against the ability depends on the variance that
// they have on prompts from elsewhere.
func TestOutcomesCountByTheirPrecision(t *testing.T) {
	q := Query{Target: Target{Objective: Balanced}, Class: class(classifier.Chitchat, 0), Needs: Needs{PromptTokens: 100}, Prompt: aPrompt}
	q.Class.DifficultySD = 0.5
	p := func(transfer float64) (a, c float64, table *Table) {
		table = witness(t, func(o *TableOptions) { o.TransferVariance = transfer })
		e := table.estimator(q)
		return e.success(0), e.success(2), table
	}
	_, _, table := p(0)
	i, ok := table.success.Index("f00000")
	if !ok {
		t.Fatal("the model of success does not know f00000")
	}
	at := table.success.At(*aPrompt)
	outcome := table.success.Logit(i, at)
	a, c, _ := p(1e-12)
	if want := table.success.P(i, at); math.Abs(a-want) > 1e-6 {
		t.Errorf("certain outcomes: %v, they say %v", a, want)
	}
	a, c, _ = p(0) // the default: 1, beside 0.25 of the ability and 0.25 of the difficulty
	if want := expected((1/0.5+outcome)/(1/0.5+1), 1/(1/0.5+1)); math.Abs(a-want) > 1e-9 {
		t.Errorf("both: %v, want %v", a, want)
	}
	k, _ := table.success.Index("f00002")
	if want := expected(table.success.Logit(k, at), 1); math.Abs(c-want) > 1e-9 {
		t.Errorf("outcomes alone: %v, want %v", c, want)
	}
}

// On a prompt unlike those that outcomes were measured on they say nothing,
// unless they are to decide alone.
func TestOutcomesAreOfPromptsLikeTheirs(t *testing.T) {
	strange := &success.Prompt{Embedding: []float32{0, 0, 0, 0, -1, 0, 0, 0}}
	q := Query{Target: Target{Objective: Balanced}, Class: class(classifier.Chitchat, 0), Prompt: strange}
	for transfer, want := range map[float64]bool{0: false, 1e-12: true} {
		table := witness(t, func(o *TableOptions) { o.TransferVariance = transfer })
		if table.success.At(*strange).Familiar {
			t.Fatal("the prompt is familiar: the test tests nothing")
		}
		if e := table.estimator(q); (e.point != nil) != want {
			t.Errorf("variance %v: outcomes count: %v, want %v", transfer, e.point != nil, want)
		}
	}
}

// Measured costs hold even where there is a price.
func TestMeasuredCostsReplacePrices(t *testing.T) {
	q := Query{Target: Target{Objective: Balanced}, Class: class(classifier.Chitchat, 0), Needs: Needs{PromptTokens: 100}, Prompt: aPrompt}
	table := witness(t, func(o *TableOptions) { o.MeasuredCosts = true })
	e := table.estimator(q)
	want, ok := table.success.Cost(0, *e.point, 100)
	if !ok {
		t.Fatal("the model of success has no costs")
	}
	if got := e.cost(0); math.Abs(float64(got)-want) > 0.5 {
		t.Errorf("cost %d, measured %v", got, want)
	}
	if got := e.cost(1); got != 100*1000+60*1000 { // $1 per million in and out, 100 in, 60 out
		t.Errorf("without outcomes the price holds: %d", got)
	}
}
