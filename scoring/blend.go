package scoring

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Core is one benchmark of the public capability score, with the tests that
// may stand for it, best first.
type core struct {
	name       string
	benchmarks []string
	weight     float64
	chinese    bool
}

// Capability = 60 % overseas + 40 % Chinese, equal weights within each part.
// MATH-500 may stand for MATH after renormalisation: newer models report it alone.
var coreItems = []core{
	{"HumanEval", []string{"HumanEval"}, 0.60 / 4, false},
	{"MMLU-Pro", []string{"MMLU-Pro"}, 0.60 / 4, false},
	{"MATH", []string{"MATH", "MATH-500"}, 0.60 / 4, false},
	{"MT-Bench", []string{"MT-Bench"}, 0.60 / 4, false},
	{"OpenCompass", []string{"OpenCompass"}, 0.40 / 3, true},
	{"SuperCLUE", []string{"SuperCLUE"}, 0.40 / 3, true},
	{"CMMLU", []string{"CMMLU"}, 0.40 / 3, true},
}

// Component is one core benchmark's part in a capability score.
type Component struct {
	Benchmark   string  // name of the core benchmark
	Chinese     bool    // else overseas
	Score       float64 // percent, on the scale of Reference
	SD          float64 // percentage points
	Reference   Item    // the edition whose scale Score is on
	Observed    bool    // false: imputed from ability
	Item        Item    // what was observed, if Observed
	Raw         float64 // the figure as observed, percent
	Independent bool
	Sources     []string
}

// Of the residual spread on an item about a quarter is noise of measurement
// (prompt, shots, harness); the rest is a model's own profile.
const noiseShare = 0.25

// siblingCorrelation is how far a model's profile on one edition carries over
// to another edition of the same benchmark.
const siblingCorrelation = 0.6

// blendResult is a capability score before it becomes part of a card.
type blendResult struct {
	capability, lo, hi, overseas, chinese, observed, sdLogit float64
	components                                               []Component
}

// state is an ability estimate ready to be blended: the observations that
// count in the mode served, and how far published ones are still believed.
type state struct {
	theta, variance float64
	origin          float64
	published       []int // cells, nearest mode first
	believe         float64
	measured        []measuredCell // replace published cells of the same benchmark
	profile         *departure     // nil: unknown
}

// departure is how a variant's scores on the core benchmarks are expected to
// depart from what its ability alone says, given all published scores of its
// family and kin (profile.go). Indices are those of coreItems.
type departure struct {
	shift []float64     // of z
	cov   *mat.SymDense // of z, without the part that uncertain ability makes
}

// departureOf predicts a variant's profile on the core benchmarks.
func (l *latent) departureOf(f *latentFamily, m int) *departure {
	if l.profiles == nil {
		return nil
	}
	n := len(coreItems)
	d := &departure{make([]float64, n), mat.NewSymDense(n, nil)}
	var at, items []int
	for i, k := range coreItems {
		if ref := l.reference(k); ref != nil {
			at, items = append(at, i), append(items, l.itemIndex(ref.item))
		}
	}
	mean, cov := l.profiles.figures(f.name, f.modes[m], items...)
	for r, i := range at {
		a := &l.items[items[r]]
		d.shift[i] = mean[r] - a.at(f.theta[m], f.origin)
		for c := r; c < len(at); c++ {
			b := &l.items[items[c]]
			v := cov.At(r, c) - a.b*b.b*f.cov.At(m, m)
			if r == c { // the reading's noise stays, however well ability is known
				v = math.Max(v, l.profiles.noise(items[r], 1))
			}
			d.cov.SetSym(i, at[c], v)
		}
	}
	return d
}

// blend builds the 0..100 score of one ability: each core benchmark observed,
// or else imputed at the expected score, mapped to percent on the scale of its
// reference edition. The shared error of ability and the separate errors of
// the items give the interval, which is normal in logits of the capability.
func (l *latent) blend(s state) blendResult {
	var r blendResult
	var shared, separate float64
	imputed := make([]float64, len(coreItems)) // points of capability per unit of z
	for i, k := range coreItems {
		ref := l.reference(k)
		if ref == nil {
			continue
		}
		c, coefficient, variance := l.component(i, ref, s)
		p := c.Score / 100
		width := 100 * p * (1 - p) * ref.sd // points per unit of z
		shared += k.weight * width * coefficient
		separate += k.weight * k.weight * width * width * variance
		c.SD = width * math.Sqrt(variance+coefficient*coefficient*s.variance)
		if k.chinese {
			r.chinese += c.Score * k.weight / 0.40
		} else {
			r.overseas += c.Score * k.weight / 0.60
		}
		if c.Observed {
			r.observed += k.weight
		} else if s.profile != nil {
			imputed[i] = k.weight * width
			for j := range i { // what departures have in common only ever widens
				separate += 2 * imputed[i] * imputed[j] * math.Max(0, s.profile.cov.At(i, j))
			}
		}
		r.components = append(r.components, c)
	}
	r.capability = 0.60*r.overseas + 0.40*r.chinese
	p := r.capability / 100
	sd := math.Sqrt(separate + shared*shared*s.variance)
	r.sdLogit = sd / 100 / (p * (1 - p))
	x := math.Log(p / (1 - p))
	r.lo, r.hi = 100*logistic(x-1.96*r.sdLogit), 100*logistic(x+1.96*r.sdLogit)
	return r
}

