package scoring

import "math"

// kinship weighs what two families have in common; the parts add up.
type kinship struct {
	maker, line, stem float64
	era               float64 // falls with the distance in time, see eraLength
	family, mode      float64
}

// The parameters were chosen by the error and the predictive likelihood on
// held-out scores under seeds other than the ones that are reported; see
// docs/scores.md.
var (
	abilityKin = kinship{maker: 0.60, line: 0.50, stem: 0.06, era: 0.10, family: 0.07, mode: 0.06}
	profileKin = kinship{maker: 0.27, line: 0.36, stem: 0.04, era: 0.09, family: 0.12, mode: 0.12}
)

const (
	eraLength    = 0.7  // years
	likeAny      = 0.05 // likeness of any two items
	likeChinese  = 0.10 // added if both are in Chinese
	likeGroup    = 0.17 // added if both are of one group
	likeEdition  = 0.15 // added if both are editions of one benchmark
	profileScale = 1.8  // variance of r and ε per residual variance of the item step
	profileNoise = 0.14 // the part of it that is ε
	levelRidge   = 2.0  // precisions of λ and β
	shapeRidge   = 20.0
)

// likeGroups joins benchmarks that ask for much the same: the profile on one
// carries over to the others.
var likeGroups = map[string]string{
	"GPQA": "knowledge", "MMLU": "knowledge", "MMLU-Pro": "knowledge", "BBH": "knowledge",
	"HumanEval": "code", "HumanEval+": "code", "LiveCodeBench": "code", "Aider-Polyglot": "code",
	"SWE-bench-Verified": "agent", "AA-Index": "agent",
	"MATH": "math", "MATH-500": "math", "GSM8K": "math",
	"LMArena-Text": "chat", "LMArena-Chinese": "chat", "Arena-Hard": "chat", "Arena-Hard-v2": "chat",
	"MT-Bench": "chat", "AlignBench": "chat", "OpenCompass-Subjective": "chat",
	"C-Eval": "chinese knowledge", "CMMLU": "chinese knowledge",
	"SuperCLUE": "chinese suite", "OpenCompass": "chinese suite", "ReLE": "chinese suite",
}

// of gives the weight that two cells' kinship adds up to, within one maker.
func (k kinship) of(a, b *site) float64 {
	d := (a.date - b.date) / eraLength
	sum := k.maker + k.era*math.Exp(-d*d/2)
	if a.line == b.line {
		sum += k.line
	}
	if a.stem == b.stem {
		sum += k.stem
	}
	if a.family == b.family {
		sum += k.family
		if a.mode == b.mode {
			sum += k.mode
		}
	}
	return sum
}

// likeness of two items' profiles.
func likeness(a, b Item) float64 {
	if a == b {
		return 1
	}
	like := likeAny
	if a.Chinese() && b.Chinese() {
		like += likeChinese
	}
	if g := likeGroups[a.Benchmark]; g != "" && g == likeGroups[b.Benchmark] {
		like += likeGroup
	}
	if a.Benchmark == b.Benchmark {
		like += likeEdition
	}
	return like
}
