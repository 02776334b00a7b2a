package sim

import (
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"

	"assay/classifier"
)

// Key is an answer key: questions with their right answers. With it simulated
// models can be evaluated, at any quality, without a provider. It never serves
// a real request.
type Key struct{ items map[string]item }

type item struct {
	id        string
	benchmark string
	lang      string
	choices   int    // multiple choice: number of choices; 0 otherwise
	answer    string // a letter or a number
}

// Answer is one line of an answer key.
type Answer struct {
	ID        string
	Benchmark string // the set the item belongs to: "gsm8k", ...
	Question  string
	Choices   int // number of choices; 0 if the answer is a number
	Answer    string
}

// NewKey indexes answers. Questions are recognised by their beginning.
func NewKey(answers []Answer) *Key {
	k := &Key{items: map[string]item{}}
	for _, a := range answers {
		k.items[start(a.Question)] = item{id: a.ID, benchmark: a.Benchmark, lang: classifier.Language(a.Question), choices: a.Choices, answer: a.Answer}
	}
	return k
}

// Len is the number of questions known.
func (k *Key) Len() int {
	if k == nil {
		return 0
	}
	return len(k.items)
}

// startRunes is how much of a question identifies it.
const startRunes = 48

// start is the identifying beginning of a question: compatibility forms and
// white space normalised, then the first 48 characters.
func start(question string) string {
	rs := []rune(strings.Join(strings.Fields(norm.NFKC.String(question)), " "))
	return string(rs[:min(len(rs), startRunes)])
}

// labels that a prompt may put before a question on the same line.
var labels = []string{"Question:", "Problem:", "Q:", "题目：", "问题：", "题目:", "问题:"}

// find looks for the last question of the key in a prompt: prompts with worked
// examples put the question that counts last.
func (k *Key) find(prompt string) (item, bool) {
	if k.Len() == 0 {
		return item{}, false
	}
	lines := strings.Split(prompt, "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		rest := strings.Join(lines[i:min(i+8, len(lines))], "\n") // a question may run over several lines
		if it, ok := k.at(rest); ok {
			return it, true
		}
		for _, label := range labels {
			if after, ok := strings.CutPrefix(strings.TrimSpace(rest), label); ok {
				if it, ok := k.at(after); ok {
					return it, true
				}
			}
		}
	}
	return item{}, false
}

// at recognises a question that text begins with. A question shorter than the
// identifying beginning is followed by other text, so its first line is tried.
func (k *Key) at(text string) (item, bool) {
	if it, ok := k.items[start(text)]; ok {
		return it, true
	}
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	it, ok := k.items[start(first)]
	return it, ok
}

// say phrases a right or a wrong answer the way models do; pick in [0,1)
// chooses among the wrong ones.
func (it item) say(right bool, pick float64) string {
	answer := it.answer
	if !right {
		answer = it.wrong(pick)
	}
	if it.lang == "zh" {
		return fmt.Sprintf("（模拟回答）逐步思考后可知，答案是%s。", answer)
	}
	return fmt.Sprintf("(Simulated.) Working through it step by step, the answer is %s.", answer)
}

func (it item) wrong(pick float64) string {
	if it.choices > 1 {
		i := int(pick * float64(it.choices-1))
		letter := string(rune('A' + i))
		if letter >= it.answer {
			letter = string(rune('A' + i + 1))
		}
		return letter
	}
	wrong := fmt.Sprint(1 + int(pick*997))
	if wrong == it.answer {
		wrong += "1"
	}
	return wrong
}
