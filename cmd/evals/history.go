package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"assay/evals"
	"assay/evals/duckdb"
)

func historyCommand(w world) *cobra.Command {
	var db, of string
	var all, runs, asJSON bool
	c := &cobra.Command{
		Use:   "history --db FILE",
		Short: "Print how tiers changed, and why",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			store, err := openReader(c.Context(), w, db)
			if err != nil {
				return err
			}
			defer store.Close()
			if runs {
				return printRuns(c.Context(), w, store)
			}
			return printHistory(c.Context(), w, store, of, all, asJSON)
		},
	}
	c.Flags().StringVar(&db, "db", defaultDB, "DuckDB file")
	c.Flags().StringVar(&of, "model", "", "only this model or family")
	c.Flags().BoolVar(&all, "all", false, "first placements too")
	c.Flags().BoolVar(&runs, "runs", false, "print the runs instead")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// openReader opens the database, or its newest snapshot if a run has it, and
// says how old that is.
func openReader(ctx context.Context, w world, path string) (*duckdb.Store, error) {
	store, src, err := duckdb.OpenReader(ctx, path)
	if err != nil {
		return nil, err
	}
	if src.Snapshot {
		fmt.Fprintf(w.stderr, "%s is in use; this is the snapshot of %s UTC (%s old)\n", path,
			src.PublishedAt.UTC().Format("2006-01-02 15:04:05"), time.Since(src.PublishedAt).Round(time.Second))
	}
	return store, nil
}

func printHistory(ctx context.Context, w world, store *duckdb.Store, of string, all, asJSON bool) error {
	moves, err := store.TierMoves(ctx, of, all)
	if err != nil {
		return err
	}
	if asJSON {
		if moves == nil {
			moves = []duckdb.TierMove{}
		}
		e := json.NewEncoder(w.stdout)
		e.SetIndent("", " ")
		return e.Encode(moves)
	}
	tables, err := store.TierTables(ctx)
	if err != nil {
		return err
	}
	if len(tables) == 0 {
		fmt.Fprintln(w.stdout, "no tier table has been published from this database; see `evals retier`")
		return nil
	}
	t := newTable("published (UTC)", "table", "parent", "evidence", "families", "changes")
	for _, x := range tables {
		t.add(x.At.UTC().Format("2006-01-02 15:04:05"), short(x.ID, 16), short(x.Parent, 16), x.Evidence, fmt.Sprint(x.Families), fmt.Sprint(x.Changes))
	}
	t.print(w.stdout)
	fmt.Fprintln(w.stdout)
	if len(moves) == 0 {
		fmt.Fprintln(w.stdout, "no tier has changed")
		return nil
	}
	m := newTable("night", "who", "from", "to", "evidence", "capability", "why")
	for _, x := range moves {
		who, from := x.Model, tierName(x.From)
		if who == "" {
			who = x.Family + " (family)"
		}
		if x.First {
			from = "new"
		}
		m.add(x.Night.Format(time.DateOnly), who, from, tierName(x.To), x.Evidence,
			fmt.Sprintf("%.1f (%.1f to %.1f)", x.Capability, x.Lo, x.Hi), short(x.Reason, 120))
	}
	m.print(w.stdout)
	return nil
}

func printRuns(ctx context.Context, w world, store *duckdb.Store) error {
	runs, err := store.Runs(ctx)
	if err != nil {
		return err
	}
	t := newTable("run", "started (UTC)", "status", "kind", "models", "benchmarks", "planned", "spent", "note")
	for _, r := range runs {
		t.add(r.ID, r.StartedAt.UTC().Format("2006-01-02 15:04:05"), string(r.Status), string(r.Kind), fmt.Sprint(len(r.Params.Models)),
			benchNames(r), fmt.Sprint(r.Planned), evals.Dollars(r.SpentNano), short(r.Note, 60))
	}
	t.print(w.stdout)
	return nil
}

func benchNames(r evals.Run) string {
	s := ""
	for i, b := range r.Params.Benchmarks {
		if i > 0 {
			s += ","
		}
		s += b.Name
	}
	return s
}
