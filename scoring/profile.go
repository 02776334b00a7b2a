package scoring

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// The profile model predicts a score that nobody published from all scores of
// the same maker's families. On top of the curves of latent.go, a cell's z is
//
//	z = a_j + b_j*(λ'x_f + shift_m + t) + γ_j*g_f + β_j'x_fm + r + ε
//
// x are the family's traits (traits.go); λ and the β_j are ridge regressions.
// t, the rest of ability, and r, the profile of a family on an item, are
// Gaussian with covariances that grow with kinship:
//
//	cov(t, t')   = Σ over the kinds of kin that the two cells share
//	cov(r, r')   = s_j s_j' * (kinship) * (likeness of the two items)
//	var(ε)       = noise * s_j² / weight
//
// The prediction is the conditional mean given the maker's cells: kriging, or
// the best linear unbiased predictor. Its variance is exact for this model.

// kinship weighs what two families have in common; the parts add up.
type kinship struct {
	maker, line, stem float64
	era               float64 // falls with the distance in time, see eraLength
	family, mode      float64
}

// The parameters were chosen by the error and the predictive likelihood on
// held-out scores under seeds other than the ones that are reported; see
// docs/scores.md.
var (
	abilityKin = kinship{maker: 0.60, line: 0.50, stem: 0.06, era: 0.10, family: 0.07, mode: 0.06}
	profileKin = kinship{maker: 0.27, line: 0.36, stem: 0.04, era: 0.09, family: 0.12, mode: 0.12}
)

const (
	eraLength    = 0.7  // years
	likeAny      = 0.05 // likeness of any two items
	likeChinese  = 0.10 // added if both are in Chinese
	likeGroup    = 0.17 // added if both are of one group
	likeEdition  = 0.15 // added if both are editions of one benchmark
	profileScale = 1.8  // variance of r and ε per residual variance of the item step
	profileNoise = 0.14 // the part of it that is ε
	levelRidge   = 2.0  // precisions of λ and β
	shapeRidge   = 20.0
)

// likeGroups joins benchmarks that ask for much the same: the profile on one
// carries over to the others.
var likeGroups = map[string]string{
	"GPQA": "knowledge", "MMLU": "knowledge", "MMLU-Pro": "knowledge", "BBH": "knowledge",
	"HumanEval": "code", "HumanEval+": "code", "LiveCodeBench": "code", "Aider-Polyglot": "code",
	"SWE-bench-Verified": "agent", "AA-Index": "agent",
	"MATH": "math", "MATH-500": "math", "GSM8K": "math",
	"LMArena-Text": "chat", "LMArena-Chinese": "chat", "Arena-Hard": "chat", "Arena-Hard-v2": "chat",
	"MT-Bench": "chat", "AlignBench": "chat", "OpenCompass-Subjective": "chat",
	"C-Eval": "chinese knowledge", "CMMLU": "chinese knowledge",
	"SuperCLUE": "chinese suite", "OpenCompass": "chinese suite", "ReLE": "chinese suite",
}

// of gives the weight that two cells' kinship adds up to, within one maker.
func (k kinship) of(a, b *site) float64 {
	d := (a.date - b.date) / eraLength
	sum := k.maker + k.era*math.Exp(-d*d/2)
	if a.line == b.line {
		sum += k.line
	}
	if a.stem == b.stem {
		sum += k.stem
	}
	if a.family == b.family {
		sum += k.family
		if a.mode == b.mode {
			sum += k.mode
		}
	}
	return sum
}

// likeness of two items' profiles.
func likeness(a, b Item) float64 {
	if a == b {
		return 1
	}
	like := likeAny
	if a.Chinese() && b.Chinese() {
		like += likeChinese
	}
	if g := likeGroups[a.Benchmark]; g != "" && g == likeGroups[b.Benchmark] {
		like += likeGroup
	}
	if a.Benchmark == b.Benchmark {
		like += likeEdition
	}
	return like
}

// site is a place where a score is or might be: a variant on an item.
type site struct {
	traits
	family string
	mode   Mode
	item   int
	mean   float64 // of z before any score of kin is seen
}

// profiles is the fitted model.
type profiles struct {
	l      *latent
	first  map[string]float64 // year of a family's oldest score
	level  []float64          // λ
	shape  [][]float64        // β by item
	like   *mat.SymDense      // s_j s_j' likeness, by items
	blocks map[string]*block  // by maker
}

// block holds one maker's cells.
type block struct {
	sites []site
	chol  mat.Cholesky
	alpha mat.VecDense // covariance⁻¹ (z - mean)
}

func newProfiles(l *latent) *profiles {
	p := &profiles{l: l, first: map[string]float64{}, blocks: map[string]*block{}}
	for _, c := range l.cells {
		if was, ok := p.first[c.Family]; c.date > 0 && (!ok || c.date < was) {
			p.first[c.Family] = c.date
		}
	}
	p.regress()
	p.like = p.likenesses()
	cells := map[string][]int{}
	for c, cell := range l.cells {
		cells[makerOf(cell.Family)] = append(cells[makerOf(cell.Family)], c)
	}
	for maker, cs := range cells {
		p.blocks[maker] = p.block(cs)
	}
	return p
}

// likenesses gives the covariance of one family's profile over the items.
func (p *profiles) likenesses() *mat.SymDense {
	items := p.l.items
	out := mat.NewSymDense(len(items), nil)
	for i := range items {
		for j := i; j < len(items); j++ {
			a, b := &items[i], &items[j]
			out.SetSym(i, j, profileScale*math.Sqrt(a.s2*b.s2)*(1-profileNoise)*likeness(a.item, b.item))
		}
	}
	return out
}

