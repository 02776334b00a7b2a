package replay

import "math"

// Cheapest is the margin at which every saving is taken.
const Cheapest = 1000

// Margins is the grid at which every policy is run: 0 (the likeliest model),
// 48 steps a decade from 0.006 to 0.12, where most choices turn, wider ones to
// both sides, and Cheapest.
func Margins() []float64 {
	grid := []float64{0, 0.0005, 0.001, 0.002, 0.003, 0.004, 0.005}
	for k := 0; ; k++ {
		m := math.Round(6e3*math.Pow(10, float64(k)/48)) / 1e6
		if m > 0.12 {
			break
		}
		grid = append(grid, m)
	}
	return append(grid, 0.13, 0.15, 0.18, 0.21, 0.25, 0.3, 0.5, 1, Cheapest)
}

// The bounds of the router's rule.
const (
	mostForgiven = 0.5 // of predicted success, whatever the saving
	freeHalvings = 10  // that a free model counts as, at least
)

// choose applies the router's rule to predictions that do not come from it:
// the cheapest model with
//
//	p >= p_best - min(margin * log2(cost_best / cost), mostForgiven)
//
// where best is the likeliest model. A p of NaN is no candidate; the result is
// -1 without any. Of equals the cheaper, the likelier and the first win.
func choose(p, cost []float32, margin float64) int {
	best, paid := -1, float32(math.MaxFloat32)
	for m := range p {
		if p[m] != p[m] {
			continue
		}
		if best < 0 || p[m] > p[best] || p[m] == p[best] && cost[m] < cost[best] {
			best = m
		}
		if cost[m] > 0 {
			paid = min(paid, cost[m])
		}
	}
	if best < 0 {
		return -1
	}
	free := max(freeHalvings, math.Log2(float64(cost[best])/float64(paid)))
	pick := best
	for m := range p {
		if p[m] != p[m] || !(cost[m] < cost[pick] || cost[m] == cost[pick] && p[m] > p[pick]) {
			continue
		}
		halvings := free
		if cost[m] > 0 {
			halvings = math.Log2(float64(cost[best]) / float64(cost[m]))
		}
		if float64(p[m]) >= float64(p[best])-min(margin*halvings, mostForgiven) {
			pick = m
		}
	}
	return pick
}
