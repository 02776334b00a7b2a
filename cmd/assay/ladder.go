package main

import (
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay/classifier"
	"assay/router"
	"assay/scoring"
)

// The ladder is which model gets which kind of prompt: a grid of level and
// intent, decided by the table and the function that decide for requests, with
// what would change each choice (ladder_whatif.go) and, beside it, the ladder
// that the first product page promised (ladder_promised.go).

// objectives are what --objective may say.
var objectives = []router.Objective{router.Balanced, router.Cost, router.Quality, router.Fast}

// ladderOptions are the flags of the command.
type ladderOptions struct {
	setup
	objective, language string
	promptTokens        int64
	json                bool
}

// maxPromptTokens is far above every context there is, and far below where
// costs overflow.
const maxPromptTokens = 10_000_000

func ladderCommand(env environment) *cobra.Command {
	var o ladderOptions
	c := &cobra.Command{
		Use: "ladder", Short: "Show which model gets which kind of prompt, and what would change that; no network",
		Long: "Decides for a prompt of every level and intent, as the gateway would, and works out what would change each choice:\n" +
			"another price, a weaker model, another objective. docs/ladder.md explains the output.",
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return showLadder(o, env) },
	}
	o.flags(c)
	c.Flags().StringVar(&o.objective, "objective", "balanced", "balanced, cost, quality or fast")
	c.Flags().Int64Var(&o.promptTokens, "prompt-tokens", 500, "length of the prompt in tokens")
	c.Flags().StringVar(&o.language, "language", "both", "en, zh or both; both shows one grid where the table makes no difference")
	c.Flags().BoolVar(&o.json, "json", false, "write JSON")
	return c
}

func (o ladderOptions) languages() ([]string, error) {
	switch o.language {
	case "both":
		return []string{"en", "zh"}, nil
	case "en", "zh":
		return []string{o.language}, nil
	}
	return nil, usagef("--language: %q; want en, zh or both", o.language)
}

func showLadder(o ladderOptions, env environment) error {
	languages, err := o.languages()
	switch {
	case err != nil:
		return err
	case !slices.Contains(objectives, router.Objective(o.objective)):
		return usagef("--objective: %q; want balanced, cost, quality or fast", o.objective)
	case o.promptTokens < 1 || o.promptTokens > maxPromptTokens:
		return usagef("--prompt-tokens: %d; want 1 to %d", o.promptTokens, maxPromptTokens)
	}
	w, err := o.load(env, newLogger(logConfig{Level: "warn"}, env.Stderr))
	if err != nil {
		return err
	}
	explainSetup(env.Stderr, w, "")
	l := &ladder{world: w, table: w.table, objective: router.Objective(o.objective), promptTokens: o.promptTokens}
	r, err := l.report(languages)
	if err != nil {
		return err
	}
	if !o.json {
		return writeLadder(env.Stdout, r)
	}
	return writeLadderJSON(env.Stdout, r)
}

