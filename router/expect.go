package router

import (
	"assay/classifier"
	"assay/models"
)

// expectedOutput is the prior for the visible length of an answer in tokens,
// by intent: rounded medians of published answers (four characters a token in
// English) where outcomes have lengths, judgement elsewhere. A request's own
// output limit caps it, and traffic corrects it; see Outputs.
var expectedOutput = map[classifier.Intent]int64{
	classifier.Chitchat: 60, classifier.KnowledgeQA: 150, classifier.Math: 250, classifier.Reasoning: 200,
	classifier.CodeGeneration: 350, classifier.CodeUnderstanding: 200, classifier.Writing: 600,
	classifier.RewriteEdit: 250, classifier.Summarization: 200, classifier.Translation: 120,
	classifier.Extraction: 120, classifier.Classify: 40, classifier.ReadingQA: 60,
	classifier.AdviceBrainstorm: 450, classifier.Roleplay: 200, classifier.ToolUse: 50,
}

// expectedThinking is the prior for hidden reasoning tokens of a reasoning
// model, by level L1..L5.
var expectedThinking = [5]int64{200, 400, 1000, 2500, 5000}

// tokensOut are the tokens of one answer: what the client sees, and the
// reasoning before it.
type tokensOut struct{ visible, thinking int64 }

// priorTokens is what an answer takes before traffic has shown anything.
func priorTokens(class classifier.Classification, reasoning models.Flag) tokensOut {
	out := tokensOut{visible: expectedOutput[class.Intent]}
	if out.visible == 0 {
		out.visible = 200
	}
	if reasoning.Ok() && class.Level >= classifier.L1 && class.Level <= classifier.L5 {
		out.thinking = expectedThinking[class.Level-1]
	}
	return out
}

// usage is that of n answers to a prompt, each cut at maxTokens (0: never).
func (o tokensOut) usage(promptTokens int64, maxTokens, n int) models.Usage {
	out, thinking := o.visible+o.thinking, o.thinking
	if maxTokens > 0 {
		out = min(out, int64(maxTokens))
		thinking = min(thinking, out)
	}
	return models.Usage{Input: promptTokens, Output: out * int64(max(n, 1)), Reasoning: thinking * int64(max(n, 1)), Estimated: true}
}

// ExpectedUsage predicts what answering will consume: the prompt's tokens, the
// intent's usual answer, and for reasoning models the thinking that a prompt of
// this level takes. maxTokens (0: none) is the request's own output limit, n
// the number of answers.
func ExpectedUsage(promptTokens int64, class classifier.Classification, reasoning models.Flag, maxTokens, n int) models.Usage {
	return priorTokens(class, reasoning).usage(promptTokens, maxTokens, n)
}
