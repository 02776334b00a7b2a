package scoring

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// The latent model. For family f run in mode m on item j, scores transformed
// to a line and standardised within the item (z):
//
//	z = a_j + b_j*θ_fm + γ_j*g_f + ε,   ε ~ N(0, s²_j / w)
//	θ_fm = prior_f + d_m + u_f + v_fm,  u ~ N(0, τ²), v ~ N(0, υ²)
//
// g_f is the maker's origin (±1/2) and w the weight of the cell. Items and
// families are fitted in turn: each step is a ridge regression whose penalty
// is the prior of its coefficients. The item step adds the posterior variance
// of θ to the sum of its squares, as in EM for a factor model, since plain
// alternating least squares takes estimates for truths and loses slope.

// latentItem is the fitted curve of an item.
type latentItem struct {
	item     Item
	elo      bool
	mean, sd float64 // of the transformed scores, for z
	a, b, g  float64 // in z
	s2       float64 // residual variance of z at weight 1
	cells    []int   // indices into latent.cells
}

// latentFamily is one family with the variants it was scored in.
type latentFamily struct {
	name     string
	origin   float64
	prior    float64
	priorVar float64
	modes    []Mode    // sorted
	theta    []float64 // posterior mean per mode
	cov      *mat.SymDense
	cells    [][]int // per mode
}

type latent struct {
	cells    []Cell
	z        []float64
	items    []latentItem
	families []latentFamily
	itemOf   []int // per cell
	famOf    []int
	modeAt   []int // index into the family's modes
	shift    map[Mode]float64
	tau2     float64
	upsilon2 float64
	rounds   int
	price    map[string]float64 // centred log price by family
	slope    float64            // θ per unit of log price, within a line
	profiles *profiles
}

// Penalties of the item step, as prior precisions of z-scale coefficients.
const (
	offsetPrecision = 0.1 // a ~ N(0, 10)
	slopePrecision  = 8   // b ~ N(mean slope, 0.35²)
	originPrecision = 12  // γ ~ N(mean of its group, 0.29²)
	residualPrior   = 0.3 // prior guess of s²
	residualWeight  = 4   // worth this many cells
)

// fit alternates until no ability moves by more than tolerance.
func (l *latent) fit(maxRounds int, tolerance float64) {
	for l.rounds = 1; l.rounds <= maxRounds; l.rounds++ {
		before := l.thetas()
		l.itemStep()
		l.priorStep()
		l.familyStep()
		l.rescale()
		moved := 0.0
		for i, t := range l.thetas() {
			moved = math.Max(moved, math.Abs(t-before[i]))
		}
		if moved < tolerance {
			return
		}
	}
}

func (l *latent) thetas() []float64 {
	var out []float64
	for i := range l.families {
		out = append(out, l.families[i].theta...)
	}
	return out
}

// itemStep regresses each item's z on ability and origin.
func (l *latent) itemStep() {
	slope, chinese := l.itemMeans()
	for j := range l.items {
		it := &l.items[j]
		target := [3]float64{0, slope, 0}
		if it.item.Chinese() {
			target[2] = chinese
		}
		l.fitItem(it, target)
	}
}

// itemMeans gives the centres of the priors: the mean slope of all items and
// the mean origin offset of the Chinese ones. The overseas ones are centred on
// zero, which is what ties the two groups of makers to one scale.
func (l *latent) itemMeans() (slope, chinese float64) {
	var n, nc float64
	for _, it := range l.items {
		slope, n = slope+it.b, n+1
		if it.item.Chinese() {
			chinese, nc = chinese+it.g, nc+1
		}
	}
	if n > 0 {
		slope /= n
	}
	if nc > 0 {
		chinese /= nc
	}
	return slope, chinese
}

func (l *latent) fitItem(it *latentItem, target [3]float64) {
	prec := [3]float64{offsetPrecision, slopePrecision, originPrecision}
	var xx mat.SymDense
	xx.ReuseAsSym(3)
	var xy [3]float64
	for k := range prec {
		xx.SetSym(k, k, prec[k])
		xy[k] = prec[k] * target[k]
	}
	for _, c := range it.cells {
		f := &l.families[l.famOf[c]]
		m := l.modeAt[c]
		w := l.cells[c].Weight / it.s2
		x := [3]float64{1, f.theta[m], f.origin}
		for r := range x {
			for k := r; k < 3; k++ {
				xx.SetSym(r, k, xx.At(r, k)+w*x[r]*x[k])
			}
			xy[r] += w * x[r] * l.z[c]
		}
		xx.SetSym(1, 1, xx.At(1, 1)+w*f.cov.At(m, m))
	}
	var chol mat.Cholesky
	if !chol.Factorize(&xx) {
		return // precisions are positive: cannot happen
	}
	var beta mat.VecDense
	if chol.SolveVecTo(&beta, mat.NewVecDense(3, xy[:])) != nil {
		return
	}
	it.a, it.b, it.g = beta.AtVec(0), math.Max(beta.AtVec(1), 0.05), beta.AtVec(2)
	sum := residualWeight * residualPrior
	for _, c := range it.cells {
		f, m := &l.families[l.famOf[c]], l.modeAt[c]
		r := l.z[c] - it.at(f.theta[m], f.origin)
		sum += l.cells[c].Weight * (r*r + it.b*it.b*f.cov.At(m, m))
	}
	it.s2 = sum / (residualWeight + float64(len(it.cells)))
}

