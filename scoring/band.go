package scoring

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"assay/models"
)

// Tolerances are how far below a band's anchor figure a model may lie, in
// points: the published rule. A band with an anchor for which nothing is
// listed here allows no distance.
var Tolerances = map[Tier]map[string]float64{
	Flagship:  {"MMLU": 3, "GPQA": 5, "HumanEval": 5},
	CheapFast: {"MMLU": 5, "HumanEval": 5},
}

// SmallPrice is the blended list price (three parts input, one output, USD per
// million tokens) up to which a model that its maker sells as the small one of
// its line counts as cheap-fast, however strong it is.
const SmallPrice = 1.0

// DefaultBands gives the anchors of the three bands; Score turns them into
// capability bounds on its own scale:
//
//   - flagship: GPT-4o, the strongest model of the published table that has all
//     three figures and does not think (medians of published figures: MMLU
//     87.2, GPQA 52.1, HumanEval 90.2). Lower bound: the mean of the abilities
//     at which MMLU is 3, GPQA 5 and HumanEval 5 points below these. There is
//     no upper bound: later models exceed the anchor.
//   - cheap-fast: from 5 points below Llama 3 8B Instruct, the weakest model
//     published in this tier (MMLU 68.4, HumanEval 62.2), up to the flagship
//     bound; small cheap models stay here above it.
//   - reasoning: models that always think, from the ability at which GPQA
//     reaches 60 or MATH-500 reaches 90, whichever comes first.
//
// A bound given as MinCapability is taken as it is and its anchors are shown only.
func DefaultBands() map[Tier]Band {
	return map[Tier]Band{
		Flagship:  {MaxCapability: 100, Anchors: map[string]float64{"MMLU": 87.2, "GPQA": 52.1, "HumanEval": 90.2}},
		CheapFast: {Anchors: map[string]float64{"MMLU": 68.4, "HumanEval": 62.2}},
		Reasoning: {MaxCapability: 100, Anchors: map[string]float64{"GPQA": 60, "MATH-500": 90}},
	}
}

// resolveBands fills the bounds that bands leave open.
func (l *latent) resolveBands(bands map[Tier]Band) (map[Tier]Band, error) {
	if bands == nil {
		bands = DefaultBands()
	}
	out := map[Tier]Band{}
	for _, t := range AllTiers {
		b, ok := bands[t]
		if !ok {
			return nil, fmt.Errorf("bands: no band for tier %q", t)
		}
		if b.MinCapability == 0 {
			theta, ok := l.anchorAbility(t, b)
			if !ok {
				return nil, fmt.Errorf("band %q: none of its anchors is a scored benchmark, and min_capability is not set", t)
			}
			b.MinCapability = round6(l.blend(state{theta: theta}).capability)
		}
		out[t] = b
	}
	cheap := out[CheapFast]
	if cheap.MaxCapability == 0 {
		cheap.MaxCapability = out[Flagship].MinCapability
	}
	for _, t := range []Tier{Flagship, Reasoning} {
		b := out[t]
		if b.MaxCapability == 0 {
			b.MaxCapability = 100
		}
		out[t] = b
	}
	out[CheapFast] = cheap
	if !(cheap.MinCapability < out[Flagship].MinCapability) {
		return nil, fmt.Errorf("bands: cheap-fast begins at %.1f, not below flagship's %.1f",
			cheap.MinCapability, out[Flagship].MinCapability)
	}
	return out, nil
}

// anchorAbility inverts the items' curves at the band's edge: the mean ability
// over the anchors, for the reasoning tier the lowest (one test is enough).
func (l *latent) anchorAbility(t Tier, b Band) (float64, bool) {
	sum, n, lowest := 0.0, 0.0, math.Inf(1)
	for j := range l.items {
		it := &l.items[j]
		figure, ok := b.Anchors[it.item.String()]
		if !ok {
			continue
		}
		z := (logit((figure-Tolerances[t][it.item.String()])/100) - it.mean) / it.sd
		theta := (z - it.a) / it.b
		sum, n, lowest = sum+theta, n+1, math.Min(lowest, theta)
	}
	if n == 0 {
		return 0, false
	}
	if t == Reasoning {
		return lowest, true
	}
	return sum / n, true
}

