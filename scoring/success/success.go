// Package success predicts, from outcomes of real models on real prompts, how
// likely each model is to succeed on a prompt.
//
// Prompts fall into kinds (clusters of their embeddings), and inside a kind
// they differ in difficulty. For model m and prompt x of kind k
//
//	logit p = o_m + o_mk - (s_m + s_mk)·d(x) + t_m·r_m(x)
//
// where d(x) is the difficulty that the text lets expect (ridge regression on
// the difficulties that a Rasch model fits to the outcomes) and r_m(x) is what
// the text says about this model in particular (ridge regression on its own
// residuals). The coefficients are fitted by penalised logistic regression,
// those of kinds and models shrunk to what is common. Whatever enters the last
// step was predicted for prompts that it was not fitted on, so that it is not
// believed more than it deserves.
//
// Start with Fit; a fitted Model is immutable and safe for concurrent use.
package success

import (
	"errors"
	"fmt"
	"math"
)

// Prompt is what the model reads of a text.
type Prompt struct {
	Embedding []float32 // of the encoder; nil where none is to be used
	Words     Words     // see WordsOf; nil where none are to be used
}

// Data is what a model is fitted to: one row per prompt.
type Data struct {
	Prompts []Prompt
	Models  []string
	// Scores are shares of success, 0..1, [prompt][model]; NaN where unknown.
	Scores [][]float64
	// Costs are nano-dollars of the call, [prompt][model], NaN where unknown,
	// or nil; Tokens are those of the prompt, for the costs.
	Costs  [][]float64
	Tokens []float64
}

// Point is where a prompt lies: all that predictions for it rest on.
type Point struct {
	Kind       int
	Difficulty float64   // logits, about 0 within the kind
	Text       []float64 // per model, or nil
	// Familiar says that the prompt lies as near to its kind's centre as all but
	// a twentieth of the training prompts: what outcomes say is about such prompts.
	Familiar bool
}

// Model is a fitted model of success. It is immutable.
type Model struct {
	names []string
	index map[string]int
	space space
	kinds [][]float64 // centroids
	reach []float64   // squared distance within which a prompt of each kind is familiar
	// difficulty: the pooled weights and those of each kind, added
	pooled     []float64
	byKind     [][]float64 // nil: the pooled ones alone
	text       [][]float64 // per model, logits; nil without
	models     []coefficients
	costs      [][]line // per model and kind; nil without
	costOfMean []line
}

// Names lists the models in the order of their indices.
func (m *Model) Names() []string { return m.names }

// Index finds a model by name.
func (m *Model) Index(name string) (int, bool) {
	i, ok := m.index[name]
	return i, ok
}

// Kinds is the number of kinds.
func (m *Model) Kinds() int { return len(m.kinds) }

// At places a prompt.
func (m *Model) At(p Prompt) Point { return m.place(m.space.vector(p)) }

func (m *Model) place(v vector) Point {
	dense := m.space.dense(v)
	at := Point{Kind: nearest(m.kinds, dense)}
	at.Familiar = squared(dense, m.kinds[at.Kind]) <= m.reach[at.Kind]
	d := v.dot(m.pooled)
	if m.byKind != nil && m.byKind[at.Kind] != nil {
		d += v.dot(m.byKind[at.Kind])
	}
	at.Difficulty = d
	if m.text != nil {
		at.Text = make([]float64, len(m.text))
		for i, w := range m.text {
			if w != nil {
				at.Text[i] = v.dot(w)
			}
		}
	}
	return at
}

// Logit is the log odds that model i succeeds at a point.
func (m *Model) Logit(i int, at Point) float64 {
	c := &m.models[i]
	l := c.offset + c.kindOffset[at.Kind] - (c.slope+c.kindSlope[at.Kind])*at.Difficulty
	if at.Text != nil {
		l += c.text * at.Text[i]
	}
	return l
}

// P is the probability that model i succeeds at a point.
func (m *Model) P(i int, at Point) float64 { return logistic(m.Logit(i, at)) }

// Cost is what a call of model i is expected to cost, in nano-dollars, with a
// prompt of so many tokens; ok is false where Data had no costs of the model.
func (m *Model) Cost(i int, at Point, tokens float64) (nano float64, ok bool) {
	if m.costs == nil {
		return 0, false
	}
	l := m.costs[i][at.Kind]
	if l.n == 0 {
		l = m.costOfMean[i]
	}
	return l.at(tokens), l.n > 0
}

// ErrNoData is returned when there is nothing to fit.
var ErrNoData = errors.New("no outcomes to fit: at least two prompts and one model are needed")

// check says what is wrong with the data.
func (d Data) check() error {
	if len(d.Prompts) < 2 || len(d.Models) == 0 {
		return ErrNoData
	}
	if len(d.Scores) != len(d.Prompts) || d.Costs != nil && (len(d.Costs) != len(d.Prompts) || len(d.Tokens) != len(d.Prompts)) {
		return fmt.Errorf("%d prompts, %d rows of scores, %d of costs, %d of tokens: want as many of each", len(d.Prompts), len(d.Scores), len(d.Costs), len(d.Tokens))
	}
	seen := map[string]bool{}
	for _, name := range d.Models {
		if seen[name] {
			return fmt.Errorf("model %q is there twice", name)
		}
		seen[name] = true
	}
	dense := len(d.Prompts[0].Embedding)
	for i, row := range d.Scores {
		if len(d.Prompts[i].Embedding) != dense {
			return fmt.Errorf("prompt %d has an embedding of %d numbers, prompt 0 one of %d", i, len(d.Prompts[i].Embedding), dense)
		}
		if len(row) != len(d.Models) || d.Costs != nil && len(d.Costs[i]) != len(d.Models) {
			return fmt.Errorf("prompt %d: want a score and a cost for each of %d models", i, len(d.Models))
		}
		for j, s := range row {
			if s < 0 || s > 1 { // NaN passes: unknown
				return fmt.Errorf("prompt %d: score %v of %q: want 0 to 1", i, s, d.Models[j])
			}
		}
	}
	return nil
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
