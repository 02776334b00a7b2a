// Package replay scores routing policies offline, on recorded outcomes: what
// quality the product's own policy gets for which money on prompts that it was
// not fitted to, beside the best single model, random, nearest neighbours and
// an oracle.
//
// ReadDir reads outcomes, a plan (plan.go) says which of them each prediction
// may rest on, fit.go and decide.go let the product predict and choose, knn.go
// and expect.go are the baselines, eval.go and judge.go compare, and Write puts
// the result into files. What each figure means is in docs/replay.md. Start
// with Run.
package replay

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"assay/models"
	"assay/router"
)

// Options of a replay.
type Options struct {
	Train, Test []Row
	// Same says that Train and Test are the same rows; only Test is read then.
	Same bool
	// Folds of cross-validation; 0: train on Train, test on Test.
	Folds int
	// BySource fits a model for each source, else one to all of them.
	BySource bool
	Features Features
	// Prices are by outcome name, before those of the catalogue.
	Prices  map[string]TokenPrice
	Catalog *models.Catalog
	// Policy gives the margins of the aliases, which are tried as well.
	Policy     router.Policy
	Classifier Classifier
	Seed       uint64
	// NoAblation leaves out the fits of the model's parts.
	NoAblation bool
	Now        time.Time
	Progress   io.Writer
}

// Outcomes of a replay: the summary, and what its files are written from.
type Replay struct {
	Summary  Summary
	verdicts []*verdict
	plan     *plan
}

