package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Effective is the policy of one request: what holds for everybody, for its
// class of work, its org, its preset, and what it asks for itself.
type Effective struct {
	Org      string // "" if the key belongs to none
	Workload Workload
	// Model is what the request asks for, after aliases; Alias the rule by which
	// it became that, "" if none.
	Model, Alias string
	Explicit     bool // one exact model, nothing else
	Strict       bool // exact versioned names only
	// Swap: a named model may become a cheaper one of its tier; SwapWhy says which
	// rule decided so.
	Swap    bool
	SwapWhy string
	// ObserveSwap: what a swap would have picked is recorded. ObserveAlias: so is
	// what this alias' model would have been; "" nothing.
	ObserveSwap  bool
	ObserveAlias string
	// Timeout bounds the request; 0: the file's own.
	Timeout time.Duration
	NoHedge bool
	Table   string // X-Gateway-Table
	Hold    bool   // X-Gateway-Hold

	draw  Draw
	view  View
	asked Rules  // the request's own
	ask   *Layer // the same; nil if it restricts no rows
	org   *Org
	file  *File
	costs []limit
}

// View names what decides about rows apart from the request itself: equal
// views of one file refuse the same rows.
type View struct {
	Org      string
	Workload Workload
	Preset   string // the request's or the alias's
}

// limit is a bound of the single request, with its layer.
type limit struct {
	layer      string
	maxCost    USD
	minSuccess float64
}

// Draw places the request's conversation in [0, 1) for a trial of that name,
// the same for all its requests.
type Draw func(trial string) float64

// For puts together what holds for a request. The error is a *BadHeader.
func (f *File) For(org string, req Request, model string, draw Draw) (Effective, error) {
	e := Effective{Org: org, Model: model, Explicit: req.Explicit, Strict: req.Strict, Table: req.Table, Hold: req.Hold, file: f, Timeout: f.Timeout, draw: draw, asked: req.Rules}
	if o, ok := f.Orgs[org]; ok {
		e.org = &o
		e.Strict = e.Strict || o.Strict
	}
	e.Workload = req.Workload
	if e.Workload == "" && e.org != nil {
		e.Workload = e.org.Workload
	}
	if e.Workload == "" {
		e.Workload = Interactive
	}
	preset := req.Preset
	if a, ok := f.alias(e.org, model); ok && !req.Explicit && e.observes(a, model) {
		e.ObserveAlias = a.Model
	} else if ok && !req.Explicit {
		e.Model, e.Alias = a.Model, fmt.Sprintf("alias %s of %s", model, e.owner(a))
		if preset == "" {
			preset = a.Preset
		}
	}
	if _, ok := f.Presets[preset]; preset != "" && !ok {
		return e, &BadHeader{"X-Gateway-Policy", fmt.Sprintf("names the preset %q, which the policy lacks; it has: %s", clip(preset), strings.Join(slices.Sorted(maps.Keys(f.Presets)), ", "))}
	}
	e.view = View{Org: org, Workload: e.Workload, Preset: preset}
	if req.Rules.restricts() {
		e.ask = &Layer{Name: "request", Rules: req.Rules}
	}
	for _, l := range f.Layers(e.view) {
		e.limit(&l)
	}
	e.limit(&Layer{Name: "request", Rules: req.Rules})
	e.times(req)
	e.Swap, e.SwapWhy = f.swap(e.org, org, req, e.Workload)
	e.shareSwap(req)
	return e, nil
}

// observes reports whether an alias is only looked at in this conversation.
func (e *Effective) observes(a Alias, name string) bool {
	return a.Observe || a.Share != nil && e.draw("alias "+strings.ToLower(name)) >= *a.Share
}

