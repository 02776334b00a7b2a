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
		const sample, times = 1000, 12
		got, want := tokens().Count(strings.Repeat(sentence, sample*times)), tokens().Count(strings.Repeat(sentence, sample))*times
		if ratio := float64(got) / float64(want); ratio < 0.98 || ratio > 1.02 {
			t.Errorf("%s: %d, want about %d", name, got, want)
		}
	}
}

// The library is quadratic in a word's length; words without an end, counted
// exactly or extrapolated, must not stall a request. (They would take minutes.)
func TestEndlessWordsDoNotStall(t *testing.T) {
	for _, word := range []string{"a", "好", "=", "\u00a0", "\u0301", "\xff", "qxzj"} {
		const sample = 1200
		perByte := float64(len(library().EncodeOrdinary(strings.Repeat(word, sample/len(word))))) / sample
		for _, size := range []int{exactBytes, 4 * exactBytes} {
			got, want := tokens().Count(strings.Repeat(word, size/len(word))), perByte*float64(size)
			if ratio := float64(got) / want; ratio < 0.9 || ratio > 1.1 {
				t.Errorf("%d bytes of %+q: %d tokens, want about %.0f", size, word, got, want)
			}
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
