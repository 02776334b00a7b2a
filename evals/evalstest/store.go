package evalstest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/evals"
	"assay/models"
)

// Store is what the conformance tests need: everything a run writes, and the
// means to read it back.
type Store interface {
	evals.Store
	evals.Reader
}

// TestStore runs the conformance tests. open gives an empty store each time.
func TestStore(t *testing.T, open func(t *testing.T) Store) {
	for name, test := range map[string]func(*testing.T, Store){
		"what is put is read back":           readBack,
		"putting twice changes nothing":      idempotent,
		"a row replaces the row of its key":  replaces,
		"runs come newest first":             newestFirst,
		"a cancelled batch leaves no trace":  cancelled,
		"runs do not see each other's rows":  separate,
		"any text survives":                  anyText,
		"an early stop of reading is no bug": earlyStop,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

var at = time.Date(2026, 3, 4, 5, 6, 7, 890123000, time.UTC)

func sampleRun(id string, started time.Time) evals.Run {
	zero := 0.0
	return evals.Run{
		ID: id, ParamsHash: "hash " + id, Status: evals.Running, Note: "a note", Kind: evals.KindSim,
		StartedAt: started, UpdatedAt: started.Add(time.Minute), Planned: 5, SpentNano: 1234567890123,
		Params: evals.Params{BaseURL: "http://x/v1", Limit: 5, Seed: 1,
			Benchmarks: []evals.BenchParams{{Name: "b", Template: "t/1", Origin: "folder", DatasetHash: "d", Items: 5}},
			Models:     []evals.ModelParams{{ID: "p/m", Sampling: evals.Sampling{Temperature: &zero, MaxTokens: 7}}}},
	}
}

func sampleCompletion(run, item string) evals.Completion {
	return evals.Completion{
		RunID: run, Key: evals.Key{Benchmark: "b", Model: "p/m", ItemID: item}, Hash: "h", DatasetHash: "d",
		State: evals.OK, Kind: evals.KindSim, Output: "Answer: A", Reasoning: "hm", FinishReason: "stop",
		RoutedModel: "p/m", Provider: "p", RequestID: "r-1",
		Usage: models.Usage{Input: 10, CacheRead: 3, CacheWrite: 2, Output: 5, Reasoning: 1}, HasUsage: true,
		CostNano: 123456789, HasCost: true, Doubtful: 7, Latency: 1500 * time.Millisecond, Attempts: 2, At: at,
	}
}

func sampleGrade(run, item string, score float64) evals.Grade {
	return evals.Grade{RunID: run, Key: evals.Key{Benchmark: "b", Model: "p/m", ItemID: item}, Subject: "s",
		Extractor: "choice/1", State: evals.OK, Score: score, Extracted: "A", Expected: "A", At: at}
}

func sampleCard(run string) evals.Scorecard {
	return evals.Scorecard{RunID: run, Benchmark: "b", Model: "p/m", CatalogID: "p/m", Extractor: "choice/1", Template: "t/1+5shot",
		Origin: "folder", DatasetHash: "d", Kind: evals.KindSim, Planned: 5, N: 4, Unparsed: 1, Length: 1, Errors: 0,
		Score: 0.75, StdErr: 0.2165, Clusters: 3, CostNano: 5, Costed: 4, TokensIn: 40, TokensOut: 20, LatencyMS: 12.5, At: at}
}

func put(t *testing.T, s Store, b evals.Batch) {
	t.Helper()
	if err := s.Put(context.Background(), b); err != nil {
		t.Fatal(err)
	}
}

// read collects everything a store has of a run.
func read(t *testing.T, s Store, run string) (b evals.Batch) {
	t.Helper()
	ctx := context.Background()
	for c, err := range s.Completions(ctx, run) {
		if err != nil {
			t.Fatal(err)
		}
		b.Completions = append(b.Completions, c)
	}
	var err error
	if b.Grades, err = s.Grades(ctx, run); err != nil {
		t.Fatal(err)
	}
	if b.Scorecards, err = s.Scorecards(ctx, run); err != nil {
		t.Fatal(err)
	}
	if b.Runs, err = s.Runs(ctx); err != nil {
		t.Fatal(err)
	}
	return b
}

func same(t *testing.T, got, want evals.Batch) {
	t.Helper()
	want.Items = nil // items are not read back through the interface
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func whole(run string) evals.Batch {
	failed := sampleCompletion(run, "i2")
	failed.State, failed.Output, failed.HasCost, failed.CostNano, failed.HasUsage, failed.Usage = evals.Failed, "", false, 0, false, models.Usage{}
	failed.HTTPStatus, failed.Error, failed.Permanent = 400, "HTTP 400: no", true
	finished := sampleRun(run, at)
	finished.FinishedAt = at.Add(time.Hour)
	return evals.Batch{
		Runs:        []evals.Run{finished},
		Items:       []evals.Item{{Benchmark: "b", DatasetHash: "d", ID: "i1", Subject: "s", Lang: "zh", Question: "问？", Choices: []string{"x", "y"}, Answer: "A"}},
		Completions: []evals.Completion{sampleCompletion(run, "i1"), failed},
		Grades:      []evals.Grade{sampleGrade(run, "i1", 1)},
		Scorecards:  []evals.Scorecard{sampleCard(run)},
	}
}

func readBack(t *testing.T, s Store) {
	put(t, s, whole("r"))
	same(t, read(t, s, "r"), whole("r"))
}

func idempotent(t *testing.T, s Store) {
	put(t, s, whole("r"))
	put(t, s, whole("r"))
	same(t, read(t, s, "r"), whole("r"))
}

func replaces(t *testing.T, s Store) {
	put(t, s, whole("r"))
	b := whole("r")
	b.Runs[0].Status, b.Runs[0].Note = evals.Complete, ""
	b.Completions[1] = sampleCompletion("r", "i2")
	b.Grades[0].Score = 0.5
	b.Grades = append(b.Grades, sampleGrade("r", "i2", 0))
	b.Scorecards[0].N = 5
	put(t, s, b)
	same(t, read(t, s, "r"), b)
}

func newestFirst(t *testing.T, s Store) {
	for _, hours := range []int{2, 0, 3, 1} {
		put(t, s, evals.Batch{Runs: []evals.Run{sampleRun(fmt.Sprint("r", hours), at.Add(time.Duration(hours)*time.Hour))}})
	}
	runs, err := s.Runs(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	if diff := cmp.Diff([]string{"r3", "r2", "r1", "r0"}, ids); diff != "" {
		t.Error(diff)
	}
}

func cancelled(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Put(ctx, whole("r")); err == nil {
		t.Error("a cancelled Put reported success")
	}
	same(t, read(t, s, "r"), evals.Batch{})
}

func separate(t *testing.T, s Store) {
	a, b := whole("a"), whole("b")
	put(t, s, a)
	put(t, s, b)
	got := read(t, s, "a")
	got.Runs = a.Runs
	same(t, got, a)
}

func anyText(t *testing.T, s Store) {
	b := whole("r")
	b.Completions = b.Completions[:1]
	b.Completions[0].Output = "quote ' \" \\ ; -- 换行\n\ttab 😀 \u0001 end"
	put(t, s, b)
	same(t, read(t, s, "r"), b)
	b.Completions[0].Output = "bad \xff\xfe bytes and a \x00 zero"
	put(t, s, b)
	if got := read(t, s, "r").Completions; len(got) != 1 {
		t.Errorf("an answer with invalid UTF-8 was lost: %v", got)
	}
}

func earlyStop(t *testing.T, s Store) {
	put(t, s, whole("r"))
	for range s.Completions(context.Background(), "r") {
		break
	}
	same(t, read(t, s, "r"), whole("r"))
}
