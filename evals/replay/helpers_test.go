package replay

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"assay/classifier"
	"assay/models"
	"assay/router/policy"
)

// fake classifies by the heuristic and embeds a prompt by its first letter,
// with a little noise: prompts of one letter are alike.
type fake struct{}

func (fake) Classify(_ context.Context, in classifier.Input) (classifier.Classification, error) {
	return classifier.Heuristic(in), nil
}

func (fake) Embed(_ context.Context, in classifier.Input) ([]float32, error) {
	text, _ := in.LastUser()
	h := fnv.New64a()
	io.WriteString(h, text)
	rng := rand.New(rand.NewPCG(h.Sum64(), 1))
	v := make([]float32, 8)
	for i := range v {
		v[i] = float32(rng.NormFloat64() * 0.05)
	}
	v[int(text[0])%len(v)]++
	return v, nil
}

// kinds of made-up prompts and the models; model m is right on kind m and,
// but for the dear one, on hardly any other.
var letters = []string{"a", "b", "c", "d"}

// synthetic makes rows in which the truth is known: three specialists at one
// price, and a dear model that is right nine times in ten.
func synthetic(n int, seed uint64) []Row {
	rng := rand.New(rand.NewPCG(seed, 7))
	var rows []Row
	for i := range n {
		kind := rng.IntN(len(letters))
		r := Row{ID: fmt.Sprintf("%05d", i), Source: "made", Lang: []string{"en", "zh"}[i%2], Task: "task-" + letters[kind],
			Prompt: fmt.Sprintf("%s question number %d", letters[kind], i), Outcomes: map[string]Outcome{}}
		for m, name := range []string{"special-a", "special-b", "special-c"} {
			right := rng.Float64() < 0.02
			if m == kind {
				right = rng.Float64() < 0.98
			}
			r.Outcomes[name] = outcome(right, 0.001)
		}
		r.Outcomes["dear"] = outcome(rng.Float64() < 0.9, 0.02)
		rows = append(rows, r)
	}
	return rows
}

func outcome(right bool, usd float64) Outcome {
	o := Outcome{CostUSD: &usd}
	if right {
		o.Score = 1
	}
	return o
}

// options of a quick replay of rows in folds.
func options(t *testing.T, rows []Row) Options {
	t.Helper()
	c, err := models.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return Options{Test: rows, Same: true, Folds: 4, BySource: true, Features: Features{Embedding: true}, Catalog: c,
		Policy: policy.Default(), Classifier: fake{}, Seed: 1, Now: time.Unix(1.8e9, 0), Progress: io.Discard, NoAblation: true}
}

func run(t *testing.T, o Options) *Replay {
	t.Helper()
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// policyOf finds a policy's result in a group.
func policyOf(t *testing.T, g *Group, name string) PolicyResult {
	t.Helper()
	for _, p := range g.Policies {
		if p.Policy == name {
			return p
		}
	}
	t.Fatalf("no policy %q", name)
	return PolicyResult{}
}
