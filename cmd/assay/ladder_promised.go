package main

import (
	"errors"
	"slices"

	"assay/classifier"
	"assay/router"
)

// promise is a rung of the ladder on the first product page. It named makers'
// products, not versions: names are what a client would ask for, the newest
// first, and the first that is a candidate stands for the product.
type promise struct {
	level classifier.Level
	label string
	names []string
}

var promises = []promise{
	{classifier.L1, "Qwen-Turbo", []string{"qwen-turbo"}},
	{classifier.L4, "GPT-4o-mini", []string{"gpt-4o-mini"}},
	{classifier.L4, "DeepSeek-Reasoner", []string{"deepseek-reasoner"}},
	{classifier.L5, "GPT-4o", []string{"gpt-4o"}},
	{classifier.L5, "Claude Sonnet", []string{"claude-sonnet-5", "claude-sonnet-4-6", "claude-sonnet-4-5", "claude-sonnet-4", "claude-3-7-sonnet", "claude-3-5-sonnet"}},
}

// The values of promisedRow.Status.
const (
	isCandidate = "candidate"
	isLeftOut   = "left_out"
	isUnknown   = "not_in_catalogue"
)

// promisedRow is a promised model beside the choices of its level.
type promisedRow struct {
	Level  classifier.Level `json:"level"`
	Label  string           `json:"label"`
	Model  string           `json:"model,omitempty"`
	Status string           `json:"status"`
	Why    string           `json:"why,omitempty"` // of one that is no candidate
	// StandIn serves the same weights as a promised model that is no candidate;
	// the intents are then of it.
	StandIn string           `json:"stand_in,omitempty"`
	Intents []promisedIntent `json:"intents"`
}

// promisedIntent is how a promised model fares against the choice.
type promisedIntent struct {
	Intent classifier.Intent `json:"intent"`
	Rank   int               `json:"rank"` // among Of candidates, the choice being 1
	Of     int               `json:"of"`
	ladderModel
	// GoodEnough: p reaches what the router asks of a model of its cost, so that
	// only cheaper or faster ones stand before it.
	GoodEnough bool        `json:"good_enough"`
	Choice     ladderModel `json:"choice"`
	// CostRatio is its cost divided by the choice's; 0 where the choice is free.
	CostRatio float64 `json:"cost_ratio"`
	// WinsAt is the factor on its prices below which it would be chosen; null: at
	// no price, its p is too low.
	WinsAt *float64 `json:"wins_at_price_factor"`
}

func (l *ladder) promised(all []decided) []promisedRow {
	rows := []promisedRow{}
	for _, p := range promises {
		level := slices.DeleteFunc(slices.Clone(all), func(d decided) bool { return d.level != p.level || d.err != nil })
		if len(level) > 0 {
			rows = append(rows, l.fares(p, level))
		}
	}
	return rows
}

// fares compares a promise with the decisions of its level.
func (l *ladder) fares(p promise, level []decided) promisedRow {
	row := promisedRow{Level: p.level, Label: p.label, Status: isUnknown, Intents: []promisedIntent{}}
	ids, err := l.rowsNamed(p.names)
	if len(ids) == 0 {
		row.Why = err.Error()
		return row
	}
	row.Model, row.Status = ids[0], isLeftOut
	first := level[0].d
	for _, id := range ids {
		if rankOf(first, id) > 0 {
			row.Model, row.Status = id, isCandidate
			break
		}
	}
	compared := row.Model
	if row.Status == isLeftOut {
		row.Why = l.whyLeftOut(level[0], row.Model)
		row.StandIn = l.standIn(first, row.Model)
		compared = row.StandIn
	}
	for _, at := range level {
		if rank := rankOf(at.d, compared); rank > 0 {
			row.Intents = append(row.Intents, l.against(at, rank))
		}
	}
	return row
}

// rowsNamed resolves names as a request's "model" would be.
func (l *ladder) rowsNamed(names []string) (ids []string, err error) {
	for _, name := range names {
		target, e := l.table.Resolve(name)
		if e != nil {
			err = errors.Join(err, e)
			continue
		}
		ids = append(ids, target.Named...)
	}
	return ids, err
}

// rankOf gives a model's place among the candidates, from 1; 0 if it has none.
func rankOf(d router.Decision, id string) int {
	return 1 + slices.IndexFunc(d.Candidates, func(c router.Candidate) bool { return c.Model == id })
}

func (l *ladder) whyLeftOut(at decided, id string) string {
	for _, o := range at.d.LeftOut {
		if o.Model == id {
			return o.Why
		}
	}
	return "left out without a reason"
}

// standIn is the best placed candidate with the same weights, the same
// provider's before all others; "" if there is none.
func (l *ladder) standIn(d router.Decision, id string) string {
	m, _ := l.world.catalog.Model(id)
	best := ""
	for _, c := range d.Candidates {
		switch kin, _ := l.world.catalog.Model(c.Model); {
		case kin.Family != m.Family:
		case kin.Provider == m.Provider:
			return c.Model
		case best == "":
			best = c.Model
		}
	}
	return best
}

func (l *ladder) against(at decided, rank int) promisedIntent {
	c := at.d.Candidates[rank-1]
	p := promisedIntent{Intent: at.intent, Rank: rank, Of: len(at.d.Candidates), ladderModel: modelOf(c), Choice: modelOf(at.d.Candidates[0])}
	p.GoodEnough = c.PSuccess >= c.Needs
	if p.Choice.CostUSD > 0 {
		p.CostRatio = roundTo(p.CostUSD/p.Choice.CostUSD, 4)
	}
	wins := 1.0
	if rank > 1 {
		wins = l.winsAt(at, c)
	}
	if wins > 0 {
		p.WinsAt = &wins
	}
	return p
}
