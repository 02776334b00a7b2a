// Package health is what the gateway knows of its upstreams while it serves:
// which to leave alone and until when, how many calls each may get at once,
// how long an answer usually takes and whether a second call is worth making.
//
// Start with Health. Acquire asks for leave to make one call and Permit.Done
// reports how it ended; everything else follows from these reports. Peek and
// View only look, for whoever orders candidates. Nothing here calls anybody.
// The numbers, and what counts as what, are in docs/resilience.md.
//
// The package runs on the runtime's clock, because the library's windows and
// waits do; tests run under testing/synctest. There, end every permit: the
// garbage collector, which gives forgotten ones back, does not belong to a bubble.
package health

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxProviders bounds the providers that are watched. They come from the
// operator's configuration; one beyond it is called without being watched.
const maxProviders = 1024

// Health watches upstreams. It is safe for concurrent use.
type Health struct {
	c        Config
	index    atomic.Pointer[index] // replaced whole
	growing  sync.Mutex
	troubled atomic.Int64 // breakers that are not closed, or forced
	tokens   atomic.Int64 // millionths of a hedge
}

// index finds what is watched. It never changes.
type index struct {
	providers map[string]*provider
	models    map[Scope]*model
}

type provider struct {
	breaker *breaker
	slots   slots
}

type model struct {
	breaker  *breaker
	provider *provider
	times    times
	used     atomic.Int64 // Unix nanoseconds of the latest call
}

// New watches nobody yet.
func New(c Config) *Health {
	h := &Health{c: c.withDefaults()}
	h.index.Store(&index{})
	return h
}

// find gives the provider and the model, from now on watched. What does not
// fit within the bounds is nil: it is called without being watched.
func (h *Health) find(s Scope) (*provider, *model) {
	x := h.index.Load()
	if m := x.models[s]; m != nil {
		return m.provider, m
	}
	if p := x.providers[s.Provider]; p != nil && s.Model == "" {
		return p, nil
	}
	h.growing.Lock()
	defer h.growing.Unlock()
	return h.grow(s)
}

func (h *Health) grow(s Scope) (*provider, *model) {
	x := h.index.Load()
	p, m := x.providers[s.Provider], x.models[s]
	next := index{providers: x.providers, models: x.models}
	if p == nil && len(x.providers) < maxProviders {
		p = &provider{breaker: newBreaker(h, Scope{Provider: s.Provider}), slots: h.newSlots(s.Provider)}
		next.providers = withKey(x.providers, s.Provider, p)
	}
	if m == nil && p != nil && s.Model != "" {
		if len(x.models) >= h.c.MaxModels {
			next.models = h.makeRoom(x.models)
		}
		if len(next.models) < h.c.MaxModels {
			m = &model{breaker: newBreaker(h, s), provider: p}
			next.models = withKey(next.models, s, m)
		}
	}
	h.index.Store(&next)
	return p, m
}

func withKey[K comparable, V any](old map[K]V, k K, v V) map[K]V {
	next := make(map[K]V, len(old)+1)
	maps.Copy(next, old)
	next[k] = v
	return next
}

// makeRoom forgets the half of the models that was not used for longest. What
// is open or forced stays.
func (h *Health) makeRoom(old map[Scope]*model) map[Scope]*model {
	byUse := slices.SortedFunc(maps.Values(old), func(a, b *model) int { return cmp.Compare(a.used.Load(), b.used.Load()) })
	next := maps.Clone(old)
	for _, m := range byUse[:(len(byUse)+1)/2] {
		if m.breaker.leave() {
			delete(next, m.breaker.scope)
		}
	}
	return next
}

// Mode is what an operator wants of a breaker.
type Mode uint8

// The modes: what calls show decides; nobody is let through; everybody is.
const (
	Auto Mode = iota
	ForceOpen
	ForceClosed
)

// Force is the switch for operators. A provider's scope has Model "". It holds
// until it is set back to Auto, which starts with a clean slate; detail is kept
// for whoever asks why.
func (h *Health) Force(s Scope, m Mode, detail string) error {
	for done := false; !done; { // again if the model had to make room in between
		p, mod := h.find(s)
		switch {
		case mod != nil:
			done = mod.breaker.force(m, detail)
		case s.Model == "" && p != nil:
			done = p.breaker.force(m, detail)
		default:
			return ErrFull
		}
	}
	return nil
}

// ErrFull is what Force says if as many breakers are open or forced as may be
// watched.
var ErrFull = errors.New("no room to watch another upstream: every one that is watched is open or forced")

// Snapshot lists every breaker, by provider and model, a provider's own first.
func (h *Health) Snapshot() []Status {
	x := h.index.Load()
	var all []Status
	for _, p := range x.providers {
		s := p.breaker.status()
		s.InFlight, s.Waiting, s.Limit = int(p.slots.inFlight.Load()), int(p.slots.waiting.Load()), p.slots.limit
		all = append(all, s)
	}
	for _, m := range x.models {
		s := m.breaker.status()
		s.Whole, _ = m.times.quantile(&h.c, false, time.Now())
		s.FirstByte, _ = m.times.quantile(&h.c, true, time.Now())
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Scope.Provider, b.Scope.Provider), cmp.Compare(a.Scope.Model, b.Scope.Model))
	})
	return all
}

func (h *Health) tell(c *Change) {
	if c != nil && h.c.OnChange != nil {
		h.c.OnChange(*c)
	}
}
