package health

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// Permit is leave to make one call. Exactly one of Done and Cancel ends it;
// whatever follows the first is ignored. A permit that was dropped counts as
// cancelled once the garbage collector finds it, so a forgotten one blocks
// nobody for long.
type Permit struct {
	g       *grant
	cleanup runtime.Cleanup
}

// grant is the part of a permit that outlives it.
type grant struct {
	h        *Health
	over     atomic.Bool
	provider *provider // nil: not watched
	model    *model    // nil: not watched
	leave    [2]ticket // of the model and of the provider
	started  time.Time
}

// Acquire asks for leave to call a model now. The error is an *Unavailable
// (shared, not to be written): the
// breaker of the model or its provider is open or out of probes, or the
// provider has as many calls in flight as it may get.
func (h *Health) Acquire(provider, model string) (*Permit, error) {
	return h.acquire(nil, Scope{provider, model})
}

// AcquireWait is Acquire for a request that no other candidate may answer: it
// waits for a place, within the configured bounds. An open breaker is not
// waited for. If ctx ends first the error is that of ctx.
func (h *Health) AcquireWait(ctx context.Context, provider, model string) (*Permit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return h.acquire(ctx, Scope{provider, model})
}

func (h *Health) acquire(ctx context.Context, s Scope) (*Permit, error) {
	p, m := h.find(s)
	g := &grant{h: h, provider: p, model: m}
	if p == nil {
		return g.permit(), nil
	}
	if ctx != nil { // nobody queues for a breaker that will refuse
		if o := h.Peek(s.Provider, s.Model); !o.Ready {
			return nil, o.Because
		}
	}
	if ok, err := p.slots.take(ctx, &h.c); err != nil {
		return nil, err
	} else if !ok {
		return nil, &Unavailable{Scope: Scope{Provider: s.Provider}, Why: Busy}
	}
	if un := g.admit(); un != nil {
		g.give(verdict{}, verdict{})
		return nil, un
	}
	return g.permit(), nil
}

// admit asks the provider's breaker, then the model's.
func (g *grant) admit() (un *Unavailable) {
	if g.leave[1], un = g.provider.breaker.admit(); un != nil {
		g.leave[1] = ticket{}
		return un
	}
	if g.model == nil {
		return nil
	}
	if g.leave[0], un = g.model.breaker.admit(); un != nil {
		g.leave[0] = ticket{}
	}
	return un
}

func (g *grant) permit() *Permit {
	g.started = time.Now()
	if g.model != nil {
		g.model.used.Store(g.started.UnixNano())
	}
	p := &Permit{g: g}
	p.cleanup = runtime.AddCleanup(p, (*grant).cancel, g)
	return p
}

// Done reports how the call ended. It reports whether this was the first end.
func (p *Permit) Done(r Result) bool {
	if r.Failure == ClientGone {
		return p.Cancel()
	}
	defer runtime.KeepAlive(p) // or the cleanup might cancel what is being reported
	g := p.g
	if !g.over.CompareAndSwap(false, true) {
		return false
	}
	p.cleanup.Stop()
	now := time.Now()
	model, provider := r.judge(now, g.h.c.RetryAfterMax)
	if g.model != nil {
		switch {
		case model.kind == good && r.Stream:
			g.model.times.add(true, r.FirstByte, now)
		case model.kind == good:
			g.model.times.add(false, r.Duration, now)
		case r.Failure == Timeout:
			g.model.times.addAtLeast(&g.h.c, now.Sub(g.started), now)
		}
	}
	g.give(model, provider)
	return true
}

// Cancel ends a call whose outcome says nothing about the upstream: a hedge
// that lost, a client that hung up. It reports whether this was the first end.
func (p *Permit) Cancel() bool {
	defer runtime.KeepAlive(p)
	p.cleanup.Stop()
	return p.g.end()
}

// cancel is what happens to a permit that nobody holds any more.
func (g *grant) cancel() { g.end() }

func (g *grant) end() bool {
	if !g.over.CompareAndSwap(false, true) {
		return false
	}
	if now := time.Now(); g.model != nil {
		g.model.times.addAtLeast(&g.h.c, now.Sub(g.started), now)
	}
	g.give(verdict{}, verdict{})
	return true
}

// give returns all that was taken.
func (g *grant) give(model, provider verdict) {
	g.leave[0].settle(model)
	g.leave[1].settle(provider)
	if g.provider != nil {
		g.provider.slots.give()
	}
}