// shareSwap leaves conversations outside the org's share as they are. Who opts
// in by header means this request.
func (e *Effective) shareSwap(req Request) {
	if e.org == nil || e.Explicit || e.Workload == Eval || e.file.Swaps == Never || req.Swaps != "" {
		return
	}
	switch {
	case e.org.Swaps == Observe:
		e.ObserveSwap, e.SwapWhy = true, "org "+e.Org+" (swaps: observe)"
	case e.Swap && e.org.SwapShare != nil && e.draw("swap "+e.Org) >= *e.org.SwapShare:
		e.Swap, e.ObserveSwap, e.SwapWhy = false, true, "org "+e.Org+" (swap_share)"
	}
}

func (e *Effective) limit(l *Layer) {
	if l.MaxCost.Set || l.MinSuccess > 0 {
		e.costs = append(e.costs, limit{l.Name, l.MaxCost, l.MinSuccess})
	}
}

// owner names whose alias it was.
func (e *Effective) owner(a Alias) string {
	if e.org != nil {
		for _, own := range e.org.Aliases {
			if own == a {
				return "org " + e.Org
			}
		}
	}
	return "policy"
}

// times works out the deadline: the class's replaces the file's, and org and
// request may only shorten it.
func (e *Effective) times(req Request) {
	if c, ok := e.file.Workloads[e.Workload]; ok {
		if c.Timeout > 0 {
			e.Timeout = c.Timeout
		}
		e.NoHedge = c.Hedge != nil && !*c.Hedge
	}
	if e.org != nil && e.org.Timeout > 0 {
		e.Timeout = min(e.Timeout, e.org.Timeout)
	}
	if req.Timeout > 0 {
		e.Timeout = min(e.Timeout, req.Timeout)
	}
	e.NoHedge = e.NoHedge || e.Workload != Interactive
}

func (f *File) alias(org *Org, name string) (Alias, bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	if org != nil {
		if a, ok := org.Aliases[name]; ok {
			return a, true
		}
	}
	a, ok := f.Aliases[name]
	return a, ok
}

// swap decides whether a named model may become a cheaper one of its tier: only
// where the org or the request opted in and nobody said no.
func (f *File) swap(o *Org, org string, req Request, w Workload) (bool, string) {
	own := ""
	if o != nil {
		own = o.Swaps
	}
	switch {
	case req.Explicit:
		return false, "routing is explicit"
	case f.Swaps == Never:
		return false, "policy (swaps: never)"
	case own == Never:
		return false, "org " + org + " (swaps: never)"
	case w == Eval:
		return false, "workload eval measures the model asked for"
	case req.Swaps == Off:
		return false, "request (X-Gateway-Swaps: off)"
	case req.Swaps == On:
		return true, "request (X-Gateway-Swaps: on)"
	case own == On:
		return true, "org " + org + " (swaps: on)"
	}
	return false, "nobody opted in"
}

// The settings of swaps.
const (
	On      = "on"
	Off     = "off"
	Never   = "never"
	Allowed = "allowed"
	Observe = "observe"
)

// Layers are the layers of a view, the file's first. The layer that speaks for
// the client, its org's or else the file's, accepts unknown data terms and no
// training unless it says otherwise.
func (f *File) Layers(v View) []Layer {
	if f.cache == nil {
		return f.layers(v)
	}
	if known, ok := f.cache.Load(v); ok {
		return known.([]Layer)
	}
	layers := f.layers(v)
	f.cache.Store(v, layers) // as many as there are orgs, classes and presets
	return layers
}

func (f *File) layers(v View) []Layer {
	layers := []Layer{{Name: "policy", Rules: f.Rules}}
	speaks := 0
	if c, ok := f.Workloads[v.Workload]; ok {
		layers = append(layers, Layer{Name: "workload " + string(v.Workload), Rules: c.Rules})
	}
	if o, ok := f.Orgs[v.Org]; ok {
		speaks = len(layers)
		layers = append(layers, Layer{Name: "org " + v.Org, Rules: o.Rules})
		if p, ok := f.Presets[o.Preset]; ok {
			layers = append(layers, Layer{Name: "preset " + o.Preset, Rules: p.Rules})
		}
	}
	if layers[speaks].Training == "" {
		layers[speaks].Training = AcceptUnknown
	}
	if p, ok := f.Presets[v.Preset]; ok {
		layers = append(layers, Layer{Name: "preset " + v.Preset, Rules: p.Rules})
	}
	return layers
}

