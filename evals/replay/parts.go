package replay

import "assay/scoring/success"

// part is a variant of the model of success, to see what each part adds.
type part struct {
	name   string
	config func(whole *success.Model, seed uint64) success.Config
}

// The variants, from constants per model to all but the words about each model.
var parts = []part{
	{"constants", func(_ *success.Model, seed uint64) success.Config {
		return success.Config{Kinds: 1, NoDifficulty: true, NoText: true, Seed: seed}
	}},
	{"kinds", func(whole *success.Model, seed uint64) success.Config {
		return success.Config{Kinds: whole.Kinds(), NoDifficulty: true, NoText: true, Seed: seed}
	}},
	{"kinds, difficulty", func(whole *success.Model, seed uint64) success.Config {
		return success.Config{Kinds: whole.Kinds(), NoText: true, Seed: seed}
	}},
}