func writeLadderJSON(out io.Writer, r ladderReport) error {
	e := json.NewEncoder(out)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// ladderReport is the output of `assay ladder --json`; docs/ladder.md documents it.
type ladderReport struct {
	Schema       int              `json:"schema"` // 1
	MadeAt       time.Time        `json:"made_at"`
	Table        string           `json:"table"`
	Catalog      string           `json:"catalog"`
	Tiers        string           `json:"tiers"`
	Evidence     scoring.Evidence `json:"evidence"`
	Policy       string           `json:"policy"`
	Simulated    bool             `json:"simulated"`
	Callable     int              `json:"callable_models"`
	Objective    router.Objective `json:"objective"`
	PromptTokens int64            `json:"prompt_tokens"`
	Levels       []ladderLevel    `json:"levels"`
	Grids        []ladderGrid     `json:"grids"`
}

type ladderLevel struct {
	Level      classifier.Level `json:"level"`
	Difficulty float64          `json:"difficulty"` // b at which the level was decided, logits
}

// ladderGrid holds for all its languages.
type ladderGrid struct {
	Languages []string      `json:"languages"`
	Cells     []ladderCell  `json:"cells"` // by level, then by intent
	Promised  []promisedRow `json:"promised"`
}

// ladderCell is the choice for one kind of prompt.
type ladderCell struct {
	Level      classifier.Level  `json:"level"`
	Intent     classifier.Intent `json:"intent"`
	Choice     *ladderModel      `json:"choice"`    // null: no model may serve it, see Error
	RunnerUp   *ladderRunnerUp   `json:"runner_up"` // null: there is no other candidate
	Candidates int               `json:"candidates"`
	Reason     string            `json:"reason"`
	Changes    ladderChanges     `json:"changes"`
	Error      string            `json:"error,omitempty"`
}

// ladderModel is a candidate with the numbers it was ranked by.
type ladderModel struct {
	Model    string       `json:"model"`
	Provider string       `json:"provider"`
	Tier     scoring.Tier `json:"tier"`
	PSuccess float64      `json:"p_success"`
	Needs    float64      `json:"needs"` // the least p with which a model of this cost is good enough
	CostUSD  float64      `json:"est_cost_usd"`
	CostMil  float64      `json:"est_cost_usd_per_1000"` // of 1,000 requests
}

// ladderRunnerUp is the second candidate and the choice's margin over it.
type ladderRunnerUp struct {
	ladderModel
	CostMargin float64 `json:"cost_margin_usd_per_1000"` // its cost minus the choice's
	PMargin    float64 `json:"p_margin"`                 // the choice's p minus its
}

func modelOf(c router.Candidate) ladderModel {
	return ladderModel{Model: c.Model, Provider: c.Provider, Tier: c.Tier, PSuccess: c.PSuccess, Needs: c.Needs, CostUSD: c.CostUSD, CostMil: roundTo(1000*c.CostUSD, 6)}
}

// ladder decides for spots and for tables that differ from today's in one number.
type ladder struct {
	world        *world
	table        *router.Table
	objective    router.Objective
	promptTokens int64

	weak map[string]*router.Table // tables in which one model is weaker, see weaker
	err  error                    // the first table that could not be built
}

// spot is one square of the grid, in one language.
type spot struct {
	level    classifier.Level
	intent   classifier.Intent
	language string
}

// decide is the one place that asks the router. Explained, a decision lists all
// candidates and everybody who was left out; what it chooses is the same.
func (l *ladder) decide(t *router.Table, s spot, o router.Objective, explain bool) (router.Decision, error) {
	target, err := t.Resolve("assay/" + string(o))
	if err != nil {
		return router.Decision{}, err
	}
	return router.Decide(t, router.Query{
		Target: target, Explain: explain,
		Needs: router.Needs{PromptTokens: l.promptTokens},
		Class: router.ClassAt(s.intent, s.level, s.language),
	})
}

// report decides every square in every language. Languages for which all
// decisions are the same share a grid.
func (l *ladder) report(languages []string) (ladderReport, error) {
	t := l.table
	r := ladderReport{Schema: 1, MadeAt: t.Made.UTC().Truncate(time.Second), Table: t.ID, Catalog: t.Catalog().Version(), Tiers: t.Tiers.ID,
		Evidence: t.Tiers.Evidence, Policy: t.Policy.ID, Simulated: t.Simulated, Callable: t.Callable(), Objective: l.objective, PromptTokens: l.promptTokens}
	for level := classifier.L1; level <= classifier.L5; level++ {
		r.Levels = append(r.Levels, ladderLevel{level, router.DifficultyAt(level)})
	}
	var first []decided
	for _, language := range languages {
		all := l.decideAll(language)
		if !slices.ContainsFunc(all, func(d decided) bool { return d.err == nil }) {
			return r, usagef("no prompt of %d tokens can be served: %w", l.promptTokens, all[0].err)
		}
		if first != nil && sameDecisions(first, all) {
			r.Grids[0].Languages = append(r.Grids[0].Languages, language)
			continue
		}
		r.Grids = append(r.Grids, ladderGrid{Languages: []string{language}, Cells: l.cells(all), Promised: l.promised(all)})
		if first == nil {
			first = all
		}
	}
	return r, l.err
}

// decided is a spot with its decision.
type decided struct {
	spot
	d   router.Decision
	err error
}

func (l *ladder) decideAll(language string) []decided {
	var all []decided
	for level := classifier.L1; level <= classifier.L5; level++ {
		for _, intent := range classifier.Intents {
			s := spot{level, intent, language}
			d, err := l.decide(l.table, s, l.objective, true)
			all = append(all, decided{s, d, err})
		}
	}
	return all
}

func sameDecisions(a, b []decided) bool {
	return slices.EqualFunc(a, b, func(a, b decided) bool { return reflect.DeepEqual(a.d.Candidates, b.d.Candidates) })
}

// cells works out margins and changes, model by model, so that the tables in
// which a model is weaker serve all its squares and then go.
func (l *ladder) cells(all []decided) []ladderCell {
	cells := make([]ladderCell, len(all))
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(all[a].d.Model, all[b].d.Model) })
	for n, i := range order {
		if n == 0 || all[i].d.Model != all[order[n-1]].d.Model {
			l.weak = map[string]*router.Table{}
		}
		cells[i] = l.cell(all[i])
	}
	return cells
}

func (l *ladder) cell(at decided) ladderCell {
	c := ladderCell{Level: at.level, Intent: at.intent, Candidates: len(at.d.Candidates), Reason: at.d.Reason}
	if at.err != nil {
		c.Error = at.err.Error()
		return c
	}
	choice := modelOf(at.d.Candidates[0])
	c.Choice = &choice
	if len(at.d.Candidates) > 1 {
		next := modelOf(at.d.Candidates[1])
		c.RunnerUp = &ladderRunnerUp{next, roundTo(next.CostMil-choice.CostMil, 6), roundTo(choice.PSuccess-next.PSuccess, 6)}
	}
	c.Changes = l.changes(at)
	return c
}
