package success

import (
	"math"
	"math/rand/v2"
)

// sample is a weighted regression problem over some prompts.
type sample struct {
	rows []vector
	y, w []float64 // target and weight of each row
}

// none is the penalty that leaves no regression at all.
var none = math.Inf(1)

// penalties are those tried, strongest first, for rows of unit length.
var penalties = []float64{none, 300, 100, 30, 10, 3, 1}

// ridge minimises sum w (y - v·x)² + penalty |x|² by conjugate gradients from
// start (nil: zero); the constant is penalised a thousandth as much. nil for
// the infinite penalty.
func (s sample) ridge(penalty float64, size int, start []float64) []float64 {
	if penalty == none {
		return nil
	}
	x, r, q := make([]float64, size), make([]float64, size), make([]float64, size)
	copy(x, start)
	apply := func(p, out []float64) { // (VᵀWV + penalty) p
		for i := range out {
			out[i] = penalty * p[i]
		}
		out[0] = penalty * p[0] / 1000
		for i, v := range s.rows {
			v.add(out, s.w[i]*v.dot(p))
		}
	}
	for i, v := range s.rows {
		v.add(r, s.w[i]*s.y[i])
	}
	stop := 1e-6 * inner(r, r)
	if start != nil {
		apply(x, q)
		for i := range r {
			r[i] -= q[i]
		}
	}
	p := append([]float64(nil), r...)
	rr := inner(r, r)
	for range 60 {
		if rr <= stop {
			break
		}
		apply(p, q)
		a := rr / inner(p, q)
		for i := range x {
			x[i] += a * p[i]
			r[i] -= a * q[i]
		}
		next := inner(r, r)
		for i := range p {
			p[i] = r[i] + next/rr*p[i]
		}
		rr = next
	}
	return x
}

func inner(a, b []float64) float64 {
	sum := 0.0
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

// innerFolds is the number of parts of which each is predicted from the others.
const innerFolds = 5

// folds deals n rows into parts, evenly and at random.
func folds(n int, rng *rand.Rand) []int {
	out := make([]int, n)
	for i, j := range rng.Perm(n) {
		out[j] = i % innerFolds
	}
	return out
}

// part gives the rows inside or outside a fold.
func (s sample) part(fold []int, k int, inside bool) sample {
	var out sample
	for i := range s.rows {
		if (fold[i] == k) == inside {
			out.rows, out.y, out.w = append(out.rows, s.rows[i]), append(out.y, s.y[i]), append(out.w, s.w[i])
		}
	}
	return out
}

// choose gives the penalty under which rows are predicted best from the other
// folds, and these predictions.
func (s sample) choose(fold []int, size int) (penalty float64, outside []float64) {
	predicted := make([][]float64, len(penalties))
	for j := range predicted {
		predicted[j] = make([]float64, len(s.rows))
	}
	for k := range innerFolds {
		part := s.part(fold, k, false)
		var x []float64
		for j, a := range penalties { // from the strongest to the weakest, each starting from the last
			if x = part.ridge(a, size, x); x == nil {
				continue
			}
			for i := range s.rows {
				if fold[i] == k {
					predicted[j][i] = s.rows[i].dot(x)
				}
			}
		}
	}
	least := math.Inf(1)
	for j, a := range penalties {
		e := 0.0
		for i, p := range predicted[j] {
			e += s.w[i] * (s.y[i] - p) * (s.y[i] - p)
		}
		if e < least {
			penalty, outside, least = a, predicted[j], e
		}
	}
	return penalty, outside
}
