package evals

import (
	"regexp"
	"strings"

	"assay/datasets"
)

// GSM8K is grade-school arithmetic in words (Cobbe et al. 2021,
// arXiv:2110.14168; data openai/grade-school-math). The prompt shows worked
// solutions, as in chain-of-thought prompting (Wei et al. 2022,
// arXiv:2201.11903), here the first eight items of the train split; the wording
// is this project's own. The answer counts as right if it is the same number.
func GSM8K() Task {
	return Task{
		Name: "gsm8k", Title: "GSM8K", Kind: datasets.Math,
		Source:   "arXiv:2110.14168",
		Template: "gsm8k-cot/1", Shots: 8, MaxTokens: 1024,
		Prompt:  gsm8kPrompt,
		Scorers: []Scorer{numberScorer{}, hashMarkScorer{}},
	}
}

const gsm8kInstruction = "Solve the problem step by step. End with a line of the form \"Answer: N\", where N is the number alone."

func gsm8kPrompt(item datasets.Sample, dev []datasets.Sample) []Message {
	var b strings.Builder
	b.WriteString(gsm8kInstruction + "\n\n")
	for _, d := range exemplars(item, dev, 8) {
		b.WriteString("Problem: " + strings.TrimSpace(d.Question) + "\n")
		if d.Solution != "" {
			b.WriteString(stripCalculator(d.Solution) + "\n")
		}
		b.WriteString("Answer: " + d.Answer + "\n\n")
	}
	b.WriteString("Problem: " + strings.TrimSpace(item.Question))
	return []Message{{Role: "user", Content: b.String()}}
}

// calculator marks are upstream's <<48/2=24>>: notes to a calculator that a
// model is not meant to imitate.
var calculator = regexp.MustCompile(`<<[^<>]*>>`)

func stripCalculator(s string) string { return calculator.ReplaceAllString(s, "") }

// numberScorer compares the answer found by ExtractNumber with the reference
// as exact rational numbers: 1,000.50 and 1000.5 are the same answer.
type numberScorer struct{}

func (numberScorer) Version() string { return "number/1" }

func (numberScorer) Score(item datasets.Sample, output string) (Verdict, bool) {
	got, text, ok := ExtractNumber(output)
	if !ok {
		return Verdict{}, false
	}
	want, ok := ParseNumber(item.Answer)
	return Verdict{Extracted: text, Score: truth(ok && got.Cmp(want) == 0)}, true
}

// hashMarkScorer is the rule of the benchmark's authors: the text after "####"
// (or, in their models' own outputs, after "A:"), without commas and dollar
// signs, must equal the reference as text.
type hashMarkScorer struct{}

func (hashMarkScorer) Version() string { return "gsm8k-official/1" }

var hashMark = regexp.MustCompile(`(?m)(?:####|^A:)[ \t]*\$?(-?[0-9][0-9.,$]*)`)

func (hashMarkScorer) Score(item datasets.Sample, output string) (Verdict, bool) {
	m := hashMark.FindStringSubmatch(output)
	if m == nil {
		return Verdict{}, false
	}
	clean := strings.NewReplacer(",", "", "$", "")
	got := strings.TrimRight(clean.Replace(m[1]), ".")
	return Verdict{Extracted: got, Score: truth(got == clean.Replace(item.Answer))}, true
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