// at gives the expected z of ability theta and an origin.
func (it *latentItem) at(theta, origin float64) float64 { return it.a + it.b*theta + it.g*origin }

// familyStep updates every family's abilities given the items.
func (l *latent) familyStep() {
	for i := range l.families {
		f := &l.families[i]
		h, p := make([]float64, len(f.modes)), make([]float64, len(f.modes))
		for m := range f.modes {
			for _, c := range f.cells[m] {
				h[m], p[m] = addCell(h[m], p[m], &l.items[l.itemOf[c]], l.z[c], l.cells[c].Weight, f.origin)
			}
		}
		mean := make([]float64, len(f.modes))
		for m, mode := range f.modes {
			mean[m] = f.prior + l.shift[mode]
		}
		f.theta, f.cov = posterior(mean, l.priorCov(f), h, p)
	}
}

// addCell adds one observation of a variant to its information: h the
// precision-weighted sum, p the precision of ability.
func addCell(h, p float64, it *latentItem, z, weight, origin float64) (float64, float64) {
	k := weight / it.s2
	return h + k*it.b*(z-it.a-it.g*origin), p + k*it.b*it.b
}

// priorCov is the prior covariance of a family's modes: they share u and
// differ by v.
func (l *latent) priorCov(f *latentFamily) *mat.SymDense {
	n := len(f.modes)
	k := mat.NewSymDense(n, nil)
	for r := range n {
		for c := r; c < n; c++ {
			v := f.priorVar
			if r == c {
				v += l.upsilon2
			}
			k.SetSym(r, c, v)
		}
	}
	return k
}

// posterior combines a normal prior N(mean, cov) with independent information
// on each component: precision p and precision-weighted sum h.
// Σ = (K⁻¹ + P)⁻¹, m = Σ (K⁻¹ mean + h).
func posterior(mean []float64, cov *mat.SymDense, h, p []float64) ([]float64, *mat.SymDense) {
	n := len(mean)
	if n == 1 {
		q := 1/cov.At(0, 0) + p[0]
		return []float64{(mean[0]/cov.At(0, 0) + h[0]) / q}, mat.NewSymDense(1, []float64{1 / q})
	}
	inv := inverse(cov)
	var rhs mat.VecDense
	rhs.MulVec(inv, mat.NewVecDense(n, mean))
	for i := range n {
		inv.SetSym(i, i, inv.At(i, i)+p[i])
		rhs.SetVec(i, rhs.AtVec(i)+h[i])
	}
	out := inverse(inv)
	var m mat.VecDense
	m.MulVec(out, &rhs)
	return m.RawVector().Data, out
}

// inverse of a positive definite matrix.
func inverse(s *mat.SymDense) *mat.SymDense {
	var chol mat.Cholesky
	chol.Factorize(s)
	var out mat.SymDense
	if err := chol.InverseTo(&out); err != nil && out.IsEmpty() {
		panic("scoring: covariance is not positive definite: " + err.Error())
	}
	return &out
}

// rescale fixes the scale that the model leaves open: abilities of all
// variants have mean 0 and variance 1 (estimates and their uncertainty).
func (l *latent) rescale() {
	var n, sum, sq float64
	for i := range l.families {
		for m, t := range l.families[i].theta {
			n, sum, sq = n+1, sum+t, sq+t*t+l.families[i].cov.At(m, m)
		}
	}
	if n < 2 {
		return
	}
	mean := sum / n
	sd := math.Sqrt(sq/n - mean*mean)
	for i := range l.families {
		f := &l.families[i]
		f.prior = (f.prior - mean) / sd
		f.priorVar /= sd * sd
		for m := range f.theta {
			f.theta[m] = (f.theta[m] - mean) / sd
		}
		f.cov.ScaleSym(1/(sd*sd), f.cov)
	}
	for j := range l.items {
		it := &l.items[j]
		it.a, it.b = it.a+it.b*mean, it.b*sd
	}
	for m := range l.shift {
		l.shift[m] /= sd
	}
	l.tau2 /= sd * sd
	l.upsilon2 /= sd * sd
	l.slope /= sd
}
