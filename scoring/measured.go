package scoring

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"assay/models"
)

// Measurement is the outcome of one benchmark run against one served model.
type Measurement struct {
	ModelID      string  // "provider/name", a chat row of the catalogue
	Benchmark    string  // "gsm8k", "cmmlu", ...; spelling and case do not matter
	N            int     // graded items
	Score        float64 // share of the points, 0..1
	StdErr       float64 // of Score, clustered where items are; 0: binomial
	EndpointKind string  // "sim", "gateway" or "real"
	RunID        string
	FinishedAt   time.Time
}

// Errors of Retier that a caller may tell apart.
var (
	// ErrMixedKinds: simulated, gateway and real results never share a table.
	ErrMixedKinds = errors.New("measurements of different endpoint kinds cannot be combined")
	// ErrUnknownModel: a measurement names a model that the catalogue lacks.
	ErrUnknownModel = errors.New("measured model is not a chat model of the catalogue")
	// ErrUnknownBenchmark: no published scale exists for a benchmark.
	ErrUnknownBenchmark = errors.New("measured benchmark has no published scale")
)

// MixedKindsError says which kinds met. errors.Is(err, ErrMixedKinds) holds.
type MixedKindsError struct {
	Kinds []string // sorted
	Base  Evidence // of the table to be changed
}

func (e *MixedKindsError) Error() string {
	return fmt.Sprintf("%v: measurements are %s and the base table is %s; re-tier each kind from its own runs and its own table",
		ErrMixedKinds, strings.Join(e.Kinds, " and "), e.Base)
}

// Unwrap gives ErrMixedKinds.
func (e *MixedKindsError) Unwrap() error { return ErrMixedKinds }

// measuredCell is one of our own measurements on an item's scale.
type measuredCell struct {
	item     *latentItem
	z        float64
	score    float64 // 0..1
	n        int
	shift    float64 // of z: what published profiles expect beyond ability
	sampling float64 // variance of z from the finite number of questions
	source   string
}

// evidenceOf checks that all measurements are of one kind that the base table
// may take, and gives the kind of evidence that results.
func evidenceOf(base Tiers, measured []Measurement) (Evidence, error) {
	kinds := map[string]bool{}
	for i, m := range measured {
		if !slices.Contains([]string{"sim", "gateway", "real"}, m.EndpointKind) {
			return "", fmt.Errorf("measurement %d (%s on %s): endpoint kind %q: want sim, gateway or real",
				i, m.ModelID, m.Benchmark, m.EndpointKind)
		}
		kinds[m.EndpointKind] = true
	}
	if len(kinds) == 0 {
		return base.Evidence, nil
	}
	result := Measured
	if kinds["sim"] {
		result = Sim
	}
	if len(kinds) > 1 || base.Evidence != Published && base.Evidence != result {
		return "", &MixedKindsError{slices.Sorted(maps.Keys(kinds)), base.Evidence}
	}
	return result, nil
}

// validate checks one measurement's numbers.
func (m Measurement) validate() error {
	switch {
	case m.N <= 0:
		return fmt.Errorf("measurement of %s on %s: %d items: want at least 1", m.ModelID, m.Benchmark, m.N)
	case !(m.Score >= 0 && m.Score <= 1):
		return fmt.Errorf("measurement of %s on %s: score %v: want 0 to 1", m.ModelID, m.Benchmark, m.Score)
	case !(m.StdErr >= 0 && m.StdErr <= 1):
		return fmt.Errorf("measurement of %s on %s: standard error %v: want 0 to 1", m.ModelID, m.Benchmark, m.StdErr)
	}
	return nil
}

// newest keeps the last measurement of each model on each benchmark: two
// nights ask the same questions, so they are not independent. Ties are broken
// by run and numbers, never by position.
func newest(measured []Measurement) []Measurement {
	type key struct{ model, benchmark string }
	last := map[key]Measurement{}
	for _, m := range measured {
		k := key{m.ModelID, plainName(m.Benchmark)}
		if old, ok := last[k]; !ok || laterThan(m, old) > 0 {
			last[k] = m
		}
	}
	return slices.SortedFunc(maps.Values(last), func(a, b Measurement) int {
		return cmp.Or(cmp.Compare(a.ModelID, b.ModelID), cmp.Compare(plainName(a.Benchmark), plainName(b.Benchmark)))
	})
}

