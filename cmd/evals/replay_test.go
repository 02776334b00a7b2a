package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// outcomesFolder writes n made-up rows of two models, ids from a number on.
func outcomesFolder(t *testing.T, from, n int) string {
	t.Helper()
	var b strings.Builder
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, `{"id":"r%d","source":"made","lang":"en","task":"t%d","prompt":"question %d about topic %d","outcomes":{"dear":{"score":1,"cost_usd":0.01},"low":{"score":%d,"cost_usd":0.001}}}`+"\n",
			i, i%2, i, i%2, i%2)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "made.jsonl"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReplayWritesItsFiles(t *testing.T) {
	train, test, out := outcomesFolder(t, 0, 80), outcomesFolder(t, 200, 20), filepath.Join(t.TempDir(), "out")
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("version: 1\nid: ours\nmargins: {balanced: 0.0333}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := must(t, exitClean, cli(t, "replay", "--train", train, "--test", test, "--out", out, "--features", "words", "--policy", policy, "--no-ablation"))
	if !strings.Contains(r.out, "best single model") || !strings.Contains(r.out, "report.html") {
		t.Errorf("printed:\n%s", r.out)
	}
	raw, err := os.ReadFile(filepath.Join(out, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Schema    int
		Policy    string
		Operating map[string]float64
		Rows      struct{ Train, Test int }
		Sources   []struct{ Source string }
	}
	if err := json.Unmarshal(raw, &s); err != nil || s.Schema != 1 || s.Policy != "ours" || s.Operating["balanced"] != 0.0333 ||
		s.Rows.Train != 80 || s.Rows.Test != 20 || len(s.Sources) != 1 {
		t.Errorf("summary %+v, %v", s, err)
	}
	lines, err := os.ReadFile(filepath.Join(out, "decisions.jsonl"))
	if err != nil || !strings.Contains(string(lines), `"policy":"assay","threshold":0.0333`) {
		t.Errorf("decisions lack the policy's own margin: %v", err)
	}
	again := must(t, exitClean, cli(t, "replay", "--train", train, "--test", test, "--out", out, "--features", "words", "--policy", policy, "--no-ablation"))
	if second, _ := os.ReadFile(filepath.Join(out, "summary.json")); string(second) != string(raw) || again.out != r.out {
		t.Error("the same command gives another summary")
	}
}

func TestReplayRefusesWhatItCannotDo(t *testing.T) {
	good := outcomesFolder(t, 0, 30)
	bad := t.TempDir()
	if err := os.WriteFile(filepath.Join(bad, "x.jsonl"), []byte(`{"id":"a","source":"s","prompt":"p","outcomes":{"m":{"score":2}}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"no folders", "--train", nil},
		{"no out", "--out", []string{"--train", good, "--test", good}},
		{"one folder without folds", "--folds", []string{"--train", good, "--test", good, "--out", out}},
		{"two folds", "--folds 2", []string{"--train", good, "--test", good, "--out", out, "--folds", "2"}},
		{"an unknown fit", "--fit", []string{"--train", good, "--test", good, "--out", out, "--folds", "5", "--fit", "none"}},
		{"an unknown feature", "smell", []string{"--train", good, "--test", good, "--out", out, "--folds", "5", "--features", "smell"}},
		{"a folder that is not there", "no such file", []string{"--train", good, "--test", filepath.Join(bad, "none"), "--out", out}},
		{"a bad row", "x.jsonl:1", []string{"--train", good, "--test", bad, "--out", out}},
		{"an unknown source", "no row of source", []string{"--train", good, "--test", good, "--out", out, "--folds", "5", "--sources", "nobody"}},
		{"all training rows tested", "--folds", []string{"--train", good, "--test", outcomesFolder(t, 0, 30), "--out", out, "--features", "words"}},
		{"a policy that is none", "policy", []string{"--train", good, "--test", good, "--out", out, "--folds", "5", "--policy", filepath.Join(bad, "x.jsonl")}},
		{"prices that are none", "header", []string{"--train", good, "--test", good, "--out", out, "--folds", "5", "--prices", os.DevNull}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := must(t, exitUsage, cli(t, append([]string{"replay"}, c.args...)...))
			if !strings.Contains(r.err, c.want) {
				t.Errorf("stderr %q; want %q in it", r.err, c.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("something was written")
			}
		})
	}
	if r := must(t, exitClean, cli(t, "replay", "--help")); !strings.Contains(r.out, "docs/replay.md") || !strings.Contains(r.out, "--features") {
		t.Errorf("help:\n%s", r.out)
	}
}
