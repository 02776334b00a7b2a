package scoring

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// predict gives the joint distribution of a variant's z on items, for readings
// of the given weight.
func (p *profiles) predict(family string, mode Mode, items []int, weight float64) (mean []float64, cov *mat.SymDense) {
	n := len(items)
	sites := make([]site, n)
	mean, cov = make([]float64, n), mat.NewSymDense(max(n, 1), nil)
	for i, j := range items {
		sites[i] = p.site(family, mode, j)
		mean[i] = sites[i].mean
	}
	for i := range n {
		for j := i; j < n; j++ {
			cov.SetSym(i, j, p.cov(&sites[i], &sites[j]))
		}
	}
	if b := p.blocks[makerOf(family)]; b != nil && n > 0 {
		k := mat.NewDense(len(b.sites), n, nil)
		for r := range b.sites {
			for i := range n {
				k.Set(r, i, p.cov(&sites[i], &b.sites[r]))
			}
		}
		b.condition(family, k, mean, cov)
	}
	for i := range n {
		noise := p.noise(items[i], weight)
		cov.SetSym(i, i, math.Max(cov.At(i, i), 0)+noise)
	}
	return mean, cov
}

// prediction is an answer of figures, kept.
type prediction struct {
	mean []float64
	cov  *mat.SymDense
}

// figures is predict for independent readings. The same is asked for again and
// again while tiers are made, so answers are kept; they are not to be changed.
func (p *profiles) figures(family string, mode Mode, items ...int) (mean []float64, cov *mat.SymDense) {
	key := fmt.Sprint(family, "\x00", mode, items)
	if old, ok := p.asked.Load(key); ok {
		return old.(prediction).mean, old.(prediction).cov
	}
	mean, cov = p.predict(family, mode, items, 1)
	p.asked.Store(key, prediction{mean, cov})
	return mean, cov
}

// condition moves mean and cov to what they are given the block's cells, k
// being the covariance of cells and targets. The error of a linear predictor
// with weights w has covariance c - w'k - k'w + w'Kw, whichever weights.
func (b *block) condition(family string, k *mat.Dense, mean []float64, cov *mat.SymDense) {
	w := b.weights(family, k)
	var shift mat.VecDense
	shift.MulVec(w.T(), b.rest)
	var kw, wk, wkw mat.Dense
	kw.Mul(b.cov, w)
	wk.Mul(w.T(), k)
	wkw.Mul(w.T(), &kw)
	for i := range mean {
		mean[i] += shift.AtVec(i)
		for j := i; j < len(mean); j++ {
			cov.SetSym(i, j, cov.At(i, j)-wk.At(i, j)-wk.At(j, i)+wkw.At(i, j))
		}
	}
}

// weights gives the best linear predictor of each target (column) among those
// in which no score of the family itself counts against it: a better score must
// not lower another one. A cell whose weight comes out negative is left out, the
// most negative first, and the rest is solved again, which is a downdate of the
// solution by that cell's column of the inverse.
func (b *block) weights(family string, k *mat.Dense) *mat.Dense {
	var w mat.Dense
	w.Mul(b.inv, k)
	n, targets := w.Dims()
	for i := range targets {
		var out []int
		var columns []*mat.VecDense
		for {
			worst, at := -1e-12, -1
			for r := range n {
				if b.sites[r].family == family && w.At(r, i) < worst && !slices.Contains(out, r) {
					worst, at = w.At(r, i), r
				}
			}
			if at < 0 {
				break
			}
			column := mat.NewVecDense(n, nil)
			for r := range n {
				column.SetVec(r, b.inv.At(r, at))
			}
			for c, past := range columns {
				column.AddScaledVec(column, -past.AtVec(at)/past.AtVec(out[c]), past)
			}
			for r := range n {
				w.Set(r, i, w.At(r, i)-worst*column.AtVec(r)/column.AtVec(at))
			}
			w.Set(at, i, 0)
			out, columns = append(out, at), append(columns, column)
		}
	}
	return &w
}
