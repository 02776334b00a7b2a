package scoring

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// The capabilities in which a family may be stronger or weaker than its general
// ability says.
const (
	General         = "general"
	Knowledge       = "knowledge"
	Math            = "math"
	Code            = "code"
	Reason          = "reasoning"
	Writing         = "writing"
	Instructions    = "instructions"
	ChineseLanguage = "chinese"
	ToolUse         = "tools"
)

// Capabilities lists them in the order in which they are shown, General apart.
var Capabilities = []string{Knowledge, Math, Code, Reason, Writing, Instructions, ChineseLanguage, ToolUse}

// capabilitiesOf says which capabilities a benchmark asks for. One that asks
// for two splits evenly. AA-Index, a mean over everything, tells of none.
var capabilitiesOf = map[string][]string{
	"MMLU":     {Knowledge},
	"MMLU-Pro": {Knowledge},
	// Graduate questions that cannot be looked up, puzzles in 23 kinds.
	"GPQA": {Reason},
	"BBH":  {Reason},

	"MATH":     {Math},
	"MATH-500": {Math},
	"GSM8K":    {Math},

	"HumanEval":      {Code},
	"HumanEval+":     {Code},
	"LiveCodeBench":  {Code},
	"Aider-Polyglot": {Code},
	// An agent with a shell in a repository. No benchmark of function calling
	// is published in the catalogue, so this alone tells of tools.
	"SWE-bench-Verified": {Code, ToolUse},

	// Open answers compared or graded by people or a judge.
	"MT-Bench":      {Writing},
	"Arena-Hard":    {Writing},
	"Arena-Hard-v2": {Writing},
	"LMArena-Text":  {Writing},

	"IFEval": {Instructions},

	"C-Eval":                 {ChineseLanguage, Knowledge},
	"CMMLU":                  {ChineseLanguage, Knowledge},
	"C-SimpleQA":             {ChineseLanguage, Knowledge},
	"AlignBench":             {ChineseLanguage, Writing},
	"OpenCompass-Subjective": {ChineseLanguage, Writing},
	"LMArena-Chinese":        {ChineseLanguage, Writing},
	"OpenCompass":            {ChineseLanguage},
	"SuperCLUE":              {ChineseLanguage},
	"ReLE":                   {ChineseLanguage},
}

// The model of deviations, on the curves of latent.go and β of profile.go:
//
//	z = a_j + b_j*(θ_fm + Σ_c l_jc*d_fc) + γ_j*g_f + β_j'x_fm + ε,  ε ~ N(0, v_j/w)
//	d_fc ~ N(0, κ²_c)
//
// l_jc is 1/sqrt(number of capabilities of the benchmark). κ² and v are found
// by expectation maximisation; a family's modes and deviations are one normal
// vector, of which the posterior is exact.
type deviations struct {
	l        *latent
	loading  [][]float64 // per item, by Capabilities
	variance []float64   // κ², by Capabilities
	residual []float64   // v, per item
	rest     []float64   // per cell: the part of z that abilities have to explain
}

const (
	deviationRounds = 20
	deviationPrior  = 0.05 // prior guess of κ²
	deviationWeight = 5    // worth this many families
)

func newDeviations(l *latent) *deviations {
	d := &deviations{l: l}
	for range Capabilities {
		d.variance = append(d.variance, deviationPrior)
	}
	for _, it := range l.items {
		d.loading = append(d.loading, loadings(it.item.Benchmark))
		d.residual = append(d.residual, it.s2)
	}
	for c, cell := range l.cells {
		j, f := l.itemOf[c], &l.families[l.famOf[c]]
		d.rest = append(d.rest, l.z[c]-l.items[j].at(0, f.origin)-dot(l.profiles.shape[j], l.profiles.traits(cell.Family).shape(cell.Mode)))
	}
	for range deviationRounds {
		d.round()
	}
	return d
}

func loadings(benchmark string) []float64 {
	out := make([]float64, len(Capabilities))
	asks := capabilitiesOf[benchmark]
	for _, c := range asks {
		out[slices.Index(Capabilities, c)] = 1 / math.Sqrt(float64(len(asks)))
	}
	return out
}

