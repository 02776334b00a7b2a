package router

import (
	"strings"
	"testing"
)

// Counts of OpenAI's own tokenizer for o200k_base.
func TestCountAgreesWithThePublishedEncoding(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "hello": 1, "hello world": 2, "tiktoken is great!": 6, "2 + 2 = 4": 7, "antidisestablishmentarianism": 6} {
		if got := tokens().Count(text); got != want {
			t.Errorf("%q: %d tokens, want %d", text, got, want)
		}
	}
}

func TestLongTextsAreExtrapolatedClosely(t *testing.T) {
	for name, sentence := range map[string]string{"english": "The quick brown fox jumps over the lazy dog, and then it sleeps. ", "chinese": "今天天气很好，我们一起去公园散步吧。"} {
		long := strings.Repeat(sentence, 4000)
		got, want := tokens().Count(long), tokens().Count(sentence)*4000
		if ratio := float64(got) / float64(want); ratio < 0.9 || ratio > 1.1 {
			t.Errorf("%s: %d, want about %d", name, got, want)
		}
	}
}

// The encoder is quadratic in a word's length; a megabyte without a space must
// not stall a request. (Without the bound this test takes minutes.)
func TestEndlessWordsAreCut(t *testing.T) {
	for _, r := range []string{"a", "好", "=", "\u00a0"} {
		if n := tokens().Count(strings.Repeat(r, 1<<20)); n <= 0 {
			t.Errorf("%q: %d tokens", r, n)
		}
	}
}

func BenchmarkCountShortPrompt(b *testing.B) {
	tk := tokens()
	b.ReportAllocs()
	for b.Loop() {
		tk.Count("What is the capital of France, and how many people live there?")
	}
}
