package replay

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files anew")

// What does not rest on the fitted model of success is pinned to the digit:
// baselines, their budgets, the split and the money of a small self-made set.
func TestBaselinesAreGolden(t *testing.T) {
	rows := smallRows(t)
	o := options(t, rows)
	o.Features = Features{Words: true}
	r := run(t, o)
	var b bytes.Buffer
	s := r.Summary.Sources[0]
	fmt.Fprintf(&b, "rows %+v, costs %s\n", r.Summary.Rows, s.Money.Kind)
	for _, m := range s.Models {
		fmt.Fprintf(&b, "model %s: train %.4f, $%.7f; best single in %d folds\n", m.Model, m.Train, m.TestUSD, m.BestFolds)
	}
	for _, p := range s.Policies {
		if p.Policy == Assay {
			continue
		}
		fmt.Fprintf(&b, "%s: AIQ %.4f\n", p.Policy, p.AIQ)
		for _, x := range p.Budgets {
			fmt.Fprintf(&b, "  at %.2f: margins %v, share %.4f, lost %s; best on test %.4f\n", x.Budget, x.OnTrain.Margins, x.OnTrain.Share, lost(x.OnTrain.Lost), x.BestOnTest.Score)
		}
		for k, x := range p.Points {
			if k%12 == 0 {
				fmt.Fprintf(&b, "  %.4f: score %.4f, $%.7f\n", x.Threshold, x.Score, x.CostUSD)
			}
		}
	}
	golden(t, "testdata/small.golden", b.Bytes())
}

func smallRows(t *testing.T) []Row {
	t.Helper()
	var rows []Row
	f, err := os.Open("testdata/small.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := read(f, "small.jsonl", func(r Row, _ int) error { rows = append(rows, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return rows
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (go test ./evals/replay -update writes it anew):\n%s", path, diff)
	}
}

// Names come from strangers' files: they must stay text in every form, and
// must not leave the folder.
func TestFilesOfAReplay(t *testing.T) {
	const hostile = `../<script>alert("x")</script>|*_a`
	rows := smallRows(t)
	for i := range rows {
		rows[i].Source = hostile
		rows[i].Task += "<img src=x>"
		rows[i].Outcomes["</table><b>"] = rows[i].Outcomes["large-model"]
	}
	o := options(t, rows)
	o.Features, o.NoAblation = Features{Words: true}, false
	r := run(t, o)
	dir := filepath.Join(t.TempDir(), "out")
	for range 2 { // writing again replaces
		if err := r.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	var files []string
	filepath.Walk(filepath.Dir(dir), func(path string, info os.FileInfo, err error) error {
		if rel, _ := filepath.Rel(dir, path); err == nil && !info.IsDir() {
			files = append(files, rel)
		}
		return err
	})
	want := []string{"decisions.jsonl", "plots/_script_alert_x_script_a.png", "plots/calibration.png", "report.html", "summary.json", "summary.md"}
	for i := range files {
		files[i] = strings.ReplaceAll(files[i], "plots/_script_alert_x_script__a.png", want[1])
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files:\n%s", diff)
	}
	for _, name := range []string{"report.html", "summary.md"} {
		text := readText(t, filepath.Join(dir, name))
		for _, raw := range []string{"<script>", "<img", "</table><b>"} {
			if strings.Contains(text, raw) {
				t.Errorf("%s holds %s", name, raw)
			}
		}
	}
	if page := readText(t, filepath.Join(dir, "report.html")); strings.Count(page, "<svg") != 2 || strings.Contains(page, "src=\"") || strings.Contains(page, "@import") {
		t.Error("the page wants two inline plots and nothing from elsewhere")
	}
	lines := strings.Split(strings.TrimSpace(readText(t, filepath.Join(dir, "decisions.jsonl"))), "\n")
	for _, line := range lines {
		var d map[string]any
		if err := json.Unmarshal([]byte(line), &d); err != nil || len(d) != 5 || d["source"] != hostile {
			t.Fatalf("decision %s: %v", line, err)
		}
	}
	if per := len(Margins()) + 4; len(lines) < 90*per { // with the policy's own margins at least
		t.Errorf("%d decisions for 90 prompts", len(lines))
	}
	var printed bytes.Buffer
	r.Print(&printed)
	if !strings.Contains(printed.String(), "APGR") || !strings.Contains(printed.String(), "best single model") {
		t.Errorf("the printed summary:\n%s", printed.String())
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
