package health

import (
	"fmt"
	"time"
)

// Scope is what a breaker guards: a model at a provider or, with Model "", the
// provider as a whole.
type Scope struct {
	Provider string `json:"provider"`
	Model    string `json:"model,omitempty"`
}

// String names the scope for people.
func (s Scope) String() string {
	if s.Model == "" {
		return "provider " + s.Provider
	}
	return fmt.Sprintf("model %s at %s", s.Model, s.Provider)
}

// State is a breaker's state.
type State uint8

// The states. A closed breaker lets every call through, an open one none, a
// half-open one a few probes.
const (
	Closed State = iota
	Open
	HalfOpen
)

// String gives "closed", "open" or "half-open".
func (s State) String() string { return [...]string{"closed", "open", "half-open"}[s] }

// MarshalText writes the state as its name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Why says in a word what keeps a breaker from being closed.
type Why string

// The reasons.
const (
	Limited     Why = "rate_limited" // 429, or 503 with Retry-After
	Failing     Why = "failing"      // too many 5xx, timeouts, broken streams, nonsense
	Unreachable Why = "unreachable"  // no connection: refused, DNS, TLS
	Operator    Why = "operator"     // the operator's key or account: 401, 402, 403, quota
	Forced      Why = "forced"       // by hand
	Busy        Why = "busy"         // as many calls in flight as the provider may get
)

// Unavailable is why a call may not be made now.
type Unavailable struct {
	Scope  Scope
	State  State
	Why    Why
	Detail string    // what the upstream or the operator said; may be empty
	Until  time.Time // when it may be tried again; zero: not known
}

// Error says what, why and until when.
func (u *Unavailable) Error() string {
	text := fmt.Sprintf("%s is left alone (%s)", u.Scope, u.Why)
	switch {
	case u.Why == Busy:
		text = fmt.Sprintf("%s has as many calls in flight as it may get", u.Scope)
	case u.State == HalfOpen:
		text = fmt.Sprintf("%s is being probed (%s)", u.Scope, u.Why)
	}
	if !u.Until.IsZero() {
		text += " until " + u.Until.UTC().Format(time.RFC3339)
	}
	if u.Detail != "" {
		text += ": " + u.Detail
	}
	return text
}

// Change is one change of a breaker's state.
type Change struct {
	Scope  Scope     `json:"scope"`
	From   State     `json:"from"`
	To     State     `json:"to"`
	Why    Why       `json:"why,omitempty"`
	Detail string    `json:"detail,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	At     time.Time `json:"at"`
	Epoch  uint64    `json:"epoch"` // counts the breaker's changes
}

// Status is one breaker as a page or a metric shows it. A provider's row also
// has its calls in flight, a model's its times to an answer.
type Status struct {
	Scope    Scope     `json:"scope"`
	State    State     `json:"state"`
	Why      Why       `json:"why,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Since    time.Time `json:"since"`          // of the state
	Until    time.Time `json:"until,omitzero"` // of an open breaker
	Forced   bool      `json:"forced,omitempty"`
	Calls    int       `json:"calls"` // in the window, as of the latest call; of an open breaker: before it opened
	Failures int       `json:"failures"`
	Probes   int       `json:"probes"` // in flight

	InFlight int `json:"in_flight,omitempty"`
	Waiting  int `json:"waiting,omitempty"`
	Limit    int `json:"limit,omitempty"` // 0: none

	// Whole and FirstByte are the quantile of recent times after which a call
	// would be hedged; 0: too few answers.
	Whole     time.Duration `json:"whole_ns,omitempty"`
	FirstByte time.Duration `json:"first_byte_ns,omitempty"`
}
