package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/scoring"
)

// evalsBinary builds the real command once.
var evalsBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "evals-test-*")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "evals")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		err = &buildError{string(out), err}
	}
	return path, err
})

type buildError struct {
	output string
	error
}

func (e *buildError) Error() string { return e.error.Error() + ": " + e.output }

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := evalsBinary(); err == nil && path != "" {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// result is what a command line gave.
type result struct {
	code     int
	out, err string
}

func cli(t *testing.T, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(context.Background(), args, &out, &errs, func(name string) string {
		if name == "SET_KEY" {
			return "secret"
		}
		return ""
	})
	return result{code, out.String(), errs.String()}
}

func must(t *testing.T, want int, r result) result {
	t.Helper()
	if r.code != want {
		t.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", r.code, want, r.out, r.err)
	}
	return r
}

const cheap, dear = "openai/gpt-4o-mini", "openai/gpt-4o"

func TestRunQueryCompareHistory(t *testing.T) {
	fake := newFake(t, starterItems(t)...)
	fake.right = func(model, id string) bool {
		return model == dear || !strings.HasSuffix(id, "3") && !strings.HasSuffix(id, "5")
	}
	db := filepath.Join(t.TempDir(), "new", "evals.duckdb")
	base := []string{"run", "--base-url", fake.URL + "/v1", "--db", db, "--progress", "plain"}
	r := must(t, exitClean, cli(t, append(base, "--models", cheap+","+dear)...))
	for _, want := range []string{"complete, 96 of 96 asked", "starter", "gsm8k", "$0.0"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("output lacks %q:\n%s", want, r.out)
		}
	}
	if asked, _ := fake.totals(); asked != 96 {
		t.Errorf("%d requests, want 96", asked)
	}

	q := must(t, exitClean, cli(t, "query", "--db", db, "--format", "csv", "SELECT model, benchmark, scored, round(score_percent, 1) AS score FROM v_scores ORDER BY ALL"))
	want := "model,benchmark,scored,score\nopenai/gpt-4o,cmmlu,16,100\nopenai/gpt-4o,gsm8k,16,100\nopenai/gpt-4o,mmlu,16,100\n" +
		"openai/gpt-4o-mini,cmmlu,16,75\nopenai/gpt-4o-mini,gsm8k,16,75\nopenai/gpt-4o-mini,mmlu,16,75\n"
	if q.out != want {
		t.Errorf("query gave\n%s\nwant\n%s", q.out, want)
	}
	var rows []struct {
		N    int
		Cost string `json:"cost_usd"`
	}
	j := must(t, exitClean, cli(t, "query", "--db", db, "--format", "json", "SELECT count(*) AS n, sum(cost_usd) AS cost_usd FROM v_answers"))
	if err := json.Unmarshal([]byte(j.out), &rows); err != nil || len(rows) != 1 || rows[0].N != 96 || rows[0].Cost == "" {
		t.Errorf("%v: %s", err, j.out)
	}
	must(t, exitUsage, cli(t, "query", "--db", db, "DELETE FROM runs"))

	run := runID(t, r.out)
	c := must(t, exitClean, cli(t, "compare", "--db", db, run+":"+dear, run+":"+cheap))
	if !strings.Contains(c.out, "-25.0") {
		t.Errorf("compare:\n%s", c.out)
	}
	must(t, exitRegression, cli(t, "compare", "--db", db, "--fail-on-regression", run+":"+dear, run+":"+cheap))
	must(t, exitClean, cli(t, "compare", "--db", db, "--fail-on-regression", run+":"+cheap, run+":"+dear))
	must(t, exitUsage, cli(t, "compare", "--db", db, run, "nowhere"))
	h := must(t, exitClean, cli(t, "history", "--db", db, "--runs"))
	if !strings.Contains(h.out, run) || !strings.Contains(h.out, "complete") {
		t.Errorf("runs:\n%s", h.out)
	}
	// Starter items of a real endpoint are no benchmark: they move no tier.
	no := must(t, exitUsage, cli(t, "retier", "--db", db, "--out", filepath.Join(t.TempDir(), "tiers.json")))
	if !strings.Contains(no.err, "starter items are no benchmark") {
		t.Errorf("retier: %s", no.err)
	}
}

