package replay

import (
	"math"
	"slices"
)

// entrant is a policy in the contest over one arena.
type entrant struct {
	name string
	*expectations
	*choices // for the tested items
	// train[g][margin] is how it did on the training rows of the tested group g.
	train [][]Point
}

// contest is one arena with everything that is compared in it.
type contest struct {
	*arena
	pl       *plan
	margins  []float64
	entrants []*entrant // the product's own first
	parts    []*entrant
	standing []standing // by tested group, of its training rows
	cells    []int      // the items that are tested and that somebody can answer
	mean     []float64  // mean cost of the models on tested items, for costs that are missing
}

// Names of policies.
const (
	Assay      = "assay"
	ByKNN      = "knn"
	ByTask     = "fixed_per_task"
	BestSingle = "best_single"
	AlwaysLow  = "cheapest"
	Random     = "random"
	Oracle     = "oracle"
)

// newContest lets the baselines predict and everybody choose.
func newContest(a *arena, pl *plan, margins []float64, f *fitted) *contest {
	c := &contest{arena: a, pl: pl, margins: margins}
	for g := range pl.groups {
		c.standing = append(c.standing, a.standing(pairOf(g, g)))
	}
	c.enter(&c.entrants, Assay, f.whole[a], f.decisions[a])
	for _, e := range []struct {
		name string
		*expectations
	}{{ByKNN, a.byNeighbours(pl)}, {ByTask, a.byTask(pl)}} {
		c.enter(&c.entrants, e.name, e.expectations, e.choose(a, margins))
	}
	for k, of := range f.parts {
		c.enter(&c.parts, parts[k].name, of[a], of[a].choose(a, margins))
	}
	c.meanCosts()
	for i, it := range a.items {
		nobody := func(e *entrant) bool { return e.picked[0][i] < 0 }
		if it.test && !slices.ContainsFunc(c.entrants, nobody) && !slices.ContainsFunc(c.parts, nobody) {
			c.cells = append(c.cells, i)
		}
	}
	for _, e := range append(c.entrants, c.parts...) {
		e.train = c.onTraining(e.expectations)
	}
	return c
}

func (c *contest) enter(to *[]*entrant, name string, e *expectations, ch *choices) {
	*to = append(*to, &entrant{name: name, expectations: e, choices: ch})
}

// meanCosts fills the means, and counts where they will be needed.
func (c *contest) meanCosts() {
	if c.arena.cost == nil {
		return
	}
	c.mean = make([]float64, len(c.models))
	for m := range c.models {
		sum, n := 0.0, 0.0
		for i, it := range c.items {
			switch x := c.arena.cost[i][m]; {
			case !it.test || math.IsNaN(c.arena.score[i][m]):
			case math.IsNaN(x):
				c.money.Filled++
			default:
				sum, n = sum+x, n+1
			}
		}
		c.mean[m] = sum / n
	}
}

// costOf is what model m cost on item i, in nano-dollars; NaN without money.
func (c *contest) costOf(i, m int) float64 {
	if c.arena.cost == nil {
		return nan
	}
	if x := c.arena.cost[i][m]; !math.IsNaN(x) {
		return x
	}
	return c.mean[m]
}

// onTraining runs a policy over the training rows of every tested group.
func (c *contest) onTraining(e *expectations) [][]Point {
	out := make([][]Point, c.pl.groups)
	for _, g := range c.pl.tested {
		curve := make([]Point, len(c.margins))
		each(len(c.margins), func(k int) {
			n := 0.0
			for i, it := range c.items {
				if !it.train || it.group == g {
					continue
				}
				p, cost := e.of(g, i)
				if p == nil {
					continue
				}
				if m := choose(p, cost, c.margins[k]); m >= 0 {
					n++
					curve[k].Score += c.arena.score[i][m]
					curve[k].Cost += c.trainCost(g, i, m)
				}
			}
			curve[k].Score /= n
			curve[k].Cost /= n
		})
		out[g] = curve
	}
	return out
}

// trainCost is what model m cost on training item i: never the mean of tested items.
func (c *contest) trainCost(g, i, m int) float64 {
	if c.arena.cost == nil {
		return nan
	}
	if x := c.arena.cost[i][m]; !math.IsNaN(x) {
		return x
	}
	return c.standing[g].cost[m]
}

// series are a policy's results on the cells of a view, row by row.
type series struct{ score, cost []float64 }

func (c *contest) series(model func(i int) int) series {
	s := series{make([]float64, len(c.cells)), make([]float64, len(c.cells))}
	for n, i := range c.cells {
		m := model(i)
		s.score[n], s.cost[n] = c.arena.score[i][m], c.costOf(i, m)
	}
	return s
}

// at gives the series of a policy at a margin.
func (c *contest) at(e *entrant, k int) series {
	return c.series(func(i int) int { return int(e.picked[k][i]) })
}

// single gives the series of the best single model of the training rows; where
// it has no outcome for a prompt the next best stands in.
func (c *contest) single() series {
	return c.series(func(i int) int { m, _ := c.arena.first(c.standing[c.items[i].group].byScore, i); return m })
}

func (c *contest) cheapest() series {
	return c.series(func(i int) int { m, _ := c.arena.first(c.standing[c.items[i].group].byCost, i); return m })
}

// oracle knows the outcomes: the best score, and of equals the cheapest.
func (c *contest) oracleSeries() series { return c.series(c.oracleOf) }

func (c *contest) oracleOf(i int) int {
	best := -1
	for m, y := range c.arena.score[i] {
		if math.IsNaN(y) {
			continue
		}
		if best < 0 || y > c.arena.score[i][best] || y == c.arena.score[i][best] && c.costOf(i, m) < c.costOf(i, best) {
			best = m
		}
	}
	return best
}

// mixture is the expectation of calling b with a share, else a.
func mixture(a, b series, share float64) series {
	s := series{make([]float64, len(a.score)), make([]float64, len(a.score))}
	for i := range a.score {
		s.score[i] = (1-share)*a.score[i] + share*b.score[i]
		s.cost[i] = (1-share)*a.cost[i] + share*b.cost[i]
	}
	return s
}

func (s series) point() Point { return Point{Cost: mean(s.cost), Score: mean(s.score)} }

// minus gives the differences of scores, row by row.
func (s series) minus(t series) []float64 {
	out := make([]float64, len(s.score))
	for i := range out {
		out[i] = s.score[i] - t.score[i]
	}
	return out
}
