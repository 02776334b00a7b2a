package router

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// realPrompt is a row of the prompt files.
type realPrompt struct {
	ID, Lang, Prompt string
}

// promptFiles lists the files of real prompts, or skips where there are none.
func promptFiles(t testing.TB) []string {
	t.Helper()
	dir := cmp.Or(os.Getenv("ASSAY_DATA"), "../../shared/data")
	files, err := filepath.Glob(filepath.Join(dir, "prompts", "*", "*.jsonl.gz"))
	if err != nil || len(files) == 0 {
		t.Skipf("no prompts in %s (set ASSAY_DATA to their folder)", dir)
	}
	return files
}

// readPrompts gives one in every so many prompts of a file.
func readPrompts(t testing.TB, file string, every int) (prompts []realPrompt) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	rows := json.NewDecoder(bufio.NewReader(z))
	for n := 0; ; n++ {
		var p realPrompt
		switch err := rows.Decode(&p); {
		case errors.Is(err, io.EOF):
			return prompts
		case err != nil:
			t.Fatalf("%s, row %d: %v", file, n, err)
		case n%every == 0:
			prompts = append(prompts, p)
		}
	}
}

// TestRealPromptsCountAsByTheLibrary takes one prompt in a hundred; with
// ASSAY_ALL_PROMPTS set, every one.
func TestRealPromptsCountAsByTheLibrary(t *testing.T) {
	every := 100
	if os.Getenv("ASSAY_ALL_PROMPTS") != "" {
		every = 1
	}
	tk, n, bytes := tokens(), 0, 0
	for _, file := range promptFiles(t) {
		for _, p := range readPrompts(t, file, every) {
			if got, want := tk.Count(p.Prompt), int64(len(library().EncodeOrdinary(p.Prompt))); got != want {
				t.Errorf("%s, %s: %d tokens, the library says %d", filepath.Base(file), p.ID, got, want)
			}
			n++
			bytes += len(p.Prompt)
		}
	}
	t.Logf("%d prompts of %d bytes", n, bytes)
}
