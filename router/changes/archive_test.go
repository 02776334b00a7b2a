package changes

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/router/policy"
)

func ids(a *Archive) []string {
	var out []string
	for _, i := range a.Items() {
		out = append(out, i.ID)
	}
	return out
}

// open fails on any problem.
func open(t *testing.T, dir string) *Archive {
	t.Helper()
	a, problems := OpenArchive(dir)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return a
}

// What was served is there after a restart: tables, when each was first served,
// and which tiers a routing table was made of.
func TestArchiveSurvives(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "a [b]*", "tables")} {
		a := open(t, dir)
		one, two := shifted("one/../x", nil), shifted("two", nil)
		two.CreatedAt = testNow.AddDate(0, 0, 1)
		for _, tiers := range []string{"two", "one/../x"} {
			v := two
			if tiers != "two" {
				v = one
			}
			if err := a.Keep(v, testNow.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Name("t-abc", "two", testNow); err != nil {
			t.Fatal(err)
		}
		changed := shifted("two", map[string]float64{familyOf(t, "openai/gpt-4o"): 3})
		if err := a.Keep(changed, testNow.Add(9*time.Hour)); err != nil { // never overwritten
			t.Fatal(err)
		}
		again := open(t, dir)
		if got := ids(again); !slices.Equal(got, []string{"one/../x", "two"}) || !again.Items()[0].FirstServed.Equal(testNow.Add(time.Hour)) {
			t.Errorf("kept %v", again.Items())
		}
		if tiers, ok := again.Named("t-abc"); tiers != "two" || !ok {
			t.Errorf("t-abc is of %q", tiers)
		}
		got, err := again.Tiers("two")
		if err != nil || got.ID != "two" || got.SHA256 != two.SHA256 || len(got.Families) != len(two.Families) || !got.CreatedAt.Equal(two.CreatedAt) {
			t.Errorf("read back %s %q of %s, %v", got.ID, got.SHA256, got.CreatedAt, err)
		}
		if f := familyOf(t, "openai/gpt-4o"); got.Families[f].Abilities["general"] != two.Families[f].Abilities["general"] {
			t.Error("the kept table was overwritten")
		}
	}
}

// A routing table made of a kept table has the id it had when it was new.
func TestKeptTablesKeepTheirID(t *testing.T) {
	a := open(t, t.TempDir())
	tiers := shifted("one", nil)
	if err := a.Keep(tiers, testNow); err != nil {
		t.Fatal(err)
	}
	kept, err := a.Tiers("one")
	if err != nil {
		t.Fatal(err)
	}
	p := policy.Default()
	if was, is := routing(t, tiers, p).ID, routing(t, kept, p).ID; was != is {
		t.Errorf("was %s, is %s", was, is)
	}
}

// Damage is named and costs nothing else.
func TestArchiveWithDamage(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	for _, id := range []string{"one", "two"} {
		if err := a.Keep(shifted(id, nil), testNow); err != nil {
			t.Fatal(err)
		}
	}
	served := filepath.Join(dir, servedFile)
	b, err := os.ReadFile(served)
	if err != nil {
		t.Fatal(err)
	}
	torn := string(b) + `{"at":"2026-11-`
	for name, text := range map[string]string{served: torn, filepath.Join(dir, "broken.json"): "{"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, problems := OpenArchive(dir)
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "broken.json") || !slices.Equal(ids(a), []string{"one", "two"}) {
		t.Errorf("%v, problems %v", ids(a), problems)
	}
	if err := a.Name("t-1", "one", testNow); err != nil {
		t.Fatal(err)
	}
	a, _ = OpenArchive(dir)
	if _, ok := a.Named("t-1"); !ok {
		t.Error("a line after a torn one was lost")
	}
	if err := os.Remove(served); err != nil { // another replica's directory, say
		t.Fatal(err)
	}
	if a, _ = OpenArchive(dir); !slices.Equal(ids(a), []string{"one", "two"}) {
		t.Errorf("without the list of what was served: %v", ids(a))
	}
}

func TestArchiveIsBoundedByAge(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	for n := range 9 {
		tiers := shifted(fmt.Sprint("t", n), nil)
		tiers.CreatedAt = testNow.AddDate(0, 0, n)
		if err := a.Keep(tiers, tiers.CreatedAt); err != nil {
			t.Fatal(err)
		}
	}
	dropped, err := a.Prune(testNow.AddDate(0, 0, 3), []string{"t1"})
	if err != nil || !slices.Equal(dropped, []string{"t0", "t2"}) {
		t.Errorf("dropped %v, %v", dropped, err)
	}
	if dropped, err = a.Prune(testNow.AddDate(1, 0, 0), nil); err != nil || !slices.Equal(ids(a), []string{"t4", "t5", "t6", "t7", "t8"}) {
		t.Errorf("a year later %v, dropped %v, %v: the newest %d stay", ids(a), dropped, err, NewestKept)
	}
	if got := ids(open(t, dir)); len(got) != NewestKept {
		t.Errorf("after a restart %v", got)
	}
}

// Replicas that share a directory keep each table once.
func TestArchiveIsShared(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		a := open(t, dir)
		wg.Go(func() {
			for n := range 3 {
				if err := a.Keep(shifted(fmt.Sprint("t", n), nil), testNow); err != nil {
					t.Error(err)
				}
				if err := a.Name("t-x", "t0", testNow); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 4 { // three tables and the list
		t.Errorf("%v, %v", files, err)
	}
	for n := range 3 {
		if _, err := open(t, dir).Tiers(fmt.Sprint("t", n)); err != nil {
			t.Error(err)
		}
	}
}

func TestArchiveInMemory(t *testing.T) {
	a := open(t, "")
	if err := a.Keep(shifted("one", nil), testNow); err != nil {
		t.Fatal(err)
	}
	if err := a.Name("t-1", "one", testNow); err != nil {
		t.Fatal(err)
	}
	if got, err := a.Tiers("one"); err != nil || got.ID != "one" {
		t.Errorf("%s, %v", got.ID, err)
	}
}
