package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay/evals"
	"assay/evals/duckdb"
	"assay/models"
	"assay/scoring"
)

// minCoverage is the share of planned items that must have been scored before
// a result may move a tier.
const minCoverage = 0.9

type retierFlags struct {
	db, out, base, kind, catalog string
	dryRun                       bool
}

func retierCommand(w world) *cobra.Command {
	var f retierFlags
	c := &cobra.Command{
		Use:   "retier --db FILE --out tiers.json",
		Short: "Place models anew by the finished runs and publish the tier table",
		Long: `Place models anew by the finished runs of the database and publish the tier table.

The table at --out is the one that is changed; if there is none, or with --base
published, the start is the table of published evidence. Results of different
kinds of endpoint never mix: name one with --kind where the database has several.
The file is replaced in one step, so a running gateway reads the old table or
the new one.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.execute(c.Context(), w) },
	}
	fs := c.Flags()
	fs.StringVar(&f.db, "db", defaultDB, "DuckDB file of the runs")
	fs.StringVar(&f.out, "out", "", "tier table to replace")
	fs.StringVar(&f.base, "base", "", `"published", or a tier table to start from instead of --out`)
	fs.StringVar(&f.kind, "kind", "", "use only results of this kind: real, gateway or sim")
	fs.StringVar(&f.catalog, "catalog", "", "folder of a catalogue that overrides the built-in one")
	fs.BoolVar(&f.dryRun, "dry-run", false, "print what would change and write nothing")
	return c
}

func (f retierFlags) execute(ctx context.Context, w world) error {
	if f.out == "" && !f.dryRun {
		return usagef("--out is missing: name the tier table to write, or use --dry-run")
	}
	if f.kind != "" && !slices.Contains([]string{"real", "gateway", "sim"}, f.kind) {
		return usagef("--kind %q: want real, gateway or sim", f.kind)
	}
	catalog, err := loadCatalog(f.catalog)
	if err != nil {
		return err
	}
	now := time.Now()
	base, err := f.baseTable(catalog, now)
	if err != nil {
		return err
	}
	store, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	cards, err := store.FinishedScorecards(ctx)
	if err != nil {
		return err
	}
	used, left := f.measurements(cards, catalog)
	for _, why := range left {
		fmt.Fprintln(w.stderr, "left out:", why)
	}
	if len(used) == 0 {
		return usagef("no finished run of %s can move a tier", f.db)
	}
	public, err := scoring.PublicConfig(catalog)
	if err != nil {
		return err
	}
	next, changes, err := scoring.Retier(base, used, scoring.Inputs{Scores: catalog.Scores(), Anchors: catalog.Anchors(),
		Models: catalog.Models(), Placements: catalog.Placements()}, now, scoring.RetierConfig{Score: public})
	if err != nil {
		return usageError{err}
	}
	printChanges(w, base, next, changes, used)
	if f.dryRun {
		return nil
	}
	return f.publish(ctx, w, store, catalog, base, next, changes, used, now)
}

// open refuses to work on a snapshot: the history must be written too.
func (f retierFlags) open(ctx context.Context) (*duckdb.Store, error) {
	probe, src, err := duckdb.OpenReader(ctx, f.db)
	if err != nil {
		return nil, err
	}
	probe.Close()
	if src.Snapshot {
		return nil, fmt.Errorf("%w: retier needs %s itself, not a snapshot; wait for the run that holds it", evals.ErrLocked, f.db)
	}
	store, err := duckdb.Open(ctx, f.db)
	if err != nil {
		return nil, openFailure(err)
	}
	return store, nil
}

func (f retierFlags) baseTable(c *models.Catalog, now time.Time) (scoring.Tiers, error) {
	from := f.base
	if from == "" {
		from = f.out
	}
	if from == "" || from == "published" {
		return publishedTiers(c, now)
	}
	t, err := scoring.ReadFile(from)
	if f.base == "" && errors.Is(err, fs.ErrNotExist) {
		return publishedTiers(c, now)
	}
	if err != nil {
		return t, usagef("tier table %s: %w; move it away or start from --base published", from, err)
	}
	return t, nil
}

// measurements are the results that may move a tier, and why others may not.
func (f retierFlags) measurements(cards []evals.Scorecard, catalog *models.Catalog) (used []scoring.Measurement, left []string) {
	scales := publishedBenchmarks(catalog)
	for _, c := range cards {
		model, known := lookUp(catalog, c.CatalogID)
		why := ""
		switch {
		case f.kind != "" && string(c.Kind) != f.kind:
			continue
		case !known || model.Kind != models.Chat:
			why = "the catalogue has no such model"
		case c.N == 0:
			why = "nothing was scored"
		case c.Coverage() < minCoverage:
			why = fmt.Sprintf("only %.0f %% of the items were scored", 100*c.Coverage())
		case c.Origin == "starter" && c.Kind != evals.KindSim:
			why = "starter items are no benchmark"
		case !scales[plainName(c.Benchmark)]:
			why = "no published score of this benchmark gives it a scale"
		default:
			used = append(used, scoring.Measurement{ModelID: model.ID, Benchmark: c.Benchmark, N: c.N, Score: c.Score, StdErr: min(c.StdErr, 1),
				EndpointKind: string(c.Kind), RunID: c.RunID, FinishedAt: c.At})
			continue
		}
		left = append(left, fmt.Sprintf("%s on %s (run %s): %s", c.Model, c.Benchmark, c.RunID, why))
	}
	return used, left
}

func publishedBenchmarks(c *models.Catalog) map[string]bool {
	out := map[string]bool{}
	for _, s := range c.Scores() {
		out[plainName(s.Benchmark)] = true
	}
	return out
}

func plainName(s string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
}

// publish records the history first: a table that is out has its evidence in.
func (f retierFlags) publish(ctx context.Context, w world, store *duckdb.Store, catalog *models.Catalog, base, next scoring.Tiers,
	changes []scoring.Change, used []scoring.Measurement, now time.Time) error {
	family := func(id string) string { m, _ := catalog.Model(id); return m.Family }
	why := map[string]string{}
	for _, c := range changes {
		key := c.ModelID
		if key == "" {
			key = c.Family
		}
		why[key] = c.Why
	}
	if err := store.RecordCatalog(ctx, catalog, now); err != nil {
		return err
	}
	if err := store.RecordTiers(ctx, base, nil, family, nil); err != nil {
		return err
	}
	if err := store.RecordTiers(ctx, next, used, family, why); err != nil {
		return err
	}
	if err := scoring.WriteFile(f.out, next); err != nil {
		return fmt.Errorf("write tier table: %w", err)
	}
	if _, err := store.Publish(ctx, now, duckdb.Retention{}); err != nil {
		fmt.Fprintln(w.stderr, "evals: no snapshot was published:", err)
	}
	fmt.Fprintf(w.stdout, "wrote %s: table %s (%s)\n", f.out, next.ID, next.Evidence)
	return nil
}

func printChanges(w world, base, next scoring.Tiers, changes []scoring.Change, used []scoring.Measurement) {
	fmt.Fprintf(w.stdout, "%d results against table %s (%s)\n", len(used), base.ID, base.Evidence)
	if next.ID == base.ID {
		fmt.Fprintln(w.stdout, "nothing changes")
		return
	}
	if len(changes) == 0 {
		fmt.Fprintln(w.stdout, "abilities are updated, no tier changes")
	}
	for _, c := range changes {
		who := c.ModelID
		if who == "" {
			who = c.Family + " (family)"
		}
		fmt.Fprintf(w.stdout, "%s: %s -> %s: %s\n", who, tierName(c.From), tierName(c.To), c.Why)
	}
}

func tierName(t scoring.Tier) string {
	if t == "" {
		return "no tier"
	}
	return string(t)
}
