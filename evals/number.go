package evals

import (
	"math/big"
	"regexp"
	"strings"
)

// ExtractNumber finds the number that a text gives as its final answer, in
// tiers: after "####"; in the last \boxed{}; after the last statement of an
// answer ("Answer:", "the answer is", "A:", "答案是"); else the last number of
// the text. The value is exact. shown is the number as it was written.
func ExtractNumber(output string) (value *big.Rat, shown string, ok bool) {
	text := plainNumbers(answerPart(output))
	if i := strings.LastIndex(text, "####"); i >= 0 {
		if v, s, ok := leadNumber(firstLine(text[i+4:])); ok {
			return v, s, true
		}
	}
	if inside, ok := lastBoxed(text); ok {
		if v, s, ok := leadNumber(inside); ok {
			return v, s, true
		}
	}
	marks := answerMark.FindAllStringIndex(text, -1)
	for i := len(marks) - 1; i >= 0; i-- {
		if v, s, ok := leadNumber(firstLine(text[marks[i][1]:])); ok {
			return v, s, true
		}
	}
	return lastNumber(text)
}

// ParseNumber reads a text that is one number and nothing else.
func ParseNumber(s string) (*big.Rat, bool) {
	text := strings.TrimSpace(plainNumbers(s))
	found := numbers(text)
	if len(found) != 1 || found[0].start != 0 || strings.Trim(text[found[0].end:], " %.") != "" {
		return nil, false
	}
	return found[0].value, true
}

// answerMark ends where the answer begins.
var answerMark = regexp.MustCompile(`(?i)\banswer\b[ \t]*(?:(?:is|are|was|would be|will be|should be|must be|equals|becomes|:|=)[ \t]*)+` +
	`|(?m:^[ \t]*A:)` +
	`|(?:答案|结果|答)[ \t]*(?:(?:应该是|应为|是|为|等于|:|=)[ \t]*)+`)

// asciiForms turns full-width forms, typographic minus signs and LaTeX spacing
// into what a number is usually written with.
var asciiForms = strings.NewReplacer(
	"０", "0", "１", "1", "２", "2", "３", "3", "４", "4", "５", "5", "６", "6", "７", "7", "８", "8", "９", "9",
	"，", ",", "．", ".", "：", ":", "（", "(", "）", ")", "＝", "=", "－", "-", "−", "-", "–", "-", "％", "%", "＄", "$",
	`\$`, "$", `\%`, "%", `\!`, "", `\,`, "", `{,}`, ",", "**", "", "__", "", "`", "", "\u00a0", " ", "\u202f", " ",
	`\left`, "", `\right`, "", `\(`, "", `\)`, "", `\[`, "", `\]`, "",
)

var latexFraction = regexp.MustCompile(`\\[dt]?frac\s*\{\s*(-?\d+)\s*\}\s*\{\s*(\d+)\s*\}`)

func plainNumbers(s string) string {
	return latexFraction.ReplaceAllString(asciiForms.Replace(s), "$1/$2")
}

// leadNumber takes the number a statement gives: what follows its last "=", or
// the number it begins with (currency and brackets aside), else its last one.
func leadNumber(s string) (*big.Rat, string, bool) {
	if i := strings.LastIndex(s, "="); i >= 0 {
		if v, shown, ok := leadNumber(s[i+1:]); ok {
			return v, shown, true
		}
	}
	found := numbers(s)
	if len(found) == 0 {
		return nil, "", false
	}
	at := found[len(found)-1]
	if strings.Trim(s[:found[0].start], " \t$€£¥([{*~≈") == "" {
		at = found[0]
	}
	return at.value, s[at.start:at.end], true
}

func lastNumber(s string) (*big.Rat, string, bool) {
	found := numbers(s)
	if len(found) == 0 {
		return nil, "", false
	}
	at := found[len(found)-1]
	return at.value, s[at.start:at.end], true
}

type foundNumber struct {
	value      *big.Rat
	start, end int
}

// numberForm: sign, currency, digits with commas, decimals, exponent, and the
// denominator of a fraction.
var numberForm = regexp.MustCompile(`(-?)[$€£¥]?(-?)(\d+(?:,\d+)*(?:\.\d+)?|\.\d+)(?:[eE]([-+]?\d{1,2})\b)?(?:/(\d+(?:\.\d+)?))?`)

// numbers finds every number of a text, leftmost first.
func numbers(s string) []foundNumber {
	var out []foundNumber
	for _, m := range numberForm.FindAllStringSubmatchIndex(s, -1) {
		part := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return s[m[2*i]:m[2*i+1]]
		}
		start := m[0]
		sign := part(1) + part(2)
		if part(1) == "-" && partOfExpression(s, start) { // "10-5" is no negative five
			sign, start = part(2), start+1
		}
		if glued(s, start) {
			continue
		}
		v, ok := rational(part(3), part(4), part(5))
		if !ok {
			continue
		}
		if sign == "-" {
			v.Neg(v)
		}
		out = append(out, foundNumber{v, start, m[1]})
	}
	return out
}

// glued tells a number from the digits inside a name or an exponent: CO2, x^2.
func glued(s string, at int) bool {
	if at == 0 {
		return false
	}
	c := s[at-1]
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '^'
}

func partOfExpression(s string, at int) bool {
	if at == 0 {
		return false
	}
	c := s[at-1]
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == ')' || c == '.' || c == '%'
}

// rational reads digits with separators, an exponent and a denominator. Long
// digits are refused: no answer needs them, and exact arithmetic pays for them.
func rational(digits, exponent, denominator string) (*big.Rat, bool) {
	if len(digits) > 60 || len(denominator) > 60 {
		return nil, false
	}
	text := separators(digits)
	if exponent != "" {
		text += "e" + exponent
	}
	v, ok := new(big.Rat).SetString(text)
	if !ok || denominator == "" {
		return v, ok
	}
	d, ok := new(big.Rat).SetString(denominator)
	if !ok || d.Sign() == 0 {
		return nil, false
	}
	return v.Quo(v, d), true
}

// separators removes thousands separators. A lone comma before anything but
// three digits is a decimal comma: 2,74.
func separators(s string) string {
	head, tail, found := strings.Cut(s, ",")
	if found && !strings.ContainsAny(tail, ",.") && (len(tail) != 3 || len(head) > 3) {
		return head + "." + tail
	}
	return strings.ReplaceAll(s, ",", "")
}
