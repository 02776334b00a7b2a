package models

import (
	"cmp"
	"time"
)

// PriceLines gives the lines of the price list in force at a time, one per
// unit and direction, for a service class ("" means standard) and a prompt of
// that many tokens.
//
// A price list is everything of one model and service class that shares a
// ValidFrom: the newest list that is not later than at replaces the older ones
// of its class as a whole, undated lines being the oldest. Of lines that start
// at different prompt lengths the one with the highest FromTokens not above
// promptTokens holds.
func (m Model) PriceLines(at time.Time, class string, promptTokens int64) []Price {
	list := currentList{class: cmp.Or(class, ClassStandard)}
	if !list.find(m.Prices, at) {
		return nil
	}
	var lines []Price
next:
	for i := range m.Prices {
		p := &m.Prices[i]
		if !list.has(p) || p.FromTokens > promptTokens {
			continue
		}
		for j, q := range lines {
			if q.Unit == p.Unit && q.Direction == p.Direction {
				if p.FromTokens > q.FromTokens {
					lines[j] = *p
				}
				continue next
			}
		}
		lines = append(lines, *p)
	}
	return lines
}

// currentList is a service class and the date of its list in force.
type currentList struct {
	class string
	from  time.Time
}

// find sets the date to the newest one not after at; false if there is none.
func (l *currentList) find(lines []Price, at time.Time) (found bool) {
	for i := range lines {
		p := &lines[i]
		if p.ServiceClass == l.class && !p.ValidFrom.After(at) && (!found || p.ValidFrom.After(l.from)) {
			l.from, found = p.ValidFrom, true
		}
	}
	return found
}

func (l *currentList) has(p *Price) bool {
	return p.ServiceClass == l.class && p.ValidFrom.Equal(l.from)
}

// rate is the price of one kind of token. A line that says 0 is published but
// counts as known only on Free rows.
type rate struct {
	nano      int64 // per million tokens
	tier      int64 // FromTokens of the line
	published bool
	known     bool
}

// rates are the token prices of one list at one prompt length.
type rates struct{ in, out, read, write, thought rate }

// rates reads the list in force; ok is false if there is none.
func (m *Model) rates(at time.Time, class string, promptTokens int64) (r rates, ok bool) {
	list := currentList{class: cmp.Or(class, ClassStandard)}
	if !list.find(m.Prices, at) {
		return r, false
	}
	for i := range m.Prices {
		p := &m.Prices[i]
		to := r.slot(p)
		if to == nil || !list.has(p) || p.FromTokens > promptTokens || (to.published && p.FromTokens < to.tier) {
			continue
		}
		*to = rate{p.NanoUSDPerMillion, p.FromTokens, true, p.NanoUSDPerMillion > 0 || m.Free}
	}
	return r, true
}

// slot is the rate that a line sets; nil if calls are not billed by its unit.
func (r *rates) slot(p *Price) *rate {
	switch {
	case p.Unit == UnitToken && p.Direction == In:
		return &r.in
	case p.Unit == UnitToken && p.Direction == Out:
		return &r.out
	case p.Unit == UnitToken && p.Direction == CacheRead:
		return &r.read
	case p.Unit == UnitToken && p.Direction == CacheWrite:
		return &r.write
	case p.Unit == UnitReasoningToken && p.Direction == Out:
		return &r.thought
	}
	return nil
}

// Cost is what a call cost in nano-dollars, by the price list in force at a
// time and the service class ("" means standard). ok is false, and the amount
// without meaning, where a price that the call needs is unknown: there is no
// fallback to another class, and a zero counts as known only on Free rows.
// Counts below zero make the cost unknown as well.
//
// Each entry is rounded once, half up. Cached tokens never exceed the input
// they are part of; without a price of their own they cost what input costs.
// So do written ones whose published price is zero (no surcharge); without
// any line their cost is unknown, since a surcharge is usual. Reasoning tokens
// follow their own line if there is one, else the output's. The prompt's
// length, cached part included, selects the price tier.
func (m Model) Cost(u Usage, class string, at time.Time) (nano int64, ok bool) {
	if min(u.Input, u.CacheRead, u.CacheWrite, u.Output, u.Reasoning) < 0 {
		return 0, false
	}
	r, ok := m.rates(at, class, u.Input)
	if !ok {
		return 0, false
	}
	if !r.read.known {
		r.read = r.in
	}
	if r.write.published && !r.write.known {
		r.write = r.in
	}
	if !r.thought.known {
		r.thought = r.out
	}
	read := min(u.CacheRead, u.Input)
	write := min(u.CacheWrite, u.Input-read)
	reasoning := min(u.Reasoning, u.Output)
	entries := [...]struct {
		tokens int64
		rate   rate
	}{
		{u.Input - read - write, r.in}, {read, r.read}, {write, r.write},
		{u.Output - reasoning, r.out}, {reasoning, r.thought},
	}
	for _, e := range entries {
		if e.tokens == 0 {
			continue
		}
		c, fits := charge(e.tokens, e.rate.nano)
		if !e.rate.known || !fits || nano+c < nano {
			return 0, false
		}
		nano += c
	}
	return nano, true
}

// BasePrice gives the standard price of a token in and out for short prompts,
// in nano-dollars per million tokens. ok is false unless both are known; for
// rows that answer without tokens (embeddings, rerank, moderation) the output
// is known to be 0.
func (m Model) BasePrice(at time.Time) (in, out int64, ok bool) {
	r, _ := m.rates(at, ClassStandard, 0)
	switch m.Kind {
	case Embedding, Rerank, Moderation:
		r.out.known = true
	}
	if !r.in.known || !r.out.known {
		return 0, 0, false
	}
	return r.in.nano, r.out.nano, true
}
