// Package policy is the operator's rules: one reviewed YAML file that says which
// models may serve whom, at what price, and what may be changed about a request.
//
// A File is parsed and validated as a whole (Parse). Whatever restricts is a
// layer: the operator's, the workload's, the org's, the preset's, the request's.
// A model must pass every layer, so that each one can only narrow what the
// others allow (rules.go). File.For puts the layers and switches of one request
// together into Effective (effective.go). Every key, with its header if it has
// one, stands in one table (keys.go), from which the JSON Schema and the
// documentation are made.
package policy

import (
	"cmp"
	"maps"
	"sync"
	"time"
)

// Objective is what the caller wants most of the models that qualify.
type Objective string

// The objectives. Those of the aliases assay/X say how much predicted success
// a lower cost makes up for; those of TIER:X choose inside a tier. Free is as
// balanced, among the models that a free allowance covers now.
const (
	Cost     Objective = "cost"
	Balanced Objective = "balanced"
	Quality  Objective = "quality"
	Fast     Objective = "fast"
	Speed    Objective = "speed"
	Free     Objective = "free"
)

// MostForgiven bounds the predicted success that a price can make up for.
const MostForgiven = 0.5

// Workload is the class of a request's work.
type Workload string

// The workloads. Interactive (the default) may be hedged; Background never is.
// Eval measures what was asked for: nothing is swapped, hedged, escalated or
// kept on an earlier model.
const (
	Interactive Workload = "interactive"
	Background  Workload = "background"
	Eval        Workload = "eval"
)

var workloads = []Workload{Interactive, Background, Eval}

// File is the operator's policy. Default gives the one that restricts nothing
// and changes no request.
type File struct {
	Version int    `yaml:"version"` // of the file format: 1
	ID      string `yaml:"id"`      // the operator's name for this revision, shown in decisions
	Rules   `yaml:",inline"`

	// Margins are the predicted success given up for each halving of the expected
	// cost, one per alias objective.
	Margins map[Objective]float64 `yaml:"margins"`
	// MaxAttempts bounds the models tried for one request before the first byte.
	MaxAttempts int `yaml:"max_attempts"`
	// FirstByteTimeout bounds the wait for an upstream's first byte, IdleTimeout
	// the silence inside a stream, Timeout all attempts up to the first byte and,
	// of an answer in one piece, to its end.
	FirstByteTimeout time.Duration `yaml:"first_byte_timeout"`
	IdleTimeout      time.Duration `yaml:"idle_timeout"`
	Timeout          time.Duration `yaml:"timeout"`

	// MaxMovedShare is the share of the traffic that new tier tables may move to
	// other models in a day, 0..1; nil: any.
	MaxMovedShare *float64 `yaml:"max_moved_share"`

	// Swaps is "allowed" (default): orgs and requests may opt in; or "never".
	Swaps string `yaml:"swaps"`
	// NeverSwap lists models that no swap moves away from.
	NeverSwap []string `yaml:"never_swap"`
	// Upstreams name the one approved provider of a model. They bind every org.
	Upstreams map[string]Upstream `yaml:"upstreams"`
	// Retries say by model (or "*") what happens when the upstream of a model
	// asked for by name fails.
	Retries map[string]Retry `yaml:"retries"`

	// Assess says what is done about answers that are not good enough.
	Assess Assess `yaml:"assess"`
	// Rollouts say by model how far a new one has come; a model that is not here
	// serves in full.
	Rollouts map[string]Rollout `yaml:"rollouts"`

	Aliases   map[string]Alias   `yaml:"aliases"`
	Presets   map[string]Preset  `yaml:"presets"`
	Workloads map[Workload]Class `yaml:"workloads"`
	Orgs      map[string]Org     `yaml:"orgs"`

	cache *sync.Map // View -> []Layer
}

// Upstream is the approved provider of a model, by workload; ALL holds where
// the workload's own is not given.
type Upstream struct {
	All         string `yaml:"all"`
	Interactive string `yaml:"interactive"`
	Background  string `yaml:"background"`
	Eval        string `yaml:"eval"`
}

// For gives the approved provider for a workload; "" leaves it open.
func (u Upstream) For(w Workload) string {
	return cmp.Or(map[Workload]string{Interactive: u.Interactive, Background: u.Background, Eval: u.Eval}[w], u.All)
}

// Retry is what happens when the upstream of a model asked for by name fails
// before the first byte. Without it the model fails with its upstream's error.
type Retry struct {
	// Attempts at the same upstream in all, with a jittered pause between them;
	// default 1.
	Attempts int `yaml:"attempts"`
	// Move allows other providers of the same weights.
	Move bool `yaml:"move"`
}

// Alias makes a name that a client sends mean something else: a selector or a
// model. A preset goes with it.
type Alias struct {
	Model  string `yaml:"model"`
	Preset string `yaml:"preset"`
	// Share of the conversations that it holds for; the others get the name as it
	// is. nil: all.
	Share *float64 `yaml:"share"`
	// Observe serves the name as it is, and records what the alias would have
	// picked and at what price; so does Share for the conversations that it leaves.
	Observe bool `yaml:"observe"`
}

