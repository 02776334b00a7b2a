package health

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// reference is what docs/resilience.md says of one breaker, in the plainest
// way: every call is remembered.
type reference struct {
	c       Config
	state   State
	until   time.Time
	epoch   int
	probes  int
	strikes int
	calls   []refCall
}

type refCall struct {
	at  time.Time
	bad bool
}

type refTicket struct {
	epoch int
	probe bool
}

func (r *reference) admit(now time.Time) (refTicket, bool) {
	if r.state == Open && !now.Before(r.until) && r.probes < r.c.Probes {
		r.state = HalfOpen
		r.epoch++
	}
	if r.state == Open || r.state == HalfOpen && r.probes >= r.c.Probes {
		return refTicket{}, false
	}
	if r.state == HalfOpen {
		r.probes++
	}
	return refTicket{r.epoch, r.state == HalfOpen}, true
}

func (r *reference) settle(t refTicket, v verdict, now time.Time) {
	if t.probe {
		r.probes--
	}
	if v.kind == limited && v.after > 0 {
		if r.state == Open {
			if until := now.Add(v.after); until.After(r.until) {
				r.until = until
			}
			return
		}
		r.strikes++
		r.open(now.Add(v.after))
		return
	}
	if t.epoch != r.epoch {
		return
	}
	switch v.kind {
	case limited:
		r.strikes++
		r.open(now.Add(doubled(r.c.BackoffBase, r.c.BackoffMax, r.strikes)))
	case refused:
		r.open(now.Add(r.c.OperatorOpen))
	case good, bad:
		if v.kind == good {
			r.strikes = 0
		}
		if r.state == HalfOpen && v.kind == good {
			r.state, r.calls = Closed, nil
			r.epoch++
			return
		}
		if r.state == Closed {
			r.calls = append(r.calls, refCall{now, v.kind == bad})
		}
		if r.state == HalfOpen || r.tooMany(now) {
			r.strikes++
			r.open(now.Add(doubled(r.c.Open, r.c.OpenMax, r.strikes)))
		}
	}
}

func (r *reference) open(until time.Time) {
	r.state, r.until = Open, until
	r.epoch++
}

// tooMany counts whole tenths of the window, the running one included, and
// rounds the rate to whole percents, as the library does.
func (r *reference) tooMany(now time.Time) bool {
	slice := int64(r.c.Window / 10)
	n, failed := 0, 0
	for _, c := range r.calls {
		if c.at.UnixNano()/slice > now.UnixNano()/slice-10 {
			n++
			if c.bad {
				failed++
			}
		}
	}
	return n >= r.c.MinCalls && math.Round(100*float64(failed)/float64(n))/100 >= r.c.FailureRate
}

// doubled is the n-th delay with the least jitter.
func doubled(base, longest time.Duration, n int) time.Duration {
	d := base
	for range n - 1 {
		d = min(2*d, longest)
	}
	return d / 2
}

func TestBreakerAgreesWithTheReference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { rapid.Check(timeless{t}, agrees) })
}

// timeless is a test that is not asked for its deadline: inside a bubble that panics.
type timeless struct{ *testing.T }

type pending struct {
	ticket ticket
	ref    refTicket
}

func agrees(t *rapid.T) {
	c := Config{Rand: least, MinCalls: rapid.IntRange(1, 6).Draw(t, "min"), Probes: rapid.IntRange(1, 3).Draw(t, "probes"),
		FailureRate: rapid.SampledFrom([]float64{0.3, 0.5, 1}).Draw(t, "rate")}.withDefaults()
	h := New(c)
	b, ref := newBreaker(h, Scope{"p", "m"}), &reference{c: c}
	var open []pending
	verdicts := []verdict{{}, {kind: good}, {kind: bad, why: Failing}, {kind: bad, why: Failing}, {kind: refused, why: Operator},
		{kind: limited, why: Limited}, {kind: limited, why: Limited, after: 7 * time.Second}}
	t.Repeat(map[string]func(*rapid.T){
		"call": func(t *rapid.T) {
			got, un := b.admit()
			want, ok := ref.admit(time.Now())
			if (un == nil) != ok {
				t.Fatalf("refusal %v, reference lets through: %v", un, ok)
			}
			if ok {
				open = append(open, pending{got, want})
			}
		},
		"end": func(t *rapid.T) {
			if len(open) == 0 {
				t.Skip("nothing in flight")
			}
			i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
			v := rapid.SampledFrom(verdicts).Draw(t, "verdict")
			open[i].ticket.settle(v)
			ref.settle(open[i].ref, v, time.Now())
			open = append(open[:i], open[i+1:]...)
		},
		"wait": func(t *rapid.T) {
			time.Sleep(time.Duration(rapid.IntRange(1, 8000).Draw(t, "ms")) * time.Millisecond)
		},
		"": func(t *rapid.T) {
			s := b.status()
			if s.State != ref.state || s.Probes != ref.probes || s.State == Open && !s.Until.Equal(ref.until) {
				t.Fatalf("breaker %s until %s with %d probes; reference %s until %s with %d", s.State, s.Until, s.Probes, ref.state, ref.until, ref.probes)
			}
			if s.Probes > c.Probes {
				t.Fatalf("%d probes in flight, %d allowed", s.Probes, c.Probes)
			}
			if n := h.troubled.Load(); (n == 1) != (s.State != Closed) {
				t.Fatalf("%d breakers in trouble while the only one is %s", n, s.State)
			}
		},
	})
}