// Refuses says why a row may not serve under a view, "" if it may.
func (f *File) Refuses(v View, r *Row) string {
	for _, l := range f.Layers(v) {
		if why := l.Permits(r); why != "" {
			return why
		}
	}
	switch {
	case r.Stage == StageOff:
		return "switched off by policy (rollouts)"
	case (r.Stage == StageEval || r.Stage == StageShadow) && v.Workload != Eval:
		return "only evaluations may use it yet by policy (rollouts: " + string(r.Stage) + ")"
	}
	if up := f.upstream(r, v.Workload); up != "" && up != r.Provider {
		return fmt.Sprintf("%s is the approved upstream by policy (upstreams)", up)
	}
	for name, p := range f.Orgs[v.Org].Pins {
		if p.Upstream != "" && p.Upstream != r.Provider && Matches(name, r) {
			return fmt.Sprintf("%s is the approved upstream by org %s (pins)", p.Upstream, v.Org)
		}
	}
	return ""
}

// RolloutOf is the rollout of a row: the narrowest entry that matches it.
func (f *File) RolloutOf(r *Row) Rollout {
	for _, name := range Names(r) {
		if o, ok := f.Rollouts[name]; ok {
			return o
		}
	}
	return Rollout{Stage: StageFull}
}

// Shadows reports whether a row in the shadow gets a copy of the request.
func (e *Effective) Shadows(r *Row) bool {
	return r.Stage == StageShadow && e.Workload == Interactive && e.draw("shadow "+r.ID) < r.StageShare
}

// upstream is the approved provider of a row's model: the narrowest entry that
// matches it decides.
func (f *File) upstream(r *Row, w Workload) string {
	for _, name := range Names(r) {
		if u, ok := f.Upstreams[name]; ok {
			return u.For(w)
		}
	}
	return ""
}

// Judged reports whether this conversation's answers go to the judge.
func (e *Effective) Judged() bool {
	return e.org != nil && e.org.Judge && e.Workload == Interactive && e.file.Assess.JudgeShare > 0 && e.draw("judge") < e.file.Assess.JudgeShare
}

// Describe names the rules that had a say in the request's treatment.
func (e *Effective) Describe() []string {
	var out []string
	if e.Alias != "" {
		out = append(out, e.Alias+" means "+e.Model)
	}
	if e.ObserveAlias != "" {
		out = append(out, "observed alias: "+e.ObserveAlias)
	}
	if e.Explicit {
		out = append(out, "explicit: the exact model and no other")
	}
	if e.Strict {
		out = append(out, "strict: exact versioned names only")
	}
	if e.Workload != Interactive {
		out = append(out, "workload "+string(e.Workload))
	}
	layers := append(slices.Clip(e.file.Layers(e.view)), Layer{Name: "request", Rules: e.asked})
	for _, l := range layers {
		if keys := l.restricting(); len(keys) > 0 {
			out = append(out, l.Name+" restricts "+strings.Join(keys, ", "))
		}
	}
	return out
}

// View gives the part of the policy that is the same for all requests alike.
func (e *Effective) View() View { return e.view }

// Refuses says why the request itself refuses a row, "" if it does not.
func (e *Effective) Refuses(r *Row) string {
	if e.ask == nil {
		return ""
	}
	return e.ask.Permits(r)
}

// OffTrial says why no selector or swap picks a row in this conversation, "" if
// one may.
func (e *Effective) OffTrial(r *Row) string {
	if r.Stage == StageTrial && e.Workload != Eval && e.draw("trial "+r.ID) >= r.StageShare {
		return "on trial in other conversations by policy (rollouts)"
	}
	return ""
}

