package evals

import (
	"cmp"
	"fmt"
	"time"

	"assay/datasets"
	"assay/models"
)

// Plan is everything a run is going to ask.
type Plan struct {
	Params  Params
	Benches []Bench
	Models  []Target
}

// Bench is one benchmark with the items that are asked of it.
type Bench struct {
	Task   Task
	Set    datasets.Set
	Items  []datasets.Sample // selected by limit and seed
	Scorer Scorer
}

// Target is one model that is asked.
type Target struct {
	ModelParams
	// PerMinute limits the calls; 0 is no limit.
	PerMinute float64
	// Cost prices a usage at a time; nil or false: no price is known.
	Cost func(u models.Usage, at time.Time) (nano int64, ok bool)
}

// NewPlan chooses the items of each benchmark and fixes the parameters. load
// finds a task's data.
func NewPlan(tasks []Task, targets []Target, baseURL string, limit int, seed int64, load func(Task) (datasets.Set, error)) (Plan, error) {
	p := Plan{Models: targets, Params: Params{BaseURL: baseURL, Limit: limit, Seed: seed}}
	for _, t := range tasks {
		set, err := load(t)
		if err != nil {
			return Plan{}, fmt.Errorf("benchmark %s: %w", t.Name, err)
		}
		b := Bench{Task: t, Set: set, Items: datasets.Select(set.Items, limit, seed), Scorer: t.Scorers[0]}
		p.Benches = append(p.Benches, b)
		p.Params.Benchmarks = append(p.Params.Benchmarks, BenchParams{
			Name: t.Name, Template: t.template(len(set.Dev)), Origin: set.Origin, DatasetHash: set.Hash, Items: len(b.Items),
		})
	}
	seen := map[string]bool{}
	for _, m := range targets {
		if m.ID == "" || seen[m.ID] {
			return Plan{}, fmt.Errorf("model %q is empty or named twice", m.ID)
		}
		seen[m.ID] = true
		p.Params.Models = append(p.Params.Models, m.ModelParams)
	}
	if len(targets) == 0 {
		return Plan{}, fmt.Errorf("no model is named")
	}
	p.Params = p.Params.normal()
	return p, nil
}

// template names the prompt with the exemplars it really shows at most.
func (t Task) template(dev int) string {
	return fmt.Sprintf("%s+%dshot", t.Template, min(t.Shots, dev))
}

// Planned counts the questions.
func (p Plan) Planned() int {
	n := 0
	for _, b := range p.Benches {
		n += len(b.Items) * len(p.Models)
	}
	return n
}

// question is one item for one model.
type question struct {
	bench  *Bench
	item   *datasets.Sample
	target *Target
}

func (q question) key() Key {
	return Key{Benchmark: q.bench.Task.Name, Model: q.target.ID, ItemID: q.item.ID}
}

// request is the call that asks the question.
func (q question) request() Request {
	s := q.target.Sampling
	s.MaxTokens = cmp.Or(s.MaxTokens, q.bench.Task.MaxTokens)
	return Request{Model: q.target.ID, Messages: q.bench.Task.Prompt(*q.item, q.bench.Set.Dev), Sampling: s, Item: q.key()}
}

// questions calls f with every question, one item of each benchmark and model
// in turn, so that all of them advance together. It stops when f says false.
func (p *Plan) questions(f func(question) bool) {
	longest := 0
	for _, b := range p.Benches {
		longest = max(longest, len(b.Items))
	}
	for i := range longest {
		for b := range p.Benches {
			bench := &p.Benches[b]
			if i >= len(bench.Items) {
				continue
			}
			for m := range p.Models {
				if !f(question{bench, &bench.Items[i], &p.Models[m]}) {
					return
				}
			}
		}
	}
}

// WorstCase bounds what a call can cost in nano-dollars: no tokeniser makes
// more tokens than the text has bytes, and the answer ends at its limit. A few
// tokens per message go to the chat template.
func WorstCase(t *Target, req Request, at time.Time) (int64, bool) {
	if t.Cost == nil {
		return 0, false
	}
	in := len(req.Sampling.System) + 16
	for _, m := range req.Messages {
		in += len(m.Content) + 16
	}
	return t.Cost(models.Usage{Input: int64(in), Output: int64(req.Sampling.MaxTokens)}, at)
}
