package replay

import (
	"cmp"
	"math"
	"slices"
)

// Point is one setting of a policy: what it costs and what it brings, means
// over prompts.
type Point struct{ Cost, Score float64 }

// hull gives the non-decreasing upper convex hull of points, by cost, as
// RouterBench (arXiv 2403.12031, section 3) has it: what mixtures of a
// policy's settings reach. Its first point is the cheapest.
func hull(points []Point) []Point {
	sorted := slices.Clone(points)
	slices.SortFunc(sorted, func(a, b Point) int { return cmp.Or(cmp.Compare(a.Cost, b.Cost), cmp.Compare(b.Score, a.Score)) })
	var out []Point
	for _, p := range sorted {
		if n := len(out); n > 0 && p.Score <= out[n-1].Score {
			continue // dearer and no better
		}
		for n := len(out); n > 1 && (out[n-1].Score-out[n-2].Score)*(p.Cost-out[n-2].Cost) <= (p.Score-out[n-2].Score)*(out[n-1].Cost-out[n-2].Cost); n = len(out) {
			out = out[:n-1]
		}
		out = append(out, p)
	}
	return out
}

// AIQ is RouterBench's average improvement in quality: the mean height of the
// hull over the range of costs from lo to hi. Below its cheapest point the
// hull falls to (0, 0), answering nobody; above its dearest it stays level.
func AIQ(points []Point, lo, hi float64) float64 {
	h := hull(points)
	if len(h) == 0 || !(hi > lo) {
		return math.NaN()
	}
	if h[0].Cost > 0 {
		h = append([]Point{{}}, h...)
	}
	last := h[len(h)-1]
	h = append(h, Point{math.Max(hi, last.Cost) + 1, last.Score})
	area := 0.0
	for i := 1; i < len(h); i++ {
		a, b := h[i-1], h[i]
		from, to := math.Max(a.Cost, lo), math.Min(b.Cost, hi)
		if to > from {
			slope := (b.Score - a.Score) / (b.Cost - a.Cost)
			area += (to - from) * (a.Score + slope*((from+to)/2-a.Cost))
		}
	}
	return area / (hi - lo)
}

// Duel is a choice between a strong and a weak model for one prompt: what each
// scored, and how much better the strong one was predicted to be.
type Duel struct{ Strong, Weak, Edge float64 }

// Recovery is RouteLLM's measure of a ranking (arXiv 2406.18665, section 3):
// the share of calls that go to the strong model, and the gap of performance
// that is recovered, (r - r_weak) / (r_strong - r_weak).
type Recovery struct {
	Share, Recovered []float64 // rising shares from 0 to 1
}

// Recover ranks prompts by their edge, the greatest to the strong model first.
// Prompts of one edge are sent in no order: the curve runs straight over them.
// ok is false if the strong model is no better.
func Recover(duels []Duel) (r Recovery, ok bool) {
	sorted := slices.Clone(duels)
	slices.SortFunc(sorted, func(a, b Duel) int { return cmp.Compare(b.Edge, a.Edge) })
	gap := 0.0
	for _, d := range sorted {
		gap += d.Strong - d.Weak
	}
	if !(gap > 0) {
		return r, false
	}
	r.Share, r.Recovered = []float64{0}, []float64{0}
	sum := 0.0
	for i, d := range sorted {
		sum += d.Strong - d.Weak
		if i+1 == len(sorted) || sorted[i+1].Edge != d.Edge {
			r.Share = append(r.Share, float64(i+1)/float64(len(sorted)))
			r.Recovered = append(r.Recovered, sum/gap)
		}
	}
	return r, true
}

// APGR is the mean of the gap recovered over all shares of calls; 0.5 for a
// random ranking.
func (r Recovery) APGR() float64 {
	area := 0.0
	for i := 1; i < len(r.Share); i++ {
		area += (r.Share[i] - r.Share[i-1]) * (r.Recovered[i] + r.Recovered[i-1]) / 2
	}
	return area
}

// CPT is the least share of calls with which the gap is recovered to a part
// (0.5: CPT 50 %).
func (r Recovery) CPT(part float64) float64 {
	for i := 1; i < len(r.Share); i++ {
		if b := r.Recovered[i]; b >= part {
			a := r.Recovered[i-1]
			return r.Share[i-1] + (part-a)/(b-a)*(r.Share[i]-r.Share[i-1])
		}
	}
	return 1
}
