package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"assay/router"
	"assay/scoring"
)

// ladderChanges is what would change a choice, each by itself.
type ladderChanges struct {
	Price   *priceChange   `json:"price"`   // null: no price up to a thousandfold does
	Ability *abilityChange `json:"ability"` // null: no fall up to 6.4 logits does
	// FamilyPrice and FamilyAbility are of all hosts of the choice's weights at
	// once, for a choice whose place another host of the same weights would take;
	// null elsewhere.
	FamilyPrice   *priceChange   `json:"family_price"`
	FamilyAbility *abilityChange `json:"family_ability"`
	// Objectives names what each of the other objectives would choose; one that
	// chooses nothing is missing.
	Objectives map[router.Objective]string `json:"objectives"`
}

// priceChange: with all of the choice's prices multiplied by Factor, and
// anything more, Model is chosen.
type priceChange struct {
	Factor float64 `json:"factor"`
	Model  string  `json:"model"`
}

// abilityChange: with the choice weaker by Drop logits Model is chosen.
type abilityChange struct {
	Drop  float64 `json:"drop"`
	Model string  `json:"model"`
}

func (l *ladder) changes(at decided) ladderChanges {
	alone, family := []string{at.d.Model}, l.hosts(at.d.Model)
	c := ladderChanges{Price: l.priceChange(at, alone), Ability: l.abilityChange(at, alone), Objectives: map[router.Objective]string{}}
	if c.Price != nil && slices.Contains(family, c.Price.Model) {
		c.FamilyPrice = l.priceChange(at, family)
	}
	if c.Ability != nil && slices.Contains(family, c.Ability.Model) {
		c.FamilyAbility = l.abilityChange(at, family)
	}
	for _, o := range objectives {
		if o == l.objective {
			continue
		}
		if d, err := l.decide(l.table, at.spot, o, false); err == nil {
			c.Objectives[o] = d.Model
		}
	}
	return c
}

// hosts are the rows that serve the same weights as a model, itself included.
func (l *ladder) hosts(id string) []string {
	m, _ := l.world.catalog.Model(id)
	var ids []string
	for _, host := range l.world.catalog.ByFamily(m.Family) {
		ids = append(ids, host.ID)
	}
	return ids
}

// nearly is the relative distance at which both sides of a price are tried.
// Costs are rounded to nano-dollars, which is some ten thousandth of the cheapest.
const nearly = 0.001

// priceChange finds the factor on the prices of some rows, the choice among
// them, at which another model is chosen. For the choice alone that is usually
// where it costs as much as the runner-up: then trying both sides is enough,
// else the factor is searched.
func (l *ladder) priceChange(at decided, ids []string) *priceChange {
	cost, known := at.d.Candidates[0].CostNano()
	if !known || cost == 0 {
		return nil
	}
	chosen := func(factor float64) string { return l.choice(l.priced(ids, factor), at.spot) }
	stands := func(factor float64) bool { return slices.Contains(ids, chosen(factor)) }
	if len(at.d.Candidates) > 1 && len(ids) == 1 {
		next, _ := at.d.Candidates[1].CostNano()
		if even := float64(next) / float64(cost); even >= 1 && stands(even*(1-nearly)) && !stands(even*(1+nearly)) {
			return &priceChange{roundTo(even, 6), chosen(even * (1 + nearly))}
		}
	}
	x, ok := edge(func(x float64) bool { return !stands(math.Exp(x)) }, 0, logs(1.1, 1.3, 2, 4, 10, 100, 1000), nearly)
	if !ok {
		return nil
	}
	return &priceChange{roundTo(math.Exp(x), 6), chosen(math.Exp(x))}
}

// winsAt finds the factor on a candidate's prices below which it, not the
// choice, would be chosen; 0 if it would not be even at a thousandth of its price.
func (l *ladder) winsAt(at decided, c router.Candidate) float64 {
	wins := func(factor float64) bool {
		return l.choice(l.priced([]string{c.Model}, factor), at.spot) == c.Model
	}
	cost, known := c.CostNano()
	if !known || cost == 0 || !wins(0.001) {
		return 0
	}
	best, _ := at.d.Candidates[0].CostNano()
	if even := float64(best) / float64(cost); even <= 1 && wins(even*(1-nearly)) && !wins(even*(1+nearly)) {
		return roundTo(even, 6)
	}
	x, ok := edge(func(x float64) bool { return !wins(math.Exp(x)) }, math.Log(0.001), logs(0.01, 0.1, 0.25, 0.5, 0.75, 1), nearly)
	if !ok {
		return 0
	}
	return roundTo(math.Exp(x), 6)
}

