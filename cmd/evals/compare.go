package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"assay/evals"
	"assay/evals/duckdb"
)

type compareFlags struct {
	db                  string
	force, asJSON, fail bool
}

func compareCommand(w world) *cobra.Command {
	var f compareFlags
	c := &cobra.Command{
		Use:   "compare A B",
		Short: "Compare two runs, or two models of runs, item by item",
		Long: `Compare two runs item by item. A and B are run IDs, or RUN:MODEL for one model
of a run. Runs compare model by model; where each has one model, these two do.
With --fail-on-regression the exit code is 3 if B is worse than A on any
benchmark beyond the 95 % interval.`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return f.execute(c.Context(), w, args[0], args[1]) },
	}
	c.Flags().StringVar(&f.db, "db", defaultDB, "DuckDB file")
	c.Flags().BoolVar(&f.force, "force", false, "compare although data, prompt, extractor or sampling differ")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&f.fail, "fail-on-regression", false, "exit 3 if B is worse")
	return c
}

// side is one half of a comparison.
type side struct {
	run    evals.Run
	model  string // "" all
	cards  []evals.Scorecard
	grades []evals.Grade
}

func (f compareFlags) execute(ctx context.Context, w world, a, b string) error {
	store, err := openReader(ctx, w, f.db)
	if err != nil {
		return err
	}
	defer store.Close()
	var sides [2]side
	for i, spec := range []string{a, b} {
		if sides[i], err = loadSide(ctx, store, spec); err != nil {
			return err
		}
	}
	pairings, err := f.pair(w, sides[0], sides[1])
	if err != nil {
		return err
	}
	if f.asJSON {
		e := json.NewEncoder(w.stdout)
		e.SetIndent("", " ")
		if err := e.Encode(pairings); err != nil {
			return err
		}
	} else {
		printPairings(w, pairings)
	}
	for _, p := range pairings {
		if f.fail && p.Hi < 0 {
			return fmt.Errorf("%w: %s on %s is %.1f points below %s (95 %% interval %.1f to %.1f)", errRegression,
				p.B, p.Benchmark, -100*p.Diff, p.A, 100*p.Lo, 100*p.Hi)
		}
	}
	return nil
}

func loadSide(ctx context.Context, store *duckdb.Store, spec string) (side, error) {
	id, model, _ := strings.Cut(spec, ":")
	runs, err := store.Runs(ctx)
	if err != nil {
		return side{}, err
	}
	i := slices.IndexFunc(runs, func(r evals.Run) bool { return r.ID == id })
	if i < 0 {
		return side{}, fmt.Errorf("%w %q; `evals history --runs` lists them", evals.ErrUnknownRun, id)
	}
	s := side{run: runs[i], model: model}
	if model != "" && !slices.ContainsFunc(s.run.Params.Models, func(m evals.ModelParams) bool { return m.ID == model }) {
		return side{}, usagef("run %s has no model %q: it has %s", id, model, strings.Join(modelNames(s.run), ", "))
	}
	if s.cards, err = store.Scorecards(ctx, id); err != nil {
		return side{}, err
	}
	s.grades, err = store.Grades(ctx, id)
	return s, err
}

func modelNames(r evals.Run) (out []string) {
	for _, m := range r.Params.Models {
		out = append(out, m.ID)
	}
	return out
}

// pair compares every two scorecards that belong together.
func (f compareFlags) pair(w world, a, b side) ([]evals.Pairing, error) {
	out := []evals.Pairing{}
	for _, ca := range a.cards {
		if a.model != "" && ca.Model != a.model {
			continue
		}
		for _, cb := range b.cards {
			if cb.Benchmark != ca.Benchmark || b.model != "" && cb.Model != b.model || !matches(a, b, ca.Model, cb.Model) {
				continue
			}
			if err := evals.Comparable(ca, cb, a.sampling(ca.Model), b.sampling(cb.Model)); err != nil {
				if !f.force {
					return nil, fmt.Errorf("%w; use --force to compare all the same", err)
				}
				fmt.Fprintln(w.stderr, "evals:", err)
			}
			tasks, err := evals.Lookup([]string{ca.Benchmark})
			if err != nil {
				return nil, err
			}
			p := evals.Pair(a.of(ca), b.of(cb), tasks[0].Clustered)
			p.Benchmark, p.A, p.B = ca.Benchmark, a.run.ID+":"+ca.Model, b.run.ID+":"+cb.Model
			if p.N > 0 {
				out = append(out, p)
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: they have no model and item in common; name models with RUN:MODEL", evals.ErrIncomparable)
	}
	return out, nil
}

// matches says whether two models are meant to be compared: the same one, the
// only ones, or both named.
func matches(a, b side, ma, mb string) bool {
	return ma == mb && a.model == "" && b.model == "" || a.alone() && b.alone()
}

func (s side) alone() bool { return s.model != "" || len(s.run.Params.Models) == 1 }

func (s side) sampling(model string) evals.Sampling {
	for _, m := range s.run.Params.Models {
		if m.ID == model {
			return m.Sampling
		}
	}
	return evals.Sampling{}
}

func (s side) of(c evals.Scorecard) (out []evals.Grade) {
	for _, g := range s.grades {
		if g.Benchmark == c.Benchmark && g.Model == c.Model && g.Extractor == c.Extractor {
			out = append(out, g)
		}
	}
	return out
}

func printPairings(w world, ps []evals.Pairing) {
	t := newTable("benchmark", "A", "B", "n", "score A", "score B", "B - A", "95 % interval", "B better on", "B worse on", "detectable")
	t.right = map[int]bool{3: true, 4: true, 5: true, 6: true, 7: true, 8: true, 9: true, 10: true}
	for _, p := range ps {
		t.add(p.Benchmark, p.A, p.B, fmt.Sprint(p.N), percent(p.MeanA), percent(p.MeanB), fmt.Sprintf("%+.1f", 100*p.Diff),
			fmt.Sprintf("%+.1f to %+.1f", 100*p.Lo, 100*p.Hi), fmt.Sprint(p.Gained), fmt.Sprint(p.Lost), percent(p.Detectable))
	}
	t.print(w.stdout)
}

func percent(v float64) string { return fmt.Sprintf("%.1f", 100*v) }
