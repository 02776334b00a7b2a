package success

import (
	"math"
	"math/rand/v2"
)

// cluster finds k centroids by Lloyd's algorithm from k-means++ starts (Arthur
// and Vassilvitskii 2007), the best of a few. Fewer come back where points coincide.
func cluster(points [][]float64, k int, rng *rand.Rand) [][]float64 {
	const starts, rounds, sample = 4, 30, 20000
	if len(points) > sample { // means need no more
		some := make([][]float64, sample)
		for i := range some {
			some[i] = points[rng.IntN(len(points))]
		}
		points = some
	}
	var best [][]float64
	least := math.Inf(1)
	for range starts {
		centres := seeds(points, k, rng)
		at := make([]int, len(points))
		cost := math.Inf(1)
		for range rounds {
			before := cost
			cost = assign(points, centres, at)
			recentre(points, centres, at)
			if before-cost < 1e-6*cost {
				break
			}
		}
		if cost < least {
			best, least = centres, cost
		}
	}
	return best
}

func seeds(points [][]float64, k int, rng *rand.Rand) [][]float64 {
	centres := [][]float64{append([]float64(nil), points[rng.IntN(len(points))]...)}
	far := make([]float64, len(points))
	for i := range far {
		far[i] = math.Inf(1)
	}
	for len(centres) < k {
		sum := 0.0
		for i, p := range points {
			far[i] = math.Min(far[i], squared(p, centres[len(centres)-1]))
			sum += far[i]
		}
		if sum == 0 {
			break
		}
		at, pick := rng.Float64()*sum, len(points)-1
		for i, d := range far {
			if at -= d; at < 0 {
				pick = i
				break
			}
		}
		centres = append(centres, append([]float64(nil), points[pick]...))
	}
	return centres
}

func assign(points, centres [][]float64, at []int) (cost float64) {
	for i, p := range points {
		at[i] = nearest(centres, p)
		cost += squared(p, centres[at[i]])
	}
	return cost
}

func recentre(points, centres [][]float64, at []int) {
	count := make([]float64, len(centres))
	next := make([][]float64, len(centres))
	for j := range next {
		next[j] = make([]float64, len(centres[0]))
	}
	for i, p := range points {
		count[at[i]]++
		for d, x := range p {
			next[at[i]][d] += x
		}
	}
	for j := range centres {
		if count[j] == 0 {
			continue // keeps its place
		}
		for d := range next[j] {
			centres[j][d] = next[j][d] / count[j]
		}
	}
}

func nearest(centres [][]float64, p []float64) int {
	best, least := 0, math.Inf(1)
	for j, c := range centres {
		if d := squared(p, c); d < least {
			best, least = j, d
		}
	}
	return best
}

func squared(a, b []float64) float64 {
	sum := 0.0
	for i, x := range a {
		d := x - b[i]
		sum += d * d
	}
	return sum
}
