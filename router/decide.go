package router

import (
	"fmt"
	"net/http"
	"sort"
	"strings"

	"assay/classifier"
	"assay/models"
	"assay/models/openai"
	"assay/scoring"
)

// Needs is what a request requires a model to be able to express.
type Needs struct {
	Vision, Tools, JSONSchema, Logprobs, MultipleN, AudioIn, AudioOut, Files bool

	// Sampling and System are met unless a source denies them: nearly every model
	// takes them and few sources say so.
	Sampling, System bool

	PromptTokens int64
	MaxTokens    int // the request's output limit; 0 none
	N            int
}

// NeedsOf reads the needs of a request whose prompt has promptTokens tokens.
func NeedsOf(r openai.Request, promptTokens int64) Needs {
	return Needs{
		Vision: r.Images() > 0, Tools: r.Tools > 0 || r.ToolHistory, JSONSchema: r.JSONSchema,
		Logprobs: r.Logprobs, MultipleN: r.N > 1, AudioIn: r.AudioIn, AudioOut: r.AudioOut, Files: r.Files,
		Sampling: r.Sampling, System: r.System(), PromptTokens: promptTokens, MaxTokens: r.MaxTokens, N: r.N,
	}
}

// Query is one question to the table.
type Query struct {
	Target Target
	Needs  Needs
	Class  classifier.Classification
	// Speeds are the measured speeds of models, by ID; a model without an entry
	// has none.
	Speeds map[string]SpeedEstimate
	// Explicit allows the first named row only.
	Explicit bool
}

// Candidate is an admissible model with the numbers it was ranked by.
type Candidate struct {
	Model    string       `json:"model"`
	Provider string       `json:"provider"`
	Tier     scoring.Tier `json:"tier"`
	PSuccess float64      `json:"p_success"`
	CostUSD  float64      `json:"est_cost_usd"`
	// Seconds is the expected time to the end of the answer; 0 if not measured.
	Seconds float64 `json:"est_seconds,omitempty"`

	costNano int64 // -1 unknown
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
	Requested  string            `json:"requested"`
	Rule       string            `json:"rule"`
	Model      string            `json:"model"`
	Provider   string            `json:"provider"`
	Tier       scoring.Tier      `json:"tier"`
	Intent     classifier.Intent `json:"intent"`
	Level      classifier.Level  `json:"level"`
	PSuccess   float64           `json:"p_success"`
	CostUSD    float64           `json:"est_cost_usd"`
	Table      string            `json:"table"`
	Policy     string            `json:"policy"`
	Candidates []Candidate       `json:"candidates"`
	LeftOut    []LeftOut         `json:"left_out"`
	Reason     string            `json:"reason"`

	Class classifier.Classification `json:"classification"`
}

// Decide ranks the models of the table for a query. It is pure. The error is
// an *openai.Error: no model is admissible; the decision then still lists who
// was left out and why.
func Decide(t *Table, q Query) (Decision, error) {
	d := Decision{Requested: q.Target.Requested, Rule: q.Target.Rule, Intent: q.Class.Intent, Level: q.Class.Level, Table: t.ID, Policy: t.Policy.ID, Class: q.Class,
		Candidates: []Candidate{}, LeftOut: []LeftOut{}}
	var named bool
	if named = len(q.Target.Named) > 0; named {
		t.admitNamed(q, &d)
	} else {
		t.admitAll(q, &d)
	}
	if len(d.Candidates) == 0 {
		return d, t.nobody(q, d)
	}
	if named {
		d.Reason = fmt.Sprintf("%s: %s", q.Target.Rule, d.Candidates[0].Model)
	} else {
		d.Reason = t.rank(q, d.Candidates)
	}
	best := d.Candidates[0]
	d.Model, d.Provider, d.Tier, d.PSuccess, d.CostUSD = best.Model, best.Provider, best.Tier, best.PSuccess, best.CostUSD
	return d, nil
}

// admitNamed collects the rows of a model asked for by name, in order of
// preference. Rows whose catalogue entry does not mention a needed capability
// come after those that state it: the client chose the model, so only a stated
// "no" refuses.
func (t *Table) admitNamed(q Query, d *Decision) {
	var sure, unsure []Candidate
	for _, id := range q.Target.Named {
		r := &t.rows[t.byID[id]]
		denied, unknown := r.lacks(q.Needs)
		switch {
		case r.barred != "":
			d.leaveOut(id, r.barred)
		case denied != "":
			d.leaveOut(id, denied)
		case unknown != "":
			unsure = append(unsure, t.candidate(r, q))
		default:
			sure = append(sure, t.candidate(r, q))
		}
		if q.Explicit {
			break
		}
	}
	d.Candidates = append(d.Candidates, sure...)
	d.Candidates = append(d.Candidates, unsure...)
}

// admitAll collects every row that an alias or tier selector may pick.
func (t *Table) admitAll(q Query, d *Decision) {
	for i := range t.rows {
		r := &t.rows[i]
		if why := t.unfit(r, q); why != "" {
			d.leaveOut(r.ID, why)
			continue
		}
		d.Candidates = append(d.Candidates, t.candidate(r, q))
	}
}

