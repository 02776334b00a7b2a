package success

import "math"

// rasch fits p = logistic(θ_m - b_i) to scores of one kind by alternating
// Newton steps, b ~ N(0, s²), and gives each prompt's b (posterior mode) with
// its reliability: the share of the prior's variance that outcomes removed.
// Scores between 0 and 1 count as shares of a success (quasi-likelihood).
func rasch(rows [][]float64, models int) (b, reliability []float64) {
	theta := make([]float64, models)
	b, reliability = make([]float64, len(rows)), make([]float64, len(rows))
	variance := 1.0
	for range 40 {
		sum, information := make([]float64, models), make([]float64, models)
		for i, row := range rows {
			for m, y := range row {
				if !math.IsNaN(y) {
					p := logistic(theta[m] - b[i])
					sum[m] += y - p
					information[m] += p * (1 - p)
				}
			}
		}
		for m := range theta {
			theta[m] += (sum[m] - 0.05*theta[m]) / (information[m] + 0.05)
		}
		var spread float64
		for i, row := range rows {
			g, h := -b[i]/variance, 1/variance
			for m, y := range row {
				if !math.IsNaN(y) {
					p := logistic(theta[m] - b[i])
					g -= y - p
					h += p * (1 - p)
				}
			}
			b[i] += math.Max(-1, math.Min(1, g/h))
			reliability[i] = 1 - 1/(h*variance)
			spread += b[i]*b[i] + 1/h
		}
		if len(rows) > 0 {
			variance = math.Max(0.05, math.Min(9, spread/float64(len(rows))))
		}
	}
	return b, reliability
}
