package router

import (
	"fmt"

	"assay/models"
	"assay/scoring"
)

// swap puts cheaper models of the named one's tier before it, if policy and
// request allow it. A swap never leaves the tier or the region, never touches a
// request whose answer depends on the exact model (see fixed), never goes to a
// model that is not known to be able to do what the request needs, and never
// to one whose predicted success falls short of the bar that the named model
// sets. The named model stays the last resort.
func (t *Table) swap(q Query, e *estimator, d *Decision) {
	if q.Policy == nil || len(d.Candidates) == 0 {
		return
	}
	d.Swap = t.mayNotSwap(q, d)
	if d.Swap != "" {
		return
	}
	from := t.byID[d.Candidates[0].Model]
	named := *e.named(from)
	cs := []scored{named}
	for _, i := range t.pools[t.countsAs(q, from)] {
		if t.cannotBecome(q, from, int(i)) != "" {
			continue
		}
		if c, ok := e.score(int(i)); ok && c.cost < named.cost && q.Policy.Limited(c.cost, c.p) == "" {
			cs = append(cs, c)
		}
	}
	b := newBarOf(named, cs, t.Policy.Margins[Balanced])
	cheapest := -1
	for i := range cs[1:] {
		cs[1+i].clears = b.clears(&cs[1+i])
		if cs[1+i].clears && (cheapest < 0 || cs[1+i].cheaper(&cs[cheapest])) {
			cheapest = 1 + i
		}
	}
	if cheapest < 0 {
		d.Swap = "no cheaper model of its tier is as good"
		return
	}
	if q.Stay != nil {
		cs[0].clears = true
		if at := find(cs, q.Stay.Row); at >= 0 && at != cheapest {
			if why := e.stays(q.Stay, &cs[at], &cs[cheapest], byCost); why != "" {
				if d.Swap = "no swap: " + why; at == 0 {
					d.Stayed = true
					return
				}
				cheapest = at
			}
		}
	}
	to := e.candidate(&cs[cheapest])
	to.Needs = round(max(b.needs(cs[cheapest].cost), 0), 6)
	d.RoutedFrom = d.Candidates[0].Model
	d.Swap = fmt.Sprintf("swapped by %s; %s costs %s", q.Policy.SwapWhy, d.RoutedFrom, times(named.cost, cs[cheapest].cost))
	d.Candidates = append([]Candidate{to}, d.Candidates...)
	d.Reason = fmt.Sprintf("cheapest of tier %s in region %s that is as good as %s; %s", t.countsAs(q, from), t.rows[from].Region, d.RoutedFrom, d.Swap)
}

// mayNotSwap says why the request's named model stays, before other models are
// looked at; "" if it may be swapped.
func (t *Table) mayNotSwap(q Query, d *Decision) string {
	from := t.byID[d.Candidates[0].Model]
	switch {
	case !q.Policy.Swap:
		return "no swap: " + q.Policy.SwapWhy
	case q.Fixed != "":
		return "no swap: the request has " + q.Fixed
	case t.countsAs(q, from) == "":
		return "no swap: the model is in no tier"
	case d.Candidates[0].costNano < 0 || !t.rows[from].hasAbility:
		return "no swap: the model's cost or ability is unknown"
	}
	if why := q.Policy.MayBecome(t.rows[from].rules, nil); why != "" {
		return "no swap: " + why
	}
	return ""
}

// countsAs is the tier that a named row is swapped in: a pin's, or its own.
func (t *Table) countsAs(q Query, row int) scoring.Tier {
	if pinned := q.Policy.PinnedTier(t.rows[row].rules); pinned != "" {
		return scoring.Tier(pinned)
	}
	return t.rows[row].tier
}

// cannotBecome says why the row from may not be swapped for the row to.
func (t *Table) cannotBecome(q Query, from, to int) string {
	a, b := &t.rows[from], &t.rows[to]
	q.Target = Target{Tier: t.countsAs(q, from), Objective: Balanced}
	if why := t.unfit(to, q); why != "" {
		return why
	}
	switch {
	case from == to:
		return "the model itself"
	case a.Region == "" || a.Region != b.Region:
		return "another region"
	case a.Caps.Vision == models.Yes && q.Needs.Vision && b.Caps.Vision != models.Yes:
		return "no vision"
	case !b.scored:
		return "no published or measured score"
	}
	return q.Policy.MayBecome(a.rules, b.rules)
}
