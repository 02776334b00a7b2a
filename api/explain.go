package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"assay/router"
	"assay/router/policy"
)

// explain serves POST /v1/route: the decision for a chat completion request,
// with every candidate and everybody left out, without calling anyone.
func (s *Server) explain(c *gin.Context) {
	ask, err := s.readAsk(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	d, err := s.o.Router.Route(c.Request.Context(), ask)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, d)
}

// getRequest serves GET /v1/requests/{id}: what happened to a request of the
// same key, as long as it is remembered.
func (s *Server) getRequest(c *gin.Context) {
	rec, ok := s.log.get(c.Param("id"))
	if !ok || rec.Key != keyLabel(c) {
		s.fail(c, notFound("request_not_found", "request %q is not remembered here: unknown, another key's, or too long ago", c.Param("id")))
		return
	}
	c.JSON(http.StatusOK, view(rec))
}

// requestView is a record with the amounts a person asks for first.
type requestView struct {
	ID        string           `json:"id"`
	Object    string           `json:"object"`
	Created   int64            `json:"created"`
	Org       string           `json:"org,omitempty"`
	Workload  policy.Workload  `json:"workload,omitempty"`
	Stream    bool             `json:"stream"`
	Model     string           `json:"model"`
	Provider  string           `json:"provider"`
	Outcome   router.Outcome   `json:"outcome"`
	Simulated bool             `json:"simulated"`
	Free      bool             `json:"free,omitempty"`       // inside a free allowance of the operator's
	CostUSD   *string          `json:"cost_usd"`             // decimal dollars; null if the price is unknown
	BesideUSD string           `json:"beside_usd,omitempty"` // of calls whose answer was not given: the operator's cost
	Why       string           `json:"why"`
	Decision  router.Decision  `json:"decision"`
	Attempts  []router.Attempt `json:"attempts"` // served, hedge, free, key and findings with each
	Escalated bool             `json:"escalated,omitempty"`
	Skipped   []router.LeftOut `json:"skipped,omitempty"` // candidates left alone
	DecidedMS float64          `json:"decided_ms"`
	FirstMS   *float64         `json:"first_byte_ms"` // from the request; null if no answer began
	AddedMS   float64          `json:"added_ms"`      // in which no upstream was at work
	TotalMS   float64          `json:"total_ms"`
}

func view(rec *router.Record) requestView {
	v := requestView{ID: rec.ID, Object: "request", Created: rec.Started.Unix(), Org: rec.Org, Workload: rec.Workload, Stream: rec.Stream,
		Outcome: rec.Outcome, Why: why(rec), Decision: rec.Decision, Attempts: rec.Attempts, Escalated: rec.Escalated, Skipped: rec.Skipped,
		DecidedMS: millis(rec.Decided), AddedMS: millis(max(rec.Duration-upstreamTime(rec.Attempts), 0)), TotalMS: millis(rec.Duration)}
	if at, ok := firstByte(rec); ok {
		ms := millis(at)
		v.FirstMS = &ms
	}
	if beside := besideCost(rec); beside > 0 {
		v.BesideUSD = usd(beside)
	}
	if a, ok := rec.Final(); ok {
		v.Model, v.Provider, v.Simulated, v.Free = a.Model, a.Provider, a.Simulated, a.Free
		if a.CostKnown {
			amount := usd(a.CostNano)
			v.CostUSD = &amount
		}
	}
	return v
}
