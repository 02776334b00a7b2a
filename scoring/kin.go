package scoring

import (
	"gonum.org/v1/gonum/mat"
)

// kinPriors replaces every family's prior by what its kin say: the ability
// that its traits predict, corrected by how far the maker's other families lie
// from theirs, by kriging with abilityKin. The family itself is left out, so
// that its own scores are not counted twice.
func (p *profiles) kinPriors() {
	l := p.l
	makers := map[string][]int{}
	for i := range l.families {
		m := makerOf(l.families[i].name)
		makers[m] = append(makers[m], i)
	}
	for _, fs := range makers {
		p.kinPrior(fs)
	}
}

// ownLevel gives a family's level by its own cells alone, without the effect
// of its modes, and the variance of that; ok is false without cells.
func (l *latent) ownLevel(f *latentFamily) (level, variance float64, ok bool) {
	var h, q float64
	for m, mode := range f.modes {
		for _, c := range f.cells[m] {
			it := &l.items[l.itemOf[c]]
			h, q = addCell(h, q, it, l.z[c]-it.b*l.shift[mode], l.cells[c].Weight, f.origin)
		}
	}
	if q == 0 {
		return 0, 0, false
	}
	return h / q, 1/q + l.upsilon2, true
}

func (p *profiles) kinPrior(fs []int) {
	l := p.l
	sites := make([]site, len(fs))
	var seen []int // positions in fs of the families with cells
	var rest, noise []float64
	for i, x := range fs {
		f := &l.families[x]
		sites[i] = site{traits: p.traits(f.name), family: f.name}
		sites[i].mean = dot(p.level, sites[i].traits.level())
		if y, v, ok := l.ownLevel(f); ok {
			seen, rest, noise = append(seen, i), append(rest, y-sites[i].mean), append(noise, v)
		}
	}
	var q *mat.SymDense
	alpha := make([]float64, len(seen))
	if len(seen) > 0 {
		k := mat.NewSymDense(len(seen), nil)
		for a := range seen {
			for b := a; b < len(seen); b++ {
				k.SetSym(a, b, abilityKin.of(&sites[seen[a]], &sites[seen[b]]))
			}
			k.SetSym(a, a, k.At(a, a)+noise[a])
		}
		q = inverse(k)
		mat.NewVecDense(len(seen), alpha).MulVec(q, mat.NewVecDense(len(seen), rest))
	}
	at := 0
	for i, x := range fs {
		f := &l.families[x]
		if at < len(seen) && seen[at] == i {
			// Leave one out in closed form: y - α/Q, with variance 1/Q.
			f.prior = sites[i].mean + rest[at] - alpha[at]/q.At(at, at)
			f.priorVar = 1/q.At(at, at) - noise[at]
			at++
			continue
		}
		f.prior, f.priorVar = sites[i].mean, abilityKin.of(&sites[i], &sites[i])
		for a, s := range seen {
			ka := abilityKin.of(&sites[i], &sites[s])
			f.prior += ka * alpha[a]
			for b, r := range seen {
				f.priorVar -= ka * q.At(a, b) * abilityKin.of(&sites[i], &sites[r])
			}
		}
	}
}
