package api

import (
	"cmp"
	"sync"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/trace"

	"assay/router"
)

// requestLog remembers the last records in a ring.
type requestLog struct {
	mu   sync.Mutex
	by   map[string]*remembered
	ring []string
	next int
}

type remembered struct {
	router.Record
	span trace.SpanContext // of the request; what goes on after it belongs there
}

func newRequestLog(n int) *requestLog {
	return &requestLog{by: make(map[string]*remembered, n), ring: make([]string, n)}
}

// keptCandidates is how many candidates of a decision are remembered; the
// whole list is what POST /v1/route gives.
const keptCandidates = 5

func (l *requestLog) add(rec *router.Record, span trace.SpanContext) {
	kept := &remembered{*rec, span}
	kept.Decision.Candidates = append([]router.Candidate(nil), rec.Decision.Candidates[:min(len(rec.Decision.Candidates), keptCandidates)]...)
	kept.Decision.LeftOut, kept.Decision.Likeliest = []router.LeftOut{}, nil
	kept.Decision.Class.Embedding = nil // large, and near enough to the prompt
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.by, l.ring[l.next])
	l.ring[l.next] = rec.ID
	l.by[rec.ID] = kept
	l.next = (l.next + 1) % len(l.ring)
}

func (l *requestLog) get(id string) (*router.Record, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.by[id]
	if !ok {
		return nil, false
	}
	return &r.Record, true
}

// span gives the span of a request that is remembered.
func (l *requestLog) span(id string) trace.SpanContext {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r, ok := l.by[id]; ok {
		return r.span
	}
	return trace.SpanContext{}
}

// finish remembers, counts, traces and logs a request.
func (s *Server) finish(c *gin.Context, rec *router.Record, err error) {
	f := failureOf(rec, err)
	span := s.traces.request(c.Request, c.FullPath(), rec, f)
	s.log.add(rec, span)
	s.metrics.record(rec)
	s.explainInLog(c.Request.Context(), "request", rec, f, span)
}

// Shadow counts, traces and logs a copy of a request that went to a model in
// the shadow: the router's OnShadow. It has a line of its own, under the id of
// the request, and is not remembered, for that id is the request's.
func (s *Server) Shadow(rec *router.Record) {
	f := failure{}
	if rec.Outcome != router.Success {
		f.code = cmp.Or(string(rec.Outcome), "not_called")
	}
	span := s.traces.shadow(s.log.span(rec.ID), rec, f)
	s.metrics.shadow(rec)
	s.explainInLog(background, "shadow", rec, f, span)
}