// unfit says why a row is no candidate for a selector, or "".
func (t *Table) unfit(r *row, q Query) string {
	denied, unknown := r.lacks(q.Needs)
	switch {
	case r.barred != "":
		return r.barred
	case r.retired != "":
		return r.retired
	case q.Target.Tier != "" && r.tier != q.Target.Tier:
		if r.tier == "" {
			return "in no tier"
		}
		return "tier " + string(r.tier)
	case !r.priced:
		return "no known price"
	case !r.hasAbility:
		return "no known ability"
	case q.Target.Tier == "" && !r.scored:
		return "no published or measured score"
	case denied != "":
		return denied
	case unknown != "":
		return unknown
	}
	return ""
}

func (d *Decision) leaveOut(id, why string) { d.LeftOut = append(d.LeftOut, LeftOut{id, why}) }

// lacks says what the row can't do (denied: a source says so, or a limit is
// passed) or is not known to be able to do (unknown).
func (r *row) lacks(n Needs) (denied, unknown string) {
	for _, c := range []struct {
		need bool
		flag models.Flag
		what string
	}{
		{n.Vision, r.Caps.Vision, "images"}, {n.Tools, r.Caps.Tools, "tools"},
		{n.JSONSchema, r.Caps.JSONSchema, "response_format json_schema"}, {n.Logprobs, r.Caps.Logprobs, "logprobs"},
		{n.MultipleN, r.Caps.MultipleN, "n above 1"}, {n.AudioIn, r.Caps.AudioIn, "audio input"},
		{n.AudioOut, r.Caps.AudioOut, "audio output"}, {n.Files, r.Caps.PDF, "file input"},
	} {
		switch {
		case !c.need || c.flag.Ok():
		case c.flag == models.No:
			return "does not support " + c.what, ""
		case unknown == "":
			unknown = "not known to support " + c.what
		}
	}
	switch {
	case n.Sampling && r.Caps.Sampling == models.No:
		return "does not support temperature or top_p", ""
	case n.System && r.Caps.SystemMessage == models.No:
		return "does not support system messages", ""
	case r.MaxOutput > 0 && n.MaxTokens > r.MaxOutput:
		return fmt.Sprintf("max_tokens %d exceeds its output limit %d", n.MaxTokens, r.MaxOutput), ""
	case r.Context > 0 && n.PromptTokens+int64(n.MaxTokens) > int64(r.Context):
		return fmt.Sprintf("prompt of %d tokens and output of %d exceed its context of %d", n.PromptTokens, n.MaxTokens, r.Context), ""
	case r.MaxInput > 0 && n.PromptTokens > int64(r.MaxInput):
		return fmt.Sprintf("prompt of %d tokens exceeds its input limit %d", n.PromptTokens, r.MaxInput), ""
	case r.Context == 0 && r.MaxInput == 0 && n.PromptTokens+int64(n.MaxTokens) > 4096 && unknown == "":
		unknown = "context length unknown"
	}
	return "", unknown
}

func (t *Table) candidate(r *row, q Query) Candidate {
	u := ExpectedUsage(q.Needs.PromptTokens, q.Class, r.Reasoning, q.Needs.MaxTokens, q.Needs.N)
	c := Candidate{Model: r.ID, Provider: r.Provider, Tier: r.tier, costNano: -1}
	if r.hasAbility {
		c.PSuccess = round(successProbability(r.ability, q.Class.Difficulty), 6)
	}
	if nano, ok := r.Cost(u, models.ClassStandard, t.Made); ok {
		c.costNano, c.CostUSD = nano, float64(nano)/1e9
	}
	if s, ok := q.Speeds[r.ID]; ok {
		c.Seconds = round(s.Seconds(u.Output), 3)
	}
	return c
}

// nobody explains an empty list of candidates.
func (t *Table) nobody(q Query, d Decision) *openai.Error {
	if len(q.Target.Named) > 0 {
		why := make([]string, len(d.LeftOut))
		operator := true
		for i, l := range d.LeftOut {
			why[i] = l.Model + ": " + l.Why
			if t.rows[t.byID[l.Model]].barred == "" {
				operator = false
			}
		}
		if operator {
			return &openai.Error{Status: http.StatusServiceUnavailable, Type: "server_error", Code: "model_unavailable", Param: "model",
				Message: fmt.Sprintf("model %q can't be called here (%s)", q.Target.Requested, strings.Join(why, "; "))}
		}
		return openai.BadRequest("unsupported_by_model", "model", "model %q can't serve this request (%s)", q.Target.Requested, strings.Join(why, "; "))
	}
	if t.Callable() == 0 {
		return &openai.Error{Status: http.StatusServiceUnavailable, Type: "server_error", Code: "no_model_available",
			Message: "no model can be called: no provider is configured that the policy allows; see /readyz"}
	}
	return openai.BadRequest("no_candidate", "model", "no model that %q may pick can serve this request: %s", q.Target.Requested, summary(d.LeftOut))
}

// summary counts reasons, most frequent first.
func summary(left []LeftOut) string {
	count := map[string]int{}
	for _, l := range left {
		count[l.Why]++
	}
	var whys []string
	for w := range count {
		whys = append(whys, w)
	}
	sort.Slice(whys, func(i, j int) bool {
		if count[whys[i]] != count[whys[j]] {
			return count[whys[i]] > count[whys[j]]
		}
		return whys[i] < whys[j]
	})
	if len(whys) > 6 {
		whys = whys[:6]
	}
	for i, w := range whys {
		whys[i] = fmt.Sprintf("%s (%d)", w, count[w])
	}
	return strings.Join(whys, ", ")
}
