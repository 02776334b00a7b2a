package allowance

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestOneProcessOwnsTheDirectory(t *testing.T) {
	dir, c := t.TempDir(), newClock("2026-11-25T12:00:00Z")
	first := open(t, dir, Limits{RequestsPerDay: 1}, Options{Now: c.now})
	_, err := Open(dir, map[string]Limits{"k": {RequestsPerDay: 1}}, Options{Now: c.now})
	if !errors.Is(err, ErrOwned) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second owner: %v", err)
	}
	if _, err := first.Reserve("k", 1); err != nil {
		t.Errorf("the first owner was disturbed: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Reserve("k", 1); err == nil {
		t.Error("a closed book hands out reservations")
	}
	play(t, open(t, dir, Limits{RequestsPerDay: 1}, Options{Now: c.now}), c, "no")
}

// written makes a file by a short life and gives its text.
func written(t *testing.T, dir string, c *clock, l Limits) []byte {
	t.Helper()
	b := open(t, dir, l, Options{Now: c.now})
	play(t, b, c, "r10 f20 +1s s25 f30 x f40")
	b.die()
	text, err := os.ReadFile(filepath.Join(dir, "allowance.log"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestATornLastLineIsLeftOut(t *testing.T) {
	l := Limits{RequestsPerDay: 10, TokensPerDay: 1000}
	c := newClock("2026-11-25T12:00:00Z")
	text := written(t, t.TempDir(), c, l) // its lines have different lengths: a cut comes at each place of one
	header := bytes.IndexByte(text, '\n') + 1
	for cut := header; cut <= len(text); cut += 5 {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "allowance.log"), text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		h, _, err := readHistory(text[:bytes.LastIndexByte(text[:cut], '\n')+1])
		if err != nil {
			t.Fatal(err)
		}
		want := int64(10 - len(h.open))
		for _, p := range h.keys {
			want -= int64(len(p.requests))
		}
		b := open(t, dir, l, Options{Now: c.now})
		if requests, _ := b.Left("k"); requests != want {
			t.Errorf("cut after %d bytes: %d requests left, want %d", cut, requests, want)
		}
		play(t, b, c, "r1") // and it goes on
		b.die()
	}
}

func TestDamageCountsAsUsedUp(t *testing.T) {
	l := Limits{RequestsPerMinute: 10, RequestsPerDay: 10, TokensPerMinute: 1000, Resets: "00:00 UTC"}
	c := newClock("2026-11-25T12:00:00Z")
	text := written(t, t.TempDir(), c, l)
	lines := bytes.SplitAfter(text, []byte("\n"))
	newer := record{Op: opVersion, N: 2}
	future, err := newer.line()
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{
		"empty":              {},
		"header cut":         text[:10],
		"no header":          bytes.Join(lines[1:], nil),
		"a line changed":     bytes.Replace(text, []byte(`"n":25`), []byte(`"n":05`), 1),
		"rubbish between":    bytes.Join([][]byte{lines[0], []byte("rubbish\n"), lines[1]}, nil),
		"an empty line":      bytes.Join([][]byte{lines[0], []byte("\n"), lines[1]}, nil),
		"zeros":              make([]byte, 4096),
		"a newer format":     future,
		"two files in a row": append(bytes.Clone(text), text...),
	} {
		t.Run(name, func(t *testing.T) {
			dir, c := t.TempDir(), newClock("2026-11-25T12:00:02Z")
			if err := os.WriteFile(filepath.Join(dir, "allowance.log"), damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			b, err := Open(dir, map[string]Limits{"k": l}, Options{Now: c.now, Slack: -1})
			var corrupt *Corrupt
			if !errors.As(err, &corrupt) || b == nil {
				t.Fatalf("got %v, want a book and *Corrupt", err)
			}
			if kept, err := os.ReadFile(corrupt.Path); err != nil || !bytes.Equal(kept, damaged) {
				t.Errorf("the damaged file was not kept: %v", err)
			}
			play(t, b, c, "no +2m no")
			b.die()
			b = open(t, dir, l, Options{Now: c.now, Slack: -1}) // no error any more, and not forgotten
			defer b.die()
			play(t, b, c, "no +11h57m57s no +1s r r") // 23:59:59 and the reset
		})
	}
}

// Every byte of the file is covered by the checksums.
func TestAnyChangedByteIsNoticed(t *testing.T) {
	text := written(t, t.TempDir(), newClock("2026-11-25T12:00:00Z"), Limits{RequestsPerDay: 10})
	for i := range text[:len(text)-1] {
		damaged := bytes.Clone(text)
		damaged[i] ^= 1
		if _, _, err := readHistory(damaged); err == nil {
			t.Errorf("a changed byte %d was not noticed: %q", i, damaged[max(0, i-20):min(len(damaged), i+20)])
		}
	}
}

func FuzzReadHistory(f *testing.F) {
	for _, r := range []record{{Op: opVersion, N: 1}, {Op: opReserve, ID: 8, At: 5, Key: "k", N: 10}, {Op: opSettle, ID: 8, At: 9, Key: "k", N: -3}} {
		line, err := r.line()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	f.Add([]byte("00000000 {}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, _, err := readHistory(text)
		if err != nil {
			return
		}
		for key, p := range h.keys {
			for _, it := range append(p.requests, p.tokens...) {
				if it.n < 0 || it.at < 0 {
					t.Errorf("key %q: %+v", key, it)
				}
			}
		}
	})
}

func TestTheFileStaysShort(t *testing.T) {
	dir, c := t.TempDir(), newClock("2026-11-25T12:00:00Z")
	l := Limits{RequestsPerMinute: 100}
	b := open(t, dir, l, Options{Now: c.now, Slack: -1})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				r, err := b.Reserve("k", 10)
				if err != nil {
					c.advance(time.Second)
					continue
				}
				if err := r.Settle(10); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if b.journal.lines > rewriteAfter+16 {
		t.Errorf("%d lines", b.journal.lines)
	}
	requests, _ := b.Left("k")
	b.die()
	again, _ := open(t, dir, l, Options{Now: c.now, Slack: -1}).Left("k")
	if again != requests {
		t.Errorf("%d left before the restart, %d after it", requests, again)
	}
}

func TestKeysThatAreNotConfiguredNowAreRemembered(t *testing.T) {
	dir, c := t.TempDir(), newClock("2026-11-25T12:00:00Z")
	l := Limits{RequestsPerDay: 2, TokensPerDay: 100}
	b := open(t, dir, l, Options{Now: c.now})
	play(t, b, c, "r60")
	b.die()
	b, err := Open(dir, map[string]Limits{"other": l}, Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Reserve("k", 1); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("a key that is configured no more: %v", err)
	}
	if keys := b.Keys(); len(keys) != 1 || keys[0] != "other" {
		t.Errorf("keys: %v", keys)
	}
	b.die()
	play(t, open(t, dir, l, Options{Now: c.now}), c, "no41 r40 no")
}

func TestAClockThatWasWrongBlocksForOneWindowOnly(t *testing.T) {
	dir, c := t.TempDir(), newClock("2036-11-25T12:00:00Z")
	b := open(t, dir, Limits{RequestsPerDay: 1}, Options{Now: c.now, Slack: -1})
	play(t, b, c, "r")
	b.die()
	c = newClock("2026-11-25T12:00:00Z")
	play(t, open(t, dir, Limits{RequestsPerDay: 1}, Options{Now: c.now, Slack: -1}), c, "no +23h no +1h r")
}

func TestADiskThatFailsMakesNoCall(t *testing.T) {
	c := newClock("2026-11-25T12:00:00Z")
	b := open(t, t.TempDir(), Limits{RequestsPerMinute: 1}, Options{Now: c.now})
	good := b.journal.file
	readOnly, err := os.Open(b.journal.path)
	if err != nil {
		t.Fatal(err)
	}
	b.journal.file = readOnly // every write fails from here on
	if _, err := b.Reserve("k", 1); err == nil {
		t.Fatal("a reservation that could not be written was handed out")
	}
	b.journal.file = good
	readOnly.Close()
	play(t, b, c, "r no") // and it was not counted
}

// The disk is full in the middle of a line: half of it must not stay there, or
// the next start would take the file for damaged.
func TestHalfALineDoesNotStay(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	dir, c, l := t.TempDir(), newClock("2026-11-25T12:00:00Z"), Limits{RequestsPerMinute: 3}
	b := open(t, dir, l, Options{Now: c.now})
	play(t, b, c, "r")
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	full := syscall.Rlimit{Cur: uint64(b.journal.size) + 20, Max: old.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	_, err := b.Reserve("k", 1)
	if e := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); e != nil {
		t.Fatal(e)
	}
	if !errors.Is(err, syscall.EFBIG) {
		t.Fatalf("the full disk gave %v", err)
	}
	play(t, b, c, "r")
	b.die()
	play(t, open(t, dir, l, Options{Now: c.now}), c, "r no")
}

// The process is killed in the middle of its work, several times.
func TestNothingIsForgottenByKill9(t *testing.T) {
	if dir := os.Getenv("ASSAY_ALLOWANCE_DIR"); dir != "" {
		reserveUntilKilled(dir)
	}
	dir, answered := t.TempDir(), 0
	for range 5 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestNothingIsForgottenByKill9$")
		cmd.Env = append(os.Environ(), "ASSAY_ALLOWANCE_DIR="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100) // a byte for each reservation
		n, _ := out.Read(buf)
		for n < len(buf) {
			k, err := out.Read(buf[n:])
			if n += k; err != nil {
				break
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		rest := new(bytes.Buffer)
		_, _ = rest.ReadFrom(out)
		_ = cmd.Wait() // killed, as it should be
		answered += n + rest.Len()
	}
	b := open(t, dir, Limits{RequestsPerDay: 1 << 40}, Options{})
	left, _ := b.Left("k")
	// One reservation a life may have been written and not been told.
	if used := int(1<<40 - left); used < answered || used > answered+5 || answered < 500 {
		t.Errorf("%d reservations were handed out, %d are counted", answered, used)
	}
}

func reserveUntilKilled(dir string) {
	b, err := Open(dir, map[string]Limits{"k": {RequestsPerDay: 1 << 40}}, Options{})
	if err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	for {
		if _, err := b.Reserve("k", 10); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		if _, err := os.Stdout.Write([]byte{'.'}); err != nil {
			os.Exit(1)
		}
	}
}