// Assess says which defects of answers are looked for, and what then happens.
type Assess struct {
	// Off lists defects that are not looked for: empty, truncated, refused,
	// malformed, repetitive, wrong_language, tool_arguments.
	Off []string `yaml:"off"`
	// Escalate false leaves failing answers as they are; they are only recorded.
	Escalate *bool `yaml:"escalate"`
	// JudgeShare of the answers is judged by a model afterwards, for orgs that
	// agree (orgs.NAME.judge).
	JudgeShare float64 `yaml:"judge_share"`
	// JudgeModel judges: a selector or model; default assay/quality.
	JudgeModel string `yaml:"judge_model"`
}

// Defects are the names that Assess.Off may hold.
var Defects = []string{"empty", "truncated", "refused", "malformed", "repetitive", "wrong_language", "tool_arguments"}

// Rollout is how far a new model has come.
type Rollout struct {
	Stage Stage `yaml:"stage"`
	// Share of the conversations that a model on trial is picked in, or of the
	// requests that one in the shadow gets a copy of. nil: 0.05 and 0.01.
	Share *float64 `yaml:"share"`
}

// Stage is a step of a rollout.
type Stage string

// The stages. Off is the kill switch. Eval serves evaluations alone; Shadow
// also gets copies of requests, whose answers nobody sees; Trial is picked in a
// share of the conversations, and may be asked for by name; Full is as any other.
const (
	StageOff    Stage = "off"
	StageEval   Stage = "eval"
	StageShadow Stage = "shadow"
	StageTrial  Stage = "trial"
	StageFull   Stage = "full"
)

// share is the rollout's share, or what its stage has by default.
func (r Rollout) share() float64 {
	switch {
	case r.Share != nil:
		return *r.Share
	case r.Stage == StageShadow:
		return 0.01
	}
	return 0.05
}

// Preset is a named set of rules that a request (X-Gateway-Policy) or an alias
// asks for.
type Preset struct {
	Rules `yaml:",inline"`
}

// Class is what a class of work adds.
type Class struct {
	Rules `yaml:",inline"`
	// Timeout replaces the file's for this class.
	Timeout time.Duration `yaml:"timeout"`
	// Hedge false turns hedging off; it is only ever done for interactive work.
	Hedge *bool `yaml:"hedge"`
}

// Org is what holds for the requests of an org's keys.
type Org struct {
	Rules `yaml:",inline"`
	// Swaps is "off" (default): a request may still opt in; "on"; "observe": the
	// named model serves, and what a swap would have picked is recorded; or "never".
	Swaps string `yaml:"swaps"`
	// SwapShare of the conversations that are swapped where swaps are on; the
	// others are observed. nil: all.
	SwapShare *float64 `yaml:"swap_share"`
	// Strict admits exact versioned names only, besides selectors and aliases.
	Strict bool `yaml:"strict"`
	// NeverSwap lists models that no swap moves away from.
	NeverSwap []string `yaml:"never_swap"`
	// Pins are rules for single models, by ID or bare name.
	Pins map[string]Pin `yaml:"pins"`
	// Aliases come before the file's.
	Aliases map[string]Alias `yaml:"aliases"`
	// Workload is the class of requests that name none.
	Workload Workload `yaml:"workload"`
	// Preset holds for every request of the org.
	Preset string `yaml:"preset"`
	// Table pins the tier table, by its id, that requests are decided by;
	// TableDelayDays lets a new one decide only once it is that old.
	Table          string `yaml:"table"`
	TableDelayDays int    `yaml:"table_delay_days"`
	// Judge agrees that a share of the org's answers is judged by a model: prompt
	// and answer go to it, under the org's own rules.
	Judge bool `yaml:"judge"`
	// Timeout, if shorter than the file's, replaces it.
	Timeout time.Duration `yaml:"timeout"`
}

// Pin is an org's rule for one model.
type Pin struct {
	// Tier that the model counts as belonging to when it is swapped.
	Tier string `yaml:"tier"`
	// Never lists models that it may not become.
	Never []string `yaml:"never"`
	// Upstream is the one provider that may serve it to this org.
	Upstream string `yaml:"upstream"`
}

// Default is what applies without a policy file.
func Default() File { return File{Version: 1, ID: "default"}.WithDefaults() }

// DefaultMargins by a rule: the largest margin, rounded down, up to which the
// replay of recorded outcomes loses at most 3, 1 and 0.25 points of success
// against the best single model, on average over its sources (docs/replay.md,
// "How the margins were chosen"); fast and free are as balanced.
var DefaultMargins = map[Objective]float64{Cost: 0.021, Balanced: 0.017, Quality: 0.012, Fast: 0.017, Free: 0.017}

// WithDefaults fills in what a file leaves out.
func (f File) WithDefaults() File {
	f.ID = cmp.Or(f.ID, "unnamed")
	f.MaxAttempts = cmp.Or(f.MaxAttempts, 3)
	f.FirstByteTimeout = cmp.Or(f.FirstByteTimeout, 120*time.Second)
	f.IdleTimeout = cmp.Or(f.IdleTimeout, 120*time.Second)
	f.Timeout = cmp.Or(f.Timeout, 10*time.Minute)
	f.Swaps = cmp.Or(f.Swaps, "allowed")
	f.Assess.JudgeModel = cmp.Or(f.Assess.JudgeModel, "assay/quality")
	all := maps.Clone(DefaultMargins)
	maps.Copy(all, f.Margins)
	f.Margins = all
	f.cache = &sync.Map{}
	return f
}
