package router

import (
	"fmt"
	"math"
	"sort"

	"assay/router/policy"
	"assay/scoring"
)

// round keeps decimals short, so that explanations can be read.
func round(x float64, digits int) float64 {
	p := 1.0
	for range digits {
		p *= 10
	}
	return float64(int64(x*p+0.5)) / p
}

const (
	// freeHalvings is how many halvings of cost a free model counts as, or as
	// many as the cheapest paid one if that is more.
	freeHalvings = 10
	// mostForgiven bounds the predicted success that a price can make up for.
	mostForgiven = policy.MostForgiven
)

// bar is the choice rule of aliases. The likeliest candidate sets it; a cheaper
// one clears it with
//
//	p >= p_best - margin * log2(cost_best / cost)
//
// that is, every halving of the expected cost may take away margin of
// predicted success, mostForgiven in all.
type bar struct {
	best   scored
	margin float64
	free   float64 // halvings that a free model counts as
	most   float64 // that any candidate is forgiven
}

// newBar finds the likeliest candidate, the cheaper of equals.
func newBar(cs []scored, margin float64) bar {
	best := cs[0]
	for i := range cs {
		if cs[i].quality(&best) {
			best = cs[i]
		}
	}
	return newBarOf(best, cs, margin)
}

// newBarOf is the bar that best sets among candidates.
func newBarOf(best scored, cs []scored, margin float64) bar {
	b := bar{best: best, margin: margin, free: freeHalvings}
	paid := int64(math.MaxInt64)
	for i := range cs {
		if c := cs[i].cost; c > 0 && c < paid {
			paid = c
		}
	}
	b.free = max(b.free, b.halvings(paid))
	b.most = min(b.margin*b.free, mostForgiven)
	return b
}

// halvings of the best one's cost that lead to a cost; 0 if it is not cheaper.
func (b *bar) halvings(cost int64) float64 {
	switch {
	case cost >= b.best.cost:
		return 0
	case cost == 0:
		return b.free
	}
	return math.Log2(float64(b.best.cost) / float64(cost))
}

// needs is the least p with which a candidate of that cost clears the bar.
func (b *bar) needs(cost int64) float64 {
	return b.best.p - min(b.margin*b.halvings(cost), mostForgiven)
}

// clears reports whether p >= needs(cost).
func (b *bar) clears(c *scored) bool {
	gap := b.best.p - c.p
	return gap <= 0 || gap <= b.most && c.cost < b.best.cost && c.p >= b.needs(c.cost)
}

// scored is an admissible row with the numbers by which it is ranked.
type scored struct {
	p       float64
	cost    int64   // nano-dollars
	seconds float64 // 0: not measured
	row     int32   // rows are in the order of their IDs
	clears  bool
}

// The orders: each reports whether c comes before o, equal only if identical.

func (c *scored) cheaper(o *scored) bool {
	switch {
	case c.cost != o.cost:
		return c.cost < o.cost
	case c.p != o.p:
		return c.p > o.p
	}
	return c.row < o.row
}

func (c *scored) quality(o *scored) bool {
	if c.p != o.p {
		return c.p > o.p
	}
	return c.cheaper(o)
}

func (c *scored) faster(o *scored) bool {
	switch {
	case (c.seconds > 0) != (o.seconds > 0):
		return c.seconds > 0
	case c.seconds != o.seconds:
		return c.seconds < o.seconds
	}
	return c.cheaper(o)
}

// order is what candidates are sorted by: those that clear the bar come first,
// in one direction, the rest by quality. It is no function, so that comparing
// puts nothing on the heap.
type order Objective

// before reports whether a comes before b.
func (o order) before(a, b *scored) bool {
	switch {
	case a.clears != b.clears:
		return a.clears
	case !a.clears, o == byQuality:
		return a.quality(b)
	case o == bySpeed:
		return a.faster(b)
	}
	return a.cheaper(b)
}

