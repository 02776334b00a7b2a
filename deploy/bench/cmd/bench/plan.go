package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/deploy/bench/load"
)

// job is one load.
type job struct {
	Name        string
	Concurrency int
	Mode        load.Mode
	Stream      bool
	Paced       bool // as many streams as the system can carry, instead of Concurrency
}

func (j job) name() string { return j.Name }

// Streams have streamChunks chunks; paced ones one every streamPace.
const (
	streamChunks = 200
	streamPace   = 5 * time.Millisecond
	streamLength = streamChunks * streamPace
	// allowedDelay is how much later than without a gateway the slowest
	// hundredth of the chunks may come.
	allowedDelay = 5 * time.Millisecond
)

var jobs = []job{
	{Name: "json-c1", Concurrency: 1, Mode: load.Repeated},
	{Name: "json-c16", Concurrency: 16, Mode: load.Repeated},
	{Name: "json-c64", Concurrency: 64, Mode: load.Repeated},
	{Name: "json-c1-distinct", Concurrency: 1, Mode: load.Distinct},
	{Name: "json-c16-distinct", Concurrency: 16, Mode: load.Distinct},
	{Name: "json-c64-distinct", Concurrency: 64, Mode: load.Distinct},
	{Name: "sse-c16", Concurrency: 16, Mode: load.Repeated, Stream: true},
	{Name: "sse-paced", Mode: load.Repeated, Stream: true, Paced: true},
}

// plan is what a run does.
type plan struct {
	options
	cores   cores
	systems []spec
	jobs    []job
}

func (o options) plan(rest []string) (*plan, error) {
	if len(rest) > 0 {
		return nil, fmt.Errorf("unexpected argument %q; see --help", rest[0])
	}
	if o.rounds < 1 || o.window <= 0 || o.warmup < 0 || o.maxStreams < 1 {
		return nil, fmt.Errorf("--rounds and --max-streams must be at least 1, --window positive, --warmup not negative")
	}
	p := &plan{options: o}
	var err error
	if p.systems, err = choose("system", specs, o.systems); err != nil {
		return nil, err
	}
	if p.jobs, err = choose("load", jobs, o.loads); err != nil {
		return nil, err
	}
	p.cores, err = allowedCores()
	return p, err
}

type named interface{ name() string }

func names[T named](all []T) string {
	var out []string
	for _, x := range all {
		out = append(out, x.name())
	}
	return strings.Join(out, ",")
}

// choose picks those that a list names, in their own order; "" picks all.
func choose[T named](kind string, all []T, list string) ([]T, error) {
	if list == "" {
		return all, nil
	}
	wanted := strings.Split(list, ",")
	var out []T
	for _, x := range all {
		if i := slices.Index(wanted, x.name()); i >= 0 {
			out, wanted = append(out, x), slices.Delete(wanted, i, i+1)
		}
	}
	if len(wanted) > 0 {
		return nil, fmt.Errorf("%s %q: want %s", kind, wanted[0], names(all))
	}
	return out, nil
}
