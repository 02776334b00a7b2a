package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/datasets"
)

// writeSet writes the items of one kind as a data set.
func writeSet(t *testing.T, dir, name string, items []datasets.Sample) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, s := range items {
		if strings.Contains(s.ID, "/"+name+"/") {
			line, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(append(line, '\n'))
		}
	}
	if err := os.WriteFile(filepath.Join(dir, name+".jsonl"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// madeUp makes n items of each of two benchmarks.
func madeUp(t *testing.T, n int) []datasets.Sample {
	var out []datasets.Sample
	for i := range n {
		for _, line := range []string{
			fmt.Sprintf(`{"id":"made/gsm8k/%d","subject":"s","level":null,"question":"How much is %d plus %d, and nothing else (sum %d)?","answer":"%d"}`, i, i, 2*i, i, 3*i),
			fmt.Sprintf(`{"id":"made/cmmlu/%d","subject":"s%d","lang":"zh","question":"第%d题：选哪一个？","choices":["甲","乙","丙","丁"],"answer":"%c"}`, i, i%7, i, 'A'+i%4),
		} {
			var s datasets.Sample
			if err := json.Unmarshal([]byte(line), &s); err != nil {
				t.Fatal(err)
			}
			out = append(out, s)
		}
	}
	return out
}

// A run of 50 + 50 items is killed with -9 several times. In the end there are
// exactly 100 graded items, and no item was asked again once its answer was in
// the journal or the database. An answer that the kill finds on its way, in a
// socket or between socket and journal, may be asked for again: at most as many
// per kill as there are calls in flight.
func TestKillNineLosesAndRepeatsNothing(t *testing.T) {
	binary, err := evalsBinary()
	if err != nil {
		t.Fatal(err)
	}
	const concurrency, kills = 4, 4
	items := madeUp(t, 50)
	dir := t.TempDir()
	data, db := filepath.Join(dir, "data"), filepath.Join(dir, "evals.duckdb")
	writeSet(t, data, "gsm8k", items)
	writeSet(t, data, "cmmlu", items)
	fake := newFake(t, items...)
	fake.delay = 60 * time.Millisecond
	fake.right = func(_, id string) bool { return !strings.HasSuffix(id, "7") }
	args := []string{"run", "--benchmarks", "gsm8k,cmmlu", "--models", "a/b", "--base-url", fake.URL + "/v1", "--data", data, "--db", db,
		"--concurrency", fmt.Sprint(concurrency), "--progress", "none", "--snapshot-every", "100ms"}
	seed := time.Now().UnixNano()
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	t.Logf("seed %d", seed)

	allowed := 0             // repeats that calls in flight at a kill explain
	kept := map[string]int{} // items whose answer was on disk at a kill: times asked by then
	for k := range kills {
		_, before := fake.totals()
		cmd := exec.Command(binary, args...)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until := before + 5 + rng.IntN(18)
		waitFor(t, func() bool { _, delivered := fake.totals(); return delivered >= until })
		time.Sleep(time.Duration(rng.IntN(60)) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		time.Sleep(2 * fake.delay) // the endpoint notices
		asked, delivered := fake.totals()
		t.Logf("kill %d: %d asked, %d answered so far", k+1, asked, delivered)
		allowed += concurrency
		for _, key := range onDisk(t, db) {
			if _, ok := kept[key]; !ok {
				kept[key] = fake.asked[key]
			}
		}
	}
	r := must(t, exitClean, cli(t, args...))
	if !strings.Contains(r.out, "complete, 100 of 100 asked") {
		t.Errorf("after the last restart:\n%s", r.out)
	}

	q := must(t, exitClean, cli(t, "query", "--db", db, "--format", "csv",
		`SELECT count(*), count(DISTINCT benchmark || item_id), sum(score), (SELECT count(*) FROM runs), (SELECT count(*) FROM v_answers WHERE status = 'ok') FROM grades`))
	if !strings.HasSuffix(q.out, "\n100,100,90,1,100\n") {
		t.Errorf("graded: %s; want 100 rows of 100 items, 90 right, one run", q.out)
	}
	repeats := 0
	for key, n := range fake.delivered {
		if n > 1 {
			repeats += n - 1
			t.Logf("%s was answered %d times", key, n)
		}
	}
	if len(fake.delivered) != 100 || repeats > allowed {
		t.Errorf("%d items answered, %d answers repeated; at most %d can have been on their way at a kill", len(fake.delivered), repeats, allowed)
	}
	if left, _ := filepath.Glob(db + ".journal-*"); len(left) != 0 {
		t.Errorf("journal left behind: %v", left)
	}
	for key, n := range kept {
		if fake.asked[key] != n {
			t.Errorf("%s was asked again though its answer was on disk", key)
		}
	}
	if len(kept) < 20 {
		t.Errorf("only %d answers were on disk at the kills: the test proves little", len(kept))
	}
	t.Logf("%d answers for 100 items in %d sessions: %d of those in flight at a kill repeated, none of the %d on disk",
		len(fake.delivered)+repeats, kills+1, repeats, len(kept))
}

// onDisk lists model and item of every answer in the database or the journal,
// read from a copy so that the files stay as the kill left them.
func onDisk(t *testing.T, db string) (keys []string) {
	t.Helper()
	files, err := filepath.Glob(db + ".journal-*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(string(data), "\n")
		for _, line := range lines {
			var c struct {
				Model, State string
				ItemID       string `json:"item_id"`
			}
			if strings.HasSuffix(line, "\n") && json.Unmarshal([]byte(line), &c) == nil && c.State == "ok" {
				keys = append(keys, c.Model+" "+c.ItemID)
			}
		}
	}
	copied := filepath.Join(t.TempDir(), "copy.duckdb")
	for _, suffix := range []string{"", ".wal"} {
		if data, err := os.ReadFile(db + suffix); err == nil {
			os.WriteFile(copied+suffix, data, 0o644)
		}
	}
	q := must(t, exitClean, cli(t, "query", "--db", copied, "--format", "csv", "SELECT model || ' ' || item_id FROM completions WHERE state = 'ok'"))
	for _, line := range strings.Split(strings.TrimSpace(q.out), "\n")[1:] {
		keys = append(keys, line)
	}
	return keys
}
