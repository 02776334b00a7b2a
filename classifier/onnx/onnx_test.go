package onnx

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/classifier"
)

// open loads the embedded model. Without the library the test is skipped,
// unless ASSAY_REQUIRE_ONNX=1 says that it must be there.
func open(t testing.TB, opts Options) *Classifier {
	t.Helper()
	c, err := New(opts)
	if errors.Is(err, ErrNoLibrary) && os.Getenv("ASSAY_REQUIRE_ONNX") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

type parityCase struct {
	Prompt    []byte    `json:"prompt"`
	Tools     bool      `json:"tools"`
	Images    bool      `json:"images"`
	Pieces    []int32   `json:"pieces"`
	Pairs     []int64   `json:"pairs"`
	Fast      []float64 `json:"fast"` // 16 logits, b, standard deviation
	Deep      []float64 `json:"deep"`
	Embedding []float64 `json:"embedding"` // its beginning
}

func (p parityCase) input() classifier.Input {
	in := classifier.Prompt(string(p.Prompt))
	if p.Tools {
		in.Tools = 1
	}
	if p.Images {
		in.Messages[0].Images = 1
	}
	return in
}

func parityCases(t testing.TB) []parityCase {
	t.Helper()
	f, err := os.Open("testdata/parity.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []parityCase
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c parityCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil || len(cases) < 300 {
		t.Fatalf("%d cases, %v; want at least 300", len(cases), err)
	}
	return cases
}

// The Go side must see exactly the features that the model was trained on.
func TestTokensAreThoseOfTraining(t *testing.T) {
	c := &Classifier{tokens: embeddedTokenizer(t)}
	info := embeddedInfo(t)
	fold, folded := foldTable(c.tokens.ids)
	for _, p := range parityCases(t) {
		got := c.encode(nil, string(p.Prompt), p.input())
		if !slices.Equal(got, p.Pieces) {
			t.Errorf("%.60q: pieces %v, want %v", p.Prompt, clip(got), clip(p.Pieces))
			continue
		}
		var f features
		f.fill(got, fold, folded, info.Fast.Buckets, info.Fast.Edge)
		if pairs := f.ids[max(len(got), 1):]; !slices.Equal(pairs, p.Pairs) {
			t.Errorf("%.60q: pairs %v, want %v", p.Prompt, clip(pairs), clip(p.Pairs))
		}
	}
}

// The deep stage multiplies 8-bit numbers, and processors differ in how they
// round on the way; the labels it gives must not.
func TestOutputsAreThoseOfTraining(t *testing.T) {
	c := open(t, Options{MemoSize: -1})
	near := func(t *testing.T, prompt []byte, got output, want []float64, within float64) {
		all := append(slices.Clone(got.logits[:]), got.difficulty[:]...)
		for i, v := range all {
			if math.Abs(float64(v)-want[i]) > within {
				t.Errorf("%.60q: output %d is %.5f, want %.5f", prompt, i, v, want[i])
			}
		}
	}
	for _, p := range parityCases(t) {
		pieces := c.encode(nil, string(p.Prompt), p.input())
		fast, err := c.fast.run(pieces)
		if err != nil {
			t.Fatal(err)
		}
		near(t, p.Prompt, fast, p.Fast, 1e-3)
		deep, err := c.deep.run(c.deep.clip(pieces))
		if err != nil {
			t.Fatal(err)
		}
		near(t, p.Prompt, deep.output, p.Deep, 0.3)
		length := 0.0
		for _, v := range deep.embedding {
			length += float64(v) * float64(v)
		}
		if math.Abs(length-1) > 1e-4 {
			t.Errorf("%.60q: the embedding has length² %.4f, want 1", p.Prompt, length)
		}
		for i, v := range p.Embedding {
			if math.Abs(float64(deep.embedding[i])-v) > 0.1 {
				t.Errorf("%.60q: embedding[%d] is %.4f, want %.4f", p.Prompt, i, deep.embedding[i], v)
			}
		}
	}
}

// Everyday prompts that no benchmark contains must be easy, and clearly hard
// ones hard, in both languages.
func TestEasyAndHardDiffer(t *testing.T) {
	c := open(t, Options{})
	tests := []struct {
		prompt string
		intent classifier.Intent
		lo, hi classifier.Level
	}{
		{"hi", classifier.Chitchat, 1, 1},
		{"你好", classifier.Chitchat, 1, 1},
		{"What is the capital of France?", classifier.KnowledgeQA, 1, 2},
		{"把这句话翻译成英文：我爱你", classifier.Translation, 1, 2},
		// a word of the hard ones does not make a prompt hard
		{"What does proof of stake mean?", classifier.KnowledgeQA, 1, 2},
		{"Prove that there are infinitely many primes p with p ≡ 3 (mod 4), and that the sum of their reciprocals diverges.", classifier.Math, 4, 5},
		{"证明：对任意正整数n，存在无穷多个素数p，使得p整除某个形如2^k+n的数。", classifier.Math, 4, 5},
	}
	for _, tt := range tests {
		got, err := c.Classify(t.Context(), classifier.Prompt(tt.prompt))
		if err != nil {
			t.Fatal(err)
		}
		if got.Intent != tt.intent || got.Level < tt.lo || got.Level > tt.hi {
			t.Errorf("%.50q: %s %s (b=%.2f), want %s %s to %s", tt.prompt, got.Intent, got.Level, got.Difficulty, tt.intent, tt.lo, tt.hi)
		}
		if got.Level != classifier.LevelOf(got.Difficulty) || got.DifficultySD <= 0 ||
			got.IntentConfidence <= 0 || got.IntentConfidence > 1 {
			t.Errorf("%.50q: inconsistent %+v", tt.prompt, got)
		}
	}
}

func TestContinuationInheritsTheTask(t *testing.T) {
	c := open(t, Options{})
	const task = "Write a Python function that merges two sorted lists."
	alone, err := c.Classify(t.Context(), classifier.Prompt(task))
	if err != nil {
		t.Fatal(err)
	}
	for _, yes := range []string{"yes", "继续"} {
		got, err := c.Classify(t.Context(), classifier.Input{Messages: []classifier.Message{
			{Role: "user", Text: task}, {Role: "assistant", Text: "Iteratively?"}, {Role: "user", Text: yes}}})
		if err != nil || !cmp.Equal(got, alone) {
			t.Errorf("%q: %+v, %v; want %+v", yes, got, err, alone)
		}
	}
}

func TestClassifyConcurrently(t *testing.T) {
	c := open(t, Options{MemoSize: 8, DeepDeadline: time.Minute})
	prompts := []string{"hi", "你好", "2+2?", "写一首诗", "debug this: x=1/0", "", "translate: chat", "\xff", "a", "b", "c", "d"}
	want := make([]classifier.Classification, len(prompts))
	for i, p := range prompts {
		want[i], _ = c.Classify(t.Context(), classifier.Prompt(p))
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for k := range 200 {
				i := (g + k) % len(prompts)
				if got, err := c.Classify(context.Background(), classifier.Prompt(prompts[i])); err != nil || !cmp.Equal(got, want[i]) {
					t.Errorf("%q: %+v, %v; want %+v", prompts[i], got, err, want[i])
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestClosedAndCancelled(t *testing.T) {
	c := open(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Classify(ctx, classifier.Prompt("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Errorf("Close twice: %v", err)
	}
	if _, err := c.Classify(t.Context(), classifier.Prompt("x")); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v, want %v", err, ErrClosed)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	open(t, Options{}) // or skip: the model is looked at after the library
	write := func(dir, name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := func(name string) string {
		b, err := embedded.ReadFile("model/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	tests := []struct {
		rule    string
		opts    Options
		files   map[string]string // of a model directory
		want    error
		mention string
	}{
		{rule: "a library path that is wrong", opts: Options{LibraryPath: "/nowhere/lib.so"}, want: ErrNoLibrary, mention: "/nowhere/lib.so"},
		{rule: "a model directory that is empty", files: map[string]string{}, want: ErrNoModel, mention: "model.json"},
		{rule: "a broken description", files: map[string]string{"model.json": "{"}, want: ErrNoModel, mention: "model.json"},
		{rule: "another schema", files: map[string]string{"model.json": `{"schema":9}`}, want: ErrNoModel, mention: "schema 9"},
		{rule: "no vocabulary", files: map[string]string{"model.json": good("model.json")}, want: ErrNoModel, mention: "vocab.txt"},
		{rule: "a vocabulary without its specials", files: map[string]string{"model.json": good("model.json"), "vocab.txt": "a\nb\n"}, want: ErrNoModel, mention: "[PAD]"},
		{rule: "no fast graph", files: map[string]string{"model.json": good("model.json"), "vocab.txt": good("vocab.txt")}, want: ErrNoModel, mention: "fast.onnx"},
		{rule: "no deep graph", files: map[string]string{"model.json": good("model.json"), "vocab.txt": good("vocab.txt"), "fast.onnx": good("fast.onnx")}, want: ErrNoModel, mention: "deep.onnx"},
		{rule: "a corrupt graph", files: map[string]string{"model.json": good("model.json"), "vocab.txt": good("vocab.txt"), "fast.onnx": good("fast.onnx")[:5000]}, want: ErrNoModel, mention: "fast.onnx"},
		{rule: "graphs that are exchanged", files: map[string]string{"model.json": good("model.json"), "vocab.txt": good("vocab.txt"), "fast.onnx": good("deep.onnx"), "deep.onnx": good("fast.onnx")}, want: ErrNoModel, mention: "fast.onnx"},
		{rule: "a vocabulary longer than the graph", files: map[string]string{"model.json": good("model.json"), "vocab.txt": good("vocab.txt") + "zzzz1\n", "fast.onnx": good("fast.onnx"), "deep.onnx": good("deep.onnx")}, want: ErrNoModel},
		{rule: "stages that do not exist", opts: Options{Stages: "quick"}, want: ErrNoModel, mention: "quick"},
	}
	for _, tt := range tests {
		if tt.files != nil {
			tt.opts.ModelPath = t.TempDir()
			for name, content := range tt.files {
				write(tt.opts.ModelPath, name, content)
			}
		}
		c, err := New(tt.opts)
		if err == nil {
			c.Close()
		}
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.mention) {
			t.Errorf("%s: %v; want %q wrapped and %q mentioned", tt.rule, err, tt.want, tt.mention)
		}
	}
}

func TestMemoIsBounded(t *testing.T) {
	m := newMemo(10)
	for i := range 1000 {
		m.put(m.key(strings.Repeat("x", i), false, false), classifier.Classification{Difficulty: float64(i)})
	}
	if n := len(m.young) + len(m.old); n > 10 {
		t.Errorf("holds %d, want at most 10", n)
	}
	if got, ok := m.get(m.key(strings.Repeat("x", 999), false, false)); !ok || got.Difficulty != 999 {
		t.Errorf("the newest is forgotten: %v %v", got, ok)
	}
	if m.key("x", true, false) == m.key("x", false, false) || m.key("x", false, true) == m.key("x", true, false) {
		t.Error("tools and images must be part of the key")
	}
	off := newMemo(-1)
	off.put(off.key("x", false, false), classifier.Classification{})
	if _, ok := off.get(off.key("x", false, false)); ok {
		t.Error("a memo of size 0 remembered")
	}
}

func embeddedTokenizer(t testing.TB) *tokenizer {
	t.Helper()
	vocabulary, err := embedded.ReadFile("model/vocab.txt")
	if err != nil {
		t.Fatal(err)
	}
	tok, err := newTokenizer(string(vocabulary))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func embeddedInfo(t testing.TB) (info modelInfo) {
	t.Helper()
	raw, err := embedded.ReadFile("model/model.json")
	if err == nil {
		err = json.Unmarshal(raw, &info)
	}
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func clip[T any](s []T) []T { return s[:min(len(s), 24)] }

func FuzzTokens(f *testing.F) {
	for _, c := range parityCases(f) {
		f.Add(string(c.Prompt))
	}
	tok, info := embeddedTokenizer(f), embeddedInfo(f)
	fold, folded := foldTable(tok.ids)
	deep := &deepStage{head: info.Deep.Head, tail: info.Deep.Tail}
	f.Fuzz(func(t *testing.T, s string) {
		ids := tok.encode(nil, s)
		if n := len(deep.clip(ids)); n < 2 || n > deep.head+deep.tail+2 {
			t.Fatalf("the deep stage would read %d ids", n)
		}
		if len(ids) > headPieces+tailPieces {
			t.Fatalf("%d pieces", len(ids))
		}
		var ft features
		ft.fill(ids, fold, folded, info.Fast.Buckets, info.Fast.Edge)
		if len(ft.weights) != 3*len(ft.ids) {
			t.Fatalf("%d weights for %d features", len(ft.weights), len(ft.ids))
		}
		for _, id := range ft.ids {
			if id < 0 || id >= int64(folded+info.Fast.Buckets) {
				t.Fatalf("feature %d out of range", id)
			}
		}
		for row := range 3 {
			sum := 0.0
			for _, w := range ft.weights[row*len(ft.ids) : (row+1)*len(ft.ids)] {
				sum += float64(w) * float64(w)
			}
			if math.Abs(sum-1) > 1e-4 {
				t.Fatalf("row %d has square sum %v, want 1", row, sum)
			}
		}
	})
}
