package router

import (
	"math"
	"slices"
	"time"

	"assay/models"
	"assay/scoring/success"
)

// figures are a row's numbers in the form that Decide reads for every query.
type figures struct {
	able      needSet // what the row can do
	outcome   int32   // its family's index in the table's model of success; -1 none
	reasoning bool
	measured  bool // outcomes say what its calls cost
	linear    bool // the prices below are all there is to its cost

	in, out, thought             int64 // nano-dollars per million tokens
	maxOutput, context, maxInput int64 // tokens; math.MaxInt64 none
}

// newFigures reads a row. Of a row whose limits nobody states, prompts of any
// length up to unstatedContext are expected to fit.
func newFigures(r *row, at time.Time) figures {
	f := figures{able: r.abilities(), outcome: int32(r.outcome), reasoning: r.Reasoning.Ok(), measured: r.measured,
		maxOutput: limit(r.MaxOutput), context: limit(r.Context), maxInput: limit(r.MaxInput)}
	if r.Context == 0 && r.MaxInput == 0 {
		f.context = unstatedContext
	}
	f.in, f.out, f.thought, f.linear = linearPrice(r.Model, at)
	return f
}

func limit(n int) int64 {
	if n == 0 {
		return math.MaxInt64
	}
	return int64(n)
}

// mostRate and mostTokens keep products of both within 63 bits.
const mostRate, mostTokens = 1e12, 8e6

// linearPrice gives the prices of a token in, out and thought, in nano-dollars
// per million. ok is false if the cost is no plain sum of these: a price that
// is unknown, or that depends on the prompt's length.
func linearPrice(m models.Model, at time.Time) (in, out, thought int64, ok bool) {
	lines := m.PriceLines(at, models.ClassStandard, 0)
	if !slices.Equal(lines, m.PriceLines(at, models.ClassStandard, math.MaxInt64)) {
		return 0, 0, 0, false
	}
	in, out, thought = -1, -1, -1
	for _, p := range lines {
		if p.NanoUSDPerMillion == 0 && !m.Free || p.NanoUSDPerMillion > mostRate {
			continue
		}
		switch {
		case p.Unit == models.UnitToken && p.Direction == models.In:
			in = p.NanoUSDPerMillion
		case p.Unit == models.UnitToken && p.Direction == models.Out:
			out = p.NanoUSDPerMillion
		case p.Unit == models.UnitReasoningToken && p.Direction == models.Out:
			thought = p.NanoUSDPerMillion
		}
	}
	if thought < 0 {
		thought = out
	}
	return in, out, thought, in >= 0 && out >= 0
}

// estimator predicts success, usage and cost of the table's rows for a query.
type estimator struct {
	table     *Table
	abilities []ability // by row
	b, vb     float64   // difficulty and its variance
	point     *success.Point
	learned   Expectations
	speeds    map[string]SpeedEstimate
	free      []bool

	prompt        int64
	intent        int
	plain, thinks tokensOut // priors of models that answer at once, and that think
	maxTokens, n  int
	usual         [2]models.Usage // of a row of which traffic has shown nothing: plain, thinks
}

func (t *Table) estimator(q Query) estimator {
	e := estimator{table: t, abilities: t.abilities[column(q.Class)], b: q.Class.Difficulty, vb: q.Class.DifficultySD * q.Class.DifficultySD,
		speeds: q.Speeds, free: q.Free, prompt: q.Needs.PromptTokens, intent: intentIndex(q.Class.Intent), maxTokens: q.Needs.MaxTokens, n: max(q.Needs.N, 1)}
	if t.success != nil && q.Prompt != nil {
		if at := t.success.At(*q.Prompt); at.Familiar || t.transfer <= certain {
			e.point = &at
		}
	}
	if len(q.Learned) == len(t.rows) {
		e.learned = q.Learned
	}
	e.plain, e.thinks = priorTokens(q.Class, models.No), priorTokens(q.Class, models.Yes)
	e.usual = [2]models.Usage{e.plain.usage(e.prompt, e.maxTokens, e.n), e.thinks.usage(e.prompt, e.maxTokens, e.n)}
	return e
}

// success is the predicted probability of success of a row. The ability's log
// odds are theta - b; their variance is that of the ability and of the
// difficulty together, for an error of either makes them wrong. The one of the
// outcomes is the table's: what is lost on the way from the prompts that they
// were measured on to this one.
func (e *estimator) success(i int) float64 {
	a := &e.abilities[i]
	l, v := a.theta-e.b, a.variance+e.vb
	if e.point != nil {
		if o := e.table.figures[i].outcome; o >= 0 {
			l, v = combine(l, v, e.table.success.Logit(int(o), *e.point), e.table.transfer)
		}
	}
	return expected(l, v)
}

// usage is what an answer of a row is expected to consume.
func (e *estimator) usage(i int) models.Usage {
	thinks := 0
	prior := e.plain
	if e.table.figures[i].reasoning {
		thinks, prior = 1, e.thinks
	}
	if e.learned == nil || e.learned[i] == nil {
		return e.usual[thinks]
	}
	l := e.learned[i]
	return l.tokens(e.intent, prior).usage(l.prompt(e.prompt), e.maxTokens, e.n)
}

// thinking is how many tokens a row usually thinks before it answers a prompt
// like this one; 0 if it does not.
func (e *estimator) thinking(i int) int64 {
	switch {
	case !e.table.figures[i].reasoning:
		return 0
	case e.learned == nil || e.learned[i] == nil:
		return e.thinks.thinking
	}
	return e.learned[i].tokens(e.intent, e.thinks).thinking
}

// cramped reports whether the request's limit of output would cut an answer off
// in the middle of that much thinking.
func (e *estimator) cramped(thinking int64) bool {
	return e.maxTokens > 0 && int64(e.maxTokens) < thinking
}

// cost is what an answer of a row is expected to cost, in nano-dollars; -1 if
// that is unknown.
func (e *estimator) cost(i int) int64 {
	if e.free != nil && e.free[i] {
		return 0
	}
	f := &e.table.figures[i]
	if f.measured && e.point != nil {
		if nano, ok := e.table.success.Cost(int(f.outcome), *e.point, float64(e.prompt)); ok && nano >= 0 && nano < math.MaxInt64/2 {
			return int64(nano + 0.5)
		}
	}
	u := e.usage(i)
	if f.linear && u.Input <= mostTokens && u.Output <= mostTokens {
		return perMillion(u.Input, f.in) + perMillion(u.Output-u.Reasoning, f.out) + perMillion(u.Reasoning, f.thought)
	}
	if nano, ok := e.table.rows[i].Cost(u, models.ClassStandard, e.table.Made); ok {
		return nano
	}
	return -1
}

// perMillion is tokens times a price per million, rounded half up, as
// models.Model.Cost has it.
func perMillion(tokens, nano int64) int64 { return (tokens*nano + 500_000) / 1_000_000 }

// judges reports whether anything is known of a row's success.
func (e *estimator) judges(i int) bool {
	return e.table.rows[i].hasAbility || e.point != nil && e.table.rows[i].outcome >= 0
}
