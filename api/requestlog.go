package api

import (
	"sync"

	"github.com/gin-gonic/gin"

	"assay/router"
)

// requestLog remembers the last records in a ring.
type requestLog struct {
	mu   sync.Mutex
	by   map[string]*router.Record
	ring []string
	next int
}

func newRequestLog(n int) *requestLog {
	return &requestLog{by: make(map[string]*router.Record, n), ring: make([]string, n)}
}

// keptCandidates is how many candidates of a decision are remembered; the
// whole list is what POST /v1/route gives.
const keptCandidates = 5

func (l *requestLog) add(rec *router.Record) {
	kept := *rec
	kept.Decision.Candidates = append([]router.Candidate(nil), rec.Decision.Candidates[:min(len(rec.Decision.Candidates), keptCandidates)]...)
	kept.Decision.LeftOut = []router.LeftOut{}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.by, l.ring[l.next])
	l.ring[l.next] = rec.ID
	l.by[rec.ID] = &kept
	l.next = (l.next + 1) % len(l.ring)
}

func (l *requestLog) get(id string) (*router.Record, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.by[id]
	return r, ok
}

// finish remembers, counts and logs a request: one line that explains it.
func (s *Server) finish(c *gin.Context, rec *router.Record, err error) {
	s.log.add(rec)
	s.metrics.record(rec)
	a, _ := rec.Final()
	args := []any{"id", rec.ID, "key", rec.Key, "asked", rec.Decision.Requested, "model", a.Model, "tier", rec.Decision.Tier,
		"intent", rec.Decision.Intent, "level", rec.Decision.Level.String(), "by", rec.Decision.Class.Source, "p", rec.Decision.PSuccess,
		"reason", rec.Decision.Reason, "table", rec.Decision.Table, "attempts", len(rec.Attempts), "outcome", rec.Outcome, "stream", rec.Stream,
		"in", a.Usage.Input, "out", a.Usage.Output, "usd", usd(a.CostNano), "simulated", a.Simulated,
		"decided_ms", rec.Decided.Milliseconds(), "first_byte_ms", a.FirstByte.Milliseconds(), "ms", rec.Duration.Milliseconds()}
	if err != nil {
		args = append(args, "error", err.Error())
	}
	s.o.Log.InfoContext(c.Request.Context(), "request", args...)
}
