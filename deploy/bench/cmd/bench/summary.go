package main

import (
	"math"
	"slices"
)

// summary is a system under a load: medians over the rounds.
type summary struct {
	System, Load string
	Rate         float64 // answers a second, or most paced streams
	Ratio        float64 // median of the rounds' ratios to nginx; NaN without
	P50, P99     float64 // nanoseconds; of chunks for paced streams
	CPU, Busy    float64
	RSS, Peak    float64
	Calls        float64
	Errors       int
	FirstError   string
	Limit        bool // in a round at least the load's limit was reached, not the system's
	Paced        bool
}

// rate is what ratios are made of.
func (s sample) rate() float64 {
	if s.Closed != nil {
		return s.Closed.Rate
	}
	return float64(s.Most)
}

// latency gives p50 and p99 in nanoseconds; for paced streams of the chunks
// with as many streams as could be carried.
func (s sample) latency() (p50, p99 float64) {
	if s.Closed != nil {
		return float64(s.Closed.P50), float64(s.Closed.P99)
	}
	for _, p := range slices.Backward(s.Probes) { // the last window is the one that counted
		if p.N == s.Most {
			return float64(p.P50), float64(p.P99)
		}
	}
	return math.NaN(), math.NaN()
}

// of picks the samples of a system under a load, by round.
func (r *report) of(system, load string) (out []sample) {
	for _, s := range r.Samples {
		if s.System == system && s.Load == load {
			out = append(out, s)
		}
	}
	return out
}

// summarise gives the medians; ok is false if there is nothing.
func (r *report) summarise(system, load string) (sum summary, ok bool) {
	all := r.of(system, load)
	if len(all) == 0 {
		return sum, false
	}
	sum = summary{System: system, Load: load, Paced: all[0].Closed == nil}
	field := func(f func(sample) float64) float64 { return medianOf(all, f) }
	sum.Rate = field(sample.rate)
	sum.P50 = field(func(s sample) float64 { p, _ := s.latency(); return p })
	sum.P99 = field(func(s sample) float64 { _, p := s.latency(); return p })
	sum.CPU = field(func(s sample) float64 { return s.CPUPerRequest })
	sum.Busy = field(func(s sample) float64 { return s.Busy })
	sum.RSS = field(func(s sample) float64 { return float64(s.RSS) })
	sum.Peak = field(func(s sample) float64 { return float64(s.Peak) })
	sum.Calls = field(func(s sample) float64 { return s.Calls })
	sum.Ratio = r.perRound(system, yard, load, func(a, b sample) float64 { return a.rate() / b.rate() })
	for _, s := range all {
		sum.Errors += s.Errors
		sum.Limit = sum.Limit || s.Limit
		if sum.FirstError == "" {
			sum.FirstError = s.FirstError
		}
	}
	return sum, true
}

// perRound is the median of what f says of two systems in the same round; NaN
// if they share none.
func (r *report) perRound(a, b, load string, f func(a, b sample) float64) float64 {
	var out []float64
	for _, x := range r.of(a, load) {
		for _, y := range r.of(b, load) {
			if x.Round == y.Round {
				out = append(out, f(x, y))
			}
		}
	}
	return median(out)
}

func medianOf(all []sample, f func(sample) float64) float64 {
	var out []float64
	for _, s := range all {
		out = append(out, f(s))
	}
	return median(out)
}

// median ignores what is no number, such as the ratio of nothing to nothing.
func median(all []float64) float64 {
	all = slices.DeleteFunc(slices.Clone(all), func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
	if len(all) == 0 {
		return math.NaN()
	}
	slices.Sort(all)
	mid := len(all) / 2
	if len(all)%2 == 1 {
		return all[mid]
	}
	return (all[mid-1] + all[mid]) / 2
}
