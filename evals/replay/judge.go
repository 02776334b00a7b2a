package replay

import (
	"math"
	"slices"
)

// Budgets are shares of what the best single model costs.
var Budgets = []float64{0.55, 0.70, 0.80, 1}

// verdict is a contest with every policy's results laid out by cell.
type verdict struct {
	*contest
	best, low, oracle series
	curves            map[string][]series // by policy, by margin
	// atBudget are the results at margins chosen on training rows, by policy and
	// budget; nil without money. margins are those chosen, by tested group.
	atBudget map[string][]series
	chosen   map[string][][]float64
}

func judge(c *contest) *verdict {
	v := &verdict{contest: c, best: c.single(), low: c.cheapest(), oracle: c.oracleSeries(),
		curves: map[string][]series{}, atBudget: map[string][]series{}, chosen: map[string][][]float64{}}
	for _, e := range slices.Concat(c.entrants, c.parts) {
		for k := range c.margins {
			v.curves[e.name] = append(v.curves[e.name], c.at(e, k))
		}
		if c.arena.cost == nil {
			continue
		}
		for _, budget := range Budgets {
			s, margins := c.within(e, budget)
			v.atBudget[e.name] = append(v.atBudget[e.name], s)
			v.chosen[e.name] = append(v.chosen[e.name], margins)
		}
	}
	for _, share := range shares() {
		v.curves[Random] = append(v.curves[Random], mixture(v.low, v.best, share))
	}
	return v
}

// shares of calls that go to the best single model in the random mixture.
func shares() []float64 {
	var out []float64
	for k := 0; k <= 10; k++ {
		out = append(out, float64(k)/10)
	}
	return out
}

// within runs a policy at the margins that scored best on the training rows of
// each tested group within a share of what the best single model cost there.
// Where no margin is within it the cheapest one is taken.
func (c *contest) within(e *entrant, budget float64) (s series, margins []float64) {
	at := make([]int, c.pl.groups)
	for _, g := range c.pl.tested {
		most, _ := c.singleOnTraining(g)
		at[g] = bestWithin(e.train[g], budget*most)
		margins = append(margins, c.margins[at[g]])
	}
	slices.Sort(margins)
	return c.series(func(i int) int { return int(e.picked[at[c.items[i].group]][i]) }), slices.Compact(margins)
}

// bestWithin gives the best point of a curve within a cost, the cheaper of
// equals, else the cheapest.
func bestWithin(curve []Point, cost float64) int {
	best, low := -1, 0
	for k, p := range curve {
		if p.Cost < curve[low].Cost {
			low = k
		}
		if p.Cost <= cost*(1+1e-9) && (best < 0 || p.Score > curve[best].Score || p.Score == curve[best].Score && p.Cost < curve[best].Cost) {
			best = k
		}
	}
	if best < 0 {
		return low
	}
	return best
}

// singleOnTraining is what the best single model cost on training rows.
func (c *contest) singleOnTraining(g int) (cost, score float64) {
	n := 0.0
	for i, it := range c.items {
		if !it.train || it.group == g {
			continue
		}
		if m, ok := c.arena.first(c.standing[g].byScore, i); ok {
			n++
			cost, score = cost+c.trainCost(g, i, m), score+c.arena.score[i][m]
		}
	}
	return cost / n, score / n
}

// belowSingle looks for margins at which the product's policy is surely worse
// than the best single model that is no dearer, both judged on training rows.
func (v *verdict) belowSingle(seed uint64) *BelowSingle {
	if v.arena.cost == nil {
		return nil
	}
	out := &BelowSingle{Checked: len(v.margins), Violations: []Violation{}}
	var columns [][]float64
	var singles [][]string
	for k := range v.margins {
		var names []string
		s := v.series(func(i int) int {
			m := v.singleFor(v.items[i].group, k, i)
			if !slices.Contains(names, v.models[m]) {
				names = append(names, v.models[m])
			}
			return m
		})
		columns, singles = append(columns, v.curves[Assay][k].minus(s)), append(singles, names)
	}
	for k, gain := range bootstrap(columns, seed) {
		if gain.Hi < 0 {
			p := v.curves[Assay][k].point()
			slices.Sort(singles[k])
			out.Violations = append(out.Violations, Violation{v.margins[k], Figure(p.Score), Figure(p.Cost / 1e9), singles[k], gain})
		}
	}
	return out
}

// singleFor gives the best single model that costs no more on training rows
// than the policy does there at a margin, else the cheapest.
func (v *verdict) singleFor(g, k, i int) int {
	st := v.standing[g]
	most := v.entrants[0].train[g][k].Cost
	for _, m := range st.byScore {
		if st.cost[m] <= most*(1+1e-9) && !math.IsNaN(v.arena.score[i][m]) {
			return m
		}
	}
	m, _ := v.arena.first(st.byCost, i)
	return m
}

// operating gives the results at the margins of a policy's aliases.
func (v *verdict) operating(margins map[string]float64) map[string]Result {
	out := map[string]Result{}
	for alias, margin := range margins {
		if k := slices.Index(v.margins, margin); k >= 0 {
			out[alias] = resultOf(margin, v.curves[Assay][k], v.best)
		}
	}
	return out
}

func resultOf(threshold float64, s, best series) Result {
	p, b := s.point(), best.point()
	return Result{Figure(threshold), Figure(p.Score), Figure(p.Cost / 1e9), Figure(p.Cost / b.Cost)}
}

// duel gives RouteLLM's measures: for two models, or for the strongest and the
// cheapest of several, as the training rows have them.
func (v *verdict) duel() (*DuelResult, string) {
	st := v.arena.standing(pair{-1, -1}) // of all training rows: it only says who is compared
	if len(st.byScore) < 2 {
		return nil, "only one model"
	}
	strong, weak := st.byScore[0], st.byCost[0]
	if len(st.byScore) == 2 {
		weak = st.byScore[1]
	}
	if strong == weak {
		return nil, "the strongest model, " + v.models[strong] + ", is also the cheapest"
	}
	d := &DuelResult{Strong: v.models[strong], Weak: v.models[weak]}
	for _, e := range slices.Concat(v.entrants, v.parts) {
		duels := v.duels(e, strong, weak)
		r, ok := Recover(duels)
		if !ok {
			return nil, d.Strong + " is no better than " + d.Weak + " on the tested rows"
		}
		if d.N == 0 {
			d.N = len(duels)
			for _, x := range duels {
				d.Score[0] += Figure(x.Strong / float64(d.N))
				d.Score[1] += Figure(x.Weak / float64(d.N))
			}
		}
		d.Policies = append(d.Policies, RecoveryResult{e.name, Figure(r.APGR()), Figure(r.CPT(0.5)), Figure(r.CPT(0.8))})
	}
	return d, ""
}

func (v *verdict) duels(e *entrant, strong, weak int) []Duel {
	var out []Duel
	for _, i := range v.cells {
		p, _ := e.of(v.items[i].group, i)
		if y := v.arena.score[i]; p[strong] == p[strong] && p[weak] == p[weak] {
			out = append(out, Duel{y[strong], y[weak], float64(p[strong]) - float64(p[weak])})
		}
	}
	return out
}