func runID(t *testing.T, out string) string {
	t.Helper()
	_, rest, ok := strings.Cut(out, "\nrun ")
	if !ok {
		t.Fatalf("no run is named in:\n%s", out)
	}
	id, _, _ := strings.Cut(rest, ":")
	return id
}

func TestRetierPublishesATableAndItsHistory(t *testing.T) {
	fake := newFake(t, starterItems(t)...)
	fake.simulated = true
	fake.right = func(_, id string) bool { return strings.HasSuffix(id, "/1") } // far below what is published
	dir := t.TempDir()
	db, tiers := filepath.Join(dir, "evals.duckdb"), filepath.Join(dir, "tiers.json")
	must(t, exitClean, cli(t, "run", "--base-url", fake.URL, "--db", db, "--models", dear, "--progress", "none"))

	dry := must(t, exitClean, cli(t, "retier", "--db", db, "--dry-run"))
	if _, err := os.Stat(tiers); err == nil {
		t.Error("a dry run wrote the table")
	}
	first := must(t, exitClean, cli(t, "retier", "--db", db, "--out", tiers))
	t.Logf("dry run:\n%s\nretier:\n%s", dry.out, first.out)
	table, err := scoring.ReadFile(tiers)
	if err != nil {
		t.Fatal(err)
	}
	if table.Evidence != scoring.Sim || len(table.RunIDs) != 1 || table.Parent == "" {
		t.Errorf("evidence %s, runs %v, parent %q", table.Evidence, table.RunIDs, table.Parent)
	}
	// What outcomes of real prompts say of a family outlives a night's run.
	if m, general := table.Families["gpt-4o"].Abilities[scoring.Math], table.Families["gpt-4o"].Abilities[scoring.General]; m.SD > general.SD-0.2 {
		t.Errorf("math %+v, general %+v: outcomes tell of math, which must be the better known", m, general)
	}
	before, _ := os.ReadFile(tiers)
	again := must(t, exitClean, cli(t, "retier", "--db", db, "--out", tiers))
	after, _ := os.ReadFile(tiers)
	if !strings.Contains(again.out, "nothing changes") || !bytes.Equal(before, after) {
		t.Errorf("re-tiering twice is not re-tiering once:\n%s", again.out)
	}
	h := must(t, exitClean, cli(t, "history", "--db", db))
	if !strings.Contains(h.out, "sim") || !strings.Contains(h.out, "published") {
		t.Errorf("history:\n%s", h.out)
	}
	q := must(t, exitClean, cli(t, "query", "--db", db, "--format", "csv", "SELECT count(*) > 200, count(DISTINCT table_id) FROM tier_history"))
	if !strings.HasSuffix(q.out, "true,1\n") && !strings.HasSuffix(q.out, "true,2\n") {
		t.Errorf("tier history: %s", q.out)
	}
	must(t, exitUsage, cli(t, "retier", "--db", db))
	broken := filepath.Join(dir, "broken.json")
	os.WriteFile(broken, []byte("{"), 0o644)
	must(t, exitUsage, cli(t, "retier", "--db", db, "--out", broken))
	// A gateway's results never mix with simulated ones.
	fake.simulated = false
	data := filepath.Join(dir, "data")
	writeSet(t, data, "mmlu", starterItems(t))
	must(t, exitClean, cli(t, "run", "--base-url", fake.URL, "--db", db, "--models", dear, "--benchmarks", "mmlu", "--data", data, "--progress", "none"))
	for _, kind := range []string{"", "gateway"} { // not with each other, and not on a simulated table
		mixed := must(t, exitUsage, cli(t, "retier", "--db", db, "--out", tiers, "--kind", kind, "--dry-run"))
		if !strings.Contains(mixed.err, "kinds") {
			t.Errorf("mixing: %s", mixed.err)
		}
	}
}