func laterThan(a, b Measurement) int {
	return cmp.Or(a.FinishedAt.Compare(b.FinishedAt), cmp.Compare(a.RunID, b.RunID),
		cmp.Compare(a.N, b.N), cmp.Compare(a.Score, b.Score), cmp.Compare(a.StdErr, b.StdErr))
}

// plainName spells a benchmark without case and punctuation: "MMLU-Pro" and
// "mmlu_pro" are one.
func plainName(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '+' {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// itemFor finds the scale of a measured benchmark: among its editions the one
// that most models took.
func (l *latent) itemFor(benchmark string) *latentItem {
	var best *latentItem
	for j := range l.items {
		it := &l.items[j]
		if plainName(it.item.Benchmark) == plainName(benchmark) && !it.elo &&
			(best == nil || len(it.cells) > len(best.cells)) {
			best = it
		}
	}
	return best
}

// measuredCellOf puts a measurement on its item's scale. The sampling variance
// is that of a logit, deff/(n p(1-p)), taken at the score that published
// evidence predicts and not at the one observed: weights that depend on the
// outcome would let a better score lower the estimate. The observed share is
// (k+1/2)/(n+1), which keeps 0 and 1 finite.
func (l *latent) measuredCellOf(m Measurement, f *latentFamily, mode int) (measuredCell, error) {
	it := l.itemFor(m.Benchmark)
	if it == nil {
		return measuredCell{}, fmt.Errorf("%w: %s", ErrUnknownBenchmark, m.Benchmark)
	}
	n := float64(m.N)
	x := logit((m.Score*n + 0.5) / (n + 1))
	z, _ := l.profiles.figures(f.name, f.modes[mode], l.itemIndex(it.item))
	expected := z[0]
	p := min(max(logistic(it.mean+it.sd*expected), 0.1), 0.9)
	variance := m.designEffect() / (n * p * (1 - p))
	return measuredCell{
		item: it, z: (x - it.mean) / it.sd, score: m.Score, n: m.N,
		shift: expected - it.at(f.theta[mode], f.origin), sampling: variance / (it.sd * it.sd), source: "run " + m.RunID,
	}, nil
}

// designEffect is how much larger the clustered variance is than the binomial
// one, between 1 and 5.
func (m Measurement) designEffect() float64 {
	binomial := m.Score * (1 - m.Score) / float64(m.N)
	if m.StdErr == 0 || binomial == 0 {
		return 1
	}
	return min(max(m.StdErr*m.StdErr/binomial, 1), 5)
}

// hostsMeasured joins measurements to the hosts of families.
func hostsMeasured(measured []Measurement, catalogue []models.Model) (map[string]map[string][]Measurement, error) {
	family := map[string]string{}
	for _, m := range catalogue {
		if m.Kind == models.Chat {
			family[m.ID] = m.Family
		}
	}
	out := map[string]map[string][]Measurement{}
	for _, m := range newest(measured) {
		if err := m.validate(); err != nil {
			return nil, err
		}
		f, ok := family[m.ModelID]
		if !ok || f == "" {
			return nil, fmt.Errorf("%w: %q", ErrUnknownModel, m.ModelID)
		}
		if out[f] == nil {
			out[f] = map[string][]Measurement{}
		}
		out[f][m.ModelID] = append(out[f][m.ModelID], m)
	}
	return out, nil
}

// hostEvidence is one measured host of a family.
type hostEvidence struct {
	id    string
	mode  int // index into the family's modes
	cells []measuredCell
	n     int // items in all
}

// distance is the best estimate of how far a host's results lie from what
// published evidence predicts, in standard deviations of ability, and the
// variance of that estimate: its own and that of the family's ability.
func (h hostEvidence) distance(f *latentFamily) (d, variance float64) {
	var hSum, p float64
	for _, c := range h.cells {
		k := 1 / (c.item.s2 + c.sampling)
		hSum += k * c.item.b * (c.z - c.shift - c.item.at(f.theta[h.mode], f.origin))
		p += k * c.item.b * c.item.b
	}
	return hSum / p, 1/p + f.cov.At(h.mode, h.mode)
}

// surprise is the distance in standard deviations of its prediction, hosts
// differing with variance hostVar.
func (h hostEvidence) surprise(f *latentFamily, hostVar float64) float64 {
	d, variance := h.distance(f)
	return d / math.Sqrt(variance+hostVar)
}
