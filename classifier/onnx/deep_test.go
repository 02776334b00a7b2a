package onnx

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/classifier"
)

// An input that the fast stage must not answer alone, so that the deep one is asked.
func deepOnly(t testing.TB, opts Options) *Classifier {
	t.Helper()
	opts.Stages = DeepOnly
	return open(t, opts)
}

func TestStagesAnswerAsTold(t *testing.T) {
	for _, tt := range []struct {
		stages Stages
		want   classifier.Source
	}{{FastOnly, classifier.Fast}, {DeepOnly, classifier.Deep}} {
		c := open(t, Options{Stages: tt.stages, DeepDeadline: time.Minute})
		for _, prompt := range []string{"hi", "Prove it.", "翻译成英文：你好", ""} {
			got, err := c.Classify(t.Context(), classifier.Prompt(prompt))
			if err != nil || got.Source != tt.want {
				t.Errorf("%s, %q: source %s, %v; want %s", tt.stages, prompt, got.Source, err, tt.want)
			}
		}
	}
}

// With both stages the fast one answers exactly where its confidence suffices.
func TestFastAnswersWhereItIsSure(t *testing.T) {
	fast, both := open(t, Options{Stages: FastOnly}), open(t, Options{DeepDeadline: time.Minute})
	seen := map[classifier.Source]int{}
	for _, p := range parityCases(t) {
		alone, err := fast.Classify(t.Context(), p.input())
		if err != nil {
			t.Fatal(err)
		}
		got, err := both.Classify(t.Context(), p.input())
		if err != nil {
			t.Fatal(err)
		}
		want := classifier.Deep
		if alone.IntentConfidence >= both.info.Fast.Answers {
			want = classifier.Fast
		}
		if got.Source != want {
			t.Errorf("%.50q: %s answered at fast confidence %.3f, bound %.3f", p.Prompt, got.Source, alone.IntentConfidence, both.info.Fast.Answers)
		}
		seen[got.Source]++
	}
	t.Logf("answered: %v", seen)
}

// occupy takes every place of the deep stage's workers, as runs that do not end.
func (d *deepStage) occupy() (release func()) {
	for range cap(d.workers) {
		d.workers <- struct{}{}
	}
	return func() {
		for range cap(d.workers) {
			<-d.workers
		}
	}
}

func TestFastAnswerStandsWhenDeepIsLateOrFull(t *testing.T) {
	fast := open(t, Options{Stages: FastOnly, MemoSize: -1})
	c := deepOnly(t, Options{DeepWorkers: 1, DeepDeadline: 5 * time.Millisecond, MemoSize: -1})
	release := c.deep.occupy()
	prompt := classifier.Prompt("Write a short poem about the sea.")
	want, err := fast.Classify(t.Context(), prompt)
	if err != nil {
		t.Fatal(err)
	}
	check := func(rule, note string) {
		t.Helper()
		got, err := c.Classify(t.Context(), prompt)
		if err != nil || got.Source != classifier.Fast || got.Note != note || got.Intent != want.Intent {
			t.Errorf("%s: %+v, %v; want the fast answer with note %q", rule, got, err, note)
		}
		level := want.Level
		if want.Note == "" && got.IntentConfidence < c.info.Fast.Raise && level < classifier.L5 {
			level++
		}
		if got.Level != level {
			t.Errorf("%s: level %s, want %s: load alone must not raise a sure answer", rule, got.Level, level)
		}
	}
	check("workers busy until the deadline", classifier.NoteDeepLate)
	for range cap(c.deep.queue) {
		c.deep.queue <- struct{}{}
	}
	check("queue full", classifier.NoteDeepFull)
	for range cap(c.deep.queue) {
		<-c.deep.queue
	}
	release()
	c.deep.deadline = time.Minute
	if got, err := c.Classify(t.Context(), prompt); err != nil || got.Source != classifier.Deep {
		t.Errorf("places free again: %+v, %v; want the deep answer", got, err)
	}
}

