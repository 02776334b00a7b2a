package router

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"assay/classifier"
	"assay/models"
	"assay/models/openai"
	"assay/scoring"
)

var testNow = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// realParts are the embedded catalogue and the tiers published from it.
var realParts = sync.OnceValues(func() (*models.Catalog, scoring.Tiers) {
	c, err := models.Embedded()
	if err != nil {
		panic(err)
	}
	cards, err := scoring.Score(c.Scores(), c.Anchors(), scoring.Config{Models: c.Models()})
	if err != nil {
		panic(err)
	}
	return c, scoring.Publish(cards, c.Models(), c.Placements(), testNow)
})

// realTable is a table of the real catalogue; only (if given) names the
// providers that can be called, else all can.
func realTable(t testing.TB, p Policy, only ...string) *Table {
	t.Helper()
	c, tiers := realParts()
	available := map[string]Availability{}
	for _, pr := range c.Providers() {
		available[pr.Name] = Availability{OK: len(only) == 0, Why: "no provider key"}
	}
	for _, name := range only {
		available[name] = Availability{OK: true}
	}
	table, err := NewTable(TableOptions{Catalog: c, Tiers: tiers, Policy: p, Available: available, Now: testNow})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// class is a classification of the given intent and difficulty.
func class(intent classifier.Intent, b float64) classifier.Classification {
	return classifier.Classification{Intent: intent, IntentConfidence: 1, Level: classifier.LevelOf(b), Difficulty: b, Source: classifier.Fast, Language: "en"}
}

// fixedClassifier says the same of every prompt.
type fixedClassifier classifier.Classification

var tokens = sync.OnceValue(func() *Tokens {
	tk, err := NewTokens()
	if err != nil {
		panic(err)
	}
	return tk
})

// Classify gives the fixed answer.
func (f fixedClassifier) Classify(context.Context, classifier.Input) classifier.Classification {
	return classifier.Classification(f)
}

// scripted is an upstream that answers each call with the next step.
type scripted struct {
	mu    sync.Mutex
	steps []step
	calls []Call
}

type step struct {
	err    error
	status int    // default 200
	body   string // sent first
	then   error  // the body's error after that; nil: io.EOF
	hang   bool   // nothing until the context ends

	simulated bool
}

func (s *scripted) Do(ctx context.Context, c Call) (*Response, error) {
	s.mu.Lock()
	i := len(s.calls)
	s.calls = append(s.calls, c)
	s.mu.Unlock()
	if i >= len(s.steps) {
		return nil, errors.New("script is over")
	}
	st := s.steps[i]
	if st.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if st.err != nil {
		return nil, st.err
	}
	var body io.Reader = strings.NewReader(st.body)
	if st.then != nil {
		body = io.MultiReader(body, iotest.ErrReader(st.then))
	}
	return &Response{Status: cmp.Or(st.status, 200), Body: io.NopCloser(body), Simulated: st.simulated}, nil
}

// recorder is a sink that remembers.
type recorder struct {
	started int
	head    *Record
	status  int
	body    string
	events  []string
	fail    error // returned by Event and Body
}

func (r *recorder) Start(rec *Record) { r.started++; r.head = rec }
func (r *recorder) Body(status int, b []byte) error {
	r.status, r.body = status, string(b)
	return r.fail
}
func (r *recorder) Event(b []byte) error {
	r.events = append(r.events, string(b))
	return r.fail
}

// newRouter routes everything to one scripted upstream.
func newRouter(t *testing.T, p Policy, meter Meter, steps ...step) (*Router, *scripted) {
	t.Helper()
	up := &scripted{steps: steps}
	return New(realTable(t, p), Options{Classifier: fixedClassifier(class(classifier.KnowledgeQA, 0)), Tokens: tokens(), Meter: meter,
		Upstream: func(string, string) Upstream { return up }}), up
}

func ask(t *testing.T, body string) Ask {
	t.Helper()
	r, err := openai.DecodeRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return Ask{Request: r, ID: "req_1", Key: "k"}
}