// round is one step of expectation maximisation.
func (d *deviations) round() {
	l := d.l
	sum, n := make([]float64, len(Capabilities)), make([]float64, len(Capabilities))
	rss, cells := make([]float64, len(l.items)), make([]float64, len(l.items))
	for i := range l.families {
		f := &l.families[i]
		if f.evidence() == 0 {
			continue
		}
		mean, cov := d.posterior(f)
		for c, k := range d.evidence(f) {
			if k == 0 {
				continue
			}
			at := len(f.modes) + c
			sum[c], n[c] = sum[c]+mean[at]*mean[at]+cov.At(at, at), n[c]+1
		}
		for m := range f.modes {
			for _, c := range f.cells[m] {
				j := l.itemOf[c]
				x := mat.NewVecDense(len(mean), d.row(f, m, j))
				r := d.rest[c] - dot(x.RawVector().Data, mean)
				rss[j] += l.cells[c].Weight * (r*r + mat.Inner(x, cov, x))
				cells[j]++
			}
		}
	}
	for c := range sum {
		d.variance[c] = (deviationWeight*deviationPrior + sum[c]) / (deviationWeight + n[c])
	}
	for j := range rss {
		d.residual[j] = (residualWeight*l.items[j].s2 + rss[j]) / (residualWeight + cells[j])
	}
}

// row gives the coefficients of (θ by mode, d by capability) in an item's z.
func (d *deviations) row(f *latentFamily, m, j int) []float64 {
	x := make([]float64, len(f.modes)+len(Capabilities))
	x[m] = d.l.items[j].b
	for c, l := range d.loading[j] {
		x[len(f.modes)+c] = l * d.l.items[j].b
	}
	return x
}

// posterior of a family's abilities by mode and its deviations by capability.
func (d *deviations) posterior(f *latentFamily) ([]float64, *mat.SymDense) {
	l, k := d.l, len(f.modes)
	n := k + len(Capabilities)
	prior := l.priorCov(f)
	cov, mean := mat.NewSymDense(n, nil), make([]float64, n)
	for i := range k {
		mean[i] = f.prior + l.shift[f.modes[i]]
		for j := i; j < k; j++ {
			cov.SetSym(i, j, prior.At(i, j))
		}
	}
	for c, v := range d.variance {
		cov.SetSym(k+c, k+c, v)
	}
	q := inverse(cov)
	var h mat.VecDense
	h.MulVec(q, mat.NewVecDense(n, mean))
	for m := range f.modes {
		for _, c := range f.cells[m] {
			j := l.itemOf[c]
			x := mat.NewVecDense(n, d.row(f, m, j))
			w := l.cells[c].Weight / d.residual[j]
			q.SymRankOne(q, w, x)
			h.AddScaledVec(&h, w*d.rest[c], x)
		}
	}
	post := inverse(q)
	var out mat.VecDense
	out.MulVec(post, &h)
	return out.RawVector().Data, post
}

// evidence counts a family's cells by capability.
func (d *deviations) evidence(f *latentFamily) []int {
	n := make([]int, len(Capabilities))
	for m := range f.modes {
		for _, c := range f.cells[m] {
			for i, l := range d.loading[d.l.itemOf[c]] {
				if l > 0 {
					n[i]++
				}
			}
		}
	}
	return n
}

// deviation is how a capability's ability departs from the general one, in
// standard deviations of ability.
type deviation struct {
	shift    float64
	variance float64 // added to the general ability's
	cells    int     // it rests on; none: shift 0
}

// of gives a variant's deviations by capability. Without evidence the general
// ability stands, less certain by κ². With evidence the capability's ability is
// its own posterior mean, never taken for more certain than the general one.
func (d *deviations) of(f *latentFamily, m int) []deviation {
	out := make([]deviation, len(Capabilities))
	mean, cov := d.posterior(f)
	for c, n := range d.evidence(f) {
		if n == 0 {
			out[c].variance = d.variance[c]
			continue
		}
		at := len(f.modes) + c
		v := cov.At(m, m) + cov.At(at, at) + 2*cov.At(m, at)
		out[c] = deviation{mean[m] + mean[at] - f.theta[m], math.Max(0, v-f.cov.At(m, m)), n}
	}
	return out
}