func TestBudgetAndErrorsHaveTheirCodes(t *testing.T) {
	fake := newFake(t, starterItems(t)...)
	db := filepath.Join(t.TempDir(), "e.duckdb")
	args := []string{"run", "--base-url", fake.URL, "--db", db, "--progress", "none", "--models"}
	r := must(t, exitBudget, cli(t, append(args, dear, "--budget-usd", "0.02")...))
	if !strings.Contains(r.out, "stopped") || !strings.Contains(r.err, "budget reached") {
		t.Errorf("%s\n%s", r.out, r.err)
	}
	must(t, exitUsage, cli(t, append(args, "nobody/knows", "--budget-usd", "1")...))
	config := filepath.Join(t.TempDir(), "m.yaml")
	os.WriteFile(config, []byte("models:\n  nobody/knows:\n    price: {in_usd_per_million: \"0.5\", out_usd_per_million: \"1\"}\n    max_tokens: 100\n"), 0o644)
	must(t, exitClean, cli(t, append(args, "nobody/knows", "--budget-usd", "1", "--model-config", config)...))
	fake.fail = func(string, string) int { return 401 }
	r = must(t, exitErrors, cli(t, append(args, "other/model")...))
	if !strings.Contains(r.err, "fake failure 401") {
		t.Errorf("the cause is not named: %s", r.err)
	}
	fake.Close()
	r = must(t, exitErrors, cli(t, append(args, "another/model")...))
	if !strings.Contains(r.err, "cannot be reached") {
		t.Error(r.err)
	}
}

func TestBadInputHasACodeAndSaysWhatToDo(t *testing.T) {
	fake := newFake(t, starterItems(t)...)
	dir := t.TempDir()
	db := filepath.Join(dir, "e.duckdb")
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	corrupt := file("corrupt.duckdb", strings.Repeat("junk ", 5000))
	broken := filepath.Dir(file("broken/mmlu.jsonl", "{\"id\":\"1\"}\nnot json\n"))
	outputs := file("outputs.jsonl", `{"id":"starter/gsm8k/0","output":"Answer: 37"}`+"\n")
	strange := file("strange.jsonl", `{"id":"nobody","output":"x"}`+"\n")
	items := "../../datasets/starter/gsm8k.jsonl"
	ok := []string{"run", "--base-url", fake.URL, "--db", db, "--models", "a/b", "--progress", "none"}
	with := func(more ...string) []string { return append(append([]string{}, ok...), more...) }
	for _, c := range []struct {
		rule string
		args []string
		code int
		says string
	}{
		{"no subcommand is help", []string{}, exitClean, ""},
		{"unknown subcommand", []string{"frobnicate"}, exitUsage, "unknown command"},
		{"unknown flag", with("--frob"), exitUsage, "unknown flag"},
		{"flag of the wrong type", with("--limit", "many"), exitUsage, "invalid argument"},
		{"negative limit", with("--limit", "-1"), exitUsage, "--limit -1"},
		{"no concurrency", with("--concurrency", "0"), exitUsage, "--concurrency 0"},
		{"no model", []string{"run", "--db", db}, exitUsage, "no model is named"},
		{"model named twice", with("--models", "a/b,a/b"), exitUsage, "named twice"},
		{"unknown benchmark", with("--benchmarks", "mmlu,nope"), exitUsage, `unknown benchmark "nope": there are cmmlu, gsm8k, mmlu`},
		{"missing data folder", with("--data", filepath.Join(dir, "none")), exitUsage, "no such file"},
		{"data folder without the set", with("--data", dir), exitUsage, "no such data set"},
		{"broken item", with("--data", broken, "--benchmarks", "mmlu"), exitUsage, "mmlu.jsonl:1"},
		{"bad base URL", with("--base-url", "localhost"), exitUsage, "--base-url"},
		{"key variable that is not set", with("--api-key-env", "NO_SUCH_KEY"), exitUsage, "NO_SUCH_KEY"},
		{"budget that is no number", with("--budget-usd", "ten"), exitUsage, "--budget-usd"},
		{"budget of nothing", with("--budget-usd", "0"), exitUsage, "--budget-usd"},
		{"missing model configuration", with("--model-config", filepath.Join(dir, "none.yaml")), exitUsage, "model configuration"},
		{"model configuration with an unknown key", with("--model-config", file("u.yaml", "defaults: {tempreature: 1}")), exitUsage, "tempreature"},
		{"model configuration out of range", with("--model-config", file("r.yaml", "defaults: {temperature: 9}")), exitUsage, "temperature"},
		{"unknown progress", with("--progress", "dance"), exitUsage, "--progress"},
		{"corrupt database", with("--db", corrupt), exitUsage, "no DuckDB database"},
		{"database where no folder can be", with("--db", filepath.Join(outputs, "x", "e.duckdb")), exitUsage, "folder of the database"},
		{"history of no database", []string{"history", "--db", filepath.Join(dir, "no.duckdb")}, exitUsage, "no eval database"},
		{"query without SQL", []string{"query", "--db", db}, exitUsage, "accepts 1 arg"},
		{"snapshot of no database", []string{"snapshot", "--db", filepath.Join(dir, "no.duckdb")}, exitUsage, "no eval database"},
		{"retier without a place", []string{"retier", "--db", db}, exitUsage, "--out"},
		{"score without items", []string{"score", "--benchmark", "gsm8k"}, exitUsage, "required flag"},
		{"score of an unknown item", []string{"score", "--benchmark", "gsm8k", "--items", items, "--outputs", strange}, exitUsage, `"nobody"`},
		{"score with an unknown extractor", []string{"score", "--benchmark", "gsm8k", "--items", items, "--outputs", outputs, "--extractor", "x"}, exitUsage, "number/1"},
		{"datasets verify of a bad folder", []string{"datasets", "verify", "--data", broken}, exitUsage, "mmlu.jsonl:1"},
		{"datasets verify without a folder", []string{"datasets", "verify"}, exitUsage, "--data"},
		{"compare with one side", []string{"compare", "A"}, exitUsage, "accepts 2 arg"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := cli(t, c.args...)
			if r.code != c.code || !strings.Contains(r.err, c.says) {
				t.Errorf("exit code %d, want %d; stderr %q, want %q in it", r.code, c.code, r.err, c.says)
			}
		})
	}
}

