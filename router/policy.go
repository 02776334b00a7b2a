package router

import (
	"encoding/json"
	"errors"
	"math"
	"sort"
	"strings"
	"time"

	"assay/models"
	"assay/models/openai"
	"assay/router/assess"
	"assay/router/policy"
	"assay/scoring"
)

// Policy is the operator's rules; see package policy.
type Policy = policy.File

// Objective is what the caller wants most of the models that qualify.
type Objective = policy.Objective

// The objectives; see package policy.
const (
	Cost     = policy.Cost
	Balanced = policy.Balanced
	Quality  = policy.Quality
	Fast     = policy.Fast
	Speed    = policy.Speed
	Free     = policy.Free
)

// KnownTo gives the vocabulary for policies over this catalogue.
func KnownTo(c *models.Catalog) policy.Known {
	v := policy.Vocabulary{Regions: map[string]bool{}, Providers: map[string]bool{}, Models: map[string]bool{}, IDs: map[string]bool{}, Tiers: map[string]bool{}}
	for _, m := range c.Models() {
		v.IDs[m.ID] = true
		for _, name := range policy.Names(ruleRow(m, nil, 0, time.Time{})) {
			v.Models[name] = true
		}
		if m.Region != "" {
			v.Regions[m.Region] = true
		}
	}
	for _, p := range c.Providers() {
		v.Providers[p.Name] = true
	}
	for _, t := range scoring.AllTiers {
		v.Tiers[string(t)] = true
	}
	return policy.Known{Vocabulary: v}
}

// ruleRow is what rules ask of a model.
func ruleRow(m models.Model, keys []policy.Terms, capability float64, at time.Time) *policy.Row {
	r := &policy.Row{ID: m.ID, Provider: m.Provider, Region: m.Region, Family: m.Family, Capability: capability, Keys: keys}
	in, out := dearest(m, at, models.In), dearest(m, at, models.Out)
	r.In, r.Out, r.Priced = max(in, 0), max(out, 0), in >= 0 && out >= 0
	return r
}

// dearest is the highest price per million tokens in a direction that a prompt
// of any length pays; -1 if none is known.
func dearest(m models.Model, at time.Time, d models.Direction) int64 {
	most := int64(-1)
	for _, tokens := range []int64{0, math.MaxInt64} {
		for _, p := range m.PriceLines(at, models.ClassStandard, tokens) {
			if p.Direction == d && (p.Unit == models.UnitToken || p.Unit == models.UnitReasoningToken) && (p.NanoUSDPerMillion > 0 || m.Free) {
				most = max(most, p.NanoUSDPerMillion)
			}
		}
	}
	return most
}

// policyIdentity is a policy's content, for the table's ID.
func policyIdentity(p Policy) []byte {
	b, err := json.Marshal(p)
	if err != nil { // numbers are checked on parsing, and nothing else can fail
		return []byte(p.ID)
	}
	return b
}

// refusals says of every row why it may not serve under a view of the policy;
// nil if all may. Worked out once for each view.
func (t *Table) refusals(v policy.View) []string {
	if known, ok := t.views.Load(v); ok {
		return known.([]string)
	}
	var out []string
	for i := range t.rows {
		if why := t.Policy.Refuses(v, t.rows[i].rules); why != "" {
			if out == nil {
				out = make([]string, len(t.rows))
			}
			out[i] = why
		}
	}
	t.views.Store(v, out)
	return out
}

// policyFor puts together what holds for a request.
func (t *Table) policyFor(a Ask, c Conversation) (policy.Effective, error) {
	if err := a.Policy.Check(&t.vocabulary); err != nil {
		return policy.Effective{}, badHeader(err)
	}
	e, err := t.Policy.For(a.Org, a.Policy, a.Request.Model, c.Share)
	return e, badHeader(err)
}

// badHeader makes a client error of a header that can't be acted on.
func badHeader(err error) error {
	var b *policy.BadHeader
	if errors.As(err, &b) {
		return openai.BadRequest("invalid_header", b.Header, "header %s %s", b.Header, b.Problem)
	}
	return err
}

// ReadHeaders reads the headers that steer a request; the error is an
// *openai.Error.
func ReadHeaders(h map[string][]string) (policy.Request, error) {
	r, err := policy.FromHeaders(h)
	return r, badHeader(err)
}

// strictly refuses names that leave open which version they mean.
func strictly(t Target) error {
	switch t.Rule {
	case "newest dated version", "family served by several hosts":
		return openai.BadRequest("not_an_exact_name", "model", "model %q is no exact name, and only those are allowed here (strict): write one of %s", t.Requested, quoted(t.Named[:min(len(t.Named), 3)]))
	}
	return nil
}

// fixed says what in a request forbids that its named model is swapped, "" if
// nothing does.
func fixed(r openai.Request) string {
	var has []string
	for _, f := range []struct {
		on   bool
		what string
	}{{r.Tools > 0, "tools"}, {r.ToolHistory, "tool calls in its history"}, {r.Format, "response_format"}, {r.Logprobs, "logprobs"}, {r.Seeded, "seed"}} {
		if f.on {
			has = append(has, f.what)
		}
	}
	sort.Strings(has)
	return strings.Join(has, ", ")
}

// resolveUnder says what the requested name means under the policy of the
// request. The error is an *openai.Error.
func (t *Table) resolveUnder(e *policy.Effective) (Target, error) {
	target, err := t.Resolve(e.Model)
	if err != nil {
		return target, err
	}
	if e.Explicit && len(target.Named) == 0 {
		return target, openai.BadRequest("explicit_needs_model", "model", "X-Gateway-Routing: explicit needs an exact model; %q leaves the choice to the router", e.Model)
	}
	if e.Strict {
		return target, strictly(target)
	}
	return target, nil
}

// defects are the defects of a policy's names.
func defects(names []string) []assess.Defect {
	out := make([]assess.Defect, len(names))
	for i, n := range names {
		out[i] = assess.Defect(n)
	}
	return out
}
