package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/datasets"
	"assay/evals"
	"assay/evals/evalstest"
	"assay/models"
	"assay/scoring"
)

var ctx = context.Background()

// smallPlan asks one simulated model the starter items of two benchmarks.
func smallPlan(t *testing.T) evals.Plan {
	t.Helper()
	tasks, err := evals.Lookup([]string{"gsm8k", "cmmlu"})
	if err != nil {
		t.Fatal(err)
	}
	price := func(u models.Usage, _ time.Time) (int64, bool) { return 1000*u.Input + 3000*u.Output, true }
	plan, err := evals.NewPlan(tasks, []evals.Target{{ModelParams: evals.ModelParams{ID: "p/m"}, Cost: price}}, "http://x/v1", 0, 1,
		func(task evals.Task) (datasets.Set, error) { return datasets.Starter(task.Name, task.Kind) })
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func runOn(t *testing.T, s *Store) evals.Outcome {
	t.Helper()
	plan := smallPlan(t)
	r := evals.Runner{Store: s, Sampler: evalstest.NewOracle(plan), Journal: evals.OpenJournal(s.Path())}
	out, err := r.Run(ctx, plan)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func query(t *testing.T, s *Store, q string) [][]any {
	t.Helper()
	_, rows, err := s.Query(ctx, q)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	var out [][]any
	for row, err := range rows {
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		out = append(out, row)
	}
	return out
}

func TestRunFillsTheViews(t *testing.T) {
	s := openTest(t)
	runOn(t, s)
	got := query(t, s, `SELECT model, benchmark, dataset, endpoint_kind, scored, score_percent, coverage, cost_usd FROM v_scores ORDER BY benchmark`)
	want := [][]any{
		{"p/m", "cmmlu", "starter", "sim", int32(16), 100.0, 1.0, "0.002080000"},
		{"p/m", "gsm8k", "starter", "sim", int32(16), 100.0, 1.0, "0.002080000"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = query(t, s, `SELECT answers, input_tokens, cost_usd, unpriced FROM v_spend`)
	if diff := cmp.Diff([][]any{{int64(32), int64(3200), "0.004160000", int64(0)}}, got); diff != "" {
		t.Error(diff)
	}
	if n := query(t, s, `SELECT count(*) FROM v_answers WHERE question IS NOT NULL AND status = 'ok' AND score = 1`)[0][0]; n != int64(32) {
		t.Errorf("%v answers with their questions, want 32", n)
	}
}

// Analysts' clients fail on nested types and 128-bit integers.
func TestViewsHaveFlatTypes(t *testing.T) {
	s := openTest(t)
	for _, row := range query(t, s, `SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_name LIKE 'v\_%' ESCAPE '\'`) {
		kind := row[2].(string)
		if strings.Contains(kind, "HUGEINT") || strings.Contains(kind, "[]") || strings.HasPrefix(kind, "STRUCT") || strings.HasPrefix(kind, "MAP") {
			t.Errorf("%v.%v is %s", row...)
		}
		if strings.HasSuffix(row[1].(string), "_usd") && kind != "DECIMAL(18,9)" {
			t.Errorf("%v.%v is %s, want DECIMAL(18,9)", row...)
		}
	}
}

func TestUnfinishedRunsStayOutOfTheViews(t *testing.T) {
	s := openTest(t)
	plan := smallPlan(t)
	stopping, cancel := context.WithCancel(ctx)
	n := 0
	oracle := evalstest.NewOracle(plan)
	r := evals.Runner{Store: s, Concurrency: 1, Sampler: evalstest.Func(func(ctx context.Context, req evals.Request) (evals.Answer, error) {
		if n++; n == 10 {
			cancel()
		}
		return oracle.Sample(ctx, req)
	})}
	if _, err := r.Run(stopping, plan); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want an interruption", err)
	}
	if got := query(t, s, `SELECT * FROM v_answers`); len(got) != 0 {
		t.Errorf("%d answers of an unfinished run are shown", len(got))
	}
	path, err := s.Publish(ctx, time.Now(), Retention{})
	if err != nil {
		t.Fatal(err)
	}
	snap, err := open(ctx, path, true)
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	info, err := snap.Info(ctx)
	if err != nil || len(info.RunsLeftOut) != 1 || !info.LastCompleteNight.IsZero() || info.SchemaVersion != 2 {
		t.Errorf("info %+v, %v; want one run left out, no complete night", info, err)
	}
}

func TestSnapshotsAreImmutableAndComplete(t *testing.T) {
	s := openTest(t)
	runOn(t, s)
	if !s.Changed() {
		t.Error("a run left the store unchanged")
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	first, err := s.Publish(ctx, now, Retention{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Changed() {
		t.Error("changed right after a snapshot")
	}
	second, err := s.Publish(ctx, now, Retention{}) // the same instant: another file
	if err != nil || first == second {
		t.Fatalf("second snapshot %q, %v; first %q", second, err, first)
	}
	info, err := os.Stat(first)
	if err != nil || info.Mode().Perm() != 0o444 {
		t.Errorf("mode %v, %v; want 0444", info.Mode(), err)
	}
	link, err := os.Readlink(filepath.Join(SnapshotDir(s.Path()), "latest"))
	if err != nil || link != filepath.Base(second) {
		t.Errorf("latest points to %q, %v; want %q", link, err, filepath.Base(second))
	}
	if err := s.SnapshotTo(ctx, first, now); !errors.Is(err, fs.ErrExist) {
		t.Errorf("overwriting gave %v, want fs.ErrExist", err)
	}
	snap, err := open(ctx, first, true)
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	if n := query(t, snap, `SELECT count(*) FROM v_answers`)[0][0]; n != int64(32) {
		t.Errorf("the snapshot's view shows %v answers, want 32", n)
	}
	if diff := cmp.Diff(query(t, s, `SELECT * FROM v_scores ORDER BY ALL`), query(t, snap, `SELECT * FROM v_scores ORDER BY ALL`)); diff != "" {
		t.Error(diff)
	}
	entries, _ := os.ReadDir(SnapshotDir(s.Path()))
	if len(entries) != 3 {
		t.Errorf("%d files in the snapshot folder, want two snapshots and the link", len(entries))
	}
}

func TestRetention(t *testing.T) {
	name := func(day, hour int) string {
		return "evals-" + time.Date(2026, 1, day, hour, 0, 0, 0, time.UTC).Format("20060102T150405.000Z") + ".duckdb"
	}
	var names []string
	for day := 1; day <= 20; day++ {
		for _, hour := range []int{2, 14, 23} {
			names = append(names, name(day, hour))
		}
	}
	gone := superfluous(names, "evals", time.Date(2026, 1, 20, 23, 30, 0, 0, time.UTC), Retention{Last: 5, Days: 10})
	kept := map[string]bool{}
	for _, n := range names {
		kept[n] = true
	}
	for _, n := range gone {
		delete(kept, n)
	}
	for rule, c := range map[string]struct {
		name string
		want bool
	}{
		"the newest":                     {name(20, 23), true},
		"the fifth newest":               {name(19, 14), true},
		"last of a night in time":        {name(12, 23), true},
		"not the last of its night":      {name(12, 14), false},
		"last of a night too long ago":   {name(9, 23), false},
		"the last night that is in time": {name(10, 23), true},
	} {
		if kept[c.name] != c.want {
			t.Errorf("%s (%s): kept %v, want %v", rule, c.name, kept[c.name], c.want)
		}
	}
}

func TestReadersSeeCompleteNightsWhileARunWrites(t *testing.T) {
	s := openTest(t)
	runOn(t, s)
	if _, err := s.Publish(ctx, time.Now(), Retention{}); err != nil {
		t.Fatal(err)
	}
	writing, stop := context.WithCancel(ctx)
	var writer, readers sync.WaitGroup
	writer.Go(func() {
		for i := 0; writing.Err() == nil; i++ {
			b := evals.Batch{Runs: []evals.Run{{ID: "unfinished", Status: evals.Running, StartedAt: time.Now(), UpdatedAt: time.Now()}},
				Completions: []evals.Completion{{RunID: "unfinished", Key: evals.Key{Benchmark: "b", Model: "m", ItemID: fmt.Sprint(i)}, At: time.Now()}}}
			if err := s.Put(ctx, b); err != nil {
				t.Error(err)
			}
			if i%20 == 0 {
				if _, err := s.Publish(ctx, time.Now(), Retention{}); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for range 3 {
		readers.Go(func() {
			for range 5 {
				snap, err := open(ctx, filepath.Join(SnapshotDir(s.Path()), latestName), true)
				if err != nil {
					t.Error(err)
					return
				}
				if n := query(t, snap, `SELECT count(*) FROM v_answers`)[0][0]; n != int64(32) {
					t.Errorf("a reader saw %v answers, want the 32 of the complete run", n)
				}
				snap.Close()
			}
		})
	}
	readers.Wait()
	stop()
	writer.Wait()
}

func TestTierHistoryKeepsChangesOnly(t *testing.T) {
	s := openTest(t)
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	table := func(id string, tier scoring.Tier, day int) scoring.Tiers {
		return scoring.Tiers{ID: id, CreatedAt: at.AddDate(0, 0, day), Evidence: scoring.Measured, RunIDs: []string{"r"}, Families: map[string]scoring.Family{
			"f": {Tier: tier, Capability: 70, Hosts: map[string]scoring.Host{"p/f": {}}, Reasons: []string{"why " + id}},
			"g": {Tier: scoring.CheapFast, Capability: 50},
		}}
	}
	family := func(string) string { return "f" }
	used := []scoring.Measurement{{ModelID: "p/f", Benchmark: "mmlu", N: 100, Score: 0.7, StdErr: 0.05, EndpointKind: "real", RunID: "r"}}
	for _, tiers := range []scoring.Tiers{table("t1", scoring.Flagship, 0), table("t2", scoring.Flagship, 1), table("t3", scoring.CheapFast, 2), table("t3", scoring.CheapFast, 2)} {
		if err := s.RecordTiers(ctx, tiers, used, family, nil); err != nil {
			t.Fatal(err)
		}
	}
	moves, err := s.TierMoves(ctx, "", false)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range moves {
		got = append(got, fmt.Sprint(m.TableID, " ", m.Family, " ", m.Model, " ", m.From, "->", m.To, " ", m.Reason))
	}
	if diff := cmp.Diff([]string{"t3 f  flagship->cheap-fast why t3", "t3 f p/f flagship->cheap-fast why t3"}, got); diff != "" {
		t.Error(diff)
	}
	// Two tables of the same second: the later one is the current one.
	same := table("a-later-table", scoring.Reasoning, 2)
	if err := s.RecordTiers(ctx, same, nil, family, nil); err != nil {
		t.Fatal(err)
	}
	if got := query(t, s, `SELECT tier FROM v_tiers WHERE family = 'f' AND model = ''`); got[0][0] != "reasoning" {
		t.Errorf("current tier %v, want that of the table recorded last", got)
	}
	if tables, err := s.TierTables(ctx); err != nil || len(tables) != 4 || tables[0].ID != "a-later-table" || tables[0].Changes != 2 {
		t.Errorf("tables %+v, %v", tables, err)
	}
	// What tier was f on 2 May?
	if got := query(t, s, `SELECT tier FROM tier_history WHERE family = 'f' AND model = '' AND created_at <= '2026-05-02' ORDER BY created_at DESC LIMIT 1`); got[0][0] != "flagship" {
		t.Errorf("tier on 2 May: %v", got)
	}
	if n := query(t, s, `SELECT count(*) FROM score_history`)[0][0]; n != int64(8) {
		t.Errorf("%v score rows, want 2 families in 4 tables", n)
	}
}

func TestCatalogueIsImportedOnce(t *testing.T) {
	s := openTest(t)
	c, err := models.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.RecordCatalog(ctx, c, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	got := query(t, s, `SELECT (SELECT count(*) FROM published_scores), (SELECT count(*) FROM price_history)`)
	t.Logf("%v published scores (%d in the catalogue), %v prices", got[0][0], len(c.Scores()), got[0][1])
	if got[0][0].(int64) == 0 || got[0][0].(int64) > int64(len(c.Scores())) || got[0][1].(int64) == 0 {
		t.Errorf("imported %v", got)
	}
}

func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.duckdb")
	os.WriteFile(garbage, []byte(strings.Repeat("no database ", 1000)), 0o644)
	if _, err := Open(ctx, garbage); !errors.Is(err, ErrNotDatabase) {
		t.Errorf("garbage: %v, want ErrNotDatabase", err)
	}
	if _, _, err := OpenReader(ctx, filepath.Join(dir, "none.duckdb")); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("missing: %v, want ErrNoDatabase", err)
	}
	file := filepath.Join(dir, "file")
	os.WriteFile(file, nil, 0o644)
	if _, err := Open(ctx, filepath.Join(file, "x.duckdb")); err == nil {
		t.Error("a database inside a file opened")
	}
	s := openTest(t)
	if _, err := Open(ctx, s.Path()); !errors.Is(err, evals.ErrLocked) {
		t.Errorf("second open in one process: %v, want ErrLocked", err)
	}
	if _, err := s.db.Exec(`INSERT INTO schema_migrations VALUES (99, 'future', now())`); err != nil {
		t.Fatal(err)
	}
	path := s.Path()
	s.Close()
	if _, err := Open(ctx, path); !errors.Is(err, ErrNewerSchema) {
		t.Errorf("newer schema: %v, want ErrNewerSchema", err)
	}
}
