package health

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

// breaker is a three-state circuit breaker. The library's breaker judges the
// closed state: a failure rate over a sliding window. Opening and probing are
// done here, for three reasons: outside its executor the library cannot open
// for a time that the upstream names, cannot take a probe back that said
// nothing (a client that hung up), and counts a call from before it opened as
// a probe, which lets more probes through than allowed.
type breaker struct {
	h     *Health
	scope Scope
	face  atomic.Pointer[face] // replaced under mu only

	mu      sync.Mutex
	window  circuitbreaker.CircuitBreaker[any]
	probes  int     // in flight, of this and earlier half-open times: the limit holds across them
	strikes int     // openings since the last success
	worst   verdict // the latest failure: why the window opens, if it does
	gone    bool    // no longer watched; what is still in flight says nothing
}

// face is what a breaker shows; it never changes. epoch tells results of
// calls that were admitted in this state from older ones.
type face struct {
	epoch  uint64
	state  State
	forced bool
	why    Why
	detail string
	since  time.Time
	until  time.Time // of open

	refusal *Unavailable // what callers are told; nil if closed
}

func (f *face) troubled() bool { return f.state != Closed || f.forced }

// ticket is a breaker's leave for one call.
type ticket struct {
	b     *breaker // nil: nobody watches
	epoch uint64
	probe bool
}

func newBreaker(h *Health, s Scope) *breaker {
	b := &breaker{h: h, scope: s, window: h.newWindow()}
	b.face.Store(&face{since: time.Now()})
	return b
}

func (h *Health) newWindow() circuitbreaker.CircuitBreaker[any] {
	return circuitbreaker.NewBuilder[any]().WithFailureRateThreshold(h.c.FailureRate, uint(max(h.c.MinCalls, 1)), h.c.Window).Build()
}

// admit lets a call through or says why not. An open breaker whose time has
// come becomes half-open here and nowhere else.
func (b *breaker) admit() (ticket, *Unavailable) {
	if f := b.face.Load(); f.state == Closed {
		return ticket{b: b, epoch: f.epoch}, nil
	}
	now := time.Now()
	b.mu.Lock()
	f, change := b.face.Load(), (*Change)(nil)
	if f.ripe(now) && b.probes < b.h.c.Probes {
		f, change = b.become(face{state: HalfOpen, why: f.why, detail: f.detail}, now)
	}
	t, un := ticket{b: b, epoch: f.epoch}, (*Unavailable)(nil)
	switch {
	case f.state == HalfOpen && b.probes < b.h.c.Probes:
		b.probes++
		t.probe = true
	case f.state != Closed:
		un = f.refusal
	}
	b.mu.Unlock()
	b.h.tell(change)
	return t, un
}

// ripe says that an open breaker may be probed.
func (f *face) ripe(now time.Time) bool { return f.state == Open && !f.forced && !now.Before(f.until) }

// settle takes a call's ticket back with what its result means.
func (t ticket) settle(v verdict) {
	b := t.b
	if b == nil {
		return
	}
	now := time.Now()
	b.mu.Lock()
	if t.probe {
		b.probes--
	}
	var change *Change
	if f := b.face.Load(); !f.forced && !b.gone {
		change = b.apply(f, t.epoch == f.epoch, v, now)
	}
	b.mu.Unlock()
	b.h.tell(change)
}

// apply changes the state by a verdict. One of a call from before the latest
// change counts only if the upstream names a time: that is news in any state.
func (b *breaker) apply(f *face, current bool, v verdict, now time.Time) *Change {
	switch {
	case v.kind == limited && v.after > 0 && f.state == Open:
		if until := now.Add(v.after); until.After(f.until) {
			longer := *f
			longer.until, longer.why, longer.detail = until, v.why, v.detail
			b.show(&longer)
		}
	case v.kind == limited && v.after > 0:
		b.strikes++
		return b.open(v, v.after, now)
	case !current || v.kind == nothing:
	case v.kind == good:
		if f.state == HalfOpen {
			return b.closed(now)
		}
		b.window.RecordSuccess()
		return b.byWindow(now) // the call may be the one that completes MinCalls
	case v.kind == refused:
		return b.open(v, b.h.c.OperatorOpen, now)
	case v.kind == limited:
		b.strikes++
		return b.open(v, grown(b.h.c.BackoffBase, b.h.c.BackoffMax, b.strikes-1, b.h.c.Rand()), now)
	case v.kind == bad:
		b.worst = v
		if f.state == HalfOpen {
			return b.failed(now)
		}
		b.window.RecordFailure()
		return b.byWindow(now)
	}
	return nil
}

func (b *breaker) byWindow(now time.Time) *Change {
	if b.window.IsOpen() {
		return b.failed(now)
	}
	return nil
}

func (b *breaker) failed(now time.Time) *Change {
	b.strikes++
	return b.open(b.worst, grown(b.h.c.Open, b.h.c.OpenMax, b.strikes-1, b.h.c.Rand()), now)
}

func (b *breaker) open(v verdict, d time.Duration, now time.Time) *Change {
	_, change := b.become(face{state: Open, why: v.why, detail: v.detail, until: now.Add(d)}, now)
	return change
}

// closed starts afresh: what was counted before the breaker opened is over.
func (b *breaker) closed(now time.Time) *Change {
	b.window, b.strikes = b.h.newWindow(), 0
	_, change := b.become(face{state: Closed}, now)
	return change
}

// become shows the next face.
func (b *breaker) become(next face, now time.Time) (*face, *Change) {
	last := b.face.Load()
	next.epoch, next.since = last.epoch+1, now
	b.show(&next)
	if was, is := last.troubled(), next.troubled(); was != is {
		b.h.troubled.Add(map[bool]int64{true: 1, false: -1}[is])
	}
	return &next, &Change{Scope: b.scope, From: last.state, To: next.state, Why: next.why, Detail: next.detail, Until: next.until, At: now, Epoch: next.epoch}
}

func (b *breaker) show(f *face) {
	f.refusal = nil
	if f.state != Closed {
		f.refusal = &Unavailable{Scope: b.scope, State: f.state, Why: f.why, Detail: f.detail, Until: f.until}
	}
	b.face.Store(f)
}

// force sets the state by hand, or hands it back to what calls show. It is
// false if the breaker is no longer watched.
func (b *breaker) force(m Mode, detail string) bool {
	now := time.Now()
	b.mu.Lock()
	if b.gone {
		b.mu.Unlock()
		return false
	}
	var change *Change
	switch m {
	case ForceOpen:
		_, change = b.become(face{state: Open, forced: true, why: Forced, detail: detail}, now)
	case ForceClosed:
		_, change = b.become(face{state: Closed, forced: true, why: Forced, detail: detail}, now)
	default:
		change = b.closed(now)
	}
	b.mu.Unlock()
	b.h.tell(change)
	return true
}

func (b *breaker) status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.face.Load()
	return Status{Scope: b.scope, State: f.state, Why: f.why, Detail: f.detail, Since: f.since, Until: f.until, Forced: f.forced,
		Calls: int(b.window.Metrics().Executions()), Failures: int(b.window.Metrics().Failures()), Probes: b.probes}
}

// leave makes a breaker that is no longer watched deaf. It is false if the
// breaker has something to remember.
func (b *breaker) leave() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone = !b.face.Load().troubled()
	return b.gone
}
