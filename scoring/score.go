package scoring

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"

	"assay/models"
)

// Config holds what a caller may change about Score. The zero value works.
type Config struct {
	Weights Weights
	// Models is the catalogue, if known. It adds families of which nothing
	// was published, tells in which mode a family is served, and gives prices.
	Models []models.Model
	// MinCells is the number of variants below which an item is left out,
	// since its scale cannot be told. Default 5.
	MinCells int
	// MaxRounds bounds the alternation (default 500), Tolerance ends it when
	// no ability moves more, in standard deviations (default 1e-4).
	MaxRounds int
	Tolerance float64
	// Bands of the tiers; nil for DefaultBands.
	Bands map[Tier]Band
	// Outcomes are abilities that outcomes on real prompts show; they are
	// combined with what benchmarks say by precision. Those of families that
	// neither scores nor Models have are passed over.
	Outcomes []OutcomeAbility
}

// Scorecards is the outcome of Score: a card per family and the fitted scales.
type Scorecards struct {
	Cards map[string]Scorecard // by family
	Items []ItemFit            // sorted
	Link  Link
	// LeftOut are items with too few variants to have a scale.
	LeftOut []Item
	// ThinkingShift is the mean gain of thinking, in standard deviations of ability.
	ThinkingShift float64
	Rounds        int // of the alternation, until it settled
	// Bands with every bound filled in.
	Bands map[Tier]Band

	fit        *latent
	deviations *deviations
	outcomes   []OutcomeAbility // sorted
}

// ItemFit is the fitted scale of one item, for display and checks. Of an
// ability θ (standard deviations, before the link) and origin g (±1/2) the
// expected transformed score is Mean + SD*(Offset + Slope*θ + Origin*g).
type ItemFit struct {
	Item     Item
	Cells    int
	Mean, SD float64
	Offset   float64
	Slope    float64
	Origin   float64 // advantage of Chinese over other makers at equal ability
	Residual float64 // standard deviation of z at weight 1
}

// Scorecard is all that is known of one family.
type Scorecard struct {
	Family        string
	Mode          Mode    // in which it is served, as far as scores can tell
	Capability    float64 // 0..100, 60 % Overseas + 40 % Chinese
	Lo, Hi        float64 // 95 % interval of Capability
	Overseas      float64
	Chinese       float64
	ObservedShare float64            // share of Capability's weight that was measured, 0..1
	Ability       Ability            // on the scale of prompt difficulty, in general
	Abilities     map[string]Ability // by capability, General included
	Modes         map[Mode]Ability   // every mode it was scored in
	Components    []Component        // the core benchmarks
	Evidence      []Cell             // every cell that counted

	sdLogit float64 // standard deviation of logit(Capability/100)
	own     Ability // Ability before outcomes
}

// ErrNoScores is returned when there is nothing to learn a scale from.
var ErrNoScores = errors.New("no usable benchmark scores: at least one item must have been taken by MinCells models")

// Score estimates every family's ability and capability from published
// benchmark rows. It is deterministic and does not depend on the order of its
// arguments. Errors name the row that cannot be read.
func Score(scores []models.Score, anchors []models.Anchor, cfg Config) (*Scorecards, error) {
	cs, err := cells(scores, cfg.Weights.withDefaults())
	if err != nil {
		return nil, err
	}
	l, leftOut := newLatent(cs, cfg)
	if len(l.items) == 0 {
		return nil, ErrNoScores
	}
	l.settle(cfg)
	out := &Scorecards{
		Cards: map[string]Scorecard{}, LeftOut: leftOut, deviations: newDeviations(l),
		ThinkingShift: l.shift[Thinking], Rounds: l.rounds, fit: l,
	}
	if out.outcomes, err = checkOutcomes(cfg.Outcomes); err != nil {
		return nil, err
	}
	for _, it := range l.items {
		out.Items = append(out.Items, ItemFit{it.item, len(it.cells), it.mean, it.sd, it.a, it.b, it.g, math.Sqrt(it.s2)})
	}
	if out.Bands, err = l.resolveBands(cfg.Bands); err != nil {
		return nil, err
	}
	served := ServedModes(cfg.Models)
	out.Link = fitLink(anchors, func(family string) (float64, float64, bool) {
		f := l.family(family)
		if f == nil || f.evidence() == 0 {
			return 0, 0, false
		}
		m := f.servedAs(served[family])
		return f.theta[m], f.cov.At(m, m), true
	})
	for i := range l.families {
		f := &l.families[i]
		m := f.servedAs(served[f.name])
		out.Cards[f.name] = out.card(f, m)
	}
	return out, nil
}

