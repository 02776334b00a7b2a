package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay/classifier"
	"assay/classifier/onnx"
	"assay/evals/replay"
	"assay/models"
	"assay/router"
	"assay/router/policy"
)

type replayFlags struct {
	train, test, out, policy   string
	fit, features, prices, dir string
	split                      string
	sources                    []string
	folds                      int
	seed                       uint64
	noAblation                 bool
}

func replayCommand(w world) *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use:   "replay --train DIR --test DIR --out DIR",
		Short: "Score routing policies offline, on recorded outcomes",
		Long: `Score routing policies offline, on recorded outcomes of models on prompts.

Every *.jsonl and *.jsonl.gz of the folders is read, one prompt a line:
{"id","source","lang","task","prompt","outcomes":{model:{"score","cost_usd"?,
"in_tokens"?,"out_tokens"?,"out_chars"?}}}, score from 0 to 1. What the product
predicts is fitted to the training rows, and every test prompt is routed at a
grid of margins. Training rows whose question is among the test rows are left
out; with --folds both may be the same folder, and everything that is fitted to
outcomes is fitted again without the fold.

The folder --out gets decisions.jsonl, summary.json, summary.md, report.html
and plots. docs/replay.md says what each figure means.

The classifier's encoder learned from outcomes of open-licensed sources, so
for those --features words gives the figures that are free of it.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.execute(c.Context(), w) },
	}
	fs := c.Flags()
	fs.StringVar(&f.train, "train", "", "folder of outcomes that predictions are fitted to")
	fs.StringVar(&f.test, "test", "", "folder of outcomes that policies are tested on")
	fs.StringVar(&f.out, "out", "", "folder for the results")
	fs.StringVar(&f.policy, "policy", "", "policy file (YAML); the margins of its aliases are tried as well")
	fs.IntVar(&f.folds, "folds", 0, "folds of cross-validation; 0 trains on --train and tests on --test")
	fs.StringVar(&f.fit, "fit", "all", `"all" fits to all sources together, "source" to each by itself`)
	fs.StringVar(&f.split, "split", "all", `"all" tests every prompt; "train" leaves out the tenth that is kept for testing (bucket 0), as for a choice of margins`)
	fs.StringSliceVar(&f.sources, "sources", nil, "only these sources, separated by commas")
	fs.StringVar(&f.features, "features", "embedding,words", "what predictions may read: embedding, words or both")
	fs.StringVar(&f.prices, "prices", "", "CSV (model,input_usd_per_million,output_usd_per_million) for sources without costs")
	fs.Uint64Var(&f.seed, "seed", 1, "seed of fits and bootstrap")
	fs.StringVar(&f.dir, "catalog", "", "folder of a catalogue that overrides the built-in one")
	fs.BoolVar(&f.noAblation, "no-ablation", false, "skip what each part of the predictions adds; saves time")
	return c
}

func (f replayFlags) execute(ctx context.Context, w world) error {
	o, closeModel, err := f.options(w)
	if err != nil {
		return err
	}
	defer closeModel()
	r, err := replay.Run(ctx, o)
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: %w", errNothingKept, err)
	}
	if err != nil {
		return err
	}
	if err := r.Write(f.out); err != nil {
		return err
	}
	r.Print(w.stdout)
	for _, points := range []float64{0.25, 1, 3} {
		if m, ok := r.Summary.LargestMargin(points / 100); ok {
			fmt.Fprintf(w.stdout, "Largest margin up to which the product loses, on average over the sources, at most %g points against the best single model: %g\n", points, m)
		}
	}
	fmt.Fprintf(w.stdout, "wrote %s: decisions.jsonl, summary.json, summary.md, report.html, plots\n", f.out)
	return nil
}

// options reads and checks all that a replay needs.
func (f replayFlags) options(w world) (o replay.Options, closeModel func(), err error) {
	for _, need := range []struct{ name, value string }{{"train", f.train}, {"test", f.test}, {"out", f.out}} {
		if need.value == "" {
			return o, nil, usagef("--%s is missing: name a folder", need.name)
		}
	}
	if f.fit != "source" && f.fit != "all" {
		return o, nil, usagef("--fit %q: want source or all", f.fit)
	}
	if f.split != "all" && f.split != "train" {
		return o, nil, usagef("--split %q: want all or train", f.split)
	}
	if f.folds < 0 || f.folds == 1 || f.folds == 2 || f.folds > 20 {
		return o, nil, usagef("--folds %d: want 0, or 3 to 20", f.folds)
	}
	o = replay.Options{Folds: f.folds, BySource: f.fit == "source", Seed: f.seed, NoAblation: f.noAblation, Now: time.Now(), Progress: w.stderr}
	if o.Features, err = replay.ParseFeatures(f.features); err != nil {
		return o, nil, usagef("--features: %w", err)
	}
	if o.Catalog, err = loadCatalog(f.dir); err != nil {
		return o, nil, err
	}
	if o.Policy, err = readPolicy(f.policy, o.Catalog); err != nil {
		return o, nil, err
	}
	if f.prices != "" {
		if o.Prices, err = replay.ReadPrices(f.prices); err != nil {
			return o, nil, err
		}
	}
	if err := f.rows(&o); err != nil {
		return o, nil, err
	}
	o.Classifier, closeModel, err = replayClassifier(w, o.Features)
	return o, closeModel, err
}

func (f replayFlags) rows(o *replay.Options) (err error) {
	if o.Same, err = sameFolder(f.train, f.test); err != nil {
		return usageError{err}
	}
	if o.Same && f.folds == 0 {
		return usagef("--train and --test are one folder: nothing would be left to train on; add --folds 5")
	}
	var sources []string
	for _, s := range f.sources {
		if s = strings.TrimSpace(s); s != "" {
			sources = append(sources, s)
		}
	}
	if o.Test, err = replay.ReadDir(f.test, sources); err != nil {
		return err
	}
	if f.split == "train" {
		o.Test = slices.DeleteFunc(o.Test, func(r replay.Row) bool { return replay.Bucket(replay.Key(r.Prompt))%10 == 0 })
	}
	if o.Same {
		return nil
	}
	o.Train, err = replay.ReadDir(f.train, nil)
	if f.fit == "source" && len(sources) > 0 { // other sources would only be read and classified
		o.Train, err = replay.ReadDir(f.train, sources)
	}
	return err
}

func sameFolder(a, b string) (bool, error) {
	x, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	y, err := os.Stat(b)
	if err != nil {
		return false, err
	}
	return os.SameFile(x, y) || filepath.Clean(a) == filepath.Clean(b), nil
}

func readPolicy(path string, c *models.Catalog) (router.Policy, error) {
	if path == "" {
		return policy.Default(), nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return router.Policy{}, usageError{err}
	}
	p, err := policy.Parse(raw, router.KnownTo(c))
	if err != nil {
		return p, usagef("%s: %w", path, err)
	}
	return p, nil
}

// patience is the deadline of the deep stage where nobody waits.
const patience = time.Hour

// replayClassifier is the trained model, with a deep stage that loses nothing.
// Where it cannot run, the heuristic answers if no embedding is asked for.
func replayClassifier(w world, f replay.Features) (replay.Classifier, func(), error) {
	m, err := onnx.New(onnx.Options{DeepDeadline: patience, DeepWorkers: 2, MemoSize: -1})
	switch {
	case err == nil:
		return encoder{m}, func() { m.Close() }, nil
	case f.Embedding:
		return nil, nil, usagef("the embedding needs the classifier's model: %w; or leave it out: --features words", err)
	}
	fmt.Fprintln(w.stderr, "evals: the heuristic classifies, the model does not run:", err)
	return rules{}, func() {}, nil
}

type encoder struct{ *onnx.Classifier }

func (e encoder) Embed(ctx context.Context, in classifier.Input) ([]float32, error) {
	v, err := e.Classifier.Embed(ctx, in)
	return v[:], err
}

// rules classify without a model.
type rules struct{}

func (rules) Classify(_ context.Context, in classifier.Input) (classifier.Classification, error) {
	return classifier.Heuristic(in), nil
}

func (rules) Embed(context.Context, classifier.Input) ([]float32, error) {
	return nil, errors.New("rules give no embedding")
}