// component estimates one core benchmark's score on its reference scale. The
// z-score is the expected one plus what observation adds to it; coefficient is
// what remains of the dependence on ability, variance the item's own error.
func (l *latent) component(i int, ref *latentItem, s state) (c Component, coefficient, variance float64) {
	k := coreItems[i]
	c = Component{Benchmark: k.name, Chinese: k.chinese, Reference: ref.item}
	z, coefficient, variance := ref.at(s.theta, s.origin), ref.b, ref.s2
	if obs, ok := l.observed(k, ref, s); ok {
		it := obs.item
		rho := obs.believe
		if it.item != ref.item {
			rho *= siblingCorrelation
		}
		z += rho * (obs.z - it.at(s.theta, s.origin)) * math.Sqrt(ref.s2/it.s2)
		coefficient *= 1 - rho
		variance = ref.s2*(1-rho*rho) + rho*rho*ref.s2*obs.noise
		c.Observed, c.Item, c.Raw = true, it.item, obs.raw
		c.Independent, c.Sources = obs.independent, obs.sources
	} else if s.profile != nil {
		z += s.profile.shift[i]
		variance = s.profile.cov.At(i, i)
	}
	c.Score = 100 * logistic(ref.mean+ref.sd*z)
	return c, coefficient, variance
}

// observation is the figure chosen to stand for a core benchmark.
type observation struct {
	item        *latentItem
	z, raw      float64
	noise       float64 // variance in units of the item's residual variance
	believe     float64 // 1: as it stands; 0: not at all
	independent bool
	sources     []string
}

// observed picks the figure for a core benchmark: our own measurement, else
// the published cell of the best benchmark, the reference edition before
// others, independent before vendor's, the nearest mode before others.
func (l *latent) observed(k core, ref *latentItem, s state) (observation, bool) {
	for _, m := range s.measured {
		if slices.Contains(k.benchmarks, m.item.item.Benchmark) {
			return observation{m.item, m.z, 100 * m.score, m.sampling / m.item.s2, 1, true, []string{m.source}}, true
		}
	}
	best, bestRank := -1, [4]int{}
	for at, c := range s.published {
		cell := &l.cells[c]
		b := slices.Index(k.benchmarks, cell.Item.Benchmark)
		if b < 0 {
			continue
		}
		rank := [4]int{b, 1, 1, at}
		if cell.Item == ref.item {
			rank[1] = 0
		}
		if cell.Independent {
			rank[2] = 0
		}
		if best < 0 || slices.Compare(rank[:], bestRank[:]) < 0 {
			best, bestRank = c, rank
		}
	}
	if best < 0 {
		return observation{}, false
	}
	cell := &l.cells[best]
	return observation{
		&l.items[l.itemOf[best]], l.z[best], cell.Score, noiseShare / cell.Weight, s.believe,
		cell.Independent, cell.Sources,
	}, true
}

// referenceCells is how many models an edition must have seen to lend its
// scale to the public score.
const referenceCells = 20

// reference gives the item whose scale a core benchmark is shown on: the last
// edition with enough models, since old ones saturate; else the fullest.
func (l *latent) reference(k core) *latentItem {
	var best *latentItem
	for j := range l.items {
		it := &l.items[j]
		if it.item.Benchmark != k.benchmarks[0] {
			continue
		}
		switch {
		case best == nil, len(it.cells) >= referenceCells:
			best = it
		case len(best.cells) < referenceCells && len(it.cells) > len(best.cells):
			best = it
		}
	}
	return best
}

// publishedCells lists a family's cells in the order in which they may stand
// for the given mode: its own, then those without a stated mode. A score made
// by thinking never stands for a model that answers at once, nor the reverse.
func (l *latent) publishedCells(f *latentFamily, m int) []int {
	out := slices.Clone(f.cells[m])
	if u := slices.Index(f.modes, Unstated); u >= 0 && u != m {
		out = append(out, f.cells[u]...)
	}
	return out
}

// card builds a family's scorecard in mode index m.
func (s *Scorecards) card(f *latentFamily, m int) Scorecard {
	l := s.fit
	b := l.blend(state{
		theta: f.theta[m], variance: f.cov.At(m, m), origin: f.origin,
		published: l.publishedCells(f, m), believe: 1, profile: l.departureOf(f, m),
	})
	card := Scorecard{
		Family: f.name, Mode: f.modes[m], Modes: map[Mode]Ability{},
		Abilities: s.abilities(f, m, f.theta[m], f.cov.At(m, m), 1),
		own:       s.Link.apply(f.theta[m], f.cov.At(m, m)),
	}
	card.Ability = card.Abilities[General]
	card.take(b)
	for i, mode := range f.modes {
		card.Modes[mode] = s.Link.apply(f.theta[i], f.cov.At(i, i))
		for _, c := range f.cells[i] {
			card.Evidence = append(card.Evidence, l.cells[c])
		}
	}
	slices.SortFunc(card.Evidence, func(a, b Cell) int {
		return cmp.Or(compareItems(a.Item, b.Item), cmp.Compare(a.Mode, b.Mode))
	})
	return card
}

// take copies a blend into the card.
func (c *Scorecard) take(b blendResult) {
	c.Capability, c.Lo, c.Hi = b.capability, b.lo, b.hi
	c.Overseas, c.Chinese, c.ObservedShare = b.overseas, b.chinese, b.observed
	c.Components, c.sdLogit = b.components, b.sdLogit
}