func TestScoreGradesRecordedOutputs(t *testing.T) {
	dir := t.TempDir()
	outputs := filepath.Join(dir, "o.jsonl")
	os.WriteFile(outputs, []byte(`{"id":"starter/gsm8k/0","output":"168-131\nAnswer: 37"}
{"id":"starter/gsm8k/1","output":"#### 481"}
{"id":"starter/gsm8k/2","output":"no idea"}
`), 0o644)
	args := []string{"score", "--benchmark", "gsm8k", "--items", "../../datasets/starter/gsm8k.jsonl", "--outputs", outputs, "--json"}
	type scored struct {
		Benchmark, Extractor    string
		N, Unparsed             int
		Score, StdErr, Coverage float64
		Items                   []struct {
			ID, Status, Extracted string
			Score                 float64
		}
	}
	var got scored
	r := must(t, exitClean, cli(t, args...))
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Benchmark != "gsm8k" || got.Extractor != "number/1" || got.N != 3 || got.Unparsed != 1 || got.Score < 0.333 || got.Score > 0.334 ||
		got.Coverage != 3.0/16 || len(got.Items) != 16 || got.Items[0].Status != "ok" || got.Items[0].Score != 1 || got.Items[1].Extracted != "481" ||
		got.Items[2].Status != "unparsed" || got.Items[3].Status != "pending" {
		t.Errorf("%s", r.out)
	}
	var every []scored
	r = must(t, exitClean, cli(t, append(args, "--extractor", "all")...))
	if err := json.Unmarshal([]byte(r.out), &every); err != nil || len(every) != 2 || every[1].Extractor != "gsm8k-official/1" || every[1].Unparsed != 2 {
		t.Errorf("%v\n%s", err, r.out)
	}
}

