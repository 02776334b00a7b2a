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
// of its class as a whole, undated lines being the oldest. Of lines that start at different prompt lengths the
// one with the highest FromTokens not above promptTokens holds.
func (m Model) PriceLines(at time.Time, class string, promptTokens int64) []Price {
	class = cmp.Or(class, ClassStandard)
	from, ok := m.listDate(at, class)
	if !ok {
		return nil
	}
	var lines []Price
next:
	for _, p := range m.Prices {
		if !applies(&p, from, class, promptTokens) {
			continue
		}
		for i, q := range lines {
			if q.Unit == p.Unit && q.Direction == p.Direction {
				if p.FromTokens > q.FromTokens {
					lines[i] = p
				}
				continue next
			}
		}
		lines = append(lines, p)
	}
	return lines
}

// listDate is the ValidFrom of a class's price list in force at a time.
func (m Model) listDate(at time.Time, class string) (from time.Time, ok bool) {
	for i := range m.Prices {
		p := &m.Prices[i]
		if p.ServiceClass == class && !p.ValidFrom.After(at) && (!ok || p.ValidFrom.After(from)) {
			from, ok = p.ValidFrom, true
		}
	}
	return from, ok
}

func applies(p *Price, from time.Time, class string, promptTokens int64) bool {
	return p.ServiceClass == class && p.ValidFrom.Equal(from) && p.FromTokens <= promptTokens
}

// price finds the line of the list dated from for one unit and direction.
// known is false if there is none, or if it says 0 on a row that is not Free.
func (m Model) price(from time.Time, class, unit string, d Direction, promptTokens int64) (nano int64, known bool) {
	tier := int64(-1)
	for i := range m.Prices {
		p := &m.Prices[i]
		if p.Unit == unit && p.Direction == d && p.FromTokens > tier && applies(p, from, class, promptTokens) {
			nano, tier = p.NanoUSDPerMillion, p.FromTokens
		}
	}
	return nano, tier >= 0 && (nano > 0 || m.Free)
}

// published reports whether the list has a line for the direction at all, be
// it a zero.
func (m Model) published(from time.Time, class string, d Direction, promptTokens int64) bool {
	for i := range m.Prices {
		p := &m.Prices[i]
		if p.Unit == UnitToken && p.Direction == d && applies(p, from, class, promptTokens) {
			return true
		}
	}
	return false
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
	class = cmp.Or(class, ClassStandard)
	from, ok := m.listDate(at, class)
	if !ok || min(u.Input, u.CacheRead, u.CacheWrite, u.Output, u.Reasoning) < 0 {
		return 0, false
	}
	read := min(u.CacheRead, u.Input)
	write := min(u.CacheWrite, u.Input-read)
	reasoning := min(u.Reasoning, u.Output)

	in, inKnown := m.price(from, class, UnitToken, In, u.Input)
	out, outKnown := m.price(from, class, UnitToken, Out, u.Input)
	readPrice, readKnown := m.price(from, class, UnitToken, CacheRead, u.Input)
	if !readKnown {
		readPrice, readKnown = in, inKnown
	}
	writePrice, writeKnown := m.price(from, class, UnitToken, CacheWrite, u.Input)
	if !writeKnown && m.published(from, class, CacheWrite, u.Input) {
		writePrice, writeKnown = in, inKnown
	}
	thought, thoughtKnown := m.price(from, class, UnitReasoningToken, Out, u.Input)
	if !thoughtKnown {
		thought, thoughtKnown = out, outKnown
	}

	entries := [...]struct {
		tokens, price int64
		known         bool
	}{
		{u.Input - read - write, in, inKnown},
		{read, readPrice, readKnown},
		{write, writePrice, writeKnown},
		{u.Output - reasoning, out, outKnown},
		{reasoning, thought, thoughtKnown},
	}
	for _, e := range entries {
		if e.tokens == 0 {
			continue
		}
		c, fits := charge(e.tokens, e.price)
		if !e.known || !fits || nano+c < nano {
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
	from, ok := m.listDate(at, ClassStandard)
	if !ok {
		return 0, 0, false
	}
	in, inKnown := m.price(from, ClassStandard, UnitToken, In, 0)
	out, outKnown := m.price(from, ClassStandard, UnitToken, Out, 0)
	switch m.Kind {
	case Embedding, Rerank, Moderation:
		outKnown = true
	}
	if !inKnown || !outKnown {
		return 0, 0, false
	}
	return in, out, true
}