// regress fits λ to the abilities and β to the items' residuals.
func (p *profiles) regress() {
	l := p.l
	level, weight := l.levels()
	var x [][]float64
	var y, w []float64
	for i := range l.families {
		if f := &l.families[i]; f.evidence() > 0 {
			x, y, w = append(x, l.traitsOf(f.name, p.first[f.name]).level()), append(y, level[i]), append(w, weight[i])
		}
	}
	p.level = ridge(x, y, w, levelRidge)
	for j := range l.items {
		it := &l.items[j]
		x, y, w = nil, nil, nil
		for _, c := range it.cells {
			f, m := &l.families[l.famOf[c]], l.modeAt[c]
			x = append(x, l.traitsOf(f.name, p.first[f.name]).shape(f.modes[m]))
			y = append(y, l.z[c]-it.at(f.theta[m], f.origin))
			w = append(w, l.cells[c].Weight/it.s2)
		}
		p.shape = append(p.shape, ridge(x, y, w, shapeRidge))
	}
}

// ridge solves weighted least squares with the penalty precision*|β|².
func ridge(x [][]float64, y, w []float64, precision float64) []float64 {
	n := len(x[0])
	xx, xy := mat.NewSymDense(n, nil), mat.NewVecDense(n, nil)
	for r := range n {
		xx.SetSym(r, r, precision)
	}
	for i, row := range x {
		v := mat.NewVecDense(n, row)
		xx.SymRankOne(xx, w[i], v)
		xy.AddScaledVec(xy, w[i]*y[i], v)
	}
	var out mat.VecDense
	out.MulVec(inverse(xx), xy)
	return out.RawVector().Data
}

// block solves one maker's cells once, for every prediction to come.
func (p *profiles) block(cs []int) *block {
	l, b := p.l, &block{}
	rest := mat.NewVecDense(len(cs), nil)
	for i, c := range cs {
		s := p.site(l.cells[c].Family, l.cells[c].Mode, l.itemOf[c])
		b.sites = append(b.sites, s)
		rest.SetVec(i, l.z[c]-s.mean)
	}
	k := mat.NewSymDense(len(cs), nil)
	for i := range cs {
		for j := i; j < len(cs); j++ {
			k.SetSym(i, j, p.cov(&b.sites[i], &b.sites[j]))
		}
		k.SetSym(i, i, k.At(i, i)+p.noise(l.itemOf[cs[i]], l.cells[cs[i]].Weight))
	}
	b.chol.Factorize(k)
	if err := b.chol.SolveVecTo(&b.alpha, rest); err != nil && b.alpha.IsEmpty() {
		panic("scoring: covariance of profiles is not positive definite: " + err.Error())
	}
	return b
}

func (p *profiles) noise(item int, weight float64) float64 {
	return profileScale * profileNoise * p.l.items[item].s2 / weight
}

func (p *profiles) cov(a, b *site) float64 {
	i, j := &p.l.items[a.item], &p.l.items[b.item]
	return i.b*j.b*abilityKin.of(a, b) + p.like.At(a.item, b.item)*profileKin.of(a, b)
}

// site describes a variant on an item, whether or not it was scored.
func (p *profiles) site(family string, mode Mode, item int) site {
	l := p.l
	s := site{traits: l.traitsOf(family, p.first[family]), family: family, mode: mode, item: item}
	it := &l.items[item]
	home := origin(family, it.item.Chinese())
	if f := l.family(family); f != nil {
		home = f.origin
	}
	s.mean = it.at(dot(p.level, s.traits.level())+l.shift[mode], home) + dot(p.shape[item], s.traits.shape(mode))
	return s
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// expect gives the mean of a variant's z on an item.
func (p *profiles) expect(family string, mode Mode, item int) float64 {
	s := p.site(family, mode, item)
	z := s.mean
	if b := p.blocks[makerOf(family)]; b != nil {
		for r := range b.sites {
			z += p.cov(&s, &b.sites[r]) * b.alpha.AtVec(r)
		}
	}
	return z
}

// predict gives the joint distribution of a variant's z on items, for readings
// of the given weight.
func (p *profiles) predict(family string, mode Mode, items []int, weight float64) (mean []float64, cov *mat.SymDense) {
	n := len(items)
	sites := make([]site, n)
	mean, cov = make([]float64, n), mat.NewSymDense(n, nil)
	for i, j := range items {
		sites[i] = p.site(family, mode, j)
		mean[i] = sites[i].mean
	}
	for i := range n {
		for j := i; j < n; j++ {
			cov.SetSym(i, j, p.cov(&sites[i], &sites[j]))
		}
		cov.SetSym(i, i, cov.At(i, i)+p.noise(items[i], weight))
	}
	b := p.blocks[makerOf(family)]
	if b == nil || n == 0 {
		return mean, cov
	}
	k := mat.NewDense(len(b.sites), n, nil)
	for r := range b.sites {
		for i := range n {
			k.Set(r, i, p.cov(&sites[i], &b.sites[r]))
		}
	}
	var shift mat.VecDense
	shift.MulVec(k.T(), &b.alpha)
	var solved, explained mat.Dense
	if err := b.chol.SolveTo(&solved, k); err != nil && solved.IsEmpty() {
		panic("scoring: covariance of profiles is not positive definite: " + err.Error())
	}
	explained.Mul(k.T(), &solved)
	for i := range n {
		mean[i] += shift.AtVec(i)
		for j := i; j < n; j++ {
			v := cov.At(i, j) - explained.At(i, j)
			if i == j { // the reading's own noise stays
				v = math.Max(v, p.noise(items[i], weight))
			}
			cov.SetSym(i, j, v)
		}
	}
	return mean, cov
}

// itemIndex gives the index of an item, or -1.
func (l *latent) itemIndex(it Item) int {
	return slices.IndexFunc(l.items, func(x latentItem) bool { return x.item == it })
}
