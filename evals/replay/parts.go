package replay

import "assay/scoring/success"

// part is a variant of the model of success, to see what each part adds.
type part struct {
	name   string
	config func(whole *success.Model, seed uint64) success.Config
}

// The variants, beside the whole.
var parts = []part{
	{"one kind", func(_ *success.Model, seed uint64) success.Config { return success.Config{Kinds: 1, Seed: seed} }},
}
