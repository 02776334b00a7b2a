package router

import (
	"math"
	"strings"
	"testing"

	"assay/classifier"
	"assay/models"
)

// testMargins are round, so that cases can be worked out in the head.
var testMargins = map[Objective]float64{Cost: 0.05, Balanced: 0.02, Quality: 0.005, Fast: 0.02}

// ranked is how a table with testMargins orders candidates of which
// only success and cost (in nano-dollars) are known; models are named A, B, ...
func ranked(o Objective, cs ...scored) (order string, r ranking, sorted []scored) {
	t := &Table{Policy: Policy{Margins: testMargins}.WithDefaults()}
	for i := range cs {
		cs[i].row = int32(i)
		t.rows = append(t.rows, row{Model: models.Model{ID: string(rune('A' + i))}})
	}
	r = t.rank(Query{Target: Target{Objective: o}}, cs)
	sorted = r.order.foremost(cs, listed)
	for i := range sorted {
		order += string(rune('A' + sorted[i].row))
	}
	return order, r, sorted
}

func TestChoiceRule(t *testing.T) {
	for name, c := range map[string]struct {
		objective Objective
		cs        []scored
		want      string // the order
	}{
		"half the cost makes up for one margin":         {Balanced, []scored{{p: 0.9, cost: 1000}, {p: 0.88, cost: 500}}, "BA"},
		"and for no more":                               {Balanced, []scored{{p: 0.9, cost: 1000}, {p: 0.879, cost: 500}}, "AB"},
		"an eighth makes up for three":                  {Balanced, []scored{{p: 0.9, cost: 1000}, {p: 0.841, cost: 125}}, "BA"},
		"each objective has its own":                    {Cost, []scored{{p: 0.9, cost: 1000}, {p: 0.851, cost: 500}}, "BA"},
		"quality gives up little":                       {Quality, []scored{{p: 0.9, cost: 1000}, {p: 0.894, cost: 500}}, "AB"},
		"no price makes up for a worse and dearer one":  {Balanced, []scored{{p: 0.9, cost: 1000}, {p: 0.8999, cost: 1001}}, "AB"},
		"of equally likely ones the cheaper":            {Quality, []scored{{p: 0.9, cost: 1000}, {p: 0.9, cost: 999}}, "BA"},
		"of equal ones the first by name":               {Balanced, []scored{{p: 0.9, cost: 1000}, {p: 0.9, cost: 1000}}, "AB"},
		"free counts as ten halvings":                   {Balanced, []scored{{p: 0.9, cost: 1000}, {p: 0.701, cost: 0}}, "BA"},
		"and as no more":                                {Balanced, []scored{{p: 0.9, cost: 1000}, {p: 0.699, cost: 0}}, "AB"},
		"unless a paid one counts as more":              {Balanced, []scored{{p: 0.9, cost: 1 << 20}, {p: 0.1, cost: 1}, {p: 0.51, cost: 0}}, "CAB"},
		"nothing makes up for more than half":           {Cost, []scored{{p: 0.9, cost: 1 << 40}, {p: 0.399, cost: 1}}, "AB"},
		"up to half it does":                            {Cost, []scored{{p: 0.9, cost: 1 << 40}, {p: 0.401, cost: 1}}, "BA"},
		"if the likeliest is free nobody is cheaper":    {Balanced, []scored{{p: 0.9, cost: 0}, {p: 0.89, cost: 0}}, "AB"},
		"after those that clear, the likelier first":    {Balanced, []scored{{p: 0.5, cost: 900}, {p: 0.9, cost: 1000}, {p: 0.6, cost: 950}, {p: 0.89, cost: 400}}, "DBCA"},
		"fast is the fastest of those that clear":       {Fast, []scored{{p: 0.9, cost: 1000, seconds: 2}, {p: 0.89, cost: 500, seconds: 1}, {p: 0.3, cost: 900, seconds: 0.1}}, "BAC"},
		"unmeasured is never fastest":                   {Fast, []scored{{p: 0.9, cost: 1000, seconds: 2}, {p: 0.89, cost: 500}}, "AB"},
		"without any measurement fast is the cheapest":  {Fast, []scored{{p: 0.9, cost: 1000}, {p: 0.89, cost: 500}}, "BA"},
		"a price does not help the fast who are likely": {Fast, []scored{{p: 0.9, cost: 1000, seconds: 1}, {p: 0.85, cost: 900, seconds: 0.1}}, "AB"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, _, _ := ranked(c.objective, c.cs...); got != c.want {
				t.Errorf("order %s, want %s", got, c.want)
			}
		})
	}
}