// Run replays.
func Run(ctx context.Context, o Options) (*Replay, error) {
	pl, err := newPlan(o.Train, o.Test, o.Same, o.Folds)
	if err != nil {
		return nil, err
	}
	tokens, err := router.NewTokens()
	if err != nil {
		return nil, err
	}
	if err := readPrompts(ctx, pl.items, o.Classifier, tokens, o.Features, o.Progress); err != nil {
		return nil, err
	}
	all := arenas(pl.items)
	book := newPriceBook(o.Prices, o.Catalog, o.Now)
	for _, a := range all {
		a.value(book)
	}
	margins := marginsWith(o.Policy)
	f, err := fitAll(ctx, pl, scopes(all, o.BySource), o, margins, o.Progress)
	if err != nil {
		return nil, err
	}
	r := &Replay{plan: pl}
	for _, a := range all {
		if !a.tests() {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		fmt.Fprintf(o.Progress, "%s: baselines and figures\n", a.source)
		if c := newContest(a, pl, margins, f); len(c.cells) > 0 {
			r.verdicts = append(r.verdicts, judge(c))
		}
	}
	if len(r.verdicts) == 0 {
		return nil, fmt.Errorf("%w: no tested row has a model that was seen in training", ErrData)
	}
	r.summarise(o, margins)
	return r, nil
}

// marginsWith is the grid with the policy's own margins.
func marginsWith(p router.Policy) []float64 {
	grid := append(Margins(), slices.Collect(maps.Values(p.Margins))...)
	slices.Sort(grid)
	return slices.Compact(grid)
}

func (r *Replay) summarise(o Options, margins []float64) {
	s := &r.Summary
	*s = Summary{Schema: 1, Features: o.Features.String(), Fit: "all", Folds: o.Folds, Seed: o.Seed, Policy: o.Policy.ID, Margins: margins,
		Classified: map[string]int{}, Operating: map[string]float64{}, Languages: map[string]*Group{}, Calibration: map[string]Calibration{}}
	if o.BySource {
		s.Fit = "source"
	}
	for alias, margin := range o.Policy.Margins {
		s.Operating[string(alias)] = margin
	}
	s.Rows.LeftOut = r.plan.leftOut
	for _, it := range r.plan.items {
		s.Classified[string(it.class.Source)]++
		if it.train {
			s.Rows.Train++
		}
		if it.test {
			s.Rows.Test++
		}
	}
	s.Rows.Unanswered = s.Rows.Test
	forecasts := map[string][]forecast{}
	for _, v := range r.verdicts {
		s.Rows.Unanswered -= len(v.cells)
		s.Sources = append(s.Sources, v.summary(o.Seed, s.Operating))
		if v.rightOrWrong() {
			v.forecasts(forecasts)
		}
	}
	for lang, fs := range forecasts {
		s.Calibration[lang] = calibrate(fs)
	}
	r.sumUp(o.Seed)
	s.Notes = r.notes(o)
}

// sumUp fills in the groups over several sources.
func (r *Replay) sumUp(seed uint64) {
	var rich []*verdict
	langs := map[string]bool{}
	for _, v := range r.verdicts {
		if v.money.Kind != NoMoney {
			rich = append(rich, v)
			for _, i := range v.cells {
				langs[v.items[i].Lang] = true
			}
		}
	}
	if len(rich) == 0 {
		return
	}
	everything := union(rich, func(*item) bool { return true })
	r.Summary.Overall = everything.group(seed, nan, nan)
	for lang := range langs {
		r.Summary.Languages[lang] = union(rich, func(it *item) bool { return it.Lang == lang }).group(seed, nan, nan)
	}
}

// summary gives what was found in one source.
func (v *verdict) summary(seed uint64, operating map[string]float64) SourceSummary {
	lo, hi := v.costRange()
	s := SourceSummary{Source: v.source, Money: v.money, Group: v.group(seed, lo, hi), BelowSingle: v.belowSingle(seed),
		CostErrors: v.costErrors(), Operating: v.operating(operating), Parts: []PartResult{}}
	for _, it := range v.items {
		if it.train {
			s.NTrain++
		}
	}
	s.Models = v.modelResults()
	s.Duel, s.DuelWhy = v.duel()
	if v.rightOrWrong() {
		s.LogLoss = v.logLoss(v.entrants[0])
	}
	for _, e := range append(slices.Clone(v.parts), v.entrants[0]) {
		if len(v.parts) > 0 {
			s.Parts = append(s.Parts, v.partResult(e, seed, lo, hi))
		}
	}
	return s
}

// seventy is the place of 70 % in Budgets.
const seventy = 1

func (v *verdict) partResult(e *entrant, seed uint64, lo, hi float64) PartResult {
	p := PartResult{Part: e.name, APGR: Figure(nan), AIQ: v.aiq(v.curves[e.name], lo, hi), LogLos: Figure(nan)}
	if e.name == Assay {
		p.Part = "all"
	}
	if at := v.atBudget[e.name]; len(at) > 0 {
		p.At70 = v.chosenResult(at[seventy], v.chosen[e.name][seventy])
		p.At70.Lost = &bootstrap([][]float64{v.best.minus(at[seventy])}, seed)[0]
	} else {
		p.At70 = ChosenResult{Margins: []float64{}, Score: Figure(nan), CostUSD: Figure(nan), Share: Figure(nan)}
	}
	if v.rightOrWrong() {
		p.LogLos = Figure(v.logLoss(e).Model)
	}
	return p
}

func (v *verdict) modelResults() []ModelResult {
	all := v.arena.standing(pair{-1, -1})
	out := make([]ModelResult, len(v.models))
	score := make([]float64, len(v.models))
	for m, name := range v.models {
		out[m] = ModelResult{Model: name, NTrain: int(all.n[m]), Train: Figure(all.score[m]), TrainUSD: Figure(all.cost[m] / 1e9), TestUSD: Figure(nan)}
		if v.mean != nil {
			out[m].TestUSD = Figure(v.mean[m] / 1e9)
		}
	}
	for _, i := range v.cells {
		for m, y := range v.arena.score[i] {
			if !math.IsNaN(y) {
				out[m].NTest++
				score[m] += y
			}
		}
	}
	for m := range out {
		out[m].Test = Figure(score[m] / float64(out[m].NTest))
	}
	for _, g := range v.pl.tested {
		if best := v.standing[g].byScore; len(best) > 0 {
			out[best[0]].BestFolds++
		}
	}
	slices.SortStableFunc(out, func(a, b ModelResult) int { return compare(float64(b.Train), float64(a.Train)) })
	return out
}

// openSources lists the tested sources with rows of an open licence.
func (r *Replay) openSources() []string {
	var out []string
	for _, v := range r.verdicts {
		if slices.ContainsFunc(v.items, func(it *item) bool {
			return it.test && OpenLicence(it.License)
		}) {
			out = append(out, v.source)
		}
	}
	return out
}

// notes says in words what a reader must know before the figures.
func (r *Replay) notes(o Options) []string {
	var out []string
	if o.Features.Embedding {
		note := "Predictions read the embedding of the classifier that ships, whose weights the folds share."
		if seen := r.openSources(); len(seen) > 0 {
			note += fmt.Sprintf(" They may have seen outcomes of the open-licensed rows of %s: there, figures with --features words are the ones free of it.", strings.Join(seen, ", "))
		}
		out = append(out, note)
	} else {
		out = append(out, "Predictions read words alone, fitted on training rows. The classifier's difficulty and level are blanked: they do not influence choices.")
	}
	if r.plan.leftOut > 0 {
		out = append(out, fmt.Sprintf("%d training rows were left out because their question is among the tested ones.", r.plan.leftOut))
	}
	if n := r.Summary.Classified["heuristic"]; n > 0 {
		out = append(out, fmt.Sprintf("%d prompts were classified by the heuristic: the model did not run.", n))
	}
	var poor []string
	for _, v := range r.verdicts {
		if v.money.Kind == NoMoney {
			poor = append(poor, v.source)
		}
	}
	if len(poor) > 0 {
		out = append(out, fmt.Sprintf("No cost figures for %v: see money.why. There the router chooses by notional costs that rise with the models' training scores, and the figures over several sources leave them out.", poor))
	}
	return append(out, "Limits of a policy to regions, providers and models do not apply to the models of outcomes; only its margins do.")
}
