package main

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"assay/evals/replay"
	"assay/models"
)

// Rows that may not shape what ships, or whose scores have no zero, are left
// out; names of one family are averaged; families with few outcomes go.
func TestOnlyOpenOutcomesOfKnownFamiliesShapeWhatShips(t *testing.T) {
	c, err := models.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string][]string{} // outcome names of a family
	var twice []string
	for _, a := range c.Anchors() {
		if names[a.Family] = append(names[a.Family], a.Outcome); a.Family != "" && len(names[a.Family]) == 2 && twice == nil {
			twice = names[a.Family]
		}
	}
	if twice == nil {
		t.Fatal("no family has two outcome names any more: make some up in a catalogue of this test's own")
	}
	var rows []replay.Row
	row := func(source, licence string, outcomes map[string]float64) {
		r := replay.Row{ID: strconv.Itoa(len(rows)), Source: source, License: licence, Prompt: "p", Outcomes: map[string]replay.Outcome{}}
		for m, s := range outcomes {
			r.Outcomes[m] = replay.Outcome{Score: s}
		}
		rows = append(rows, r)
	}
	both := map[string]float64{twice[0]: 1, twice[1]: 0, "a model that nobody knows": 1}
	for range leastOutcomes {
		row("open", "Apache-2.0 (repository); prompts MIT (MMLU)", both)
		row("closed", "no licence file (somewhere); prompts MIT", both)
		row("closed", "CC-BY-NC-4.0", both)
		row("closed", "prompts CC-BY-SA-4.0", both)
		row("closed", "", both)
		row("alpaca_eval2", "MIT", both)
	}
	row("open", "MIT", map[string]float64{"o1-preview-2024-09-12": 1}) // known, and once
	e := gather(rows, c)
	if len(e.families) != 1 || len(e.rows) != leastOutcomes {
		t.Fatalf("%d rows, families %v; want %d of one family", len(e.rows), e.families, leastOutcomes)
	}
	for i, r := range e.rows {
		if r.Source != "open" || math.Abs(e.scores[i][0]-0.5) > 1e-9 {
			t.Fatalf("row of %s, score %v; want the mean of both names, 0.5", r.Source, e.scores[i][0])
		}
	}
}

func TestFitRefuses(t *testing.T) {
	dir := t.TempDir()
	row := `{"id":"a","source":"s","license":"no licence file","prompt":"p","outcomes":{"m":{"score":1}}}`
	if err := os.WriteFile(filepath.Join(dir, "x.jsonl"), []byte(row), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"--outcomes and --out": {"fit"},
		"no such file":         {"fit", "--outcomes", filepath.Join(dir, "none"), "--out", filepath.Join(dir, "f")},
		"open licence":         {"fit", "--outcomes", dir, "--out", filepath.Join(dir, "f")},
	} {
		if r := must(t, exitUsage, cli(t, args...)); !strings.Contains(r.err, want) {
			t.Errorf("%v: %s", args, r.err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "f")); err == nil {
		t.Error("a refused fit left a file")
	}
}
