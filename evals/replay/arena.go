package replay

import (
	"math"
	"slices"
)

// nan stands for what is not known.
var nan = math.NaN()

// arena is one source: its prompts, and what each model made of them.
type arena struct {
	source string
	models []string    // by name
	labels []string    // of the models, in the model of success that predicts for them
	items  []*item     // in the order of the plan
	score  [][]float64 // [item][model], NaN where the model was not asked
	cost   [][]float64 // nano-dollars, NaN where unknown; nil without money
	money  Money
	// borrowed: the source has no training rows; those of all others stand in.
	borrowed bool
}

// arenas parts the items by source. A tested source without training rows
// borrows those of all others.
func arenas(items []*item) []*arena {
	var all []*arena
	for _, it := range items {
		if len(all) == 0 || all[len(all)-1].source != it.Source {
			all = append(all, &arena{source: it.Source})
		}
		a := all[len(all)-1]
		a.items = append(a.items, it)
	}
	for _, a := range all {
		seen := map[string]bool{}
		for _, it := range a.items {
			for m := range it.Outcomes {
				if !seen[m] {
					seen[m] = true
					a.models = append(a.models, m)
				}
			}
		}
		slices.Sort(a.models)
	}
	for _, a := range all {
		if trains := func(it *item) bool { return it.train }; !slices.ContainsFunc(a.items, trains) {
			a.borrowed = true
			for _, it := range items {
				if it.train {
					a.items = append(a.items, it)
				}
			}
		}
	}
	for _, a := range all {
		a.fillScores()
	}
	return all
}

func (a *arena) fillScores() {
	for _, it := range a.items {
		row := make([]float64, len(a.models))
		for j, m := range a.models {
			row[j] = nan
			if o, ok := it.Outcomes[m]; ok {
				row[j] = o.Score
			}
		}
		a.score = append(a.score, row)
	}
}

// tests reports whether any row of the source is tested.
func (a *arena) tests() bool {
	return slices.ContainsFunc(a.items, func(it *item) bool { return it.test })
}

// rightOrWrong reports whether every score of the source's own rows is 0 or 1.
func (a *arena) rightOrWrong() bool {
	for i, row := range a.score {
		if a.items[i].Source != a.source {
			continue
		}
		for _, s := range row {
			if s != 0 && s != 1 && !math.IsNaN(s) {
				return false
			}
		}
	}
	return true
}

// standing is how the models did on the rows that a fit knows.
type standing struct {
	n           []float64
	score, cost []float64 // means; NaN where unknown
	byScore     []int     // models, best first; of equals the cheaper, then by name
	byCost      []int     // models, cheapest first
}

// standing gives the models' means over the training rows that the fit knows.
// Without money the order by cost is that of the scores, weakest first.
func (a *arena) standing(p pair) standing {
	k := len(a.models)
	s := standing{n: make([]float64, k), score: make([]float64, k), cost: make([]float64, k)}
	costed := make([]float64, k)
	for i, it := range a.items {
		if !p.knows(it) {
			continue
		}
		for m, y := range a.score[i] {
			if math.IsNaN(y) {
				continue
			}
			s.n[m]++
			s.score[m] += y
			if a.cost != nil && !math.IsNaN(a.cost[i][m]) {
				costed[m]++
				s.cost[m] += a.cost[i][m]
			}
		}
	}
	for m := range k {
		s.score[m] /= s.n[m]   // NaN for 0/0
		s.cost[m] /= costed[m] // the same
	}
	for m := range k {
		if s.n[m] > 0 {
			s.byScore, s.byCost = append(s.byScore, m), append(s.byCost, m)
		}
	}
	slices.SortStableFunc(s.byScore, func(x, y int) int { return s.better(x, y) })
	slices.SortStableFunc(s.byCost, func(x, y int) int {
		if c := compare(s.cost[x], s.cost[y]); c != 0 {
			return c
		}
		return compare(s.score[x], s.score[y])
	})
	return s
}

func (s *standing) better(x, y int) int {
	if c := compare(s.score[y], s.score[x]); c != 0 {
		return c
	}
	return compare(s.cost[x], s.cost[y])
}

// compare orders numbers, NaN last and equal to itself.
func compare(x, y float64) int {
	switch {
	case math.IsNaN(x) && math.IsNaN(y), x == y:
		return 0
	case math.IsNaN(y), x < y:
		return -1
	}
	return 1
}

// first gives the first model of an order that has an outcome for item i.
func (a *arena) first(order []int, i int) (int, bool) {
	for _, m := range order {
		if !math.IsNaN(a.score[i][m]) {
			return m, true
		}
	}
	return 0, false
}
