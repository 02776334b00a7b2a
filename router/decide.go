package router

import (
	"fmt"
	"sync"

	"assay/classifier"
	"assay/models"
	"assay/router/policy"
	"assay/scoring"
	"assay/scoring/success"
)

// Query is one question to the table.
type Query struct {
	Target Target
	Needs  Needs
	Class  classifier.Classification
	// Prompt is what predictions from outcomes read; nil: there are none.
	Prompt *success.Prompt
	// Speeds are the measured speeds of models, by ID; a model without an entry
	// has none.
	Speeds map[string]SpeedEstimate
	// Learned is what traffic showed of the table's models; nil: nothing.
	Learned Expectations
	// Policy is what holds for the request; nil: nothing but the table's own.
	// Refused are the table's refusals for its view.
	Policy  *policy.Effective
	Refused []string
	// Free are the rows that a free allowance covers now, Shut those whose
	// provider has no key that may serve now; nil: none.
	Free, Shut []bool
	// Fixed says what in the request forbids a swap, "" if nothing does.
	Fixed string
	// Stay is the model that answered the conversation last; nil: there is none.
	Stay *Stay
	// Explicit allows the first named row only.
	Explicit bool
	// Explain lists every candidate and everybody who was left out; without it
	// the decision holds the first listed ones. What is decided is the same.
	Explain bool
}

// listed is how many candidates a decision holds that nobody wants explained:
// more than may be tried.
const listed = 16

// Candidate is an admissible model with the numbers it was ranked by.
type Candidate struct {
	Model    string       `json:"model"`
	Provider string       `json:"provider"`
	Tier     scoring.Tier `json:"tier"`
	PSuccess float64      `json:"p_success"`
	// Needs is the least PSuccess with which a model of this cost is good enough;
	// 0 where nothing is asked: in a direction of a tier, or by name.
	Needs   float64 `json:"needs"`
	CostUSD float64 `json:"est_cost_usd"`
	// Seconds is the expected time to the end of the answer; 0 if not measured.
	Seconds float64 `json:"est_seconds,omitempty"`

	costNano int64 // -1 unknown
	usage    models.Usage
}

// CostNano is the expected cost in nano-dollars; known is false without a price.
func (c Candidate) CostNano() (nano int64, known bool) { return max(c.costNano, 0), c.costNano >= 0 }

// LeftOut is a model that was no candidate, with the reason.
type LeftOut struct {
	Model string `json:"model"`
	Why   string `json:"why"`
}

// Decision is the outcome of Decide: candidates in the order in which they
// are to be tried. The fields of the first candidate stand at the top as well.
type Decision struct {
	Requested string            `json:"requested"`
	Rule      string            `json:"rule"`
	Model     string            `json:"model"`
	Provider  string            `json:"provider"`
	Tier      scoring.Tier      `json:"tier"`
	Intent    classifier.Intent `json:"intent"`
	Level     classifier.Level  `json:"level"`
	PSuccess  float64           `json:"p_success"`
	CostUSD   float64           `json:"est_cost_usd"`
	// PromptTokens is the prompt's length as counted here, by o200k_base.
	PromptTokens int64       `json:"prompt_tokens"`
	Table        string      `json:"table"`
	Policy       string      `json:"policy"`
	Candidates   []Candidate `json:"candidates"`
	LeftOut      []LeftOut   `json:"left_out"`
	Reason       string      `json:"reason"`
	// Rules say which rules of the policy shaped the decision.
	Rules []string `json:"rules,omitempty"`
	// Stayed: the model that answered the conversation last goes on.
	Stayed bool `json:"stayed,omitempty"`
	// RoutedFrom is the named model that a swap replaces; Swap says why it was or
	// was not swapped.
	RoutedFrom string `json:"routed_from,omitempty"`
	Swap       string `json:"swap,omitempty"`
	// Likeliest is the candidate with the best chance: who answers instead if the
	// first one's answer is not good enough.
	Likeliest *Candidate `json:"-"`
	// Would is what would have been picked, where that is only observed.
	Would *Would `json:"would,omitempty"`

	Class classifier.Classification `json:"classification"`
}

