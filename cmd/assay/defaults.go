package main

import (
	"errors"

	"assay/datasets"
	"assay/models"
	"assay/models/providers/sim"
	"assay/scoring"
)

// expectation gives the share of right answers that published scores let
// expect of a model on a benchmark.
func expectation(c *models.Catalog, cards *scoring.Scorecards) func(modelID, benchmark string) (float64, bool) {
	modes := scoring.ServedModes(c.Models())
	return func(id, benchmark string) (float64, bool) {
		m, ok := c.Model(id)
		if !ok {
			return 0, false
		}
		share, _, _, ok := cards.Expected(m.Family, modes[m.Family], benchmark)
		return share, ok
	}
}

// answerKey collects what simulated models may know: the starter items, and
// every multiple choice or numeric set of a folder ("" for none).
func answerKey(dir string) (*sim.Key, error) {
	var answers []sim.Answer
	add := func(set datasets.Set) {
		for _, s := range set.Items {
			answers = append(answers, sim.Answer{ID: s.ID, Benchmark: set.Name, Question: s.Question, Choices: len(s.Choices), Answer: s.Answer})
		}
	}
	for name, kind := range map[string]datasets.Kind{"gsm8k": datasets.Math, "mmlu": datasets.MC, "cmmlu": datasets.MC} {
		set, err := datasets.Starter(name, kind)
		if err != nil {
			return nil, err
		}
		add(set)
	}
	if dir == "" {
		return sim.NewKey(answers), nil
	}
	names, err := datasets.Names(dir)
	if err != nil {
		return nil, err
	}
	found := false
	for _, name := range names {
		for _, kind := range []datasets.Kind{datasets.MC, datasets.Math} {
			set, err := datasets.Load(dir, name, kind)
			if err != nil {
				continue // a set of another kind has no answers a simulator could give
			}
			add(set)
			found = true
			break
		}
	}
	if !found {
		return nil, errors.New(dir + " holds no multiple choice or numeric set")
	}
	return sim.NewKey(answers), nil
}
