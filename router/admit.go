package router

import (
	"fmt"
	"net/http"
	"sort"
	"strings"

	"assay/models"
	"assay/models/openai"
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

// needSet holds needs, or what a row can do, as bits.
type needSet uint16

// The bits: one for each line of needTable, then what selectors ask of a row
// besides.
const (
	needJudged needSet = 1 << (10 + iota) // something is known of its success
	needScored                            // and that rests on a score or on outcomes
)

// needTable joins each need with the capability that meets it.
var needTable = [10]struct {
	need   func(*Needs) bool
	flag   func(*models.Capabilities) models.Flag
	what   string
	denied bool // met unless denied
}{
	{func(n *Needs) bool { return n.Vision }, func(c *models.Capabilities) models.Flag { return c.Vision }, "images", false},
	{func(n *Needs) bool { return n.Tools }, func(c *models.Capabilities) models.Flag { return c.Tools }, "tools", false},
	{func(n *Needs) bool { return n.JSONSchema }, func(c *models.Capabilities) models.Flag { return c.JSONSchema }, "response_format json_schema", false},
	{func(n *Needs) bool { return n.Logprobs }, func(c *models.Capabilities) models.Flag { return c.Logprobs }, "logprobs", false},
	{func(n *Needs) bool { return n.MultipleN }, func(c *models.Capabilities) models.Flag { return c.MultipleN }, "n above 1", false},
	{func(n *Needs) bool { return n.AudioIn }, func(c *models.Capabilities) models.Flag { return c.AudioIn }, "audio input", false},
	{func(n *Needs) bool { return n.AudioOut }, func(c *models.Capabilities) models.Flag { return c.AudioOut }, "audio output", false},
	{func(n *Needs) bool { return n.Files }, func(c *models.Capabilities) models.Flag { return c.PDF }, "file input", false},
	{func(n *Needs) bool { return n.Sampling }, func(c *models.Capabilities) models.Flag { return c.Sampling }, "temperature or top_p", true},
	{func(n *Needs) bool { return n.System }, func(c *models.Capabilities) models.Flag { return c.SystemMessage }, "system messages", true},
}

// set gives the needs as bits.
func (n *Needs) set() needSet {
	var s needSet
	for i := range needTable {
		if needTable[i].need(n) {
			s |= 1 << i
		}
	}
	return s
}

// abilities gives what the row is known to be able to do.
func (r *row) abilities() needSet {
	var s needSet
	for i := range needTable {
		if f := needTable[i].flag(&r.Caps); f.Ok() || needTable[i].denied && f != models.No {
			s |= 1 << i
		}
	}
	if r.hasAbility {
		s |= needJudged
	}
	if r.scored {
		s |= needScored
	}
	return s
}

// unstatedContext is the length of prompt and output that a model whose limits
// no source states is expected to take.
const unstatedContext = 4096

// lacks says what the row can't do (denied: a source says so, or a limit is
// passed) or is not known to be able to do (unknown).
func (r *row) lacks(n Needs) (denied, unknown string) {
	for i := range needTable {
		c := &needTable[i]
		if !c.need(&n) {
			continue
		}
		switch f := c.flag(&r.Caps); {
		case f == models.No:
			return "does not support " + c.what, ""
		case !f.Ok() && !c.denied && unknown == "":
			unknown = "not known to support " + c.what
		}
	}
	switch {
	case r.MaxOutput > 0 && n.MaxTokens > r.MaxOutput:
		return fmt.Sprintf("max_tokens %d exceeds its output limit %d", n.MaxTokens, r.MaxOutput), ""
	case r.Context > 0 && n.PromptTokens+int64(n.MaxTokens) > int64(r.Context):
		return fmt.Sprintf("prompt of %d tokens and output of %d exceed its context of %d", n.PromptTokens, n.MaxTokens, r.Context), ""
	case r.MaxInput > 0 && n.PromptTokens > int64(r.MaxInput):
		return fmt.Sprintf("prompt of %d tokens exceeds its input limit %d", n.PromptTokens, r.MaxInput), ""
	case r.Context == 0 && r.MaxInput == 0 && n.PromptTokens+int64(n.MaxTokens) > unstatedContext && unknown == "":
		unknown = "context length unknown"
	}
	return "", unknown
}

// unfit says why a row is no candidate for a selector, or "".
func (t *Table) unfit(i int, q Query) string {
	r := &t.rows[i]
	denied, unknown := r.lacks(q.Needs)
	outcomes := r.outcome >= 0 && q.Prompt != nil
	switch {
	case r.barred != "":
		return r.barred
	case q.refuses(i) != "":
		return q.refuses(i)
	case q.Policy != nil && q.Policy.Refuses(r.rules) != "":
		return q.Policy.Refuses(r.rules)
	case q.Policy != nil && q.Policy.OffTrial(r.rules) != "":
		return q.Policy.OffTrial(r.rules)
	case q.mustBeFree(t, i):
		return "no free allowance"
	case r.retired != "":
		return r.retired
	case q.Target.Tier != "" && r.tier != q.Target.Tier:
		if r.tier == "" {
			return "in no tier"
		}
		return "tier " + string(r.tier)
	case !r.priced && !(r.measured && outcomes):
		return "no known price"
	case !r.hasAbility && !outcomes:
		return "no known ability"
	case q.Target.Tier == "" && !r.scored && !outcomes:
		return "no published or measured score"
	case denied != "":
		return denied
	}
	return unknown
}

// unpriced is why a row is left out whose price list ends before this request.
const unpriced = "no known price for a request of this size"

// admitExplained scores every row that a selector may pick and says of every
// other why it is left out.
func (t *Table) admitExplained(q Query, e *estimator, d *Decision) []scored {
	var out []scored
	for i := range t.rows {
		id := t.rows[i].ID
		if why := t.unfit(i, q); why != "" {
			d.leaveOut(id, why)
			continue
		}
		c, ok := e.score(i)
		if !ok {
			d.leaveOut(id, unpriced)
		} else if need := e.thinking(i); e.cramped(need) {
			d.leaveOut(id, fmt.Sprintf("max_tokens %d is below its usual thinking of %d tokens", e.maxTokens, need))
		} else if why := q.limits(&c); why != "" {
			d.leaveOut(id, why)
		} else {
			out = append(out, c)
		}
	}
	return out
}

// admit scores the same rows without words, into space that is there already.
func (t *Table) admit(q Query, e *estimator, into []scored) []scored {
	need, limit := q.Needs.set()|needJudged, int64(q.Needs.MaxTokens)
	if q.Target.Tier == "" {
		need |= needScored
	}
	total := q.Needs.PromptTokens + limit
	trials := q.Policy != nil && len(t.Policy.Rollouts) > 0
	asks, limited := q.Policy != nil && q.Policy.Asks(), q.Policy != nil && q.Policy.Limits()
	var byOutcome needSet // what outcomes add to a row that has any
	if e.point != nil {
		byOutcome = needJudged | needScored
	}
	for _, i := range t.pools[q.Target.Tier] {
		f := &t.figures[i]
		able := f.able
		if f.outcome >= 0 {
			able |= byOutcome
		}
		if need&^able != 0 || limit > f.maxOutput || total > f.context || q.Needs.PromptTokens > f.maxInput {
			continue
		}
		if q.refuses(int(i)) != "" || q.mustBeFree(t, int(i)) || trials && q.Policy.OffTrial(t.rows[i].rules) != "" || asks && q.Policy.Refuses(t.rows[i].rules) != "" {
			continue
		}
		if f.reasoning && limit > 0 && e.cramped(e.thinking(int(i))) {
			continue
		}
		if c, ok := e.score(int(i)); ok && (!limited || q.Policy.Limited(c.cost, c.p) == "") {
			into = append(into, c)
		}
	}
	return into
}

// refuses says why the request's view of the policy refuses a row, or "".
func (q *Query) refuses(i int) string {
	switch {
	case q.Refused != nil && q.Refused[i] != "":
		return q.Refused[i]
	case q.Shut != nil && q.Shut[i]:
		return "its provider's free allowance is used up, or not acceptable, and there is no other key"
	}
	return ""
}

// mustBeFree reports whether a row is out because only free ones may serve.
func (q *Query) mustBeFree(t *Table, i int) bool {
	return q.Target.Objective == Free && !t.rows[i].Free && (q.Free == nil || !q.Free[i])
}

// limits says why policy refuses a scored candidate, or "".
func (q *Query) limits(c *scored) string {
	if q.Policy == nil {
		return ""
	}
	return q.Policy.Limited(c.cost, c.p)
}

// score gives a row its numbers; ok is false if its cost is unknown.
func (e *estimator) score(i int) (c scored, ok bool) {
	c = scored{row: int32(i), cost: e.cost(i)}
	if c.cost < 0 {
		return c, false
	}
	c.p = e.success(i)
	if len(e.speeds) > 0 {
		c.seconds = e.seconds(i)
	}
	return c, true
}

// named gives the numbers of a row that was asked for by name, as far as they
// are known: a cost of -1, a p of 0 if not.
func (e *estimator) named(i int) *scored {
	c := &scored{row: int32(i), cost: e.cost(i), seconds: e.seconds(i)}
	if e.judges(i) {
		c.p = e.success(i)
	}
	return c
}

// seconds is the expected time to the end of a row's answer; 0 if nobody has
// measured it.
func (e *estimator) seconds(i int) float64 {
	s, ok := e.speeds[e.table.rows[i].ID]
	if !ok {
		return 0
	}
	return s.Seconds(e.usage(i).Output)
}

func (d *Decision) leaveOut(id, why string) { d.LeftOut = append(d.LeftOut, LeftOut{id, why}) }

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
