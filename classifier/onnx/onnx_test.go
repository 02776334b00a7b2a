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
	Prompt     []byte    `json:"prompt"`
	Pieces     []int32   `json:"pieces"`
	Pairs      []int64   `json:"pairs"`
	Logits     []float64 `json:"logits"`
	Difficulty []float64 `json:"difficulty"`
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
	tok, info := embeddedTokenizer(t)
	for _, c := range parityCases(t) {
		got := tok.encode(nil, string(c.Prompt))
		if !slices.Equal(got, c.Pieces) {
			t.Errorf("%.60q: pieces %v, want %v", c.Prompt, clip(got), clip(c.Pieces))
			continue
		}
		var f features
		f.fill(got, tok.size, info.Buckets, info.Edge)
		if pairs := f.ids[max(len(got), 1):]; !slices.Equal(pairs, c.Pairs) {
			t.Errorf("%.60q: pairs %v, want %v", c.Prompt, clip(pairs), clip(c.Pairs))
		}
	}
}

func TestOutputsAreThoseOfTraining(t *testing.T) {
	c := open(t, Options{MemoSize: -1})
	for _, want := range parityCases(t) {
		var f features
		var out output
		f.fill(c.tokens.encode(nil, string(want.Prompt)), c.tokens.size, c.info.Buckets, c.info.Edge)
		if err := c.run(&f, &out); err != nil {
			t.Fatal(err)
		}
		for i, v := range out.logits {
			if math.Abs(float64(v)-want.Logits[i]) > 1e-3 {
				t.Errorf("%.60q: logit %d is %.5f, want %.5f", want.Prompt, i, v, want.Logits[i])
			}
		}
		for i, v := range out.difficulty {
			if math.Abs(float64(v)-want.Difficulty[i]) > 1e-3 {
				t.Errorf("%.60q: difficulty %d is %.5f, want %.5f", want.Prompt, i, v, want.Difficulty[i])
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
		if got.Source != classifier.Fast || got.Level != classifier.LevelOf(got.Difficulty) || got.DifficultySD <= 0 ||
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
		if err != nil || got != alone {
			t.Errorf("%q: %+v, %v; want %+v", yes, got, err, alone)
		}
	}
}

func TestClassifyConcurrently(t *testing.T) {
	c := open(t, Options{MemoSize: 8})
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
				if got, err := c.Classify(context.Background(), classifier.Prompt(prompts[i])); err != nil || got != want[i] {
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
		{rule: "no graph", files: map[string]string{"model.json": good("model.json"), "vocab.txt": good("vocab.txt")}, want: ErrNoModel, mention: "model.onnx"},
		{rule: "a corrupt graph", files: map[string]string{"model.json": good("model.json"), "vocab.txt": good("vocab.txt"), "model.onnx": good("model.onnx")[:5000]}, want: ErrNoModel},
		{rule: "a vocabulary longer than the graph", files: map[string]string{"model.json": good("model.json"), "vocab.txt": good("vocab.txt") + "zzzz1\n", "model.onnx": good("model.onnx")}, want: ErrNoModel},
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
		m.put(m.key(strings.Repeat("x", i)), classifier.Classification{Difficulty: float64(i)})
	}
	if n := len(m.young) + len(m.old); n > 10 {
		t.Errorf("holds %d, want at most 10", n)
	}
	if got, ok := m.get(m.key(strings.Repeat("x", 999))); !ok || got.Difficulty != 999 {
		t.Errorf("the newest is forgotten: %v %v", got, ok)
	}
	off := newMemo(-1)
	off.put(off.key("x"), classifier.Classification{})
	if _, ok := off.get(off.key("x")); ok {
		t.Error("a memo of size 0 remembered")
	}
}

func embeddedTokenizer(t testing.TB) (*tokenizer, modelInfo) {
	t.Helper()
	vocabulary, err := embedded.ReadFile("model/vocab.txt")
	if err != nil {
		t.Fatal(err)
	}
	tok, err := newTokenizer(string(vocabulary))
	if err != nil {
		t.Fatal(err)
	}
	var info modelInfo
	raw, err := embedded.ReadFile("model/model.json")
	if err == nil {
		err = json.Unmarshal(raw, &info)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tok, info
}

func clip[T any](s []T) []T { return s[:min(len(s), 24)] }

func FuzzTokens(f *testing.F) {
	for _, c := range parityCases(f) {
		f.Add(string(c.Prompt))
	}
	tok, info := embeddedTokenizer(f)
	f.Fuzz(func(t *testing.T, s string) {
		ids := tok.encode(nil, s)
		if len(ids) > headPieces+tailPieces {
			t.Fatalf("%d pieces", len(ids))
		}
		var ft features
		ft.fill(ids, tok.size, info.Buckets, info.Edge)
		if len(ft.weights) != 3*len(ft.ids) {
			t.Fatalf("%d weights for %d features", len(ft.weights), len(ft.ids))
		}
		for _, id := range ft.ids {
			if id < 0 || id >= int64(tok.size+info.Buckets) {
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

func BenchmarkClassify(b *testing.B) {
	sizes := map[string]string{
		"8-pieces":     "What is the capital of France?",
		"64-pieces":    strings.Repeat("Explain the difference between the two protocols. ", 8),
		"64-han":       strings.Repeat("请解释这两种协议的区别是什么。", 4),
		"long":         strings.Repeat("The quick brown fox jumps over the lazy dog. ", 200),
		"one-megabyte": strings.Repeat("The quick brown fox jumps over the lazy dog. ", 23000),
	}
	for _, name := range []string{"8-pieces", "64-pieces", "64-han", "long", "one-megabyte"} {
		b.Run(name, func(b *testing.B) {
			c := open(b, Options{MemoSize: -1})
			in := classifier.Prompt(sizes[name])
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Classify(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
