package evals

import (
	"fmt"
	"strings"

	"assay/datasets"
)

// MMLU is four-way multiple choice over 57 subjects (Hendrycks et al. 2021,
// arXiv:2009.03300; data hendrycks/test). As there, the prompt names the
// subject and shows five exemplars of it; the wording is for chat models,
// which are asked to state the letter rather than scored by its likelihood.
// Items of one subject share their difficulty, so errors are clustered by it.
func MMLU() Task {
	return Task{
		Name: "mmlu", Title: "MMLU", Kind: datasets.MC,
		Source:   "arXiv:2009.03300",
		Template: "mmlu-chat/1", Shots: 5, MaxTokens: 1024, Clustered: true, Chance: 0.25,
		Prompt:  mmluPrompt,
		Scorers: []Scorer{choiceScorer{}, statedChoiceScorer{}},
	}
}

func mmluPrompt(item datasets.Sample, dev []datasets.Sample) []Message {
	var b strings.Builder
	fmt.Fprintf(&b, "These are multiple-choice questions about %s. Each has one right choice. Reply with its letter, in the form \"Answer: X\".\n\n",
		strings.ReplaceAll(item.Subject, "_", " "))
	for _, d := range exemplars(item, dev, 5) {
		b.WriteString(choiceBlock(d, "Question: ", ". ") + "Answer: " + d.Answer + "\n\n")
	}
	b.WriteString(choiceBlock(item, "Question: ", ". "))
	return []Message{{Role: "user", Content: strings.TrimRight(b.String(), "\n")}}
}

// choiceBlock writes a question and its lettered choices, one a line.
func choiceBlock(s datasets.Sample, head, sep string) string {
	var b strings.Builder
	b.WriteString(head + strings.TrimSpace(s.Question) + "\n")
	for i, c := range s.Choices {
		b.WriteString(datasets.Letters[i:i+1] + sep + strings.TrimSpace(c) + "\n")
	}
	return b.String()
}

// choiceScorer takes the letter from wherever ExtractChoice finds it.
type choiceScorer struct{}

func (choiceScorer) Version() string { return "choice/1" }

func (choiceScorer) Score(item datasets.Sample, output string) (Verdict, bool) {
	letter, _, ok := ExtractChoice(output, item.Choices)
	return Verdict{Extracted: letter, Score: truth(ok && letter == item.Answer)}, ok
}

// statedChoiceScorer takes only a letter that the text states as its answer;
// guesses from a lone letter or the choice's text count as unparsed.
type statedChoiceScorer struct{}

func (statedChoiceScorer) Version() string { return "choice-stated/1" }

func (statedChoiceScorer) Score(item datasets.Sample, output string) (Verdict, bool) {
	letter, tier, ok := ExtractChoice(output, item.Choices)
	if !ok || tier > ChoiceStated {
		return Verdict{}, false
	}
	return Verdict{Extracted: letter, Score: truth(letter == item.Answer)}, true
}
