package main

import (
	"fmt"
	"math"
	"time"
)

// The least share of nginx's rate that the gateway is to reach, everything
// on, fast stage, 16 requests at once.
const (
	wantRepeated = 0.18
	wantDistinct = 0.10
	// wantAdded bounds the median delay that the gateway adds, in those of
	// nginx, besides the classifier's time.
	wantAdded = 3
)

// target is a line of the last table. Without a bound it is only printed.
type target struct {
	What, Want, Got string
	Verdict         string // met, MISSED, not measured, or "" without a bound
}

// targets compares what was measured with what was set as a goal.
func (r *report) targets() []target {
	return []target{
		r.share("json-c16", onFast, wantRepeated),
		r.share("json-c16-distinct", onFast, wantDistinct),
		r.share("json-c16", onBoth, 0),
		r.share("json-c16-distinct", onBoth, 0),
		r.added("json-c1", onFast, "fast"),
		r.added("json-c1-distinct", onFast, "fast"),
		r.added("json-c1-distinct", onBoth, "both"),
		r.share("sse-c16", onFast, 0),
		r.share("sse-c16", onBoth, 0),
		r.most(onFast), r.most(onBoth), r.most(yard),
	}
}

func unmeasured(what, want string) target { return target{what, want, "-", "not measured"} }

// share is the system's rate in nginx's; want 0 sets no bound.
func (r *report) share(load, system string, want float64) target {
	t := target{What: fmt.Sprintf("%s, %s: share of nginx's rate", load, system), Want: "printed"}
	if want > 0 {
		t.Want = fmt.Sprintf(">= %.2f", want)
	}
	s, ok := r.summarise(system, load)
	if !ok || math.IsNaN(s.Ratio) {
		return unmeasured(t.What, t.Want)
	}
	t.Got = fmt.Sprintf("%.3f", s.Ratio)
	// What the ratio would be if both had their core full, whatever the load can do.
	if byCPU := r.perRound(system, yard, load, func(a, b sample) float64 { return b.CPUPerRequest / a.CPUPerRequest }); byCPU > 0 {
		t.Got += fmt.Sprintf("; by CPU per request %.3f", byCPU)
	}
	if want > 0 {
		t.Verdict = verdict(s.Ratio >= want && s.Errors == 0)
		if nginx, _ := r.summarise(yard, load); nginx.Busy > 0 && nginx.Busy < saturated {
			t.Verdict += fmt.Sprintf(", but nginx used %.2f of its core: trust the figure by CPU", nginx.Busy)
		}
	}
	return t
}

// added is the median delay above that without a gateway, against thrice
// nginx's in the same round plus the classifier's time.
func (r *report) added(load, system, stages string) target {
	t := target{What: fmt.Sprintf("%s, %s: p50 added", load, system)}
	over := func(a, b sample) float64 { return float64(a.Closed.P50 - b.Closed.P50) }
	ours, nginx := r.perRound(system, direct, load, over), r.perRound(yard, direct, load, over)
	classify, ok := r.Classify[stages]
	if !ok || math.IsNaN(ours) || math.IsNaN(nginx) {
		return unmeasured(t.What, fmt.Sprintf("<= %d x nginx's + classifier's", wantAdded))
	}
	bound := wantAdded*nginx + float64(classify)
	t.Want = fmt.Sprintf("<= %s (%d x %s + %s)", span(bound), wantAdded, span(nginx), span(float64(classify)))
	sum, _ := r.summarise(system, load)
	t.Got, t.Verdict = span(ours), verdict(ours <= bound && sum.Errors == 0)
	return t
}

func (r *report) most(system string) target {
	t := target{What: fmt.Sprintf("sse-paced, %s: most streams with p99 within %s of direct's", system, allowedDelay), Want: "printed"}
	s, ok := r.summarise(system, "sse-paced")
	if !ok {
		return unmeasured(t.What, t.Want)
	}
	t.Got = streamsCount(s)
	return t
}

func verdict(ok bool) string {
	if ok {
		return "met"
	}
	return "MISSED"
}

// span prints nanoseconds for people.
func span(ns float64) string {
	if math.IsNaN(ns) {
		return "-"
	}
	d := time.Duration(ns)
	switch {
	case d.Abs() >= 100*time.Millisecond:
		return d.Round(time.Millisecond).String()
	case d.Abs() >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}
