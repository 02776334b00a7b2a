package evals

import (
	"strings"

	"assay/datasets"
)

// CMMLU is four-way multiple choice in Chinese over 67 subjects (Li et al.
// 2023, arXiv:2306.09212; data haonan-li/CMMLU). Five exemplars of the subject
// are shown, as there; the wording is this project's own and names no subject,
// for the data have only English ones. Errors are clustered by subject.
func CMMLU() Task {
	return Task{
		Name: "cmmlu", Title: "CMMLU", Kind: datasets.MC,
		Source:   "arXiv:2306.09212",
		Template: "cmmlu-chat/1", Shots: 5, MaxTokens: 1024, Clustered: true, Chance: 0.25,
		Prompt:  cmmluPrompt,
		Scorers: []Scorer{choiceScorer{}, statedChoiceScorer{}},
	}
}

func cmmluPrompt(item datasets.Sample, dev []datasets.Sample) []Message {
	var b strings.Builder
	b.WriteString("下面每道选择题只有一个正确选项。请回答正确选项的字母，格式为“答案：X”。\n\n")
	for _, d := range exemplars(item, dev, 5) {
		b.WriteString(choiceBlock(d, "题目：", ". ") + "答案：" + d.Answer + "\n\n")
	}
	b.WriteString(choiceBlock(item, "题目：", ". "))
	return []Message{{Role: "user", Content: strings.TrimRight(b.String(), "\n")}}
}
