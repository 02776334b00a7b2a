package router

import (
	"math"

	"assay/classifier"
	"assay/models"
	"assay/scoring"
)

// expectedOutput is the prior for the visible length of an answer in tokens,
// by intent: rounded medians of published answers (four characters a token in
// English) where outcomes have lengths, judgement elsewhere. A request's own
// output limit caps it.
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

// ExpectedUsage predicts what answering will consume: the prompt's tokens, the
// intent's usual answer, and for reasoning models the thinking that a prompt of
// this level takes. maxTokens (0: none) is the request's own output limit, n
// the number of answers.
func ExpectedUsage(promptTokens int64, class classifier.Classification, reasoning models.Flag, maxTokens, n int) models.Usage {
	out := expectedOutput[class.Intent]
	if out == 0 {
		out = 200
	}
	var thinking int64
	if reasoning.Ok() && class.Level >= classifier.L1 && class.Level <= classifier.L5 {
		thinking = expectedThinking[class.Level-1]
	}
	out += thinking
	if maxTokens > 0 {
		out = min(out, int64(maxTokens))
		thinking = min(thinking, out)
	}
	return models.Usage{Input: promptTokens, Output: out * int64(max(n, 1)), Reasoning: thinking * int64(max(n, 1)), Estimated: true}
}

// successProbability is the expectation of logistic(theta - b) over the
// uncertainty of theta, by the usual approximation
// logistic((theta-b) / sqrt(1 + pi*sd^2/8)) (MacKay 1992, "The evidence
// framework applied to classification networks", eq. 10). An ability that is
// barely known is thus trusted less, without being refused.
func successProbability(a scoring.Ability, b float64) float64 {
	kappa := 1 / math.Sqrt(1+math.Pi*a.SD*a.SD/8)
	return scoring.Success(kappa*(a.Theta-b), 0)
}
