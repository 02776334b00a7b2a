package router

import (
	"math"

	"assay/classifier"
	"assay/models/openai"
)

// Kind is a kind of request: who leaves the choice to the router with which
// selector, and what the classifier says of the prompt.
type Kind struct {
	Selector string            `json:"selector"`
	Intent   classifier.Intent `json:"intent"`
	Level    classifier.Level  `json:"level"`
	Language string            `json:"language"` // "en" or "zh"
}

// Choice is the model that a table puts first for a kind of request.
type Choice struct {
	Model    string // "" if none may serve
	CostNano int64  // expected, in nano-dollars; -1 unknown
}

// Chooser tells what a table chooses for kinds of requests: under the
// operator's policy alone, as for an interactive request with a key of no org.
type Chooser struct {
	table   *Table
	learned Expectations
	speeds  map[string]SpeedEstimate
}

// Chooser gives a chooser that knows nothing of traffic.
func (t *Table) Chooser() *Chooser { return &Chooser{table: t} }

// Chooser gives a chooser that expects of a table's models what answers have
// shown of them, as requests do.
func (r *Router) Chooser(t *Table) *Chooser {
	return &Chooser{table: t, learned: r.outputs.Of(t), speeds: r.speeds.Snapshot()}
}

// Table gives the table that is asked.
func (c *Chooser) Table() *Table { return c.table }

// Choose decides for a kind of request with a prompt of that many tokens.
func (c *Chooser) Choose(k Kind, promptTokens int64) Choice {
	none := Choice{CostNano: -1}
	p, err := c.table.policyFor(Ask{Request: openai.Request{Model: k.Selector}}, Conversation{})
	if err != nil {
		return none
	}
	target, err := c.table.resolveUnder(&p)
	if err != nil {
		return none
	}
	d, err := Decide(c.table, Query{Target: target, Policy: &p, Refused: c.table.refusals(p.View()), Learned: c.learned, Speeds: c.speeds,
		Needs: Needs{PromptTokens: promptTokens}, Class: ClassAt(k.Intent, k.Level, k.Language)})
	if err != nil {
		return none
	}
	return Choice{Model: d.Model, CostNano: d.Candidates[0].costNano}
}

// ClassAt is a sure classification in the middle of a level.
func ClassAt(i classifier.Intent, l classifier.Level, language string) classifier.Classification {
	return classifier.Classification{Intent: i, IntentConfidence: 1, Level: l, Difficulty: DifficultyAt(l), Source: classifier.Fast, Language: language}
}

// openEnd is how far beyond its bound a level without an end is decided, in logits.
const openEnd = 0.5

// DifficultyAt is the middle of a level's interval of difficulty, in logits.
func DifficultyAt(l classifier.Level) float64 {
	bounds := classifier.LevelBounds
	switch {
	case l <= classifier.L1:
		return bounds[0] - openEnd
	case l >= classifier.L5:
		return bounds[3] + openEnd
	}
	return math.Round((bounds[l-2]+bounds[l-1])/2*1e6) / 1e6
}