// settle fits the curves and then, once they stand, the profiles.
func (l *latent) settle(cfg Config) {
	l.fit(cmp.Or(cfg.MaxRounds, 500), cmp.Or(cfg.Tolerance, 1e-4))
	l.profiles = newProfiles(l)
	l.profiles.kinPriors()
	l.familyStep()
}

// Expected gives the share of points, 0..1, that a family run in a mode should
// score on a benchmark, with the 95 % interval for one published figure. The
// benchmark's spelling does not matter; of several editions the one most taken
// is meant. ok is false for an unknown family or benchmark and for Elo scales.
func (s *Scorecards) Expected(family string, mode Mode, benchmark string) (share, lo, hi float64, ok bool) {
	f, it := s.fit.family(family), s.fit.itemFor(benchmark)
	if f == nil || it == nil {
		return 0, 0, 0, false
	}
	m := f.servedAs(mode)
	z, cov := s.fit.profiles.figures(family, f.modes[m], s.fit.itemIndex(it.item))
	x, sd := it.mean+it.sd*z[0], it.sd*math.Sqrt(cov.At(0, 0))
	return logistic(x), logistic(x - 1.96*sd), logistic(x + 1.96*sd), true
}

func (l *latent) family(name string) *latentFamily {
	i, ok := slices.BinarySearchFunc(l.families, name, func(f latentFamily, n string) int { return cmp.Compare(f.name, n) })
	if !ok {
		return nil
	}
	return &l.families[i]
}

func (f *latentFamily) evidence() int {
	n := 0
	for _, cs := range f.cells {
		n += len(cs)
	}
	return n
}

// servedAs gives the index of the scored mode that comes nearest to want.
func (f *latentFamily) servedAs(want Mode) int {
	order := []Mode{Thinking, Unstated, Brief, Direct}
	if want == Direct {
		order = []Mode{Direct, Unstated, Thinking, Brief}
	}
	for _, m := range order {
		if i := slices.Index(f.modes, m); i >= 0 {
			return i
		}
	}
	return 0
}

// ServedModes tells in which mode each family of the catalogue is served: as
// thinking model if any of its hosts says so, else directly.
func ServedModes(catalogue []models.Model) map[string]Mode {
	out := map[string]Mode{}
	for _, m := range catalogue {
		if m.Kind != models.Chat {
			continue
		}
		if hostMode(m) == Thinking {
			out[m.Family] = Thinking
		} else if out[m.Family] == Unstated {
			out[m.Family] = Direct
		}
	}
	return out
}

// hostMode reads one host's mode: from its name where that says it, else from
// its flag. Unknown counts as direct.
func hostMode(m models.Model) Mode {
	switch {
	case NamedDirect(m):
		return Direct
	case NamedThinking(m), m.Reasoning.Ok():
		return Thinking
	}
	return Direct
}

// NamedDirect reports whether a host is named as one that answers at once.
func NamedDirect(m models.Model) bool {
	name := strings.ToLower(m.Name)
	return strings.Contains(name, "non-reasoning") || strings.Contains(name, "non-thinking")
}

// NamedThinking reports whether a host is named as one that thinks first.
func NamedThinking(m models.Model) bool {
	name := strings.ToLower(m.Name)
	return !NamedDirect(m) && (strings.Contains(name, "reasoning") || strings.Contains(name, "thinking"))
}

// OnlyThinking reports whether published scores of a family name a mode of
// thinking and none without: it cannot be had otherwise, as far as sources say.
func OnlyThinking(scores []models.Score) bool {
	thinks := false
	for _, s := range scores {
		switch modeOf(s.Setting) {
		case Thinking, Brief:
			thinks = true
		case Direct:
			return false
		}
	}
	return thinks
}
