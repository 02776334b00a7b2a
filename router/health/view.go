package health

import "time"

// Outlook is what a call would meet now.
type Outlook struct {
	Ready bool  // a call would be let through, if a place is free
	State State // HalfOpen: it would be a probe
	// Because says what is not closed and until when; nil if State is Closed. It
	// is shared and must not be written.
	Because *Unavailable
}

// View looks at every upstream at one moment, for whoever orders candidates.
type View struct {
	models    map[Scope]*model
	providers map[string]*provider
	now       time.Time
	probes    int
}

// View takes the moment. Make one per decision.
func (h *Health) View() View {
	if h.troubled.Load() == 0 {
		return View{}
	}
	x := h.index.Load()
	return View{models: x.models, providers: x.providers, now: time.Now(), probes: h.c.Probes}
}

// Peek says what a call would meet, and takes nothing.
func (h *Health) Peek(provider, model string) Outlook { return h.View().Peek(provider, model) }

// Peek says what a call would meet. Who was never called is well.
func (v View) Peek(provider, model string) Outlook {
	if v.models == nil && v.providers == nil {
		return Outlook{Ready: true}
	}
	if m := v.models[Scope{provider, model}]; m != nil {
		if o := v.look(m.provider.breaker); !o.Ready {
			return o
		}
		return v.look(m.breaker)
	}
	if p := v.providers[provider]; p != nil {
		return v.look(p.breaker)
	}
	return Outlook{Ready: true}
}

func (v View) look(b *breaker) Outlook {
	f := b.face.Load()
	if f.state == Closed {
		return Outlook{Ready: true}
	}
	o := Outlook{State: f.state, Because: f.refusal}
	if f.ripe(v.now) {
		o.State = HalfOpen
	}
	o.Ready = o.State == HalfOpen && b.freeProbe(v.probes)
	return o
}

// freeProbe is asked of half-open breakers only, which are few.
func (b *breaker) freeProbe(limit int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.probes < limit
}
