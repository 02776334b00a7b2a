package assess

import (
	"math/bits"
	"strings"
	"unicode"

	"assay/classifier"
)

// repetitive says how a text repeats itself beyond what any text does, "" if
// it does not. cut says that a limit on tokens ended it, which is how most
// loops end and makes less evidence enough.
func repetitive(in Input, text string, sh shape, cut bool) string {
	code := in.Intent == classifier.CodeGeneration || in.Intent == classifier.CodeUnderstanding || in.Schema != nil || in.JSONObject || dataLike(text)
	why := loops(text, sh, cut, code || sh.inFence)
	if why == "" && !code && share(sh) >= maxShare && !mentions(in.Prompt, partsWords) {
		why = "most of the text was said before in it"
	}
	if why == "" || repeatAsked(in) {
		return ""
	}
	return why
}

// dataLike says whether a text is laid out as JSON or markup from its first
// character to its last.
func dataLike(text string) bool {
	text = strings.TrimSpace(text)
	return text != "" && strings.IndexByte("{[<", text[0]) >= 0 && strings.IndexByte("}]>", text[len(text)-1]) >= 0
}

const (
	gram     = 8    // tokens of a run that counts as said before
	minRuns  = 120  // runs: shorter texts repeat a phrase by right
	maxShare = 0.65 // of all runs may have occurred before; see docs/assess.md
)

// share gives the part of all runs of gram tokens that occur earlier in the
// text: 0 for texts too short to tell. Runs are told apart by 32-bit hashes;
// at 10,000 runs a false match adds about one run in a million.
func share(sh shape) float64 {
	runs := len(sh.tokens) - gram + 1
	if runs < minRuns {
		return 0
	}
	size := 1 << bits.Len(uint(2*runs))
	if cap(*sh.table) < size {
		*sh.table = make([]uint32, size)
	}
	table := (*sh.table)[:size]
	clear(table)
	again := 0
	for i := range runs {
		h := uint32(fnvStart)
		for _, t := range sh.tokens[i : i+gram] {
			h = (h ^ t) * 0x9e3779b1
			h ^= h >> 15
		}
		h |= 1 // 0 marks a free place
		at := h >> 1 & uint32(size-1)
		for table[at] != 0 && table[at] != h {
			at = (at + 1) & uint32(size-1)
		}
		if table[at] == h {
			again++
		}
		table[at] = h
	}
	return float64(again) / float64(runs)
}

// maxLoop bounds how much of a text's end is searched for a loop, in bytes.
const maxLoop = 8 << 10

// loops says whether the text's end repeats one piece over and over.
func loops(text string, sh shape, cut, code bool) string {
	body := strings.TrimRightFunc(text, unicode.IsSpace)
	if cut && len(text)-len(body) >= 200 {
		return "ends in white space without end"
	}
	if len(body) > maxLoop {
		body = body[len(body)-maxLoop:]
	}
	period, length := loop(body, sh.fail)
	if length == 0 {
		return ""
	}
	if loopCounts(body[len(body)-period:], length, cut, code) {
		return "ends in a loop"
	}
	return ""
}

// loop finds the longest end of s that is one piece repeated at least four
// times, the first perhaps not whole: the length of the piece and of the end,
// in bytes; 0, 0 if there is none. An end of length n has period n-fail(n),
// fail being the failure function of Knuth, Morris and Pratt on s reversed.
func loop(s string, buf *[]int32) (period, length int) {
	n := len(s)
	if cap(*buf) < n+1 {
		*buf = make([]int32, n+1)
	}
	fail := (*buf)[:n+1]
	fail[0] = -1
	k := int32(-1)
	for i := range n {
		c := s[n-1-i]
		for k >= 0 && s[n-1-int(k)] != c {
			k = fail[k]
		}
		k++
		fail[i+1] = k
		if p := i + 1 - int(k); (i+1)/p >= 4 {
			period, length = p, i+1
		}
	}
	return period, length
}

