package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGoldenRoutes shows for a list of everyday prompts what each is taken for
// and where it goes, and how many got a level that a person would call right.
// A new model or catalogue changes the file; its diff is the review.
func TestGoldenRoutes(t *testing.T) {
	const golden = "testdata/golden/routes.golden"
	prompts, err := os.ReadFile("testdata/golden/prompts.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var in bytes.Buffer
	var want []string
	for lines := bufio.NewScanner(bytes.NewReader(prompts)); lines.Scan(); {
		row := gjson.ParseBytes(lines.Bytes())
		want = append(want, row.Get("want").Str)
		line, err := json.Marshal(map[string]any{"id": row.Get("id").Str, "request": json.RawMessage(chat("assay/balanced", row.Get("prompt").Str))})
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	code, out, errs := runCommand(t, nil, in.String(), "route")
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if strings.Contains(errs, "heuristic") {
		t.Skip("the classifier's model does not run here: make runtime")
	}
	var got strings.Builder
	right := 0
	for i, line := range strings.Split(strings.TrimSpace(out), "\n") {
		d := gjson.Parse(line)
		mark := " "
		if strings.Contains(want[i], d.Get("level").Str) {
			right++
		} else {
			mark = "x"
		}
		fmt.Fprintf(&got, "%s %-10s %-18s %s  %-10s %s\n", mark, d.Get("id").Str, d.Get("intent").Str, d.Get("level").Str, d.Get("tier").Str, d.Get("model").Str)
	}
	fmt.Fprintf(&got, "levels as a person would have them: %d of %d\n", right, len(want))
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(old), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("routes changed; go test ./cmd/assay -run Golden -update rewrites the file (-golden +now):\n%s", diff)
	}
	if share := float64(right) / float64(len(want)); share < 0.8 {
		t.Errorf("only %.0f %% of the levels are what a person would say", 100*share)
	}
}
