package replay

import (
	"math"
	"slices"
)

// keep gives the rows of a series that are wanted.
func (s series) keep(rows []int) series {
	out := series{make([]float64, len(rows)), make([]float64, len(rows))}
	for n, r := range rows {
		out.score[n], out.cost[n] = s.score[r], s.cost[r]
	}
	return out
}

func (s *series) add(t series) {
	s.score, s.cost = append(s.score, t.score...), append(s.cost, t.cost...)
}

// union lays the wanted rows of several verdicts end to end.
func union(vs []*verdict, want func(*item) bool) *verdict {
	out := &verdict{contest: &contest{}, curves: map[string][]series{}, atBudget: map[string][]series{}, chosen: map[string][][]float64{}}
	for _, v := range vs {
		var rows []int
		for n, i := range v.cells {
			if want(v.items[i]) {
				rows = append(rows, n)
			}
		}
		out.margins, out.entrants = v.margins, v.entrants
		out.best.add(v.best.keep(rows))
		out.low.add(v.low.keep(rows))
		out.oracle.add(v.oracle.keep(rows))
		for _, to := range []struct{ into, from map[string][]series }{{out.curves, v.curves}, {out.atBudget, v.atBudget}} {
			for name, list := range to.from {
				if to.into[name] == nil {
					to.into[name] = make([]series, len(list))
				}
				for k, s := range list {
					to.into[name][k].add(s.keep(rows))
				}
			}
		}
		for name, list := range v.chosen {
			if out.chosen[name] == nil {
				out.chosen[name] = make([][]float64, len(list))
			}
			for b, margins := range list {
				all := append(out.chosen[name][b], margins...)
				slices.Sort(all)
				out.chosen[name][b] = slices.Compact(all)
			}
		}
	}
	return out
}

// group sums a verdict up. The range of costs for AIQ is lo to hi.
func (v *verdict) group(seed uint64, lo, hi float64) *Group {
	g := &Group{N: len(v.best.score), Best: resultOf(math.NaN(), v.best, v.best)}
	var lost [][]float64 // columns for the bootstrap, and where they go
	var into []**Interval
	defer func() {
		for k, interval := range bootstrap(lost, seed) {
			*into[k] = &interval
		}
	}()
	for _, e := range v.entrants {
		p := PolicyResult{Policy: e.name, AIQ: v.aiq(v.curves[e.name], lo, hi)}
		for k, s := range v.curves[e.name] {
			p.Points = append(p.Points, resultOf(v.margins[k], s, v.best))
		}
		if len(v.atBudget[e.name]) > 0 {
			p.Budgets = make([]BudgetResult, len(Budgets))
		}
		for b := range p.Budgets {
			r := &p.Budgets[b]
			r.Budget = Budgets[b]
			s := v.atBudget[e.name][b]
			r.OnTrain = v.chosenResult(s, v.chosen[e.name][b])
			k := bestWithin(points(v.curves[e.name]), Budgets[b]*v.best.point().Cost)
			t := v.curves[e.name][k]
			r.BestOnTest = v.chosenResult(t, []float64{v.margins[k]})
			lost = append(lost, v.best.minus(s), v.best.minus(t))
			into = append(into, &r.OnTrain.Lost, &r.BestOnTest.Lost)
		}
		g.Policies = append(g.Policies, p)
	}
	for _, one := range []struct {
		name string
		s    series
	}{{BestSingle, v.best}, {AlwaysLow, v.low}, {Oracle, v.oracle}} {
		g.Policies = append(g.Policies, PolicyResult{Policy: one.name, Points: []Result{resultOf(0, one.s, v.best)}, AIQ: v.aiq([]series{one.s}, lo, hi)})
	}
	mix := PolicyResult{Policy: Random, AIQ: v.aiq(v.curves[Random], lo, hi)}
	for k, share := range shares() {
		mix.Points = append(mix.Points, resultOf(share, v.curves[Random][k], v.best))
	}
	g.Policies = append(g.Policies, mix)
	return g
}

func (v *verdict) chosenResult(s series, margins []float64) ChosenResult {
	r := resultOf(0, s, v.best)
	return ChosenResult{Margins: margins, Score: r.Score, CostUSD: r.CostUSD, Share: r.CostShare}
}

func points(list []series) []Point {
	out := make([]Point, len(list))
	for k, s := range list {
		out[k] = s.point()
	}
	return out
}

// aiq is NaN without money.
func (v *verdict) aiq(list []series, lo, hi float64) Figure {
	if math.IsNaN(lo) || math.IsNaN(hi) {
		return Figure(nan)
	}
	return Figure(AIQ(points(list), lo, hi))
}

// costRange spans the mean costs of the single models on tested rows.
func (v *verdict) costRange() (lo, hi float64) {
	lo, hi = nan, nan
	for _, c := range v.mean {
		if math.IsNaN(c) {
			continue
		}
		if !(lo <= c) {
			lo = c
		}
		if !(hi >= c) {
			hi = c
		}
	}
	return lo, hi
}
