package scoring

import (
	"cmp"
	"maps"
	"slices"

	"assay/models"
)

// variant is one family run in one mode.
type variant struct {
	family string
	mode   Mode
}

// Cell is what all sources together say about one variant on one item.
type Cell struct {
	Family      string
	Mode        Mode
	Item        Item
	Score       float64 // percent of the points, or Elo: median of the readings kept
	Weight      float64 // largest weight among the readings kept
	Independent bool
	Readings    int      // readings kept
	Sources     []string // of the readings kept, sorted

	x    float64 // transformed Score
	elo  bool
	date float64 // of the oldest reading kept, in years; 0 unknown
}

// cells collapses rows into one cell per variant and item. An independent
// reading drops every vendor's reading of the same cell; what is left is
// summarised by its median. The result is sorted and does not depend on the
// order of the rows.
func cells(scores []models.Score, w Weights) ([]Cell, error) {
	type key struct {
		variant
		item Item
	}
	var readings []reading
	for _, s := range scores {
		r, ok, err := read(s, w)
		if err != nil {
			return nil, err
		}
		if ok {
			readings = append(readings, r)
		}
	}
	settleModes(readings)
	groups := map[key][]reading{}
	for _, r := range readings {
		k := key{variant{r.family, r.mode}, r.item}
		groups[k] = append(groups[k], r)
	}
	var out []Cell
	for k, rs := range groups {
		out = append(out, collapse(k.variant, k.item, rs))
	}
	slices.SortFunc(out, func(a, b Cell) int {
		return cmp.Or(cmp.Compare(a.Family, b.Family), cmp.Compare(a.Mode, b.Mode), compareItems(a.Item, b.Item))
	})
	return out, nil
}

// settleModes gives readings without a stated mode the mode of their family
// where that is beyond doubt: the family was scored in one mode only.
func settleModes(rs []reading) {
	modes := map[string]map[Mode]bool{}
	for _, r := range rs {
		if r.mode == Unstated {
			continue
		}
		if modes[r.family] == nil {
			modes[r.family] = map[Mode]bool{}
		}
		modes[r.family][r.mode] = true
	}
	for i, r := range rs {
		if r.mode != Unstated {
			continue
		}
		known := modes[r.family]
		switch {
		case len(known) == 1:
			rs[i].mode = slices.Collect(maps.Keys(known))[0]
		case len(known) == 2 && known[Thinking] && known[Brief]:
			rs[i].mode = Thinking
		}
	}
}

func collapse(v variant, it Item, rs []reading) Cell {
	if slices.ContainsFunc(rs, func(r reading) bool { return r.independent }) {
		rs = slices.DeleteFunc(slices.Clone(rs), func(r reading) bool { return !r.independent })
	}
	c := Cell{Family: v.family, Mode: v.mode, Item: it, Independent: rs[0].independent, Readings: len(rs), elo: rs[0].elo}
	var xs []float64
	seen := map[string]bool{}
	for _, r := range rs {
		xs = append(xs, r.x)
		if c.date == 0 || r.date > 0 && r.date < c.date {
			c.date = r.date
		}
		c.Weight = max(c.Weight, r.weight)
		if !seen[r.source] {
			seen[r.source] = true
			c.Sources = append(c.Sources, r.source)
		}
	}
	slices.Sort(c.Sources)
	c.x = median(xs)
	c.Score = c.x
	if !c.elo {
		c.Score = 100 * logistic(c.x)
	}
	return c
}

// median of a non-empty sample; the mean of the middle two if it is even.
func median(xs []float64) float64 {
	xs = slices.Sorted(slices.Values(xs))
	n := len(xs)
	return (xs[(n-1)/2] + xs[n/2]) / 2
}
