package api

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"assay/billing/savings"
	"assay/classifier"
	"assay/models"
	"assay/models/openai"
	"assay/router"
)

// What requests of the two classes of a savings calculation are taken to be:
// the middle of L2 and of L4 (classifier.LevelBounds), of intents that are
// usual there.
var savingsClasses = [2]classifier.Classification{
	savings.Everyday: {Intent: classifier.KnowledgeQA, IntentConfidence: 1, Level: classifier.L2, Difficulty: -1.3},
	savings.Hard:     {Intent: classifier.Reasoning, IntentConfidence: 1, Level: classifier.L4, Difficulty: 1.45},
}

// SavingsBasis is what savings are worked out from: the catalogue behind a
// table, and the models that the table chooses today.
func SavingsBasis(t *router.Table, now time.Time) savings.Basis {
	b := savings.Basis{Catalog: t.Catalog(), Now: now,
		Resolve: func(name string) (string, error) {
			target, err := t.Resolve(name)
			switch {
			case err != nil:
				return "", err
			case len(target.Named) == 0:
				return "", fmt.Errorf("%q names no model", name)
			}
			return target.Named[0], nil
		},
		Choose: func(a savings.Ask) (savings.Choice, error) {
			target, err := t.Resolve(a.Alias)
			if err != nil {
				return savings.Choice{}, savings.Errorf("alias", "%v", err)
			}
			if len(target.Named) > 0 {
				return savings.Choice{}, savings.Errorf("alias", "%q names a model; give it as route CLASS=MODEL", a.Alias)
			}
			d, err := router.Decide(t, router.Query{Target: target, Class: savingsClasses[a.Class], Needs: router.Needs{PromptTokens: a.Prompt}})
			return savings.Choice{Model: d.Model, Reason: d.Reason}, err
		},
	}
	for i, class := range savingsClasses {
		b.Thinking[i] = router.ExpectedUsage(0, class, models.Yes, 0, 1).Reasoning
	}
	if t.Simulated {
		b.Note = "No provider key is set here: the models that answer are chosen among all of the catalogue, not among those that could be called."
	}
	return b
}

// getSavings serves GET /v1/savings: the comparison for an assumed mix, its
// parameters in the query string.
func (s *Server) getSavings(c *gin.Context) {
	p, err := savings.QueryParams(c.Request.URL.Query())
	s.answerSavings(c, p, err)
}

// postSavings serves POST /v1/savings: the parameters as a JSON body, or a
// usage export as the body (text/csv, application/jsonl) and the rest of the
// parameters in the query string.
func (s *Server) postSavings(c *gin.Context) {
	body, err := s.readBody(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	kind, _, _ := mime.ParseMediaType(c.GetHeader("Content-Type"))
	format := map[string]savings.Text{"text/csv": "csv", "application/jsonl": "jsonl", "application/x-ndjson": "jsonl"}[kind]
	if format == "" {
		if len(c.Request.URL.RawQuery) > 0 {
			s.answerSavings(c, savings.Params{}, savings.Errorf("", "a JSON body holds all parameters; a query string goes with a body of type text/csv or application/jsonl"))
			return
		}
		p, err := savings.DecodeParams(body)
		s.answerSavings(c, p, err)
		return
	}
	p, err := savings.QueryParams(c.Request.URL.Query())
	if err == nil && p.Format != "" && p.Format != format {
		err = savings.Errorf("format", "%q, but the body is of type %s", p.Format, kind)
	}
	text := string(body)
	p.Import, p.Format = &text, format
	s.answerSavings(c, p, err)
}

func (s *Server) answerSavings(c *gin.Context, p savings.Params, err error) {
	var report *savings.Report
	if err == nil {
		report, err = savings.Compute(SavingsBasis(s.o.Router.Table(), s.o.Now()), p)
	}
	var input *savings.InputError
	switch {
	case errors.As(err, &input):
		s.fail(c, openai.BadRequest("invalid_savings_request", input.Field, "%s", input.Error()))
	case err != nil:
		s.fail(c, err)
	default:
		c.JSON(http.StatusOK, report)
	}
}