// A late answer is not wasted: whoever asks again gets it at once.
func TestLateAnswerIsRemembered(t *testing.T) {
	c := deepOnly(t, Options{DeepDeadline: time.Nanosecond})
	long := classifier.Prompt(strings.Repeat("The quick brown fox jumps over the lazy dog. ", 40))
	for range 1000 {
		got, err := c.Classify(t.Context(), long)
		if err != nil {
			t.Fatal(err)
		}
		if got.Source == classifier.Deep {
			return
		}
		c.deep.running.Wait()
	}
	t.Error("a thousand late answers, and none was remembered")
}

func TestCallerWhoLeavesGetsItsError(t *testing.T) {
	c := deepOnly(t, Options{DeepWorkers: 1, DeepDeadline: time.Minute})
	release := c.deep.occupy()
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(5*time.Millisecond, cancel)
	if _, err := c.Classify(ctx, classifier.Prompt("anything at all")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if len(c.deep.queue) != 0 {
		t.Errorf("%d places of the queue were not given back", len(c.deep.queue))
	}
}

// Many callers at once: no race, no lost place, and every answer is one that a
// lone caller would get.
func TestDeepUnderLoad(t *testing.T) {
	alone := deepOnly(t, Options{DeepDeadline: time.Minute, MemoSize: -1})
	fast := open(t, Options{Stages: FastOnly, MemoSize: -1})
	c := deepOnly(t, Options{MemoSize: -1})
	prompts := []string{"hi", "2+2?", "写一首关于大海的诗", "debug this: x=1/0", "translate to French: good night"}
	want := map[string][2]classifier.Intent{}
	for _, p := range prompts {
		d, _ := alone.Classify(t.Context(), classifier.Prompt(p))
		f, _ := fast.Classify(t.Context(), classifier.Prompt(p))
		want[p] = [2]classifier.Intent{d.Intent, f.Intent}
	}
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for k := range 20 {
				p := prompts[(g+k)%len(prompts)]
				got, err := c.Classify(context.Background(), classifier.Prompt(p))
				if err != nil {
					t.Errorf("%q: %v", p, err)
				} else if got.Source == classifier.Deep && got.Intent != want[p][0] || got.Source == classifier.Fast && got.Intent != want[p][1] {
					t.Errorf("%q: %+v, want intent %s if deep, %s if fast", p, got, want[p][0], want[p][1])
				}
			}
		})
	}
	wg.Wait()
	c.deep.running.Wait()
	if len(c.deep.queue)+len(c.deep.workers) != 0 {
		t.Errorf("%d places of the queue and %d of the workers were not given back", len(c.deep.queue), len(c.deep.workers))
	}
}

func TestEmbed(t *testing.T) {
	c := open(t, Options{DeepDeadline: time.Minute})
	embed := func(text string) [EmbeddingSize]float32 {
		t.Helper()
		e, err := c.Embed(t.Context(), classifier.Prompt(text))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	inner := func(a, b [EmbeddingSize]float32) (sum float64) {
		for i := range a {
			sum += float64(a[i]) * float64(b[i])
		}
		return sum
	}
	for _, tt := range [][3]string{ // alike, alike, not
		{"How do I reset my router's password?", "I forgot the password of my router, how can I reset it?", "Give me a recipe for pancakes."},
		{"How do I bake bread at home?", "怎么在家烤面包？", "证明根号二是无理数。"},
		{"写一封请假邮件", "帮我写封邮件请假一天", "What is the boiling point of water?"},
	} {
		if near, far := inner(embed(tt[0]), embed(tt[1])), inner(embed(tt[0]), embed(tt[2])); near < far+0.2 {
			t.Errorf("%q is as near to %q (%.2f) as to %q (%.2f)", tt[0], tt[2], far, tt[1], near)
		}
	}
	if _, err := open(t, Options{Stages: FastOnly}).Embed(t.Context(), classifier.Prompt("x")); err == nil {
		t.Error("an embedding without the deep stage")
	}
}