// above gives the probability that a capability is at least bound, from the
// estimate's normal error in logits.
func above(capability, sdLogit, bound float64) float64 {
	d := math.Log(capability/(100-capability)) - math.Log(bound/(100-bound))
	return normalCDF(d / sdLogit)
}

func normalCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// class is what decides, beside strength, which tier a family may enter. None
// of it depends on a score, so that a better score never moves a family down.
type class struct {
	thinker bool // thinks on every request
	small   bool // sold by its maker as the small one, at a small price
	price   float64
}

var (
	smallRE   = regexp.MustCompile(`(^|[-.])(mini|nano|lite|flash|haiku|small|micro|air|fast|instant|turbo|tiny)($|[-.\d])`)
	thinkerRE = regexp.MustCompile(`reasoning|reasoner|thinking|deep-research|^qwq|^magistral|^o\d|-r1`)
	sizeRE    = regexp.MustCompile(`(?:^|[-_x])(\d+(?:\.\d+)?)b(?:$|-)`)
)

// smallSize is the number of parameters, in billions, up to which an
// open-weights family counts as small.
const smallSize = 36

// classOf derives a family's class from its scored modes and its hosts. A
// family thinks on every request if a host says that it thinks, it was never
// scored without, and it is either named after thinking or not sold as small.
func classOf(card Scorecard, hosts []models.Model) class {
	var c class
	thinks := false
	var prices []float64
	for _, m := range hosts {
		thinks = thinks || hostMode(m) == Thinking
		if usd, ok := blendedPrice(m); ok {
			prices = append(prices, usd)
		} else if m.Free {
			prices = append(prices, 0)
		}
	}
	_, direct := card.Modes[Direct]
	_, thought := card.Modes[Thinking]
	if len(prices) > 0 {
		c.price = median(prices)
		c.small = c.price <= SmallPrice && (smallRE.MatchString(card.Family) || smallWeights(card.Family))
	}
	c.thinker = thinks && !direct && (thinkerRE.MatchString(card.Family) || thought && !c.small)
	return c
}

// smallWeights reads the size from a family's name ("qwen3-30b-a3b": 30).
func smallWeights(family string) bool {
	if strings.Contains(family, "mixtral") { // "8x7b" is 47 billion in all
		return false
	}
	m := sizeRE.FindStringSubmatch(family)
	if m == nil {
		return false
	}
	size, err := strconv.ParseFloat(m[1], 64)
	return err == nil && size <= smallSize
}

// strength is the probability of reaching each bound.
type strength map[Tier]float64

func strengthOf(capability, sdLogit float64, bands map[Tier]Band) strength {
	s := strength{}
	for t, b := range bands {
		s[t] = above(capability, sdLogit, b.MinCapability)
	}
	return s
}

// tierFor gives the tier of a family that reaches a bound with probability at
// least p.
func (c class) tierFor(s strength, p float64) Tier {
	switch {
	case c.thinker && s[Reasoning] >= p:
		return Reasoning
	case c.small && s[CheapFast] >= p:
		return CheapFast
	case s[Flagship] >= p:
		return Flagship
	case s[CheapFast] >= p:
		return CheapFast
	}
	return ""
}

// probabilities gives the published p_tier: of lying in each band. Flagship
// and reasoning overlap, since the same strength may serve as either.
func (c class) probabilities(s strength) map[Tier]float64 {
	p := map[Tier]float64{
		Flagship:  round6(s[Flagship]),
		CheapFast: round6(math.Max(0, s[CheapFast]-s[Flagship])),
		Reasoning: 0,
	}
	if c.thinker {
		p[Reasoning] = round6(s[Reasoning])
	}
	return p
}
