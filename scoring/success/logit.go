package success

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// coefficients are one model's part of a fitted Model.
type coefficients struct {
	offset, slope, text   float64
	kindOffset, kindSlope []float64
	n                     float64 // outcomes
}

// trial is one outcome with what predicts it.
type trial struct {
	kind             int
	difficulty, text float64
	y                float64
}

// Penalties of the last step: precisions of normal priors. Offsets of a model
// are free; what is particular to a kind is drawn to the model's own, slopes to
// those of the other models.
const (
	offsetPenalty     = 0.01
	kindOffsetPenalty = 0.5
	firstSlopePenalty = 5.0
	slopePenalty      = 20.0
	kindSlopePenalty  = 20.0
	textPenalty       = 10.0
)

// layout of a model's coefficients as a vector: offset, slope, text, then the
// kinds' offsets, then their slopes.
const (
	atOffset = iota
	atSlope
	atText
	atKinds
)

func size(kinds int) int { return atKinds + 2*kinds }

// entries lists the places and values of a trial's features: five of them.
func (t trial) entries(kinds int) ([5]int, [5]float64) {
	return [5]int{atOffset, atSlope, atText, atKinds + t.kind, atKinds + kinds + t.kind},
		[5]float64{1, -t.difficulty, t.text, 1, -t.difficulty}
}

// fitModel maximises the penalised likelihood of a model's trials by Newton's
// method from the prior's mean.
func fitModel(trials []trial, kinds int, mean, penalty []float64) []float64 {
	n := size(kinds)
	x := append([]float64(nil), mean...)
	for range 30 {
		hessian := mat.NewSymDense(n, nil)
		gradient := mat.NewVecDense(n, nil)
		for j := range n {
			hessian.SetSym(j, j, penalty[j])
			gradient.SetVec(j, -penalty[j]*(x[j]-mean[j]))
		}
		for _, t := range trials {
			at, v := t.entries(kinds)
			z := 0.0
			for k, j := range at {
				z += v[k] * x[j]
			}
			p := logistic(z)
			w := p * (1 - p)
			for k, j := range at {
				gradient.SetVec(j, gradient.AtVec(j)+v[k]*(t.y-p))
				for l := k; l < len(at); l++ {
					hessian.SetSym(j, at[l], hessian.At(j, at[l])+w*v[k]*v[l])
				}
			}
		}
		var chol mat.Cholesky
		var step mat.VecDense
		if !chol.Factorize(hessian) || chol.SolveVecTo(&step, gradient) != nil {
			return x // the penalties are positive: cannot happen
		}
		most := 0.0
		for j := range n {
			d := math.Max(-2, math.Min(2, step.AtVec(j)))
			x[j] += d
			most = math.Max(most, math.Abs(d))
		}
		if most < 1e-6 {
			break
		}
	}
	// A prediction turned round, or magnified, is chance.
	x[atText] = math.Max(0, math.Min(1.5, x[atText]))
	x[atSlope] = math.Max(0, x[atSlope])
	return x
}

// fitModels fits all models: once alone, then with slopes drawn to the mean of
// all, weighted by their numbers of outcomes.
func fitModels(trials [][]trial, kinds int) []coefficients {
	n := size(kinds)
	penalty := make([]float64, n)
	penalty[atOffset], penalty[atSlope], penalty[atText] = offsetPenalty, firstSlopePenalty, textPenalty
	for k := range kinds {
		penalty[atKinds+k], penalty[atKinds+kinds+k] = kindOffsetPenalty, kindSlopePenalty
	}
	start := make([]float64, n)
	start[atSlope] = 1 // a difficulty in logits, if it is neither too bold nor too shy
	mean := make([]float64, n)
	total := 0.0
	parallel(len(trials), func(m int) []float64 { return fitModel(trials[m], kinds, start, penalty) },
		func(m int, x []float64) {
			w := math.Sqrt(float64(len(trials[m])))
			total += w
			for j := range x {
				mean[j] += w * x[j]
			}
		})
	for j := range mean {
		mean[j] /= math.Max(total, 1e-9)
	}
	mean[atOffset] = 0 // means of offsets would compare unlike models
	for k := range kinds {
		mean[atKinds+k] = 0
	}
	penalty[atSlope] = slopePenalty
	out := make([]coefficients, len(trials))
	parallel(len(trials), func(m int) []float64 { return fitModel(trials[m], kinds, mean, penalty) },
		func(m int, x []float64) {
			out[m] = coefficients{x[atOffset], x[atSlope], x[atText], x[atKinds : atKinds+kinds], x[atKinds+kinds:], float64(len(trials[m]))}
		})
	return out
}