// The cheaper a model the less it needs, and the first one meets its needs.
func TestNeedsFallWithCost(t *testing.T) {
	_, r, sorted := ranked(Balanced, scored{p: 0.9, cost: 1 << 30}, scored{p: 0.1, cost: 3}, scored{p: 0.2})
	before := math.Inf(1)
	for _, cost := range []int64{1 << 31, 1 << 30, 1 << 29, 1000, 3, 1, 0} {
		needs := r.bar.needs(cost)
		if needs > before {
			t.Errorf("at cost %d it needs %v, a dearer one %v", cost, needs, before)
		}
		before = needs
	}
	if first := sorted[0]; first.p < r.bar.needs(first.cost) {
		t.Errorf("the first has p %v and needs %v", first.p, r.bar.needs(first.cost))
	}
}

func TestReasonSaysWhatTheLikeliestCosts(t *testing.T) {
	for want, cs := range map[string][]scored{
		"cheapest of 2 models within 0.02 of predicted success per halving of cost; the likeliest, A (p 0.91), costs 23 times as much": {{p: 0.91, cost: 2300}, {p: 0.89, cost: 100}},
		"costs 1.5 times as much": {{p: 0.91, cost: 150}, {p: 0.905, cost: 100}},
		"the likeliest, A (p 0.91): no cheaper one is within 0.02 of predicted success per halving of cost": {{p: 0.91, cost: 2300}, {p: 0.3, cost: 1000}},
		"cheapest of 2 models within 0.02 of predicted success per halving of cost, and the likeliest":      {{p: 0.91, cost: 2300}, {p: 0.91, cost: 2301}},
		"costs $0.000002 and this one nothing": {{p: 0.91, cost: 2300}, {p: 0.89}},
	} {
		_, r, sorted := ranked(Balanced, cs...)
		if got := r.reason(&sorted[0]); !strings.Contains(got, want) {
			t.Errorf("%q\nlacks\n%q", got, want)
		}
	}
}

// The rule behind every alias, worked out again from what a decision shows.
func TestAliasPicksTheCheapestThatClearsTheBar(t *testing.T) {
	table := realTable(t, Policy{})
	const slack = 2e-6 // of figures with six decimals
	for alias, objective := range map[string]Objective{"assay/cost": Cost, "assay/balanced": Balanced, "assay/quality": Quality} {
		margin := table.Policy.Margins[objective]
		for b := -4.0; b <= 4; b += 0.5 {
			d := mustDecide(t, table, alias, class(classifier.KnowledgeQA, b), Needs{})
			likeliest := d.Candidates[0]
			for _, c := range d.Candidates {
				if c.PSuccess > likeliest.PSuccess || c.PSuccess == likeliest.PSuccess && c.costNano < likeliest.costNano {
					likeliest = c
				}
			}
			for _, c := range d.Candidates {
				needs := likeliest.PSuccess
				switch {
				case c.costNano >= likeliest.costNano:
				case c.costNano == 0:
					needs = math.NaN() // the catalogue has none; see TestChoiceRule
				default:
					needs -= min(margin*math.Log2(float64(likeliest.costNano)/float64(c.costNano)), 0.5)
				}
				if math.Abs(max(needs, 0)-c.Needs) > slack {
					t.Fatalf("%s at b=%.1f: %s needs %v by the rule, %v by the decision", alias, b, c.Model, needs, c.Needs)
				}
				if c.PSuccess > c.Needs+slack && c.costNano < d.Candidates[0].costNano {
					t.Errorf("%s at b=%.1f: %s clears the bar and costs less than %s", alias, b, c.Model, d.Model)
				}
			}
			if d.Candidates[0].PSuccess < d.Candidates[0].Needs-slack {
				t.Errorf("%s at b=%.1f: %s at p=%.3f needs %.3f", alias, b, d.Model, d.PSuccess, d.Candidates[0].Needs)
			}
		}
	}
}

// Only the order of aliases rests on a bar.
func TestNamedAndDirectionsOfATierNeedNothing(t *testing.T) {
	table := realTable(t, Policy{})
	for _, model := range []string{"gpt-4o", "flagship:cost", "flagship:quality", "flagship:speed"} {
		for _, c := range mustDecide(t, table, model, class(classifier.Writing, 0), Needs{}).Candidates {
			if c.Needs != 0 {
				t.Errorf("%s: %s needs %v", model, c.Model, c.Needs)
			}
		}
	}
	if d := mustDecide(t, table, "flagship:balanced", class(classifier.Writing, 0), Needs{}); d.Candidates[0].Needs == 0 || !strings.Contains(d.Reason, "of tier flagship within 0.017") {
		t.Errorf("flagship:balanced: %+v, %s", d.Candidates[0], d.Reason)
	}
}
