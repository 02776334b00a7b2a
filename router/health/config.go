package health

import (
	"cmp"
	"math/rand/v2"
	"time"
)

// Config holds the numbers of a Health. Its zero value is what docs/resilience.md
// states. Durations and counts of 0 mean the default; a negative count means none.
type Config struct {
	// A closed breaker opens when FailureRate of the calls within Window failed
	// and there were at least MinCalls. Default: half of at least 10 in 30 s.
	Window      time.Duration
	MinCalls    int
	FailureRate float64

	// How long a breaker stays open after failures: Open the first time, twice as
	// long after each probe that fails, OpenMax at most. Default: 5 s, 5 min.
	Open, OpenMax time.Duration
	// The same after a 429 that names no time, and the default of Backoff.
	// Default: 1 s, 1 min.
	BackoffBase, BackoffMax time.Duration
	// RetryAfterMax caps what an upstream may ask for. Default: 10 min.
	RetryAfterMax time.Duration
	// OperatorOpen is how long a provider is left alone that refuses the
	// operator's key or account. Default: 10 min.
	OperatorOpen time.Duration
	// Probes is how many calls a half-open breaker has in flight at most. Default: 2.
	Probes int

	// InFlight is how many calls a provider gets at once, by its name; a provider
	// that is missing here gets InFlightDefault. Default: no limit.
	InFlight        map[string]int
	InFlightDefault int
	// AcquireWait waits for a place at most MaxWait, and at most MaxWaiting calls
	// wait for one provider. Default: 2 s, 16 calls.
	MaxWait    time.Duration
	MaxWaiting int

	// HedgeQuantile of the recent times to an answer is when a second call may be
	// made, once there were HedgeMin answers within HedgeMemory. Default: 0.95 of
	// at least 20 in 15 min.
	HedgeQuantile float64
	HedgeMin      int
	HedgeMemory   time.Duration
	// HedgeShare is the share of requests that may be hedged; up to HedgeBurst
	// hedges are saved for later. Default: 0.05, 10. A negative share: none.
	HedgeShare float64
	HedgeBurst int

	// MaxModels bounds how many models are watched; the ones longest unused make
	// room. Default: 4096.
	MaxModels int

	// OnChange is told of every change of state, outside all locks, by the
	// goroutine that caused it. Under load two changes of one breaker may be
	// delivered in the wrong order: the one with the higher Epoch is the later.
	OnChange func(Change)
	// Rand gives numbers in [0, 1) for jitter. Default: math/rand/v2.
	Rand func() float64
}

func (c Config) withDefaults() Config {
	c.Window = cmp.Or(c.Window, 30*time.Second)
	c.MinCalls = cmp.Or(c.MinCalls, 10)
	c.FailureRate = cmp.Or(c.FailureRate, 0.5)
	c.Open = cmp.Or(c.Open, 5*time.Second)
	c.OpenMax = cmp.Or(c.OpenMax, 5*time.Minute)
	c.BackoffBase = cmp.Or(c.BackoffBase, time.Second)
	c.BackoffMax = cmp.Or(c.BackoffMax, time.Minute)
	c.RetryAfterMax = cmp.Or(c.RetryAfterMax, 10*time.Minute)
	c.OperatorOpen = cmp.Or(c.OperatorOpen, 10*time.Minute)
	c.Probes = cmp.Or(max(c.Probes, 0), 2)
	c.MaxWait = cmp.Or(c.MaxWait, 2*time.Second)
	c.MaxWaiting = cmp.Or(c.MaxWaiting, 16)
	c.HedgeQuantile = cmp.Or(c.HedgeQuantile, 0.95)
	c.HedgeMin = cmp.Or(max(c.HedgeMin, 0), 20)
	c.HedgeMemory = cmp.Or(c.HedgeMemory, 15*time.Minute)
	c.HedgeShare = cmp.Or(c.HedgeShare, 0.05)
	c.HedgeBurst = cmp.Or(c.HedgeBurst, 10)
	c.MaxModels = cmp.Or(max(c.MaxModels, 0), 4096)
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
	return c
}
