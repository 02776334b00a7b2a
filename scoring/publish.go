package scoring

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"assay/models"
)

// The values of Family.Placement.
const (
	ByHand   = "hand"
	Computed = "computed"
)

// Publish builds the default tier table from published evidence alone: every
// chat family of the catalogue with its scores, the hand placement where the
// published table has one, and the computed placement beside it. A row of the
// published table names a model, so it sets that host's hand tier; the family
// has a hand tier if all its placed hosts agree. The result is the same for
// the same arguments in any order, apart from CreatedAt.
func Publish(s *Scorecards, catalogue []models.Model, placements []models.Placement, now time.Time) Tiers {
	t := Tiers{
		Schema: Schema, CreatedAt: now.UTC().Truncate(time.Second), Evidence: Published,
		ScaleID: s.scaleID(), Bands: s.Bands, Families: map[string]Family{}, RunIDs: []string{},
	}
	hand := map[string]Tier{}
	for _, p := range placements {
		hand[p.ModelID] = Tier(p.Tier)
	}
	for family, hosts := range chatHosts(catalogue) {
		t.Families[family] = s.place(family, hosts, hand)
	}
	t.ID = contentID(t)
	return t
}

// chatHosts groups the chat models of the catalogue by family, sorted by ID.
func chatHosts(catalogue []models.Model) map[string][]models.Model {
	out := map[string][]models.Model{}
	for _, m := range catalogue {
		if m.Kind == models.Chat && m.Family != "" {
			out[m.Family] = append(out[m.Family], m)
		}
	}
	for _, hosts := range out {
		slices.SortFunc(hosts, func(a, b models.Model) int { return cmp.Compare(a.ID, b.ID) })
	}
	return out
}

// place builds one family's entry from published evidence.
func (s *Scorecards) place(family string, hosts []models.Model, hand map[string]Tier) Family {
	card, ok := s.Cards[family]
	if !ok {
		return unscored(hosts, hand)
	}
	c := classOf(card, hosts)
	strong := strengthOf(card.Capability, card.sdLogit, s.Bands)
	f := Family{
		Placement: Computed, ComputedTier: c.tierFor(strong, 0.5), PTier: c.probabilities(strong),
		Hosts: map[string]Host{}, HandTier: agreed(hosts, hand),
	}
	f.take(card)
	f.Tier = f.ComputedTier
	if f.HandTier != "" {
		f.Tier, f.Placement = f.HandTier, ByHand
	}
	for _, m := range hosts {
		f.Hosts[m.ID] = s.host(m, card, c, f, hand[m.ID])
	}
	f.Reasons = s.reasons(card, c, f, strong)
	return f
}

// unscored is the entry of a family that Score never heard of, because its
// Config did not have the catalogue: nothing is known, and the entry says so.
func unscored(hosts []models.Model, hand map[string]Tier) Family {
	f := Family{
		Placement: Computed, Capability: 50, Hi: 100, Overseas: 50, Chinese: 50,
		Abilities: map[string]Ability{General: {SD: 3}}, Hosts: map[string]Host{}, HandTier: agreed(hosts, hand),
		Reasons: []string{"no published score and no prior: the family was not in the catalogue that was scored"},
	}
	if f.HandTier != "" {
		f.Tier, f.Placement = f.HandTier, ByHand
	}
	for _, m := range hosts {
		h := Host{HandTier: hand[m.ID]}
		if h.HandTier != "" {
			h.setTier(h.HandTier, f.Tier)
		}
		f.Hosts[m.ID] = h
	}
	return f
}

// take copies the card's numbers, rounded as they are written.
func (f *Family) take(card Scorecard) {
	f.Capability, f.Lo, f.Hi = round6(card.Capability), round6(card.Lo), round6(card.Hi)
	f.Overseas, f.Chinese = round6(card.Overseas), round6(card.Chinese)
	f.ObservedShare = round6(card.ObservedShare)
	f.Abilities = map[string]Ability{}
	for c, a := range card.Abilities {
		f.Abilities[c] = Ability{round6(a.Theta), round6(a.SD)}
	}
}

// agreed gives the hand tier on which all hand-placed hosts agree, or "".
func agreed(hosts []models.Model, hand map[string]Tier) Tier {
	var out Tier
	for _, m := range hosts {
		switch t := hand[m.ID]; {
		case t == "":
		case out == "":
			out = t
		case out != t:
			return ""
		}
	}
	return out
}

// host gives what is particular to one host: its hand tier, and its distance
// from the family if it is served in another mode.
func (s *Scorecards) host(m models.Model, card Scorecard, c class, f Family, hand Tier) Host {
	h := Host{HandTier: hand}
	own, offset := s.inMode(card, m)
	h.Offset, h.SD = round6(offset.Theta), round6(offset.SD)
	switch {
	case hand != "":
		h.setTier(hand, f.Tier)
	case f.HandTier == "" && own.Mode != card.Mode:
		direct := c
		direct.thinker = false
		h.setTier(direct.tierFor(strengthOf(own.Capability, own.sdLogit, s.Bands), 0.5), f.Tier)
	}
	return h
}

// inMode gives the card of a family in the mode in which one host serves it,
// and that mode's ability relative to the family's.
func (s *Scorecards) inMode(card Scorecard, m models.Model) (Scorecard, Ability) {
	f := s.fit.family(card.Family)
	if f == nil {
		return card, Ability{}
	}
	i, j := f.servedAs(hostMode(m)), slices.Index(f.modes, card.Mode)
	// Only a mode that was scored as such can differ from the family's.
	if i == j || f.modes[i] == Unstated {
		return card, Ability{}
	}
	v := f.cov.At(i, i) + f.cov.At(j, j) - 2*f.cov.At(i, j)
	return s.card(f, i), Ability{Theta: s.Link.Slope * (f.theta[i] - f.theta[j]), SD: s.Link.Slope * math.Sqrt(v)}
}

// explain names the bound that decided the computed tier.
func (s *Scorecards) explain(c class, t Tier, strong strength) string {
	b := s.Bands[t]
	switch {
	case t == Reasoning:
		return fmt.Sprintf("reasoning: thinks on every request and reaches %.1f with probability %.2f", b.MinCapability, strong[t])
	case t == CheapFast && c.small:
		return fmt.Sprintf("cheap-fast: a small model at $%.2f per million tokens that reaches %.1f with probability %.2f",
			c.price, b.MinCapability, strong[t])
	case t == CheapFast:
		return fmt.Sprintf("cheap-fast: reaches %.1f with probability %.2f, flagship's %.1f with only %.2f",
			b.MinCapability, strong[t], s.Bands[Flagship].MinCapability, strong[Flagship])
	case t == Flagship:
		return fmt.Sprintf("flagship: reaches %.1f with probability %.2f", b.MinCapability, strong[t])
	}
	return fmt.Sprintf("no tier: reaches cheap-fast's %.1f with probability %.2f only",
		s.Bands[CheapFast].MinCapability, strong[CheapFast])
}

// name shows a tier, the empty one too.
func name(t Tier) string { return string(cmp.Or(t, "no tier")) }

// scaleID names the scale of abilities: tables with different IDs must not be
// compared in logits.
func (s *Scorecards) scaleID() string {
	kind := "anchors"
	if s.Link.Default {
		kind = "default"
	}
	return fmt.Sprintf("%s-n%d-%.4f-%.4f", kind, s.Link.N, s.Link.Intercept, s.Link.Slope)
}
