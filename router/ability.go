package router

import (
	"math"

	"assay/classifier"
	"assay/scoring"
)

// capabilityOf names the ability that an intent draws on; an intent that is
// not here (chitchat) draws on the general one. A tier table that lacks a
// family's ability in a capability answers with the general one.
var capabilityOf = map[classifier.Intent]string{
	classifier.Math:           scoring.Math,
	classifier.CodeGeneration: scoring.Code, classifier.CodeUnderstanding: scoring.Code,
	classifier.Reasoning:   scoring.Reason,
	classifier.KnowledgeQA: scoring.Knowledge,
	classifier.Writing:     scoring.Writing, classifier.Roleplay: scoring.Writing, classifier.RewriteEdit: scoring.Writing,
	classifier.Summarization: scoring.Writing, classifier.Translation: scoring.Writing, classifier.AdviceBrainstorm: scoring.Writing,
	classifier.ToolUse:    scoring.ToolUse,
	classifier.Extraction: scoring.Instructions, classifier.Classify: scoring.Instructions, classifier.ReadingQA: scoring.Instructions,
}

// capabilities are the values of capabilityOf and the general ability, in the
// order of a table's columns.
var capabilities = []string{scoring.General, scoring.Math, scoring.Code, scoring.Reason, scoring.Knowledge, scoring.Writing, scoring.ToolUse, scoring.Instructions}

// column is where a table keeps the abilities that a prompt draws on: two
// columns a capability, the second one for prompts in Chinese.
func column(class classifier.Classification) int {
	at := 0
	want := capabilityOf[class.Intent]
	for i, c := range capabilities {
		if c == want {
			at = 2 * i
		}
	}
	if class.Language == "zh" {
		at++
	}
	return at
}

// ability is a row's strength; a row without any has infinite variance.
type ability struct{ theta, variance float64 }

// between is the variance, in logits squared, by which two abilities of one
// model usually differ.
const between = 0.25

// abilitiesOf works out a row's abilities, one for each column.
//
// In Chinese it is the mean of the capability's and the Chinese ability: the
// one says what the task takes, the other what the language does to this
// model. The weights are 1/(sd² + between): two abilities that are well known
// count the same, however much better known one of them is, and one that is
// little more than a guess leaves the word to the other. The errors are taken
// to be the same one, for both abilities hold the general one: the sd is the
// mean of both, not less.
func abilitiesOf(t scoring.Tiers, family, host string) (out []ability, known bool) {
	_, hasChinese := t.Families[family].Abilities[scoring.ChineseLanguage]
	zh, _ := t.Ability(family, host, scoring.ChineseLanguage)
	for _, c := range capabilities {
		a, ok := t.Ability(family, host, c)
		if !ok {
			out = append(out, ability{0, math.Inf(1)}, ability{0, math.Inf(1)})
			continue
		}
		known = true
		plain := ability{a.Theta, a.SD * a.SD}
		both := plain
		if hasChinese {
			w, u := 1/(a.SD*a.SD+between), 1/(zh.SD*zh.SD+between)
			w, u = w/(w+u), u/(w+u)
			sd := w*a.SD + u*zh.SD
			both = ability{w*a.Theta + u*zh.Theta, sd * sd}
		}
		out = append(out, plain, both)
	}
	return out, known
}

// leastVariance keeps precisions finite.
const leastVariance = 1e-9

// combine joins what the ability and the outcomes say of a row, both as log
// odds, by their precisions, and returns what variance remains.
func combine(ability, va, outcome, vo float64) (logit, variance float64) {
	pa, po := 1/max(va, leastVariance), 1/max(vo, leastVariance)
	variance = 1 / (pa + po)
	return (ability*pa + outcome*po) * variance, variance
}

// expected is the expectation of logistic(x) over a normal x, by the usual
// approximation logistic(mean / sqrt(1 + pi*variance/8)) (MacKay 1992, "The
// evidence framework applied to classification networks", eq. 10). What is
// barely known is thus trusted less, without being refused.
func expected(mean, variance float64) float64 {
	return 1 / (1 + math.Exp(-mean/math.Sqrt(1+math.Pi*variance/8)))
}

// CapabilityOf names the ability that an intent draws on.
func CapabilityOf(intent classifier.Intent) string {
	if c, ok := capabilityOf[intent]; ok {
		return c
	}
	return scoring.General
}
