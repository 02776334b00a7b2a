package api

import (
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"assay/router"
)

// record counts one request.
func (m *metrics) record(rec *router.Record) {
	a, called := rec.Final()
	sim, stream := strconv.FormatBool(a.Simulated), strconv.FormatBool(rec.Stream)
	m.requests.WithLabelValues(a.Model, a.Provider, string(rec.Decision.Tier), string(rec.Outcome), stream, sim).Inc()
	for i := range rec.Attempts {
		m.attempt(&rec.Attempts[i])
	}
	for _, s := range rec.Skipped {
		m.skipped.WithLabelValues(s.Model).Inc()
	}
	if rec.Escalated {
		m.escalations.WithLabelValues(escalation(rec)).Inc()
	}
	m.decided(rec)
	m.choices(rec, &a, sim)
	if called {
		m.firstByte.WithLabelValues(a.Provider).Observe(a.FirstByte.Seconds())
		m.duration.WithLabelValues(stream).Observe(rec.Duration.Seconds())
		upstream := upstreamTime(rec.Attempts)
		m.upstream.Observe(upstream.Seconds())
		m.added.Observe(max(rec.Duration-upstream, 0).Seconds())
	}
}

// attempt counts one call.
func (m *metrics) attempt(at *router.Attempt) {
	sim := strconv.FormatBool(at.Simulated)
	m.attempts.WithLabelValues(at.Provider, string(at.Outcome)).Inc()
	m.tokens.WithLabelValues(at.Model, "in", sim).Add(float64(at.Usage.Input))
	m.tokens.WithLabelValues(at.Model, "out", sim).Add(float64(at.Usage.Output))
	m.cost.WithLabelValues(at.Model, sim).Add(float64(at.CostNano))
	if !at.CostKnown && at.Usage.Input+at.Usage.Output > 0 {
		m.unpriced.WithLabelValues(at.Model).Inc()
	}
	if at.Free {
		m.free.WithLabelValues(at.Provider, at.Key).Inc()
	}
	for _, f := range at.Findings {
		m.findings.WithLabelValues(at.Model, beforeDetail(f)).Inc()
	}
	switch at.Outcome {
	case router.HedgeLost:
		m.hedgeCost.WithLabelValues(sim).Add(float64(at.CostNano))
	case router.Rejected:
		m.escalationCost.WithLabelValues(sim).Add(float64(at.CostNano))
	}
	if at.Hedge {
		m.hedges.WithLabelValues(hedge(at)).Inc()
	}
}

// hedge says how a second call ended. One that came first has won, whatever
// was found in its answer.
func hedge(at *router.Attempt) string {
	switch {
	case at.Served, at.Outcome == router.Rejected:
		return "won"
	case at.Outcome == router.HedgeLost:
		return "lost"
	}
	return "failed"
}

// escalation says what became of an answer that was asked for once more.
func escalation(rec *router.Record) string {
	at := slices.IndexFunc(rec.Attempts, func(a router.Attempt) bool { return a.Outcome == router.Rejected })
	served, ok := rec.Final()
	switch {
	case at < 0 || !ok:
		return "failed"
	case served.Started.After(rec.Attempts[at].Started):
		return "replaced"
	}
	return "kept"
}

// decided counts how a prompt was read.
func (m *metrics) decided(rec *router.Record) {
	cl := &rec.Decision.Class
	if cl.Intent == "" {
		return
	}
	m.classifications.WithLabelValues(string(cl.Intent), cl.Level.String(), string(cl.Source), cl.Language).Inc()
	if cl.Note != "" {
		m.notes.WithLabelValues(cl.Note).Inc()
	}
	m.decision.Observe(rec.Decided.Seconds())
	table := "other"
	if rec.Decision.Table == m.router.Table().ID {
		table = "newest"
	}
	m.tables.WithLabelValues(table).Inc()
}

// choices counts swaps, stays, and what would have been chosen, with the money
// that this is expected to make.
func (m *metrics) choices(rec *router.Record, final *router.Attempt, sim string) {
	d := &rec.Decision
	if d.Stayed {
		m.stays.Inc()
	}
	if d.RoutedFrom != "" && len(d.Candidates) > 1 {
		to, from := d.Candidates[0], d.Candidates[1]
		m.swaps.WithLabelValues(string(from.Tier), string(to.Tier)).Inc()
		before, known := from.CostNano()
		after, too := to.CostNano()
		if known && too && before > after && rec.Outcome == router.Success && final.Model == to.Model {
			m.swapSaving.WithLabelValues(sim).Add(float64(before - after))
		}
	}
	if d.Would == nil {
		return
	}
	pick := "other"
	if d.Would.Model == d.Model {
		pick = "same"
	}
	m.would.WithLabelValues(d.Would.By, pick).Inc()
	now, known := d.Candidates[0].CostNano()
	if !known || rec.Outcome != router.Success {
		return
	}
	switch saving := float64(now) - math.Round(d.Would.CostUSD*1e9); {
	case saving > 0:
		m.wouldSave.WithLabelValues(d.Would.By, sim).Add(saving)
	case saving < 0:
		m.wouldCost.WithLabelValues(d.Would.By, sim).Add(-saving)
	}
}

// shadow counts a copy of a request. It is no request of a client's: only what
// it called and cost is counted.
func (m *metrics) shadow(rec *router.Record) {
	for i := range rec.Attempts {
		at := &rec.Attempts[i]
		m.attempt(at)
		m.shadows.WithLabelValues(at.Model, string(at.Outcome)).Inc()
		m.shadowCost.WithLabelValues(at.Model, strconv.FormatBool(at.Simulated)).Add(float64(at.CostNano))
	}
}

// upstreamTime is how long at least one of the calls was under way: calls that
// ran side by side are counted once.
func upstreamTime(attempts []router.Attempt) (total time.Duration) {
	if len(attempts) == 1 {
		return attempts[0].Duration
	}
	var few [8]*router.Attempt
	byStart := few[:0]
	for i := range attempts {
		byStart = append(byStart, &attempts[i])
	}
	slices.SortFunc(byStart, func(a, b *router.Attempt) int { return a.Started.Compare(b.Started) })
	var until time.Time
	for _, a := range byStart {
		from, to := a.Started, a.Started.Add(a.Duration)
		if from.Before(until) {
			from = until
		}
		if to.After(from) {
			total += to.Sub(from)
			until = to
		}
	}
	return total
}

// codeCounter counts error codes. Providers' codes are among them: there are only so
// many that get a series of their own.
type codeCounter struct {
	vec  *prometheus.CounterVec
	mu   sync.RWMutex
	seen map[string]bool
}

const mostCodes = 200

func newCodeCounter(vec *prometheus.CounterVec) *codeCounter {
	return &codeCounter{vec: vec, seen: map[string]bool{}}
}

// WithLabelValues gives the counter of a code, or of "other".
func (c *codeCounter) WithLabelValues(code string) prometheus.Counter {
	code = word(code)
	c.mu.RLock()
	known := c.seen[code]
	c.mu.RUnlock()
	if !known {
		c.mu.Lock()
		if known = len(c.seen) < mostCodes; known {
			c.seen[code] = true
		}
		c.mu.Unlock()
	}
	if !known {
		code = "other"
	}
	return c.vec.WithLabelValues(code)
}
