package router

import (
	"slices"
	"strings"
	"time"

	"assay/models"
	"assay/router/policy"
	"assay/scoring"
	"assay/scoring/success"
)

// row is one chat model with what decisions need, worked out in advance.
type row struct {
	models.Model
	tier       scoring.Tier
	hasAbility bool
	// scored: the ability rests on at least one published or measured number,
	// not only on the price and the maker's other models.
	scored  bool
	outcome int  // the family's index in the model of success; -1 none
	priced  bool // the catalogue says what a call costs
	// measured: so do the outcomes, and the table goes by them.
	measured bool
	rules    *policy.Row // what policies ask of it
	// barred says why the row can never be chosen while this table stands:
	// no key, denied by policy. "" if it can.
	barred string
	// retired says why no selector picks the row although it can be named.
	retired string
}

// add takes a model into the table.
func (t *Table) add(m models.Model, o TableOptions) {
	at := len(t.rows)
	abilities, known := abilitiesOf(o.Tiers, m.Family, m.ID)
	for i, a := range abilities {
		t.abilities[i] = append(t.abilities[i], a)
	}
	r := newRow(m, o)
	r.hasAbility = known
	t.byID[m.ID] = at
	t.rows = append(t.rows, r)
	t.figures = append(t.figures, newFigures(&r, o.Now))
	if slices.ContainsFunc(r.rules.Keys, func(k policy.Terms) bool { return k.Free }) {
		t.given = append(t.given, int32(at))
	}
	if r.rules.Stage == policy.StageShadow {
		t.shadows = append(t.shadows, int32(at))
	}
	if r.barred != "" || r.retired != "" || !r.priced && !r.measured {
		return
	}
	t.pools[""] = append(t.pools[""], int32(at))
	if r.tier != "" {
		t.pools[r.tier] = append(t.pools[r.tier], int32(at))
	}
}

func newRow(m models.Model, o TableOptions) row {
	r := row{Model: m, tier: o.Tiers.TierAt(m.Family, m.ID, o.Now), outcome: -1}
	r.scored = len(o.Catalog.ScoresOf(m.Family)) > 0 || o.Tiers.Families[m.Family].ObservedShare > 0
	_, r.priced = m.Cost(models.Usage{Input: 1000, Output: 1000}, models.ClassStandard, o.Now)
	if o.Success != nil {
		if i, ok := o.Success.Index(m.Family); ok {
			r.outcome = i
			_, hasCost := o.Success.Cost(i, success.Point{}, 1000)
			r.measured = o.MeasuredCosts && hasCost
		}
	}
	r.rules = ruleRow(m, o.Available[m.Provider].keysFor(m.ID), o.Tiers.Families[m.Family].Capability, o.Now)
	r.rules.Rolled(o.Policy.RolloutOf(r.rules))
	r.barred = barred(m, r.rules, o)
	if m.Retired(o.Now) {
		r.retired = "deprecated since " + m.Deprecation.Format(time.DateOnly)
	}
	return r
}

// barred says why a model can't be called under these options, or "".
func barred(m models.Model, r *policy.Row, o TableOptions) string {
	operator := policy.Layer{Name: "policy", Rules: o.Policy.Rules}
	if why := operator.Permits(r); why != "" {
		return why
	}
	if !o.Simulated && !m.SpeaksChat() {
		return "its provider serves it only on " + strings.Join(m.Endpoints, ", ")
	}
	a, known := o.Available[m.Provider]
	switch {
	case !known:
		return "provider not configured"
	case !a.OK:
		return a.Why
	}
	return ""
}