// Asks reports whether the request restricts rows itself.
func (e *Effective) Asks() bool { return e.ask != nil }

// Limited says why a candidate of this expected cost (nano-dollars; -1 unknown)
// and predicted success may not serve, "" if it may.
func (e *Effective) Limited(cost int64, p float64) string {
	for i := range e.costs {
		l := &e.costs[i]
		switch {
		case l.maxCost.Set && cost < 0:
			return fmt.Sprintf("unknown cost not allowed under a ceiling by %s (max_cost)", l.layer)
		case l.maxCost.Set && cost > l.maxCost.Nano:
			return fmt.Sprintf("expected cost above $%s by %s (max_cost)", l.maxCost, l.layer)
		case p < l.minSuccess:
			return fmt.Sprintf("predicted success below %g by %s (min_success)", l.minSuccess, l.layer)
		}
	}
	return ""
}

// Limits reports whether Limited can refuse anything.
func (e *Effective) Limits() bool { return len(e.costs) > 0 }

// PermitsKey reports whether every layer accepts the data terms of a key.
func (e *Effective) PermitsKey(t Terms) bool {
	if e.file == nil {
		return true
	}
	for _, l := range e.file.Layers(e.view) {
		if !l.PermitsKey(t) {
			return false
		}
	}
	return e.ask == nil || e.ask.PermitsKey(t)
}

// Retry gives what happens when the upstream of a named row fails.
func (e *Effective) Retry(r *Row) Retry {
	if e.file == nil {
		return Retry{Attempts: 1}
	}
	for _, name := range append(Names(r), "*") {
		if t, ok := e.file.Retries[name]; ok {
			t.Attempts = max(t.Attempts, 1)
			return t
		}
	}
	return Retry{Attempts: 1}
}

// MayBecome says why the row a request named may not be swapped for another
// row, as far as policy goes, "" if it may; to nil asks about any row at all.
func (e *Effective) MayBecome(from, to *Row) string {
	if e.file == nil {
		return "no policy"
	}
	if matchesAny(e.file.NeverSwap, from) {
		return "policy (never_swap)"
	}
	if e.org == nil {
		return ""
	}
	if matchesAny(e.org.NeverSwap, from) {
		return "org " + e.Org + " (never_swap)"
	}
	if to == nil {
		return ""
	}
	for name, p := range e.org.Pins {
		if Matches(name, from) && matchesAny(p.Never, to) {
			return "org " + e.Org + " (pins." + name + ".never)"
		}
	}
	return ""
}

// PinnedTier is the tier that an org's pin gives to a row, "" if none does.
func (e *Effective) PinnedTier(r *Row) string {
	if e.org == nil {
		return ""
	}
	for _, name := range Names(r) {
		if p, ok := e.org.Pins[name]; ok && p.Tier != "" {
			return p.Tier
		}
	}
	return ""
}

// Names are what a policy may call a row, the narrowest first: its ID, its
// provider's name for it, that name after the last "/", its family. Lower case.
func Names(r *Row) []string {
	id := strings.ToLower(r.ID)
	out := []string{id}
	if _, name, ok := strings.Cut(id, "/"); ok {
		out = append(out, name)
		if at := strings.LastIndexByte(name, '/'); at >= 0 {
			out = append(out, name[at+1:])
		}
	}
	if r.Family != "" {
		out = append(out, strings.ToLower(r.Family))
	}
	return out
}

// Matches reports whether a policy's name for a model means the row.
func Matches(name string, r *Row) bool {
	name = strings.ToLower(name)
	for _, n := range Names(r) {
		if n == name {
			return true
		}
	}
	return false
}

func matchesAny(list []string, r *Row) bool {
	for _, name := range list {
		if Matches(name, r) {
			return true
		}
	}
	return false
}
