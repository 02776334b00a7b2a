package evals

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"assay/datasets"
)

// ChoiceTier says how an answer letter was found; lower is surer.
type ChoiceTier int

// The tiers, in the order in which they are tried.
const (
	ChoiceBoxed   ChoiceTier = 1 + iota // \boxed{B}
	ChoiceStated                        // "the answer is B", "答案：B", "故选B": the last one
	ChoiceLeading                       // the text begins with "B", "(B)", "B. ..."
	ChoiceCalled                        // "B is correct", "B是正确的": the last one
	ChoiceLine                          // a line that is only a letter: the last one
	ChoiceText                          // the text of exactly one choice, as answer or last line
	ChoiceLone                          // the last letter that stands alone anywhere
)

// ExtractChoice finds the letter that a text in English or Chinese gives as
// its answer to a question with these choices. A text that states two answers
// ("B or C") has none. The letter is always one of the choices'.
func ExtractChoice(output string, choices []string) (letter string, tier ChoiceTier, ok bool) {
	if len(choices) == 0 || len(choices) > len(datasets.Letters) {
		return "", 0, false
	}
	raw := answerPart(output)
	text := plainChoices(raw)
	in := func(s string) bool {
		s = strings.ToUpper(s)
		return len(s) == 1 && s[0] >= 'A' && int(s[0]-'A') < len(choices)
	}
	if inside, found := lastBoxed(raw); found {
		inside = strings.Trim(plainChoices(inside), " ().")
		if in(inside) {
			return strings.ToUpper(inside), ChoiceBoxed, true
		}
	}
	if l, hedged := statedChoice(text, in); hedged {
		return "", 0, false
	} else if l != "" {
		return l, ChoiceStated, true
	}
	for _, t := range []struct {
		tier ChoiceTier
		find func() string
	}{
		{ChoiceLeading, func() string { return leadingChoice(text, in) }},
		{ChoiceCalled, func() string { return lastGroup(calledChoice, text, in) }},
		{ChoiceLine, func() string { return lastGroup(lineChoice, text, in) }},
		{ChoiceText, func() string { return choiceByText(text, choices) }},
		{ChoiceLone, func() string { return loneChoice(text, in) }},
	} {
		if l := t.find(); l != "" {
			return l, t.tier, true
		}
	}
	return "", 0, false
}

var choiceForms = strings.NewReplacer(choiceFormPairs()...)

// choiceFormPairs maps full-width letters and brackets to ASCII and drops the
// marks of Markdown and LaTeX that stand around letters.
func choiceFormPairs() []string {
	pairs := []string{"（", "(", "）", ")", "：", ":", "．", ".", "【", "(", "】", ")", "「", "(", "」", ")", "“", `"`, "”", `"`,
		"**", "", "__", "", "`", "", "$", "", `\(`, "", `\)`, "", `\boxed`, "", `\text`, "", `\textbf`, "", `\mathrm`, "", `\mathbf`, "", "{", "(", "}", ")", "\r", ""}
	for c := 'A'; c <= 'Z'; c++ {
		pairs = append(pairs, string('Ａ'+c-'A'), string(c), string('ａ'+c-'A'), string(c+'a'-'A'))
	}
	return pairs
}

func plainChoices(s string) string { return choiceForms.Replace(s) }

const (
	// enState is an English statement of the answer up to the letter.
	enState = `(?i:(?:\banswer(?:\s+choice)?|\b(?:correct|right|best)\s+(?:option|choice)|\bi\s+(?:would\s+|will\s+)?(?:choose|pick|select))` +
		`(?:\s+(?:to|for)\s+(?:the|this)\s+question)?` +
		`[ \t]*(?:(?:is|was|would\s+be|should\s+be|must\s+be|:|=|->|→)\s*)*` +
		`(?:(?:most\s+likely|likely|probably|clearly|definitely|certainly|for\s+sure|therefore|thus|simply|indeed|the\s+(?:option|choice|letter)|option|choice|letter|answer)[ \t]*:?[ \t]*)*)`
	// zhState is a Chinese one.
	zhState = `(?:(?:正确答案|答案|正确的?选项|正确的(?:一项|答案)|最佳选项)(?:应该|应当|应|就)?(?:[是为选:]|\s)*(?:选项)?|` +
		`(?:故选|应选|应该选|因此选|所以选|本题选|选择|我选|选)(?:[是为:])?\s*(?:选项)?)\s*`
	afterLetter = `(?:[).,;:!?"'\]\s、，。；！？]|[^\x00-\x7f]|$)`
)

