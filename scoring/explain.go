package scoring

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// standing is where a family stands against one anchor of a band.
type standing struct {
	benchmark string
	figure    float64 // percent: as observed, or imputed
	lo, hi    float64 // 95 % interval of an imputed figure
	observed  bool
	reporter  string
	anchor    float64
	tolerance float64
	// p is the probability that a published figure would lie within: 0 or 1
	// where one was observed.
	p float64
}

// within says whether the figure is at most tolerance below the anchor.
func (s standing) within() bool { return s.figure >= s.anchor-s.tolerance }

// String gives "MMLU 85.0 (independent), 2.2 below the anchor 87.2, within the 3 allowed".
func (s standing) String() string {
	d := s.figure - s.anchor
	where := fmt.Sprintf("%.1f above the anchor %.1f", d, s.anchor)
	if d < 0 {
		where = fmt.Sprintf("%.1f below the anchor %.1f", -d, s.anchor)
	}
	switch {
	case !s.observed:
		return fmt.Sprintf("%s not published, imputed %.1f (95 %% interval %.1f to %.1f), %s; at most %.0f below it with probability %.2f",
			s.benchmark, s.figure, s.lo, s.hi, where, s.tolerance, s.p)
	case d >= 0:
		return fmt.Sprintf("%s %.1f (%s), %s", s.benchmark, s.figure, s.reporter, where)
	case s.within():
		return fmt.Sprintf("%s %.1f (%s), %s, within the %.0f allowed", s.benchmark, s.figure, s.reporter, where, s.tolerance)
	}
	return fmt.Sprintf("%s %.1f (%s), %s, outside the %.0f allowed", s.benchmark, s.figure, s.reporter, where, s.tolerance)
}

// standings compares a family, as it is served, with a tier's anchors. Figures
// of another mode do not count: what thinking reaches says nothing of an answer
// at once.
func (s *Scorecards) standings(card Scorecard, t Tier) []standing {
	l := s.fit
	f := l.family(card.Family)
	if f == nil {
		return nil
	}
	m := slices.Index(f.modes, card.Mode)
	anchors := s.Bands[t].Anchors
	var out []standing
	for _, b := range slices.Sorted(maps.Keys(anchors)) {
		j := slices.IndexFunc(l.items, func(it latentItem) bool { return it.item.String() == b })
		if j < 0 {
			continue
		}
		x := standing{benchmark: b, anchor: anchors[b], tolerance: Tolerances[t][b]}
		at := slices.IndexFunc(l.publishedCells(f, m), func(c int) bool { return l.itemOf[c] == j })
		if at >= 0 {
			c := l.cells[l.publishedCells(f, m)[at]]
			x.observed, x.figure, x.reporter = true, c.Score, "vendor"
			if c.Independent {
				x.reporter = "independent"
			}
			x.p = indicator(x.within())
		} else {
			it := &l.items[j]
			z, cov := l.profiles.figures(f.name, card.Mode, j)
			mean, sd := it.mean+it.sd*z[0], it.sd*math.Sqrt(cov.At(0, 0))
			x.figure, x.lo, x.hi = 100*logistic(mean), 100*logistic(mean-1.96*sd), 100*logistic(mean+1.96*sd)
			x.p = normalCDF((mean - logit((x.anchor-x.tolerance)/100)) / sd)
		}
		out = append(out, x)
	}
	return out
}

// bandReason compares a family with a tier's anchors in one sentence.
func (s *Scorecards) bandReason(card Scorecard, t Tier) string {
	var parts []string
	for _, x := range s.standings(card, t) {
		parts = append(parts, x.String())
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("%s band: %s", t, strings.Join(parts, "; "))
}

// reasons says in plain words, with the numbers, why a family is where it is.
func (s *Scorecards) reasons(card Scorecard, c class, f Family, strong strength) []string {
	out := []string{fmt.Sprintf("capability %.1f (95 %% interval %.1f to %.1f): overseas %.1f, Chinese %.1f, %.0f %% of the weight observed",
		card.Capability, card.Lo, card.Hi, card.Overseas, card.Chinese, 100*card.ObservedShare)}
	if len(card.Evidence) == 0 {
		out = append(out, "no published score: the estimate rests on its line, maker and price only")
	}
	out = append(out, s.explain(c, f.ComputedTier, strong))
	nearest := cmp.Or(f.ComputedTier, CheapFast)
	bands := []Tier{nearest}
	for _, id := range slices.Sorted(maps.Keys(f.Hosts)) {
		if h := f.Hosts[id].HandTier; h != "" && h != f.ComputedTier && !slices.Contains(bands, h) {
			bands = append(bands, h)
		}
	}
	for _, t := range bands {
		if r := s.bandReason(card, t); r != "" {
			out = append(out, r)
		}
	}
	return append(out, s.differences(c, f, strong)...)
}

// differences explains every hand placement that the numbers do not share.
func (s *Scorecards) differences(c class, f Family, strong strength) []string {
	why := func(hand Tier) string {
		bound := s.Bands[hand].MinCapability
		switch {
		case hand == Reasoning && !c.thinker:
			return "it does not think on every request"
		case hand != Reasoning && f.ComputedTier == Reasoning:
			return fmt.Sprintf("it thinks on every request, and reaches reasoning's bound %.1f with probability %.2f", s.Bands[Reasoning].MinCapability, strong[Reasoning])
		case hand == Flagship && c.small && f.ComputedTier == CheapFast:
			return fmt.Sprintf("it is the small one of its line at $%.2f per million tokens, though it reaches flagship's bound %.1f with probability %.2f", c.price, bound, strong[hand])
		case hand == CheapFast && f.ComputedTier == Flagship:
			return fmt.Sprintf("it reaches flagship's bound %.1f with probability %.2f and is not both named and priced as the small one of its line",
				s.Bands[Flagship].MinCapability, strong[Flagship])
		}
		return fmt.Sprintf("it reaches %s's bound %.1f with probability %.2f only", hand, bound, strong[hand])
	}
	if f.HandTier != "" {
		if f.HandTier == f.ComputedTier {
			return nil
		}
		return []string{fmt.Sprintf("placed by hand as %s in the published table; the numbers say %s: %s", f.HandTier, name(f.ComputedTier), why(f.HandTier))}
	}
	var out []string
	for _, id := range slices.Sorted(maps.Keys(f.Hosts)) {
		if h := f.Hosts[id].HandTier; h != "" && h != f.ComputedTier {
			out = append(out, fmt.Sprintf("%s is placed by hand as %s, others of the family otherwise; the numbers say %s: %s", id, h, name(f.ComputedTier), why(h)))
		}
	}
	return out
}
