package replay

import (
	"math/rand/v2"
	"slices"
)

// Draws of the bootstrap.
const draws = 2000

// Interval is a mean with its 95 % interval.
type Interval struct {
	Mean float64 `json:"mean"`
	Lo   float64 `json:"lo"`
	Hi   float64 `json:"hi"`
}

// bootstrap gives the means of columns, each with a percentile interval from
// resampling the rows, the same draws for every column: columns[c][row], all
// of one length.
func bootstrap(columns [][]float64, seed uint64) []Interval {
	out := make([]Interval, len(columns))
	if len(columns) == 0 || len(columns[0]) == 0 {
		return out
	}
	n := len(columns[0])
	means := make([][]float64, len(columns))
	for c := range means {
		means[c] = make([]float64, draws)
	}
	each(draws, func(d int) {
		rng := rand.New(rand.NewPCG(seed, uint64(d)))
		times := make([]float64, n)
		for range n {
			times[rng.IntN(n)]++
		}
		for c, column := range columns {
			sum := 0.0
			for i, t := range times {
				sum += t * column[i]
			}
			means[c][d] = sum / float64(n)
		}
	})
	for c, column := range columns {
		slices.Sort(means[c])
		out[c] = Interval{mean(column), means[c][draws*25/1000], means[c][draws*975/1000-1]}
	}
	return out
}

func mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}
