package router

import (
	"maps"
	"slices"
	"sync"

	"assay/classifier"
	"assay/models"
)

// Outputs learns from answers how many tokens each model takes: output and
// reasoning by intent, and the prompt as its own tokeniser counts it. The
// expectations start from the priors of expect.go, which weigh as much as
// priorWorth answers. The zero value is ready; it is safe for concurrent use.
//
// What providers read from their caches is not learned: that hangs on the
// single conversation, so costs are expected as if nothing were cached.
type Outputs struct {
	mu   sync.Mutex
	by   map[string]*lengths // immutable: replaced whole
	last *Table              // the table that view belongs to
	view Expectations
}

const (
	// fade is what an earlier answer counts beside the next one: the last
	// hundred or so matter.
	fade = 0.99
	// priorWorth is the number of answers that a prior is worth.
	priorWorth = 20
)

// Observation is one answer.
type Observation struct {
	Class     classifier.Classification
	Reasoning models.Flag
	// Prompt is the number of tokens that were counted here.
	Prompt int64
	// MaxTokens and N are the request's own.
	MaxTokens, N int
	// Expected is what was predicted, Got what the provider reported.
	Expected, Got models.Usage
}

// lengths is what answers of one model have shown; sums fade exponentially.
type lengths struct {
	byIntent [numIntents]outputs

	answers           float64 // whose prompt was counted by the provider
	counted, reported float64 // their prompt tokens, here and there

	wrong, actual float64 // output tokens: |predicted - actual|, and actual
	total         int     // answers, none forgotten
}

// outputs are the sums of one intent, with what the priors said of the same answers.
type outputs struct{ answers, visible, visiblePrior, thinking, thinkingPrior float64 }

// numIntents counts the intents and one for what is none of them.
const numIntents = 17

func intentIndex(intent classifier.Intent) int {
	if i := slices.Index(classifier.Intents, intent); i >= 0 {
		return i
	}
	return numIntents - 1
}

// Observe adds an answer of a model. An answer that was cut by the request's
// own limit says little about its length and is left out; so is an empty one.
func (o *Outputs) Observe(model string, a Observation) {
	n := int64(max(a.N, 1))
	if a.Got.Output <= 0 || a.MaxTokens > 0 && a.Got.Output >= int64(a.MaxTokens)*n {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	l := &lengths{}
	if old := o.by[model]; old != nil {
		*l = *old
	}
	l.add(a, float64(n))
	if o.by == nil {
		o.by = map[string]*lengths{}
	}
	o.by[model] = l
	if o.last != nil {
		if i, ok := o.last.byID[model]; ok {
			o.view = slices.Clone(o.view) // readers keep what they have
			o.view[i] = l
		}
	}
}

func (l *lengths) add(a Observation, n float64) {
	prior := priorTokens(a.Class, a.Reasoning)
	thinking := a.Got.Reasoning
	if prior.thinking == 0 { // nothing to correct: all of it is output
		thinking = 0
	}
	s := &l.byIntent[intentIndex(a.Class.Intent)]
	add := func(sum *float64, x float64) { *sum = fade**sum + x }
	add(&s.answers, 1)
	add(&s.visible, float64(a.Got.Output-thinking)/n)
	add(&s.visiblePrior, float64(prior.visible))
	add(&s.thinking, float64(thinking)/n)
	add(&s.thinkingPrior, float64(prior.thinking))
	add(&l.wrong, max(float64(a.Expected.Output-a.Got.Output), float64(a.Got.Output-a.Expected.Output)))
	add(&l.actual, float64(a.Got.Output))
	l.total++
	if !a.Got.Estimated && a.Prompt > 0 && a.Got.Input > 0 {
		add(&l.answers, 1)
		add(&l.counted, float64(a.Prompt))
		add(&l.reported, float64(a.Got.Input))
	}
}

// tokens corrects a prior by what answers to an intent have shown: it is
// scaled by the ratio of their tokens to what the priors said of them, which
// counts beside a ratio of 1 that is worth priorWorth answers. Of a prior that
// is the same for all of them, that makes the mean of both; of one that differs
// with the level, the differences stay.
func (l *lengths) tokens(intent int, prior tokensOut) tokensOut {
	s := &l.byIntent[intent]
	return tokensOut{scale(prior.visible, s.answers, s.visible, s.visiblePrior), scale(prior.thinking, s.answers, s.thinking, s.thinkingPrior)}
}

func scale(prior int64, answers, got, expected float64) int64 {
	if expected == 0 {
		return prior
	}
	return int64(float64(prior)*shrunk(answers, got/expected) + 0.5)
}

// shrunk is a ratio seen in so many answers beside the prior's, which is 1.
func shrunk(answers, ratio float64) float64 {
	return (answers*ratio + priorWorth) / (answers + priorWorth)
}

// ratio is the provider's count of prompt tokens per token counted here.
func (l *lengths) ratio() float64 {
	if l.answers == 0 {
		return 1
	}
	return shrunk(l.answers, l.reported/l.counted)
}

// prompt is the length that the provider is expected to count.
func (l *lengths) prompt(counted int64) int64 {
	return int64(float64(counted)*l.ratio() + 0.5)
}

// Expectations are what traffic has shown of the models of one table, by row.
// They are immutable.
type Expectations []*lengths

// Of gives what has been learned of a table's models so far.
func (o *Outputs) Of(t *Table) Expectations {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last == t {
		return o.view
	}
	view := make(Expectations, len(t.rows))
	for id, l := range o.by {
		if i, ok := t.byID[id]; ok {
			view[i] = l
		}
	}
	o.last, o.view = t, view
	return view
}

// Fit says how well answers of a model have been predicted.
type Fit struct {
	// OutputError is the mean absolute error of predicted output tokens, relative
	// to the mean of output tokens.
	OutputError float64
	// PromptRatio is the provider's count of prompt tokens per token counted here.
	PromptRatio float64
	Answers     int
}

// Fits gives how well each model's answers have been predicted, by model ID.
func (o *Outputs) Fits() map[string]Fit {
	o.mu.Lock()
	by := maps.Clone(o.by)
	o.mu.Unlock()
	out := make(map[string]Fit, len(by))
	for id, l := range by {
		out[id] = Fit{OutputError: l.wrong / l.actual, PromptRatio: l.ratio(), Answers: l.total}
	}
	return out
}
