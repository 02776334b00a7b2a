package load

import "slices"

// Samples are measured times in nanoseconds, kept one by one: quantiles of
// them are exact.
type Samples []int64

// Quantiles sorts the samples and gives the smallest sample that at least a
// share q of them does not exceed, for each q; zeros if there are none.
func (s Samples) Quantiles(qs ...float64) []int64 {
	slices.Sort(s)
	out := make([]int64, len(qs))
	for i, q := range qs {
		if len(s) > 0 {
			rank := int(q*float64(len(s)) + 0.9999999)
			out[i] = s[min(max(rank, 1), len(s))-1]
		}
	}
	return out
}