// abilityStep is how finely a fall of ability is searched, in logits.
const abilityStep = 0.01

// abilityChange finds the fall in the ability of some rows, the choice among
// them, at which another model is chosen.
func (l *ladder) abilityChange(at decided, ids []string) *abilityChange {
	chosen := func(drop float64) string { return l.choice(l.weaker(ids, drop), at.spot) }
	x, ok := edge(func(drop float64) bool { return !slices.Contains(ids, chosen(drop)) }, 0,
		[]float64{0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4}, abilityStep)
	if !ok {
		return nil
	}
	x = math.Ceil(x*100-1e-9) / 100
	return &abilityChange{x, chosen(x)}
}

// choice is what a table chooses at a spot; "" nothing.
func (l *ladder) choice(t *router.Table, s spot) string {
	d, err := l.decide(t, s, l.objective, false)
	if err != nil {
		return ""
	}
	return d.Model
}

// edge finds where something changes that has not at lo and, once it has, stays
// so: it tries the ascending steps, then halves the interval down to tol. It
// gives the upper end, at which the change was seen; false if no step shows it.
func edge(changed func(float64) bool, lo float64, steps []float64, tol float64) (float64, bool) {
	hi := math.NaN()
	for _, x := range steps {
		if changed(x) {
			hi = x
			break
		}
		lo = x
	}
	if math.IsNaN(hi) {
		return 0, false
	}
	for hi-lo > tol {
		if mid := (lo + hi) / 2; changed(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi, true
}

func logs(xs ...float64) []float64 {
	for i, x := range xs {
		xs[i] = math.Log(x)
	}
	return xs
}

// priced is today's table with all prices of some models multiplied.
func (l *ladder) priced(ids []string, factor float64) *router.Table {
	c := l.world.catalog
	for _, id := range ids {
		m, _ := c.Model(id)
		prices := slices.Clone(m.Prices)
		for i, p := range prices {
			prices[i].NanoUSDPerMillion = int64(math.Round(float64(p.NanoUSDPerMillion) * factor))
		}
		var err error
		if c, err = c.WithPrices(id, prices); err != nil {
			return l.failed(err)
		}
	}
	return l.rebuilt(func(w *world) { w.catalog = c })
}

// weaker is today's table with the ability of some hosts of one family lowered.
func (l *ladder) weaker(ids []string, drop float64) *router.Table {
	key := fmt.Sprintf("%d %s %.4f", len(ids), ids[0], drop)
	if t := l.weak[key]; t != nil {
		return t
	}
	m, _ := l.world.catalog.Model(ids[0])
	tiers := l.world.tiers
	family := tiers.Families[m.Family]
	hosts := map[string]scoring.Host{}
	maps.Copy(hosts, family.Hosts)
	for _, id := range ids {
		host := hosts[id]
		host.Offset -= drop
		hosts[id] = host
	}
	family.Hosts = hosts
	tiers.Families = maps.Clone(tiers.Families)
	tiers.Families[m.Family] = family
	t := l.rebuilt(func(w *world) { w.tiers = tiers })
	l.weak[key] = t
	return t
}

// rebuilt is the table that the gateway would build of changed parts.
func (l *ladder) rebuilt(change func(*world)) *router.Table {
	w := l.world
	w.mu.Lock()
	defer w.mu.Unlock()
	catalog, tiers, now := w.catalog, w.tiers, w.now
	defer func() { w.catalog, w.tiers, w.now = catalog, tiers, now }()
	change(w)
	w.now = func() time.Time { return l.table.Made }
	t, err := w.build()
	if err != nil {
		return l.failed(err)
	}
	return t
}

// failed remembers an error; today's table stands in, so that the search ends.
func (l *ladder) failed(err error) *router.Table {
	l.err = cmp.Or(l.err, err)
	return l.table
}

// roundTo keeps decimals short.
func roundTo(x float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(x*p) / p
}
