package router

import (
	"fmt"
	"sort"

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

// closeEnough is how far below the likeliest model's p a cheaper one may lie
// when nobody reaches the threshold: without it the last hundredth of p would
// be bought at any price.
const closeEnough = 0.03

// rank orders candidates for an alias or tier selector and says why the first
// is first.
func (t *Table) rank(q Query, cs []Candidate) string {
	byCost := func(a, b Candidate) bool {
		if a.costNano != b.costNano {
			return a.costNano < b.costNano
		}
		return a.PSuccess > b.PSuccess
	}
	byQuality := func(a, b Candidate) bool {
		if a.PSuccess != b.PSuccess {
			return a.PSuccess > b.PSuccess
		}
		return byCost(a, b)
	}
	bySpeed := func(a, b Candidate) bool {
		if (a.Seconds > 0) != (b.Seconds > 0) {
			return a.Seconds > 0
		}
		if a.Seconds != b.Seconds {
			return a.Seconds < b.Seconds
		}
		return byCost(a, b)
	}
	if q.Target.Tier != "" {
		switch q.Target.Objective {
		case Cost:
			return order(cs, byCost, "cheapest of tier %s", q.Target.Tier)
		case Quality:
			return order(cs, byQuality, "most likely of tier %s to succeed", q.Target.Tier)
		case Speed:
			return order(cs, bySpeed, speedReason(cs)+" of tier %s", q.Target.Tier)
		}
	}
	threshold := t.Policy.Thresholds[q.Target.Objective]
	likeliest := 0.0
	for _, c := range cs {
		likeliest = max(likeliest, c.PSuccess)
	}
	bar := threshold
	if likeliest < threshold {
		bar = likeliest - closeEnough
	}
	first := byCost
	what := "cheapest"
	if q.Target.Objective == Fast {
		first, what = bySpeed, speedReason(cs)
	}
	sortCandidates(cs, func(a, b Candidate) bool {
		if ca, cb := a.PSuccess >= bar, b.PSuccess >= bar; ca != cb {
			return ca
		} else if !ca {
			return byQuality(a, b)
		}
		return first(a, b)
	})
	if likeliest < threshold {
		return fmt.Sprintf("no model reaches p >= %.2f for %s %s; %s within %.2f of the most likely one, p = %.2f", threshold, q.Class.Level, q.Class.Intent, what, closeEnough, likeliest)
	}
	return fmt.Sprintf("%s model with p >= %.2f for %s %s", what, threshold, q.Class.Level, q.Class.Intent)
}

// speedReason is honest about speed that nobody has measured yet.
func speedReason(cs []Candidate) string {
	for _, c := range cs {
		if c.Seconds > 0 {
			return "fastest measured"
		}
	}
	return "cheapest (no speed measured yet)"
}

func order(cs []Candidate, less func(a, b Candidate) bool, reason string, tier scoring.Tier) string {
	sortCandidates(cs, less)
	return fmt.Sprintf(reason, tier)
}

func sortCandidates(cs []Candidate, less func(a, b Candidate) bool) {
	sort.Slice(cs, func(i, j int) bool {
		if less(cs[i], cs[j]) {
			return true
		}
		if less(cs[j], cs[i]) {
			return false
		}
		return cs[i].Model < cs[j].Model
	})
}
