package models

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// watched runs a watcher whose looks the test asks for one by one.
type watched struct {
	t       *testing.T
	tick    chan time.Time
	changes []*Catalog
	errs    []error
}

// watch starts a watcher and stops it at the end of the test. A look is over
// when the next tick is received, so look sends two and each counts.
func watch(t *testing.T, dir string, current *Catalog) *watched {
	w := &watched{t: t, tick: make(chan time.Time)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		Watcher{
			Dir: dir, Current: current, Tick: w.tick,
			OnChange: func(c *Catalog) { w.changes = append(w.changes, c) },
			OnError:  func(err error) { w.errs = append(w.errs, err) },
		}.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

// look makes the watcher look at least twice, so that content settles, and
// returns when what it saw has been handed over.
func (w *watched) look() {
	for range 3 {
		w.tick <- time.Time{}
	}
}

// expect checks how many changes and errors came so far.
func (w *watched) expect(changes, errs int) {
	w.t.Helper()
	w.look()
	if len(w.changes) != changes || len(w.errs) != errs {
		w.t.Fatalf("%d changes and %d errors, want %d and %d: %v", len(w.changes), len(w.errs), changes, errs, w.errs)
	}
}

func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWatch: valid content is handed over once, bad content is reported once
// and changes nothing, and content that says the same is no change.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	current, err := LoadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, dir, current)
	w.expect(0, 0)

	put(t, dir, context4o(111))
	w.expect(1, 0)
	w.expect(1, 0)
	if got := mustModel(t, w.changes[0], "openai/gpt-4o").Context; got != 111 {
		t.Errorf("context %d, want 111", got)
	}

	put(t, dir, map[string]string{"tiers.csv": "id,tier,position\nnobody/x,flagship,99\n"})
	w.expect(1, 1)
	w.expect(1, 1)
	if !strings.Contains(w.errs[0].Error(), "tiers.csv:2 column id") {
		t.Errorf("error %v does not name the row", w.errs[0])
	}

	put(t, dir, map[string]string{"tiers.csv": "id,tier,position\nnobody/x,flagship,100\n"})
	w.expect(1, 2)

	if err := os.Remove(filepath.Join(dir, "tiers.csv")); err != nil {
		t.Fatal(err)
	}
	w.expect(1, 2) // back to what is in use

	put(t, dir, map[string]string{"tiers.csv": "id,tier,position\n"})
	w.expect(1, 2) // another file, the same content

	put(t, dir, context4o(222))
	w.expect(2, 2)
}

// TestWatchSeesWhatCameBefore: a change between loading and watching counts.
func TestWatchSeesWhatCameBefore(t *testing.T) {
	current, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, writeDir(t, context4o(111)), current)
	w.expect(1, 0)
}

// TestWatchFollowsApply and survives a directory that goes and comes back.
func TestWatchFollowsApply(t *testing.T) {
	dst := filepath.Join(t.TempDir(), "catalog")
	w := watch(t, dst, nil)
	w.expect(0, 1) // not there yet
	w.expect(0, 1)
	for n := 1; n <= 3; n++ {
		if err := Apply(writeDir(t, context4o(100*n)), dst); err != nil {
			t.Fatal(err)
		}
		w.expect(n, 1)
		if got := mustModel(t, w.changes[n-1], "openai/gpt-4o").Context; got != 100*n {
			t.Errorf("context %d, want %d", got, 100*n)
		}
	}
}

// TestWatchWaitsForContentToSettle: a look that finds a file half written is
// not acted upon.
func TestWatchWaitsForContentToSettle(t *testing.T) {
	dir := t.TempDir()
	w := Watcher{Dir: dir, OnChange: func(*Catalog) { t.Error("a change was handed over") }, OnError: func(err error) { t.Error(err) }}
	var s sight
	for _, half := range []string{"id,ki", "id,kind\nopenai/gp", "id,kind,family,region\nopenai/gpt-4o,chat,gpt-4o,global\n"} {
		put(t, dir, map[string]string{"models.csv": half})
		s = w.look(s)
	}
	seen := 0
	w.OnChange = func(*Catalog) { seen++ }
	w.look(w.look(s))
	if seen != 1 {
		t.Errorf("settled content was handed over %d times, want once", seen)
	}
}

// TestWatchStops with its context and takes its own clock by default.
func TestWatchStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	Watcher{Dir: t.TempDir(), OnChange: func(*Catalog) {}, OnError: func(error) {}}.Run(ctx)
}