// loopCounts says whether a loop is one that nobody would write: long, many
// times around, and made of words. Lines of marks and strings of digits or of
// one letter need more, in a table or in code only a loop that was cut counts.
func loopCounts(piece string, length int, cut, code bool) bool {
	times := length / len(piece)
	letters, han, kinds := 0, 0, map[rune]bool{}
	run, longest := 0, 0 // of Latin letters
	digits := false
	for _, r := range piece {
		switch {
		case r >= 0x2e80 && unicode.IsLetter(r):
			han++
			kinds[r] = true
		case unicode.IsLetter(r):
			letters++
			kinds[r] = true
			run++
			longest = max(longest, run)
			continue
		case unicode.IsDigit(r):
			digits = true
		}
		run = 0
	}
	words := letters >= 6 && len(kinds) >= 4 && longest >= 3 || han >= 3 // chords of a song have no run of three
	table := strings.Contains(piece, "|") || form.in(piece)
	switch {
	case code || table:
		return cut && words && times >= 10 && length >= 600
	case words && cut:
		return times >= 4 && length >= 160
	case words:
		return times >= 6 && length >= 240
	case letters+han > 0:
		return length >= 400 && times >= 40
	case digits:
		return cut && length >= 400
	}
	return cut && length >= 1000
}

// form are marks of a form to fill in, whose lines are the same by right.
var form = newWords("__", "....", "[ ]", "……", "☐", "□", "( )", "（ ）", "（）", "\t")

// partsWords are of prompts whose answers have the same parts again by right,
// though not a loop at their end: a plan by days, a quiz with the same options.
var partsWords = newWords("week", "workout", "meal plan", "study plan", "lesson plan", "training plan", "schedul", "timetable", "calendar", "daily", "quiz", "questionnaire", "survey", "multiple choice", "multiple-choice", "template", "checklist", "worksheet", "routine",
	"计划", "日程", "课程表", "日历", "每周", "每天", "问卷", "测验", "选择题", "判断题", "模板", "清单", "作息")

// repeatAsked says whether the prompt asks for repetition, or repeats itself.
func repeatAsked(in Input) bool {
	if mentions(in.Prompt, repeatWords) || mentions(in.System, repeatWords) || mentions(in.Earlier, repeatWords) || timesAsked(in.Prompt) {
		return true
	}
	s := getScratch()
	defer putScratch(s)
	prompt := ends(in.Prompt)
	sh := s.read(prompt)
	_, length := loop(tail(strings.TrimSpace(prompt), maxLoop), sh.fail)
	return length >= 60 || share(sh) >= maxShare/2
}

// repeatWords are of prompts whose answers may well repeat themselves.
var repeatWords = newWords("repeat", "over and over", "again and again", "copies", "lyrics", "song", "chant", "mantra", "refrain", "chorus", "nursery", "ascii", "pattern",
	"lorem ipsum", "placeholder", "hundred times", "thousand times", "infinite", "forever", "endless", "spam", "stutter",
	"ten times", "twenty times", "thirty times", "forty times", "fifty times", "sixty times", "dozen times", "range(", "for (", "for(", "print(", "printf", "println", "console.log",
	"重复", "复读", "循环", "歌", "副歌", "咒", "绕口令", "排比", "图案", "字符画", "刷屏", "无限", "口吃", "十遍", "百遍", "十次", "百次")

// timesAsked says whether a prompt asks for something ten times or more.
func timesAsked(prompt string) bool {
	prompt = strings.ToLower(ends(prompt))
	for i := 0; i < len(prompt); i++ {
		if prompt[i] < '0' || prompt[i] > '9' {
			continue
		}
		j := i
		for j < len(prompt) && prompt[j] >= '0' && prompt[j] <= '9' {
			j++
		}
		rest := strings.TrimLeft(prompt[j:], " ")
		for _, unit := range []string{"times", "lines", "rows", "x ", "遍", "次", "行", "个"} {
			if j-i >= 2 && strings.HasPrefix(rest, unit) {
				return true
			}
		}
		i = j
	}
	return false
}
