package models

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// writeDir puts files into a new directory.
func writeDir(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// context4o is an override that sets the context of gpt-4o.
func context4o(n int) map[string]string {
	return map[string]string{
		"models.csv": fmt.Sprintf("id,kind,family,region,context\nopenai/gpt-4o,chat,gpt-4o,global,%d\n", n),
		"prices.csv": fmt.Sprintf("id,unit,direction,service_class,usd_per_million_units,source\nopenai/gpt-4o,token,in,standard,%d,test\nopenai/gpt-4o,token,out,standard,1,test\n", n),
	}
}

// loaded4o is the context and the input price in dollars of gpt-4o as LoadDir
// gives them; the two come from different files.
func loaded4o(t testing.TB, dir string) (context int, price int64) {
	t.Helper()
	c, err := LoadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := mustModel(t, c, "openai/gpt-4o")
	in, _, ok := m.BasePrice(day("2026-11-24"))
	if !ok {
		t.Fatal("no base price")
	}
	return m.Context, in / 1e9
}

// TestApplyInstalls: files become visible together, the former state stays,
// and applying the same again changes nothing.
func TestApplyInstalls(t *testing.T) {
	dst := filepath.Join(t.TempDir(), "catalog")
	first := writeDir(t, context4o(111))
	if err := Apply(first, dst); err != nil {
		t.Fatal(err)
	}
	if c, p := loaded4o(t, dst); c != 111 || p != 111 {
		t.Fatalf("context %d, price %d; want 111", c, p)
	}
	if err := Apply(first, dst); err != nil {
		t.Fatal(err)
	}
	if v, err := Versions(dst); err != nil || len(v) != 1 {
		t.Fatalf("versions %v, %v; want one", v, err)
	}
	if err := Apply(writeDir(t, context4o(222)), dst); err != nil {
		t.Fatal(err)
	}
	if c, p := loaded4o(t, dst); c != 222 || p != 222 {
		t.Fatalf("context %d, price %d; want 222", c, p)
	}
	versions, err := Versions(dst)
	if err != nil || len(versions) != 2 {
		t.Fatalf("versions %v, %v; want two", versions, err)
	}
	for _, v := range versions {
		if c, p := loaded4o(t, v); c != int(p) || (c != 111 && c != 222) {
			t.Errorf("%s: context %d, price %d", v, c, p)
		}
	}
	// Files of the former state do not linger in the new one.
	if err := Apply(writeDir(t, map[string]string{"anchors.csv": "outcome\n"}), dst); err != nil {
		t.Fatal(err)
	}
	if c, _ := loaded4o(t, dst); c == 222 {
		t.Error("an older override still holds")
	}
	// An installed directory is itself a source.
	if err := Apply(dst, filepath.Join(t.TempDir(), "copy")); err != nil {
		t.Error(err)
	}
}

// TestApplyRefuses: what cannot be served is not installed, and dst stays.
func TestApplyRefuses(t *testing.T) {
	dst := filepath.Join(t.TempDir(), "catalog")
	if err := Apply(writeDir(t, context4o(111)), dst); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(writeDir(t, map[string]string{"models.csv": "id\n"}), "models.csv")
	tests := []struct{ name, src, dst, want string }{
		{"bad data", writeDir(t, map[string]string{"models.csv": "id,kind\nopenai/x,chatbot\n"}), dst, "models.csv:2 column kind"},
		{"no files", t.TempDir(), dst, "has no CSV file"},
		{"a misspelt file", writeDir(t, map[string]string{"price.csv": "id\n"}), dst, "price.csv: is no file of a catalogue"},
		{"no directory", filepath.Join(dst, "none"), dst, "no such file"},
		{"a file", file, dst, "is a file; name the directory"},
		{"a directory kept by hand", writeDir(t, context4o(1)), writeDir(t, context4o(2)), "holds files of its own (models.csv, prices.csv)"},
	}
	for _, tt := range tests {
		if err := Apply(tt.src, tt.dst); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
	if c, p := loaded4o(t, dst); c != 111 || p != 111 {
		t.Errorf("context %d, price %d; want 111 as before", c, p)
	}
}

// TestLoadDirRefuses a directory whose state is ambiguous or gone.
func TestLoadDirRefuses(t *testing.T) {
	both := filepath.Join(t.TempDir(), "both")
	if err := Apply(writeDir(t, context4o(111)), both); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(both, "tiers.csv"), []byte("id\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	gone := t.TempDir()
	if err := os.Symlink("versions/none", filepath.Join(gone, "current")); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		both:                           "has both current, written by apply, and files of its own (tiers.csv)",
		gone:                           "points to a version that is gone",
		filepath.Join(gone, "nowhere"): "no such file",
	} {
		if _, err := LoadDir(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// stepEnv tells the test binary to be an installation that dies at a step.
const stepEnv = "ASSAY_TEST_KILL_AT"

// TestMain lets TestApplyKilled start this binary as the process to kill.
func TestMain(m *testing.M) {
	if at, err := strconv.Atoi(os.Getenv(stepEnv)); err == nil {
		n := 0
		err := installer{now: time.Now, step: func(string) error {
			if n++; n == at {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {} // the signal is on its way
			}
			return nil
		}}.apply(os.Args[1], os.Args[2])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestApplyKilled kills an installation with SIGKILL before each of its steps:
// what is loaded afterwards is the old or the new state as a whole, and the
// next installation succeeds.
func TestApplyKilled(t *testing.T) {
	old, next := writeDir(t, context4o(111)), writeDir(t, context4o(222))
	killed := 0
	for at := 1; ; at++ {
		dst := filepath.Join(t.TempDir(), "catalog")
		if err := Apply(old, dst); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0], next, dst)
		cmd.Env = append(os.Environ(), stepEnv+"="+strconv.Itoa(at))
		out, err := cmd.CombinedOutput()
		if err == nil {
			break // it has fewer steps than that
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("step %d: %v\n%s", at, err, out)
		}
		killed++
		if c, p := loaded4o(t, dst); c != int(p) || (c != 111 && c != 222) {
			t.Errorf("killed at step %d: context %d, price %d", at, c, p)
		}
		if err := Apply(next, dst); err != nil {
			t.Errorf("after a kill at step %d: %v", at, err)
		}
		if c, p := loaded4o(t, dst); c != 222 || p != 222 {
			t.Errorf("after a kill at step %d and another apply: context %d, price %d", at, c, p)
		}
	}
	if killed < 6 {
		t.Errorf("killed at %d steps; an installation has more", killed)
	}
}

// TestApplyFirstTimeKilled: where nothing was installed before, a killed
// installation leaves the embedded catalogue or the new state.
func TestApplyFirstTimeKilled(t *testing.T) {
	embedded, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stopped")
	for at := 1; at < 20; at++ {
		dst := t.TempDir()
		n := 0
		err := installer{now: time.Now, step: func(string) error {
			if n++; n == at {
				return stop
			}
			return nil
		}}.apply(writeDir(t, context4o(222)), dst)
		c, loadErr := LoadDir(dst)
		if loadErr != nil {
			t.Fatal(loadErr)
		}
		m := mustModel(t, c, "openai/gpt-4o")
		if c.Version() != embedded.Version() && m.Context != 222 {
			t.Errorf("stopped at step %d: neither the old nor the new state", at)
		}
		if err == nil {
			return
		}
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
	}
	t.Error("an installation has no end")
}

// TestApplyPrunes: the newest states stay, old leftovers go, the present state
// stays even if its name says it is the oldest.
func TestApplyPrunes(t *testing.T) {
	dst := t.TempDir()
	now := day("2026-11-24")
	apply := func(n int) {
		t.Helper()
		in := installer{now: func() time.Time { return now }, step: func(string) error { return nil }}
		if err := in.apply(writeDir(t, context4o(n)), dst); err != nil {
			t.Fatal(err)
		}
	}
	for n := 1; n <= keptVersions+3; n++ {
		now = now.Add(time.Minute)
		apply(n)
	}
	leftover := filepath.Join(dst, "versions", ".new-left")
	if err := os.MkdirAll(leftover, 0o755); err != nil {
		t.Fatal(err)
	}
	now = time.Now().Add(2 * staleAfter)
	apply(500)
	if _, err := os.Stat(leftover); err == nil {
		t.Error("the leftover of an interrupted run is still there")
	}
	now = day("2001-01-01") // a clock that went wrong
	apply(600)
	if v, _ := Versions(dst); len(v) != keptVersions+1 {
		t.Errorf("%d versions, want %d and the present one", len(v), keptVersions)
	}
	if c, p := loaded4o(t, dst); c != 600 || p != 600 {
		t.Errorf("context %d, price %d; want 600", c, p)
	}
}