// Decide ranks the models of the table for a query. It is pure. The error is
// an *openai.Error: no model is admissible; the decision then lists who was
// left out and why, whether that was asked for or not.
func Decide(t *Table, q Query) (Decision, error) {
	d := Decision{Requested: q.Target.Requested, Rule: q.Target.Rule, Intent: q.Class.Intent, Level: q.Class.Level, PromptTokens: q.Needs.PromptTokens,
		Table: t.ID, Policy: t.Policy.ID, Class: q.Class, Candidates: []Candidate{}, LeftOut: []LeftOut{}}
	e := t.estimator(q)
	if e.point == nil { // unlike the prompts that outcomes are of
		q.Prompt = nil
	}
	switch {
	case len(q.Target.Named) > 0:
		t.chooseNamed(q, &e, &d)
		t.swap(q, &e, &d)
	case q.Explain:
		t.choose(q, &e, t.admitExplained(q, &e, &d), &d)
	default:
		space := spaces.Get().(*[]scored)
		*space = t.admit(q, &e, (*space)[:0])
		t.choose(q, &e, *space, &d)
		spaces.Put(space)
	}
	if len(d.Candidates) == 0 {
		if len(d.LeftOut) == 0 && !q.Explain {
			q.Explain = true
			return Decide(t, q)
		}
		return d, t.nobody(q, d)
	}
	best := d.Candidates[0]
	d.Model, d.Provider, d.Tier, d.PSuccess, d.CostUSD = best.Model, best.Provider, best.Tier, best.PSuccess, best.CostUSD
	return d, nil
}

// spaces are reused, for a list of all rows is all that Decide would allocate.
var spaces = sync.Pool{New: func() any { return new([]scored) }}

// choose orders candidates by the query's objective.
func (t *Table) choose(q Query, e *estimator, cs []scored, d *Decision) {
	if len(cs) == 0 {
		return
	}
	r := t.rank(q, cs)
	likeliest := e.candidate(mostLikely(cs))
	d.Likeliest = &likeliest
	var kept scored
	at := -1
	if q.Stay != nil {
		if at = find(cs, q.Stay.Row); at >= 0 {
			kept = cs[at]
		}
	}
	if q.Explain {
		r.order.sort(cs)
	} else {
		cs = r.order.foremost(cs, max(listed, t.Policy.MaxAttempts))
	}
	d.Reason = r.reason(&cs[0])
	if at >= 0 && kept.row != cs[0].row {
		if why := e.stays(q.Stay, &kept, &cs[0], r.order); why != "" {
			d.Reason, d.Stayed = why, true
			cs = first(cs, kept)
		}
	}
	d.Candidates = make([]Candidate, len(cs))
	for i := range cs {
		c := e.candidate(&cs[i])
		if r.bar != nil {
			c.Needs = round(max(r.bar.needs(c.costNano), 0), 6)
		}
		d.Candidates[i] = c
	}
}

// mostLikely is the candidate with the best chance, the cheaper of equals.
func mostLikely(cs []scored) *scored {
	best := &cs[0]
	for i := range cs {
		if cs[i].quality(best) {
			best = &cs[i]
		}
	}
	return best
}

// first puts a candidate before all others; if it is none of them, the last
// one makes room.
func first(cs []scored, c scored) []scored {
	at := find(cs, int(c.row))
	if at < 0 {
		at = len(cs) - 1
	}
	copy(cs[1:at+1], cs[:at])
	cs[0] = c
	return cs
}

// chooseNamed collects the rows of a model asked for by name, in order of
// preference. Rows whose catalogue entry does not mention a needed capability
// come after those that state it: the client chose the model, so only a stated
// "no" refuses.
func (t *Table) chooseNamed(q Query, e *estimator, d *Decision) {
	var sure, unsure []Candidate
	for _, id := range q.Target.Named {
		i := t.byID[id]
		r := &t.rows[i]
		denied, unknown := r.lacks(q.Needs)
		switch {
		case r.barred != "":
			d.leaveOut(id, r.barred)
		case q.refusesNamed(t, e, i) != "":
			d.leaveOut(id, q.refusesNamed(t, e, i))
		case denied != "":
			d.leaveOut(id, denied)
		case unknown != "":
			unsure = append(unsure, e.candidate(e.named(i)))
		default:
			sure = append(sure, e.candidate(e.named(i)))
		}
		if q.Explicit {
			break
		}
	}
	d.Candidates = append(append(d.Candidates, sure...), unsure...)
	if len(d.Candidates) > 0 {
		d.Reason = fmt.Sprintf("%s: %s", q.Target.Rule, d.Candidates[0].Model)
	}
}

// refusesNamed says why policy keeps a named row from serving, or "". Least
// success binds the router's picks alone: who names a model has chosen.
func (q *Query) refusesNamed(t *Table, e *estimator, i int) string {
	if why := q.refuses(i); why != "" || q.Policy == nil {
		return why
	}
	if why := q.Policy.Refuses(t.rows[i].rules); why != "" {
		return why
	}
	return q.Policy.Limited(e.cost(i), 1)
}

// candidate shows a row's numbers.
func (e *estimator) candidate(n *scored) Candidate {
	i := int(n.row)
	r := &e.table.rows[i]
	return Candidate{Model: r.ID, Provider: r.Provider, Tier: r.tier, PSuccess: round(n.p, 6), CostUSD: float64(max(n.cost, 0)) / 1e9,
		Seconds: round(n.seconds, 3), costNano: n.cost, usage: e.usage(i)}
}
