package onnx

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/classifier"
)

// texts have about as many pieces as their names say.
var texts = []struct {
	pieces int
	prompt string
}{
	{8, "What is the capital of France?"},
	{32, strings.Repeat("Explain the difference between the two protocols. ", 4)},
	{64, strings.Repeat("Explain the difference between the two protocols. ", 8)},
	{64, strings.Repeat("请解释这两种协议的区别是什么，并举例说明。", 5)},
	{128, strings.Repeat("Explain the difference between the two protocols. ", 16)},
	{512, strings.Repeat("The quick brown fox jumps over the lazy dog. ", 200)},
}

// BenchmarkStage times each stage from text to classification, tokenising
// included, nothing remembered. Run it with -cpu 1.
func BenchmarkStage(b *testing.B) {
	for _, stages := range []Stages{FastOnly, DeepOnly} {
		for i, text := range texts {
			language := classifier.Language(text.prompt)
			b.Run(fmt.Sprintf("%s/%d-%s", stages, text.pieces, language), func(b *testing.B) {
				c := open(b, Options{Stages: stages, MemoSize: -1, DeepDeadline: time.Minute})
				b.ReportAllocs()
				took := make([]time.Duration, 0, b.N)
				for b.Loop() {
					// a new word each time, as in life: the memo of words must not hold the whole text
					in := classifier.Prompt(fmt.Sprintf("%s q%dz%d", text.prompt, i, len(took)))
					start := time.Now()
					if _, err := c.Classify(b.Context(), in); err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(start))
				}
				slices.Sort(took)
				for _, p := range []int{50, 95, 99} {
					b.ReportMetric(float64(took[len(took)*p/100].Nanoseconds())/1e3, fmt.Sprintf("p%d-µs", p))
				}
			})
		}
	}
}

// BenchmarkBatch compares eight texts one by one with eight in one run, per
// text: the reason why the deep stage does not batch.
func BenchmarkBatch(b *testing.B) {
	c := open(b, Options{Stages: DeepOnly})
	ids := c.deep.clip(c.encode(nil, texts[2].prompt, classifier.Input{}))
	for _, n := range []int{1, 8} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			batch := slices.Repeat(ids, n)
			logits, difficulty, embedding := make([]float32, n*16), make([]float32, n*2), make([]float32, n*EmbeddingSize)
			for b.Loop() {
				err := runSession(c.deep.session, []tensor{wrap(batch, int64(n), int64(len(ids)))},
					[]tensor{wrap(logits, int64(n), 16), wrap(difficulty, int64(n), 2), wrap(embedding, int64(n), EmbeddingSize)})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n)/1e3, "µs/text")
		})
	}
}

// BenchmarkTokens times the tokeniser alone.
func BenchmarkTokens(b *testing.B) {
	tok := embeddedTokenizer(b)
	for _, text := range texts {
		b.Run(fmt.Sprintf("%d-%s", text.pieces, classifier.Language(text.prompt)), func(b *testing.B) {
			var ids []int32
			for b.Loop() {
				ids = tok.encode(ids[:0], text.prompt)
			}
			b.ReportMetric(float64(len(ids)), "pieces")
		})
	}
}
