package scoring

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// OutcomeAbility is a family's ability in one capability as outcomes on real
// prompts show it, on the scale of prompt difficulty.
type OutcomeAbility struct {
	Family     string
	Capability string // General or one of Capabilities
	Theta      float64
	SE         float64 // standard error of Theta, above 0
}

// checkOutcomes names the first outcome that cannot be used and gives them in
// an order that does not depend on the input's.
func checkOutcomes(outcomes []OutcomeAbility) ([]OutcomeAbility, error) {
	for i, o := range outcomes {
		switch {
		case o.Family == "":
			return nil, fmt.Errorf("outcome %d: family must be set", i)
		case o.Capability != General && !slices.Contains(Capabilities, o.Capability):
			return nil, fmt.Errorf("outcome %d (%s): capability %q: want %s or one of %v", i, o.Family, o.Capability, General, Capabilities)
		case math.IsNaN(o.Theta) || math.IsInf(o.Theta, 0):
			return nil, fmt.Errorf("outcome %d (%s in %s): ability %v: want a finite number", i, o.Family, o.Capability, o.Theta)
		case !(o.SE > 0) || math.IsInf(o.SE, 0):
			return nil, fmt.Errorf("outcome %d (%s in %s): standard error %v: want a number above 0", i, o.Family, o.Capability, o.SE)
		}
	}
	return slices.SortedFunc(slices.Values(outcomes), func(a, b OutcomeAbility) int {
		return cmp.Or(cmp.Compare(a.Family, b.Family), cmp.Compare(a.Capability, b.Capability),
			cmp.Compare(a.Theta, b.Theta), cmp.Compare(a.SE, b.SE))
	}), nil
}

// and combines two independent estimates of one ability by precision.
func (a Ability) and(theta, variance float64) Ability {
	p, q := 1/(a.SD*a.SD), 1/variance
	return Ability{Theta: (p*a.Theta + q*theta) / (p + q), SD: math.Sqrt(1 / (p + q))}
}

// abilities puts a family's general ability and its capabilities on the scale
// of prompt difficulty and adds what outcomes say. An outcome in general moves
// every capability by what it moves the general ability, as they are that plus
// an independent deviation; an outcome in one capability moves that one alone.
// believe is the part of the outcomes' precision that still counts.
func (s *Scorecards) abilities(f *latentFamily, m int, theta, variance, believe float64) map[string]Ability {
	var mine []OutcomeAbility
	for _, o := range s.outcomes {
		if o.Family == f.name {
			mine = append(mine, o)
		}
	}
	general := s.Link.apply(theta, variance)
	after := general
	for _, o := range mine {
		if o.Capability == General {
			after = after.and(o.Theta, o.SE*o.SE/believe)
		}
	}
	out := map[string]Ability{General: after}
	for c, d := range s.deviations.of(f, m) {
		a := s.Link.apply(theta+d.shift, variance+d.variance)
		a.Theta += after.Theta - general.Theta
		a.SD = math.Sqrt(math.Max(a.SD*a.SD-general.SD*general.SD, 0) + after.SD*after.SD)
		for _, o := range mine {
			if o.Capability == Capabilities[c] {
				a = a.and(o.Theta, o.SE*o.SE/believe)
			}
		}
		out[Capabilities[c]] = a
	}
	return out
}
