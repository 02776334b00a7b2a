package main

import (
	"context"
	"time"

	"assay/deploy/bench/load"
)

// sample is one measurement of one system under one load.
type sample struct {
	System string `json:"system"`
	Load   string `json:"load"`
	Round  int    `json:"round"`
	// Closed is what a closed loop has shown, Most the most paced streams that
	// the system carried in time, Probes what was tried on the way there.
	Closed *load.Result        `json:"closed,omitempty"`
	Most   int                 `json:"most,omitempty"`
	Limit  bool                `json:"limit,omitempty"` // Most is as many as were tried, or as the load itself can keep open
	Probes []load.StreamResult `json:"probes,omitempty"`

	CPUPerRequest float64 `json:"cpu_s_per_request,omitempty"` // of a stream for streams
	Busy          float64 `json:"busy,omitempty"`              // share of its core that the system used
	RSS           int64   `json:"rss_bytes,omitempty"`         // at the end of the window
	Peak          int64   `json:"peak_bytes,omitempty"`        // since the system was started
	Calls         float64 `json:"calls_per_request,omitempty"` // of the provider
	Errors        int     `json:"errors"`
	FirstError    string  `json:"first_error,omitempty"`
}

// running is a system under way.
type running struct {
	spec
	launch
	process *process // nil for direct
	addr    string
}

func (r *running) target() load.Target { return load.Target{Addr: r.addr, Header: r.header} }

// meter measures a system's processes at the two ends of a window.
type meter struct {
	process *process
	marks   []usage
	at      []time.Time
	err     error
}

func (m *meter) mark() {
	if m.process == nil {
		return
	}
	u, err := usageOf(m.process.pid)
	if err != nil {
		m.err = err
	}
	m.marks, m.at = append(m.marks, u), append(m.at, time.Now())
}

// into writes what a window with so many answers took. A system that is gone
// is an error of the sample.
func (m *meter) into(s *sample, answers int) {
	if m.err != nil {
		s.fail(m.err)
		return
	}
	if len(m.marks) < 2 {
		return
	}
	a, b := m.marks[0], m.marks[1]
	cpu := b.CPU - a.CPU
	s.RSS, s.Peak = b.RSS, b.Peak
	s.Busy = cpu / m.at[1].Sub(m.at[0]).Seconds()
	if answers > 0 {
		s.CPUPerRequest = cpu / float64(answers)
	}
}

func (s *sample) fail(err error) {
	s.Errors++
	if s.FirstError == "" {
		s.FirstError = err.Error()
	}
}

// bodyKey names a set of request bodies.
type bodyKey struct {
	mode   load.Mode
	model  string
	stream bool
}

// bodiesFor composes request bodies once for every load that uses them.
func (b *bench) bodiesFor(j job, model string) (*load.Bodies, error) {
	key := bodyKey{j.Mode, model, j.Stream}
	if b.bodies[key] == nil {
		made, err := load.NewBodies(load.BodyOptions{Mode: j.Mode, Model: model, Stream: j.Stream, Seed: 1})
		if err != nil {
			return nil, err
		}
		b.bodies[key] = made
	}
	return b.bodies[key], nil
}

// closed measures a closed loop.
func (b *bench) closed(ctx context.Context, r *running, j job, round int) (sample, error) {
	s := sample{System: r.Name, Load: j.Name, Round: round}
	bodies, err := b.bodiesFor(j, r.model)
	if err != nil {
		return s, err
	}
	before, err := b.provider.stats(ctx)
	if err != nil {
		return s, err
	}
	m := meter{process: r.process}
	res := load.Closed(ctx, load.Options{Target: r.target(), Bodies: bodies, Serial: b.serial, Concurrency: j.Concurrency, Stream: j.Stream,
		Chunks: streamChunks, Warmup: b.warmup, Window: b.window, Mark: m.mark})
	b.serial += uint64(res.Sent)
	s.Closed, s.Errors, s.FirstError = &res, res.Errors, res.FirstError
	m.into(&s, res.Answers)
	after, err := b.provider.stats(ctx)
	if err == nil && res.Sent > 0 {
		s.Calls = float64(after.Requests-before.Requests) / float64(res.Sent)
	}
	if ctx.Err() == nil && res.Answers == 0 && res.Errors == 0 {
		s.fail(errNoAnswer)
	}
	return s, err
}

// streams keeps n paced streams open for a window.
func (b *bench) streams(ctx context.Context, r *running, j job, n int) (load.StreamResult, sample, error) {
	var s sample
	bodies, err := b.bodiesFor(j, r.model)
	if err != nil {
		return load.StreamResult{}, s, err
	}
	m := meter{process: r.process}
	res := load.Streams(ctx, load.StreamOptions{Target: r.target(), Bodies: bodies, Serial: b.serial, N: n, Chunks: streamChunks, Length: streamLength,
		Window: b.window, Mark: m.mark})
	b.serial += 1 << 20
	m.into(&s, res.Chunks/streamChunks)
	return res, s, nil
}

// paced searches for the most streams that a system carries in time. What the
// load and the provider do alone, with as many streams, is the measure.
func (b *bench) paced(ctx context.Context, r, alone *running, j job, round int, baseline map[int]load.StreamResult) (sample, error) {
	s := sample{System: r.Name, Load: j.Name, Round: round}
	var failure error
	probe := func(r *running, n int) (load.StreamResult, sample) {
		if failure == nil {
			failure = ctx.Err()
		}
		if failure != nil {
			return load.StreamResult{}, sample{}
		}
		res, used, err := b.streams(ctx, r, j, n)
		failure = err
		return res, used
	}
	bare := func(n int) load.StreamResult {
		if _, ok := baseline[n]; !ok {
			r.process.pause()
			if baseline[n], _ = probe(alone, n); baseline[n].P99 > int64(allowedDelay) && failure == nil {
				baseline[n], _ = probe(alone, n) // a hiccup, or the load's limit
			}
			r.process.resume()
		}
		return baseline[n]
	}
	limited := 0 // least number of streams that the load itself could not keep in time
	try := func(n int) bool {
		d := bare(n)
		res, used := d, sample{}
		if r.process != nil {
			res, used = probe(r, n)
		}
		s.Probes = append(s.Probes, res)
		ok := failure == nil && res.Errors == 0 && res.Chunks > 0 && res.P99 <= d.P99+int64(allowedDelay)
		if ok {
			s.CPUPerRequest, s.Busy, s.RSS, s.Peak = used.CPUPerRequest, used.Busy, used.RSS, used.Peak
		}
		return ok
	}
	s.Most = load.Most(min(16, b.maxStreams), b.maxStreams, func(n int) bool {
		if d := bare(n); failure != nil || d.Errors > 0 || d.P99 > int64(allowedDelay) {
			if limited == 0 || n < limited {
				limited = n
			}
			return false
		}
		// One hiccup of the machine is not the system's limit: two windows are.
		return try(n) || failure == nil && try(n)
	})
	s.Limit = s.Most == b.maxStreams || limited > 0 && !tooManyFor(s.Probes, s.Most)
	if s.Most == 0 && failure == nil && len(s.Probes) > 0 {
		// Not even the fewest: if that was for errors, they count.
		s.Errors, s.FirstError = s.Probes[len(s.Probes)-1].Errors, s.Probes[len(s.Probes)-1].FirstError
	}
	return s, failure
}

// tooManyFor says whether the system itself failed with more streams than most.
func tooManyFor(probes []load.StreamResult, most int) bool {
	for _, p := range probes {
		if p.N > most {
			return true
		}
	}
	return false
}