const (
	byCost    = order(Cost)
	byQuality = order(Quality)
	bySpeed   = order(Speed)
)

// ranking is the order of a query's candidates and why it is so.
type ranking struct {
	order  order
	bar    *bar // nil where only the tier counts
	reason func(first *scored) string
}

// rank decides the order of candidates for an alias or tier selector, and which
// of them clear the bar. In a direction of a tier all do.
func (t *Table) rank(q Query, cs []scored) ranking {
	if q.Target.Tier != "" && q.Target.Objective != Balanced {
		for i := range cs {
			cs[i].clears = true
		}
		o, what := order(q.Target.Objective), "cheapest"
		switch o {
		case byQuality:
			what = "most likely to succeed"
		case bySpeed:
			what = speedReason(cs)
		}
		return ranking{order: o, reason: func(*scored) string { return fmt.Sprintf("%s of tier %s", what, q.Target.Tier) }}
	}
	o, what := byCost, "cheapest"
	if q.Target.Objective == Fast {
		o, what = bySpeed, speedReason(cs)
	}
	b := newBar(cs, t.Policy.Margins[q.Target.Objective])
	cleared := 0
	for i := range cs {
		if cs[i].clears = b.clears(&cs[i]); cs[i].clears {
			cleared++
		}
	}
	return ranking{order: o, bar: &b, reason: func(chosen *scored) string {
		return b.reason(chosen, what, cleared, q.Target.Tier, t.rows[b.best.row].ID)
	}}
}

// reason says in words why the chosen one was chosen.
func (b *bar) reason(chosen *scored, what string, cleared int, tier scoring.Tier, likeliest string) string {
	of := ""
	if tier != "" {
		of = fmt.Sprintf(" of tier %s", tier)
	}
	if cleared == 1 {
		return fmt.Sprintf("the likeliest%s, %s (p %.2f): no cheaper one is within %g of predicted success per halving of cost", of, likeliest, b.best.p, b.margin)
	}
	why := fmt.Sprintf("%s of %d models%s within %g of predicted success per halving of cost", what, cleared, of, b.margin)
	if chosen.row == b.best.row {
		return why + fmt.Sprintf(", and the likeliest (p %.2f)", b.best.p)
	}
	return why + fmt.Sprintf("; the likeliest, %s (p %.2f), costs %s", likeliest, b.best.p, times(b.best.cost, chosen.cost))
}

// times compares two costs in words.
func times(cost, than int64) string {
	if than == 0 {
		if cost == 0 {
			return "as little"
		}
		return fmt.Sprintf("$%.6f and this one nothing", float64(cost)/1e9)
	}
	switch x := float64(cost) / float64(than); {
	case x > 0.95 && x < 1.05:
		return "as much"
	case x < 9.5:
		return fmt.Sprintf("%.1f times as much", x)
	default:
		return fmt.Sprintf("%.0f times as much", x)
	}
}

// speedReason is honest about speed that nobody has measured yet.
func speedReason(cs []scored) string {
	for i := range cs {
		if cs[i].seconds > 0 {
			return "fastest measured"
		}
	}
	return "cheapest (no speed measured yet)"
}

// sort sorts all of cs.
func (o order) sort(cs []scored) {
	sort.Slice(cs, func(i, j int) bool { return o.before(&cs[i], &cs[j]) })
}

// foremost sorts the first n of cs to its beginning and returns them, in time
// that grows with len(cs) alone while n is small; the rest is lost.
func (o order) foremost(cs []scored, n int) []scored {
	top := cs[:0]
	for i := range cs {
		at := len(top)
		if at == n {
			if at--; !o.before(&cs[i], &top[at]) {
				continue
			}
		}
		c := cs[i]
		top = top[:at+1]
		for ; at > 0 && o.before(&c, &top[at-1]); at-- {
			top[at] = top[at-1]
		}
		top[at] = c
	}
	return top
}
