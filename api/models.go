package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"assay/models"
	"assay/models/openai"
	"assay/router"
)

// modelView is a model in the OpenAI form with what a caller of Assay needs.
type modelView struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`

	Family        string   `json:"family,omitempty"`
	Tier          string   `json:"tier,omitempty"`
	Region        string   `json:"region,omitempty"`
	ContextWindow int      `json:"context_window,omitempty"`
	MaxOutput     int      `json:"max_output,omitempty"`
	Supports      []string `json:"supports,omitempty"`
	InUSDPerM     *string  `json:"input_usd_per_million,omitempty"`
	OutUSDPerM    *string  `json:"output_usd_per_million,omitempty"`
	Deprecation   string   `json:"deprecation_date,omitempty"`
}

// listModels serves GET /v1/models: the selectors, then every chat model that
// can be called.
func (s *Server) listModels(c *gin.Context) {
	t := s.o.Router.Table()
	list := []modelView{}
	for _, a := range router.Aliases() {
		list = append(list, modelView{ID: a, Object: "model", OwnedBy: "assay"})
	}
	for _, m := range t.Catalog().Models() {
		if _, _, barred, ok := t.Model(m.ID); ok && barred == "" {
			list = append(list, viewModel(t, m))
		}
	}
	c.JSON(http.StatusOK, gin.H{"object": "list", "data": list})
}

// getModel serves GET /v1/models/{id}; ids hold slashes.
func (s *Server) getModel(c *gin.Context) {
	id := strings.TrimPrefix(c.Param("id"), "/")
	t := s.o.Router.Table()
	target, err := t.Resolve(id)
	switch {
	case err != nil:
		s.fail(c, err)
	case len(target.Named) == 0:
		c.JSON(http.StatusOK, modelView{ID: id, Object: "model", OwnedBy: "assay"})
	default:
		m, _, _, _ := t.Model(target.Named[0])
		c.JSON(http.StatusOK, viewModel(t, m))
	}
}

func viewModel(t *router.Table, m models.Model) modelView {
	_, tier, _, _ := t.Model(m.ID)
	v := modelView{ID: m.ID, Object: "model", OwnedBy: m.Provider, Family: m.Family, Tier: string(tier), Region: m.Region, ContextWindow: m.Context, MaxOutput: m.MaxOutput}
	for _, f := range []struct {
		flag models.Flag
		name string
	}{
		{m.Caps.Tools, "tools"}, {m.Caps.Vision, "vision"}, {m.Caps.JSONSchema, "json_schema"}, {m.Caps.Logprobs, "logprobs"},
		{m.Caps.AudioIn, "audio_in"}, {m.Caps.AudioOut, "audio_out"}, {m.Caps.PDF, "pdf"}, {m.Reasoning, "reasoning"},
	} {
		if f.flag.Ok() {
			v.Supports = append(v.Supports, f.name)
		}
	}
	if in, out, ok := m.BasePrice(t.Made); ok {
		a, b := usd(in), usd(out)
		v.InUSDPerM, v.OutUSDPerM = &a, &b
	}
	if !m.Deprecation.IsZero() {
		v.Deprecation = m.Deprecation.Format("2006-01-02")
	}
	return v
}

func notFound(code, format string, args ...any) *openai.Error {
	return &openai.Error{Status: http.StatusNotFound, Type: "invalid_request_error", Code: code, Message: fmt.Sprintf(format, args...)}
}
