package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"assay/router"
)

// Status is what an operator learns from /readyz.
type Status struct {
	Ready bool `json:"ready"`
	// Mode is "simulated" or "real".
	Mode string `json:"mode"`
	// Classifier is "onnx" or "heuristic", with the reason for the latter.
	Classifier      string `json:"classifier"`
	ClassifierError string `json:"classifier_error,omitempty"`

	Catalog       string  `json:"catalog"` // version
	Table         string  `json:"table"`
	Policy        string  `json:"policy"`
	Tiers         string  `json:"tiers"`
	TiersEvidence string  `json:"tiers_evidence"`
	TiersAge      float64 `json:"tiers_age_seconds"`
	Callable      int     `json:"callable_models"`

	// LeftOut are the providers that can't be called, with the reason.
	LeftOut []router.Availability `json:"left_out"`
	// Problems are files that could not be loaded; the last good version serves.
	Problems []string `json:"problems"`
	// Warnings are things to know that keep nothing from working.
	Warnings []string `json:"warnings"`
}

// readyz serves GET /readyz: 200 if requests can be answered, else 503.
func (s *Server) readyz(c *gin.Context) {
	st := s.o.Status()
	code := http.StatusOK
	if !st.Ready {
		code = http.StatusServiceUnavailable
	}
	c.JSON(code, st)
}
