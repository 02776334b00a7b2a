// Package evalstest has the conformance tests that every evals.Store must pass
// and samplers whose score is known beforehand.
package evalstest

import (
	"context"
	"fmt"
	"sync"

	"assay/datasets"
	"assay/evals"
	"assay/models"
)

// Oracle answers every item of the plan rightly: it must score 1.
type Oracle struct{ answers map[string]datasets.Sample }

// NewOracle learns the answers of a plan.
func NewOracle(p evals.Plan) *Oracle {
	o := &Oracle{answers: map[string]datasets.Sample{}}
	for _, b := range p.Benches {
		for _, s := range b.Items {
			o.answers[b.Task.Name+" "+s.ID] = s
		}
	}
	return o
}

func (o *Oracle) item(req evals.Request) (datasets.Sample, error) {
	s, ok := o.answers[req.Item.Benchmark+" "+req.Item.ItemID]
	if !ok {
		return s, fmt.Errorf("the oracle does not know item %q", req.Item.ItemID)
	}
	return s, nil
}

// Sample gives the right answer.
func (o *Oracle) Sample(_ context.Context, req evals.Request) (evals.Answer, error) {
	s, err := o.item(req)
	return answer("Answer: " + s.Answer), err
}

// Wrong answers every item wrongly, in a form that can be read: it must score 0.
type Wrong struct{ *Oracle }

// Sample gives a wrong answer.
func (w Wrong) Sample(_ context.Context, req evals.Request) (evals.Answer, error) {
	s, err := w.item(req)
	if i := s.AnswerIndex(); i >= 0 {
		return answer("Answer: " + datasets.Letters[(i+1)%len(s.Choices):][:1]), err
	}
	return answer("Answer: " + s.Answer + "7"), err
}

func answer(text string) evals.Answer {
	return evals.Answer{Output: text, FinishReason: "stop", EndpointKind: evals.KindSim, Attempts: 1,
		Usage: models.Usage{Input: 100, Output: 10}, HasUsage: true}
}

// Counting counts the calls per item of the sampler it wraps.
type Counting struct {
	evals.Sampler
	mu    sync.Mutex
	Calls map[evals.Key]int
}

// Sample counts and passes on.
func (c *Counting) Sample(ctx context.Context, req evals.Request) (evals.Answer, error) {
	c.mu.Lock()
	if c.Calls == nil {
		c.Calls = map[evals.Key]int{}
	}
	c.Calls[req.Item]++
	c.mu.Unlock()
	return c.Sampler.Sample(ctx, req)
}

// Func is a sampler made of a function.
type Func func(context.Context, evals.Request) (evals.Answer, error)

// Sample calls the function.
func (f Func) Sample(ctx context.Context, req evals.Request) (evals.Answer, error) {
	return f(ctx, req)
}
