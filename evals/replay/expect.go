package replay

import (
	"math"
	"runtime"
	"sync"
)

// expectations are what a policy expects of the models on the prompts of one
// arena: for the tested group g and item i, p[g][i][model] and cost[g][i][model],
// made without the outcomes of g and of the item's own group. p is NaN where
// the policy has no opinion; then the model is no candidate.
type expectations struct {
	p, cost [][][]float32
}

func newExpectations(groups, items int) *expectations {
	e := &expectations{make([][][]float32, groups), make([][][]float32, groups)}
	for g := range groups {
		e.p[g], e.cost[g] = make([][]float32, items), make([][]float32, items)
	}
	return e
}

// of gives the expectations for item i when group g is tested; nil, nil if
// there are none.
func (e *expectations) of(g, i int) (p, cost []float32) { return e.p[g][i], e.cost[g][i] }

func (e *expectations) set(g, i int, p, cost []float32) { e.p[g][i], e.cost[g][i] = p, cost }

// sight is one prediction to be made by a fit: item i while group g is tested.
type sight struct{ g, i int }

// sights lists the predictions of an arena that a fit is there for: the items
// of its groups, seen from the other one.
func (a *arena) sights(pl *plan, p pair) []sight {
	var out []sight
	for _, g := range pl.tested {
		if g != p.a && g != p.b {
			continue
		}
		other := p.a + p.b - g
		for i, it := range a.items {
			if it.group == other && (other == g && it.test || other != g && it.train) {
				out = append(out, sight{g, i})
			}
		}
	}
	return out
}

// byTask expects of every prompt what its task showed on training rows: the
// best that a table of fixed models per task can do.
func (a *arena) byTask(pl *plan) *expectations {
	e := newExpectations(pl.groups, len(a.items))
	for _, p := range pl.pairs() {
		all := a.standing(p)
		tasks := map[string]standing{}
		for _, s := range a.sights(pl, p) {
			task := a.items[s.i].Task
			st, ok := tasks[task]
			if !ok {
				st = a.restrict(func(it *item) bool { return it.Task == task }).standing(p)
				tasks[task] = st
			}
			e.set(s.g, s.i, a.mix(s.i, st, all), a.costs(s.i, st, all))
		}
	}
	return e
}

// restrict gives the part of the arena whose items are wanted.
func (a *arena) restrict(want func(*item) bool) *arena {
	part := &arena{source: a.source, models: a.models, money: a.money}
	for i, it := range a.items {
		if want(it) {
			part.items, part.score = append(part.items, it), append(part.score, a.score[i])
			if a.cost != nil {
				part.cost = append(part.cost, a.cost[i])
			}
		}
	}
	return part
}

// weightOfAll is how many rows of its task the whole source counts for in the
// mean of a task.
const weightOfAll = 5

// mix gives the models' scores in a task, drawn to those in the whole source.
func (a *arena) mix(i int, task, all standing) []float32 {
	p := make([]float32, len(a.models))
	for m := range p {
		sum, n := weightOfAll*all.score[m], float64(weightOfAll)
		if task.n[m] > 0 {
			sum, n = sum+task.score[m]*task.n[m], n+task.n[m]
		}
		if p[m] = float32(sum / n); math.IsNaN(a.score[i][m]) {
			p[m] = float32(nan)
		}
	}
	return p
}

func (a *arena) costs(i int, task, all standing) []float32 {
	notional := a.notional(all)
	c := make([]float32, len(a.models))
	for m := range c {
		switch {
		case notional != nil:
			c[m] = notional[m]
		case !math.IsNaN(task.cost[m]):
			c[m] = float32(task.cost[m])
		default:
			c[m] = float32(all.cost[m])
		}
		if c[m] != c[m] { // no cost was seen: nothing that is cheap
			c[m] = math.MaxFloat32
		}
	}
	return c
}

// notionalHalvings is how many halvings at most lie between the dearest and the
// cheapest model of a source without money.
const notionalHalvings = 8

// notional gives, for a source without money, costs that double from each
// model to the next better one, or more slowly where there are many; nil with
// money. In dollars per million tokens.
func (a *arena) notional(st standing) []float32 {
	if a.cost != nil {
		return nil
	}
	c := make([]float32, len(a.models))
	for m := range c {
		c[m] = float32(nan)
	}
	step := min(1, notionalHalvings/max(1, float64(len(st.byCost)-1)))
	for rank, m := range st.byCost {
		c[m] = float32(math.Round(1e6*math.Exp2(float64(rank)*step)) / 1e6)
	}
	return c
}

// each runs f for 0..n-1 on all cores.
func each(n int, f func(i int)) {
	var group sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), n)
	for w := range workers {
		group.Go(func() {
			for i := n * w / workers; i < n*(w+1)/workers; i++ {
				f(i)
			}
		})
	}
	group.Wait()
}
