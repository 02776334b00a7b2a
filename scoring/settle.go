package scoring

import (
	"fmt"
	"strings"
	"time"
)

// verdict is where a family or host ends up.
type verdict struct {
	tier      Tier
	placement string
	// kept says that a hand placement stands against the numbers since the
	// results were what had been expected.
	kept bool
}

// settle decides on a tier. A bound that the current tier needs must be missed
// with probability Certainty before the tier is lost, and a higher tier's
// bound reached with Certainty before it is gained. Where a hand placed the
// family against the published numbers, results as expected from these numbers
// are no news and change nothing.
func (r *retiering) settle(current, hand Tier, c class, s strength, surprise float64) verdict {
	next := c.move(current, s, r.cfg.Certainty)
	if next == current {
		return verdict{current, Computed, false}
	}
	up := rank(next) > rank(current)
	if hand != "" && current == hand && (up && surprise < r.cfg.Surprise || !up && surprise > -r.cfg.Surprise) {
		return verdict{current, ByHand, true}
	}
	return verdict{next, Computed, false}
}

// rank orders the tiers by the strength they need; flagship and reasoning are
// two uses of the same strength.
func rank(t Tier) int {
	switch t {
	case Flagship, Reasoning:
		return 2
	case CheapFast:
		return 1
	}
	return 0
}

// move gives the tier after evidence s, with hysteresis.
func (c class) move(current Tier, s strength, certainty float64) Tier {
	doubt := 1 - certainty
	if current != "" && s[current] >= doubt { // it may well still belong there
		if up := c.tierFor(s, certainty); rank(up) > rank(current) {
			return up
		}
		return current
	}
	if current == "" {
		return c.tierFor(s, certainty)
	}
	switch {
	case current == Reasoning && !c.small && s[Flagship] >= doubt:
		return Flagship
	case current != CheapFast && s[CheapFast] >= doubt:
		return CheapFast
	}
	return ""
}

// note records a change of tier with its numbers.
func (r *retiering) note(family, host string, from, to Tier, est Scorecard, s strength, evidence []hostEvidence) {
	if from == to {
		return
	}
	why := fmt.Sprintf("measured %s; capability now %.1f (%.1f to %.1f); ", results(evidence), est.Capability, est.Lo, est.Hi)
	if rank(to) > rank(from) {
		why += fmt.Sprintf("%s's bound %.1f is reached with probability %.2f", name(to), r.cards.Bands[to].MinCapability, s[to])
	} else if from != "" {
		why += fmt.Sprintf("%s's bound %.1f is reached with probability %.2f only", name(from), r.cards.Bands[from].MinCapability, s[from])
	}
	r.changes = append(r.changes, Change{Family: family, ModelID: host, From: from, To: to, Why: why})
}

// results lists measured scores in words.
func results(evidence []hostEvidence) string {
	var parts []string
	for _, h := range evidence {
		for _, c := range h.cells {
			parts = append(parts, fmt.Sprintf("%s %.1f %% of %d items at %s", c.item.item.Benchmark, 100*c.score, c.n, h.id))
		}
	}
	return strings.Join(parts, ", ")
}

// reasons says why a measured family is where it is.
func (r *retiering) reasons(lf *latentFamily, est Scorecard, c class, f Family, s strength, evidence []hostEvidence, v verdict) []string {
	out := []string{
		fmt.Sprintf("capability %.1f (95 %% interval %.1f to %.1f): overseas %.1f, Chinese %.1f, %.0f %% of the weight observed",
			est.Capability, est.Lo, est.Hi, est.Overseas, est.Chinese, 100*est.ObservedShare),
		fmt.Sprintf("measured: %s; %+.1f standard deviations from what published scores predict",
			results(evidence), r.meanSurprise(lf, evidence)),
		r.cards.explain(c, f.ComputedTier, s),
	}
	if v.kept {
		out = append(out, fmt.Sprintf("placed by hand as %s against the numbers (flagship bound reached with probability %.2f); results were as expected, so the hand stands",
			name(v.tier), s[Flagship]))
	} else if f.Tier != f.ComputedTier {
		out = append(out, fmt.Sprintf("stays %s: a move needs %.0f %% certainty", name(f.Tier), 100*r.cfg.Certainty))
	}
	if f.Hold.active(r.now) {
		out = append(out, fmt.Sprintf("held as %s until %s: %s", name(f.Hold.Tier), f.Hold.Until.Format(time.DateOnly), f.Hold.Reason))
	}
	return out
}
