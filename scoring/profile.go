package scoring

import (
	"math"
	"slices"
	"sync"

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
	known  map[string]traits  // of the families of l
	level  []float64          // λ
	shape  [][]float64        // β by item
	like   *mat.SymDense      // s_j s_j' likeness, by items
	blocks map[string]*block  // by maker
	asked  sync.Map           // string: prediction
}

// block holds one maker's cells.
type block struct {
	sites []site
	cov   *mat.SymDense // of the cells, noise included
	inv   *mat.SymDense // its inverse
	rest  *mat.VecDense // z - mean
}

func newProfiles(l *latent) *profiles {
	p := &profiles{l: l, first: map[string]float64{}, known: map[string]traits{}, blocks: map[string]*block{}}
	for _, c := range l.cells {
		if was, ok := p.first[c.Family]; c.date > 0 && (!ok || c.date < was) {
			p.first[c.Family] = c.date
		}
	}
	for i := range l.families {
		p.known[l.families[i].name] = p.traits(l.families[i].name)
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

// traits of a family, of l or not.
func (p *profiles) traits(family string) traits {
	if t, ok := p.known[family]; ok {
		return t
	}
	return p.l.traitsOf(family, p.first[family])
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
			x, y, w = append(x, p.traits(f.name).level()), append(y, level[i]), append(w, weight[i])
		}
	}
	p.level = ridge(x, y, w, levelRidge)
	for j := range l.items {
		it := &l.items[j]
		x, y, w = nil, nil, nil
		for _, c := range it.cells {
			f, m := &l.families[l.famOf[c]], l.modeAt[c]
			x = append(x, p.traits(f.name).shape(f.modes[m]))
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

// block inverts one maker's cells once, for every prediction to come.
func (p *profiles) block(cs []int) *block {
	l, n := p.l, len(cs)
	b := &block{cov: mat.NewSymDense(n, nil), rest: mat.NewVecDense(n, nil)}
	for i, c := range cs {
		s := p.site(l.cells[c].Family, l.cells[c].Mode, l.itemOf[c])
		b.sites = append(b.sites, s)
		b.rest.SetVec(i, l.z[c]-s.mean)
	}
	for i := range cs {
		for j := i; j < n; j++ {
			b.cov.SetSym(i, j, p.cov(&b.sites[i], &b.sites[j]))
		}
		b.cov.SetSym(i, i, b.cov.At(i, i)+p.noise(l.itemOf[cs[i]], l.cells[cs[i]].Weight))
	}
	b.inv = inverse(b.cov) // positive definite: kernels plus noise
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
	s := site{traits: p.traits(family), family: family, mode: mode, item: item}
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

// itemIndex gives the index of an item, or -1.
func (l *latent) itemIndex(it Item) int {
	return slices.IndexFunc(l.items, func(x latentItem) bool { return x.item == it })
}
