package scoring

import (
	"math"
	"time"
)

// Success is the probability that a model of ability theta satisfies a prompt
// of difficulty b, both in logits on one scale: the one-parameter logistic
// (Rasch) model, p = 1/(1 + exp(-(theta-b))). Discrimination is 1.
func Success(theta, b float64) float64 { return logistic(theta - b) }

// Ability gives the ability of a family as one host serves it: the family's
// ability in the capability, or its general one where that is not known, plus
// the host's offset, errors added in quadrature. An unknown host has no
// offset; an unknown family has no ability.
func (t Tiers) Ability(family, host, capability string) (Ability, bool) {
	f, ok := t.Families[family]
	if !ok {
		return Ability{}, false
	}
	a, ok := f.Abilities[capability]
	if !ok {
		if a, ok = f.Abilities[General]; !ok {
			return Ability{}, false
		}
	}
	h := f.Hosts[host]
	return Ability{Theta: a.Theta + h.Offset, SD: math.Hypot(a.SD, h.SD)}, true
}

// TierOf gives the tier of one host's copy of a family at the time the table
// was made. Use TierAt where holds must end on the day they say.
func (t Tiers) TierOf(family, modelID string) Tier { return t.TierAt(family, modelID, t.CreatedAt) }

// TierAt gives the tier of one host's copy of a family: the host's hold, the
// family's hold, the host's own tier, the family's tier, whichever is there
// first. Holds count until their date.
func (t Tiers) TierAt(family, modelID string, now time.Time) Tier {
	f := t.Families[family]
	h := f.Hosts[modelID]
	switch {
	case h.Hold.active(now):
		return h.Hold.Tier
	case f.Hold.active(now):
		return f.Hold.Tier
	}
	return f.tierOfHost(h)
}

// tierOfHost gives a host's tier by evidence and hand, holds aside.
func (f Family) tierOfHost(h Host) Tier {
	switch {
	case h.Untiered:
		return ""
	case h.Tier != "":
		return h.Tier
	}
	return f.Tier
}

// setTier records a host's tier as its own where it differs from the family's.
func (h *Host) setTier(t, family Tier) {
	h.Tier, h.Untiered = "", false
	switch {
	case t == family:
	case t == "":
		h.Untiered = true
	default:
		h.Tier = t
	}
}

func (h *Hold) active(now time.Time) bool { return h != nil && now.Before(h.Until) }
