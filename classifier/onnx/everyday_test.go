package onnx

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"assay/classifier"
)

// everydayPrompt is a prompt composed for this test (CC0), with the intent and
// the level that its author gave it by the guide of the gold set. Training does
// not see it.
type everydayPrompt struct {
	Lang   string            `json:"lang"`
	Intent classifier.Intent `json:"intent"`
	Level  float64           `json:"level"` // 1 to 5, halves between two
	Prompt string            `json:"prompt"`
}

// Everyday prompts that no benchmark contains. The floors lie a few points
// below what was measured, so that a worse model does not pass unnoticed.
func TestEverydayPrompts(t *testing.T) {
	f, err := os.Open("testdata/everyday.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var prompts []everydayPrompt
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var p everydayPrompt
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		prompts = append(prompts, p)
	}
	for _, tt := range []struct {
		stages                Stages
		accuracy, correlation float64
	}{{Both, 0.84, 0.76}, {DeepOnly, 0.84, 0.76}, {FastOnly, 0.66, 0.55}} {
		c := open(t, Options{Stages: tt.stages, DeepDeadline: time.Minute})
		var right, near int
		var b, level []float64
		for _, p := range prompts {
			got, err := c.Classify(t.Context(), classifier.Prompt(p.Prompt))
			if err != nil {
				t.Fatal(err)
			}
			if got.Intent == p.Intent {
				right++
			}
			if d := float64(got.Level) - p.Level; d >= -1 && d <= 1 {
				near++
			}
			b, level = append(b, got.Difficulty), append(level, p.Level)
		}
		accuracy, correlation := float64(right)/float64(len(prompts)), spearman(b, level)
		t.Logf("%s: intent accuracy %.3f, rank correlation of difficulty with levels %.3f, level within one %.3f, of %d prompts",
			tt.stages, accuracy, correlation, float64(near)/float64(len(prompts)), len(prompts))
		if accuracy < tt.accuracy || correlation < tt.correlation {
			t.Errorf("%s: accuracy %.3f, rank correlation %.3f; want at least %.2f and %.2f", tt.stages, accuracy, correlation, tt.accuracy, tt.correlation)
		}
	}
}

// spearman is Pearson's correlation of ranks, ties sharing their mean rank.
func spearman(x, y []float64) float64 {
	a, b := ranks(x), ranks(y)
	mean := float64(len(a)-1) / 2
	var ab, aa, bb float64
	for i := range a {
		ab += (a[i] - mean) * (b[i] - mean)
		aa += (a[i] - mean) * (a[i] - mean)
		bb += (b[i] - mean) * (b[i] - mean)
	}
	return ab / math.Sqrt(aa*bb)
}

func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		switch {
		case x[i] < x[j]:
			return -1
		case x[i] > x[j]:
			return 1
		}
		return 0
	})
	out := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for k := i; k < j; k++ {
			out[order[k]] = float64(i+j-1) / 2
		}
		i = j
	}
	return out
}
