package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"text/tabwriter"
)

// print writes the report for people: a table for each load, what was left
// out, what went wrong, and the targets.
func (r *report) print(out io.Writer) {
	fmt.Fprintf(out, "gateways beside nginx, %s, commit %s\n", r.Date.Format("2006-01-02 15:04 UTC"), r.Commit)
	fmt.Fprintf(out, "%s, %d cores (gateway on %s; provider and load on %s), kernel %s, load average %s\n", r.Host.CPU, r.Host.Cores, r.Host.SystemCores, r.Host.LoadCores, r.Host.Kernel, r.Host.Load)
	fmt.Fprintf(out, "medians of %d rounds of %s; ratios are to nginx in the same round\n", r.Rounds, r.Window)
	for _, j := range jobs {
		r.printLoad(out, j)
	}
	for _, stages := range slices.Sorted(maps.Keys(r.Classify)) {
		ns := r.Classify[stages]
		fmt.Fprintf(out, "\nclassifying a distinct prompt, %s: %s (mean, on the gateway's core)", stages, span(float64(ns)))
	}
	if len(r.Classify) > 0 {
		fmt.Fprintln(out)
	}
	for _, a := range r.Out {
		fmt.Fprintf(out, "\nleft out: %s: %s\n", a.System, a.Why)
	}
	r.printTargets(out)
	r.printErrors(out)
}

func (r *report) printLoad(out io.Writer, j job) {
	var rows []summary
	for _, s := range specs {
		if sum, ok := r.summarise(s.Name, j.Name); ok {
			rows = append(rows, sum)
		}
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s\n", j.about())
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	rate, cpu := "req/s", "CPU/req"
	if j.Stream {
		rate, cpu = "streams/s", "CPU/stream"
	}
	if j.Paced {
		rate = "streams"
	}
	fmt.Fprintf(w, "system\t%s\tx nginx\tp50\tp99\t%s\tbusy\tRSS MB\tpeak MB\tcalls/req\terrors\t\n", rate, cpu)
	for _, s := range rows {
		shown := fmt.Sprintf("%.0f", s.Rate)
		if s.Rate < 100 {
			shown = fmt.Sprintf("%.1f", s.Rate)
		}
		if s.Paced {
			shown = streamsCount(s)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", s.System, shown, number("%.3f", s.Ratio, 1), span(s.P50), span(s.P99),
			known(s.CPU, span(s.CPU*1e9)), number("%.2f", s.Busy, 1), number("%.0f", s.RSS, 1e6), number("%.0f", s.Peak, 1e6), number("%.2f", s.Calls, 1), s.Errors)
	}
	w.Flush()
	for _, s := range rows {
		if s.System == yard && j.Concurrency > 1 && s.Busy < saturated {
			fmt.Fprintf(out, "nginx used %.2f of its core: something else held it back, the load most likely; its limit is higher and the ratios to it are lower than shown\n", s.Busy)
		}
	}
}

// saturated is the share of a core from which on a system counts as the one
// that sets the rate.
const saturated = 0.9

// about says what a load is.
func (j job) about() string {
	switch {
	case j.Paced:
		return fmt.Sprintf("%s: most streams of %d chunks, %s apart, whose p99 delay of a chunk is within %s of direct's; p50, p99: of chunks", j.Name, streamChunks, streamPace, allowedDelay)
	case j.Stream:
		return fmt.Sprintf("%s: %d streams at once of %d chunks as fast as they go, %s prompts; p50, p99: of whole streams", j.Name, j.Concurrency, streamChunks, j.Mode)
	}
	return fmt.Sprintf("%s: %d requests at once, %s prompts", j.Name, j.Concurrency, j.Mode)
}

func (r *report) printTargets(out io.Writer) {
	fmt.Fprintln(out, "\ntargets")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\twanted\tmeasured\t")
	for _, t := range r.targets() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.What, t.Want, t.Got, t.Verdict)
	}
	w.Flush()
}

func (r *report) printErrors(out io.Writer) {
	for _, a := range r.Out {
		if a.Failed {
			fmt.Fprintf(out, "\nERROR: %s did not run: %s\n", a.System, a.Why)
		}
	}
	for _, s := range r.Samples {
		if s.Errors > 0 {
			fmt.Fprintf(out, "\nERROR: %s under %s, round %d: %d errors, the first: %s\n", s.System, s.Load, s.Round, s.Errors, s.FirstError)
		}
		for _, p := range s.Probes {
			if p.Errors > 0 && s.Errors == 0 {
				fmt.Fprintf(out, "\noverload: %s under %s with %d streams, round %d: %d errors, the first: %s\n", s.System, s.Load, p.N, s.Round, p.Errors, p.FirstError)
			}
		}
	}
}

// streamsCount prints how many streams; ">=" where the load gave up first.
func streamsCount(s summary) string {
	if s.Limit {
		return fmt.Sprintf(">= %.0f", s.Rate)
	}
	return fmt.Sprintf("%.0f", s.Rate)
}

// number prints a value in units of so much; "-" for what is not known.
func number(format string, v, unit float64) string {
	if math.IsNaN(v) || v == 0 {
		return "-"
	}
	return fmt.Sprintf(format, v/unit)
}

func known(v float64, shown string) string {
	if math.IsNaN(v) || v == 0 {
		return "-"
	}
	return shown
}