func TestScoresAndDatasets(t *testing.T) {
	var lines []scoreLine
	r := must(t, exitClean, cli(t, "scores", "--json"))
	if err := json.Unmarshal([]byte(r.out), &lines); err != nil || len(lines) < 50 {
		t.Fatalf("%v, %d families", err, len(lines))
	}
	for i, l := range lines {
		if l.Lo > l.Capability || l.Hi < l.Capability || i > 0 && l.Capability > lines[i-1].Capability {
			t.Errorf("%+v", l)
		}
	}
	d := must(t, exitClean, cli(t, "datasets", "list"))
	for _, want := range []string{"gsm8k", "cmmlu", "starter", "16"} {
		if !strings.Contains(d.out, want) {
			t.Errorf("datasets list lacks %q:\n%s", want, d.out)
		}
	}
}

// While one process runs, another one cannot write and reads the snapshot.
func TestLockedDatabase(t *testing.T) {
	binary, err := evalsBinary()
	if err != nil {
		t.Fatal(err)
	}
	fake := newFake(t, starterItems(t)...)
	db := filepath.Join(t.TempDir(), "e.duckdb")
	must(t, exitClean, cli(t, "run", "--base-url", fake.URL, "--db", db, "--models", "a/first", "--progress", "none"))
	fake.delay = 200 * time.Millisecond
	cmd := exec.Command(binary, "run", "--base-url", fake.URL, "--db", db, "--models", "a/second", "--concurrency", "1", "--progress", "none")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	waitFor(t, func() bool { asked, _ := fake.totals(); return asked > 48 })

	for _, args := range [][]string{
		{"run", "--base-url", fake.URL, "--db", db, "--models", "a/third"},
		{"retier", "--db", db, "--out", filepath.Join(t.TempDir(), "t.json")},
		{"snapshot", "--db", db},
	} {
		r := must(t, exitLocked, cli(t, args...))
		if !strings.Contains(r.err, "in use by another process") {
			t.Errorf("%s: %s", args[0], r.err)
		}
	}
	for _, args := range [][]string{{"history", "--db", db}, {"query", "--db", db, "SELECT count(*) FROM v_answers"}} {
		r := must(t, exitClean, cli(t, args...))
		if !strings.Contains(r.err, "old)") {
			t.Errorf("%s does not say how old its snapshot is: %s", args[0], r.err)
		}
	}
	q := must(t, exitClean, cli(t, "query", "--db", db, "--format", "csv", "SELECT count(*) FROM v_answers"))
	if !strings.HasSuffix(q.out, "\n48\n") {
		t.Errorf("the snapshot shows %q, want the 48 answers of the finished run", q.out)
	}
	// Interrupted, it ends with its own code and keeps what it has.
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("exit code %d after Ctrl-C, want %d", code, exitInterrupted)
	}
	_, before := fake.totals()
	fake.delay = 0
	must(t, exitClean, cli(t, "run", "--base-url", fake.URL, "--db", db, "--models", "a/second", "--progress", "none"))
	if asked, delivered := fake.totals(); delivered != 96 || asked != 96 || before == 96 {
		t.Errorf("%d asked, %d answered; want 96 of each: what was answered before the interruption counts", asked, delivered)
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for range 600 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("waited half a minute in vain")
}

func TestProgressBarsDraw(t *testing.T) {
	fake := newFake(t, starterItems(t)...)
	var out bytes.Buffer
	code := run(context.Background(), []string{"run", "--base-url", fake.URL, "--db", filepath.Join(t.TempDir(), "e.duckdb"),
		"--models", cheap + "," + dear, "--progress", "bars"}, io.Discard, &out, func(string) string { return "" })
	if code != exitClean || !strings.Contains(out.String(), "100.0 ±") || !strings.Contains(out.String(), "spent") {
		t.Errorf("code %d, drawn:\n%s", code, out.String())
	}
}
