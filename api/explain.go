package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"assay/router"
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
	Model     string           `json:"model"`
	Provider  string           `json:"provider"`
	Outcome   router.Outcome   `json:"outcome"`
	Simulated bool             `json:"simulated"`
	CostUSD   *string          `json:"cost_usd"` // decimal dollars; null if the price is unknown
	Decision  router.Decision  `json:"decision"`
	Attempts  []router.Attempt `json:"attempts"`
	DecidedMS float64          `json:"decided_ms"`
	TotalMS   float64          `json:"total_ms"`
}

func view(rec *router.Record) requestView {
	v := requestView{ID: rec.ID, Object: "request", Created: rec.Started.Unix(), Outcome: rec.Outcome, Decision: rec.Decision, Attempts: rec.Attempts,
		DecidedMS: float64(rec.Decided.Microseconds()) / 1000, TotalMS: float64(rec.Duration.Microseconds()) / 1000}
	if a, ok := rec.Final(); ok {
		v.Model, v.Provider, v.Simulated = a.Model, a.Provider, a.Simulated
		if a.CostKnown {
			amount := usd(a.CostNano)
			v.CostUSD = &amount
		}
	}
	return v
}
