package router

import (
	"context"
	"time"

	"assay/models"
	"assay/router/policy"
)

// Outcome says how an attempt or a request ended.
type Outcome string

// The outcomes.
const (
	Success      Outcome = "success"
	Refused      Outcome = "refused"       // the request was at fault: 4xx
	UpstreamFail Outcome = "upstream_fail" // error, timeout or nonsense before the first byte
	Broken       Outcome = "broken"        // the upstream failed after the first byte
	ClientGone   Outcome = "client_gone"   // the client hung up
	NoCandidate  Outcome = "no_candidate"  // nobody was asked
	HedgeLost    Outcome = "hedge_lost"    // another answer came first
	Rejected     Outcome = "rejected"      // answered, and another answer was better
)

// Attempt is one call of one upstream.
type Attempt struct {
	Model     string       `json:"model"`
	Provider  string       `json:"provider"`
	Key       string       `json:"key,omitempty"`  // label of the provider's key
	Free      bool         `json:"free,omitempty"` // inside a free allowance: it cost nothing
	Outcome   Outcome      `json:"outcome"`
	Status    int          `json:"status,omitempty"` // HTTP status of the upstream
	Error     string       `json:"error,omitempty"`
	Expected  models.Usage `json:"expected"` // what the decision rested on
	Usage     models.Usage `json:"usage"`
	CostNano  int64        `json:"cost_nano_usd"`
	CostKnown bool         `json:"cost_known"`
	Simulated bool         `json:"simulated,omitempty"`
	// Findings are what is wrong with the answer, as far as can be told without
	// knowing the right one.
	Findings  []string      `json:"findings,omitempty"`
	Served    bool          `json:"served,omitempty"` // the client got this one's answer, and pays for it alone
	Hedge     bool          `json:"hedge,omitempty"`  // a second call beside a slow one
	Started   time.Time     `json:"started"`
	FirstByte time.Duration `json:"first_byte_ns"`
	Duration  time.Duration `json:"duration_ns"`
}

// Record is everything that happened to one request. It holds no prompt and
// no answer.
type Record struct {
	ID       string          `json:"id"`
	Key      string          `json:"key"` // label of the client's key
	Org      string          `json:"org,omitempty"`
	Workload policy.Workload `json:"workload,omitempty"`
	Started  time.Time       `json:"started"`
	Stream   bool            `json:"stream"`
	// ShadowOf is the model whose answer the client got, where this is the record
	// of a copy that nobody saw; "" if it is not.
	ShadowOf string    `json:"shadow_of,omitempty"`
	Decision Decision  `json:"decision"`
	Attempts []Attempt `json:"attempts"`
	// Escalated: the likeliest model answered as well, since the first answer was
	// not good enough.
	Escalated bool `json:"escalated,omitempty"`
	// Skipped are candidates that were left alone: their breaker was open, or
	// their provider had enough to do.
	Skipped []LeftOut `json:"skipped,omitempty"`
	Outcome Outcome   `json:"outcome"`
	// Decided is how long classification and decision took.
	Decided  time.Duration `json:"decided_ns"`
	Duration time.Duration `json:"duration_ns"`
}

// Final is the attempt whose answer the client got, else the last one. ok is
// false if nobody was asked.
func (r *Record) Final() (Attempt, bool) {
	for _, a := range r.Attempts {
		if a.Served {
			return a, true
		}
	}
	if len(r.Attempts) == 0 {
		return Attempt{}, false
	}
	return r.Attempts[len(r.Attempts)-1], true
}

// Meter books what a request costs. Reserve comes before the first upstream
// call and may refuse; Settle comes once, with the complete record.
type Meter interface {
	Reserve(ctx context.Context, r *Record) error
	Settle(ctx context.Context, r *Record)
}

// NoMeter books nothing.
type NoMeter struct{}

// Reserve allows everything.
func (NoMeter) Reserve(context.Context, *Record) error { return nil }

// Settle does nothing.
func (NoMeter) Settle(context.Context, *Record) {}