var (
	statedUpper = regexp.MustCompile(`(?:` + enState + `|` + zhState + `)[("'\[]*([A-Z])` + afterLetter)
	statedLower = regexp.MustCompile(`(?m:(?:` + enState + `|` + zhState + `)[("'\[]*([a-z])[)"'\].]*[ \t]*$)`)
	// second is another letter joined to the one before it.
	second     = regexp.MustCompile(`^[)"'\]\s]*(?:and|or|/|&|和|或者|或|、|与)\s*[("'\[]*([A-Z])` + afterLetter)
	secondVerb = regexp.MustCompile(`^[)"'\]]*\s*(?:is|are|was|were|has|cannot|can|does|do|错|不|是)`)

	leading      = regexp.MustCompile(`^\s*[("'\[]*([A-Z])(?:[).:,;"'\]、，。]|\s|$)`)
	leadingLower = regexp.MustCompile(`^\s*[("'\[]*([a-z])[)"'\].]*\s*$`)
	calledChoice = regexp.MustCompile(`(?:^|[^A-Za-z])\(?([A-Z])\)?(?:\s+(?:is|would\s+be|must\s+be)\s+(?:the\s+)?(?:correct|right|best|answer)|(?:选项|项)?(?:是|为)?(?:正确|对的))`)
	lineChoice   = regexp.MustCompile(`(?m)^[ \t]*[("'\[]*([A-Z])[)"'\].:。]*[ \t]*$`)
	lone         = regexp.MustCompile(`[A-Z]+`)
	negated      = regexp.MustCompile(`(?:不|不能|不应|不该|别|没)$|(?i:\bnot\s+)$`)
	proseFollows = regexp.MustCompile(`^[ \t]+[a-z]`)
)

// statedChoice gives the letter of the last statement, if it is not negated.
// hedged says that the last statement names two letters.
func statedChoice(text string, in func(string) bool) (letter string, hedged bool) {
	at := -1
	for _, re := range []*regexp.Regexp{statedUpper, statedLower} {
		for _, m := range findOverlapping(re, text) {
			l := strings.ToUpper(text[m[2]:m[3]])
			if m[2] <= at || !in(l) || negated.MatchString(text[:m[0]]) || isArticle(text, m[0], m[2]) {
				continue
			}
			at, letter = m[2], l
			hedged = false
			if s := second.FindStringSubmatchIndex(text[m[3]:]); s != nil && in(text[m[3]+s[2]:m[3]+s[3]]) {
				hedged = text[m[3]+s[2]:m[3]+s[3]] != l && !secondVerb.MatchString(text[m[3]+s[3]:])
			}
		}
	}
	return letter, hedged
}

// isArticle tells "Answer: A dog barks" from "The answer is A because": after
// a colon an A that prose follows is an article, after a verb it is the letter.
func isArticle(text string, start, at int) bool {
	c := text[at]
	if c != 'A' && c != 'I' || !proseFollows.MatchString(text[at+1:]) {
		return false
	}
	return strings.HasSuffix(strings.TrimRight(text[start:at], " \t\n"), ":")
}

// findOverlapping finds matches that may share the text after their letter.
func findOverlapping(re *regexp.Regexp, text string) [][]int {
	var out [][]int
	for from := 0; from < len(text); {
		m := re.FindStringSubmatchIndex(text[from:])
		if m == nil {
			break
		}
		for i := range m {
			m[i] += from
		}
		out = append(out, m)
		from = m[3]
	}
	return out
}

func leadingChoice(text string, in func(string) bool) string {
	if m := leadingLower.FindStringSubmatch(text); m != nil && in(m[1]) {
		return strings.ToUpper(m[1])
	}
	m := leading.FindStringSubmatchIndex(text)
	if m == nil || !in(text[m[2]:m[3]]) {
		return ""
	}
	if c := text[m[2]]; (c == 'A' || c == 'I') && proseFollows.MatchString(text[m[3]:]) {
		return ""
	}
	if s := second.FindStringSubmatchIndex(text[m[3]:]); s != nil && in(text[m[3]+s[2]:m[3]+s[3]]) {
		return ""
	}
	return text[m[2]:m[3]]
}

func lastGroup(re *regexp.Regexp, text string, in func(string) bool) string {
	found := ""
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		if in(m[1]) {
			found = m[1]
		}
	}
	return found
}

// choiceByText finds the one choice whose text the answer, or the last line, is.
func choiceByText(text string, choices []string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	said := foldText(lines[len(lines)-1])
	for _, mark := range []string{"answer is", "answer:", "答案是", "答案为", "答案:"} {
		if i := strings.LastIndex(said, mark); i >= 0 {
			said = strings.TrimSpace(said[i+len(mark):])
		}
	}
	found := ""
	for i, c := range choices {
		if c = foldText(plainChoices(c)); c != "" && c == said {
			if found != "" {
				return ""
			}
			found = datasets.Letters[i : i+1]
		}
	}
	return found
}

func foldText(s string) string {
	return strings.ToLower(strings.Trim(strings.TrimSpace(s), " .。\"'()"))
}

// loneChoice is the last capital that stands alone and is no article or pronoun.
func loneChoice(text string, in func(string) bool) string {
	found := ""
	for _, m := range lone.FindAllStringIndex(text, -1) {
		l := text[m[0]:m[1]]
		if !in(l) || wordBefore(text[:m[0]]) || wordAfter(text[m[1]:]) {
			continue
		}
		if (l == "A" || l == "I") && proseFollows.MatchString(text[m[1]:]) {
			continue
		}
		found = l
	}
	return found
}

func wordBefore(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return isWord(r) || r == '\'' || r == '-'
}

func wordAfter(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return isWord(r) || r == '\'' || r == '-' || r == '='
}

func isWord(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_'
}
