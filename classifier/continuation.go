package classifier

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Task is the text to classify: what the user wants done at this point of the
// conversation.
//
// It is the last user message, unless that message only keeps the
// conversation going ("yes", "go on", "继续", "第二个"): such a message inherits
// the task it continues, which is the nearest earlier user message that says
// something of its own. A message keeps the conversation going when
//   - an earlier user message exists,
//   - it is short (at most 6 words or 12 Chinese characters), and
//   - nothing is left of it once words of assent, of going on and of choosing
//     are taken away.
//
// System, assistant and tool messages are never the task: the first are set by
// the application, the others are not the user's. If no user message has text,
// the task is "".
func (in Input) Task() string {
	last := ""
	for i := len(in.Messages) - 1; i >= 0; i-- {
		m := in.Messages[i]
		if m.Role != "user" || strings.TrimSpace(m.Text) == "" {
			continue
		}
		if !keepsGoing(m.Text) {
			return m.Text
		}
		if last == "" {
			last = m.Text
		}
	}
	return last // nothing but continuations: the last one stands for itself
}

// Limits of a continuation. Longer messages say something of their own.
const (
	maxContinuationWords = 6
	maxContinuationHan   = 12
	maxContinuationBytes = 80
)

// goingOnEnglish are the words of which an English continuation consists.
var goingOnEnglish = wordSet(`a again agree agreed ahead alright also and another b c continue correct d do
	either exactly fine finish first fourth further go good great it keep going last more next no nope not of
	ok okay on one ones option or please perfect proceed right second see show so sounds sure that the then
	third this try two up version what's whats y yea yeah yep yes yup let lets let's me you can could i'd like want
	both all done ready start begin resume carry absolutely definitely course indeed true`)

// fillers alone do not make a continuation: "can you?" asks for nothing new,
// but "me and you" is not a wish to go on either. At least one word must be
// outside this set.
var fillersEnglish = wordSet(`a also and can could do i'd is it like me not of or so that the this up want what's whats you see`)

// goingOnHan are the phrases of which a Chinese continuation consists, longest
// first so that the greedy match below takes "继续写" before "继续".
var goingOnHan = []string{
	"继续下去", "没有问题", "就是这样", "按你说的", "照你说的", "请你继续",
	"然后呢", "没问题", "下一步", "下一个", "第一个", "第二个", "第三个", "第四个", "最后一个", "两个都", "往下写", "往下说", "接着写", "接着说", "继续写", "继续说", "继续讲", "就这样", "还有吗", "还有呢", "说下去", "写下去", "讲下去", "可以的", "再来一", "换一个", "再试试", "再一次", "不需要", "为什么不",
	"继续", "好的", "好吧", "好啊", "好呀", "是的", "对的", "可以", "接着", "往下", "然后", "当然", "同意", "确认", "确定", "开始", "不是", "不用", "不要", "行吧", "下去", "再来", "还有", "没错", "明白", "收到", "了解", "来吧", "做吧", "写完", "说完", "一个", "一次", "一遍", "需要", "谢谢",
	"好", "是", "对", "嗯", "行", "请", "吧", "啊", "呀", "呢", "吗", "的", "了", "要", "不", "没", "来", "再", "就", "你", "哦", "噢", "都", "给", "我",
}

// fillersHan alone do not make a continuation.
var fillersHan = wordSet("吧 啊 呀 呢 吗 的 了 就 你 都 给 我 谢谢 再 来 没 哦 噢 一个 一次 一遍 要")

// keepsGoing tells a message that only asks to go on, agrees or picks an option.
func keepsGoing(text string) bool {
	if len(text) > maxContinuationBytes {
		return false
	}
	words, han, said := 0, 0, false
	for _, w := range strings.FieldsFunc(strings.ToLower(text), separatesWords) {
		r, _ := utf8.DecodeRuneInString(w)
		switch {
		case unicode.Is(unicode.Han, r):
			han += utf8.RuneCountInString(w)
			ok, meant := allPhrases(w)
			if !ok {
				return false
			}
			said = said || meant
		default:
			words++
			w = strings.ReplaceAll(w, "’", "'")
			if !goingOnEnglish[w] && !isNumber(w) {
				return false
			}
			said = said || !fillersEnglish[w] || len(w) == 1
		}
	}
	return said && words <= maxContinuationWords && han <= maxContinuationHan
}

// allPhrases reports whether w consists of going-on phrases only, and whether
// one of them is more than a filler.
func allPhrases(w string) (ok, meant bool) {
next:
	for w != "" {
		for _, p := range goingOnHan {
			if rest, cut := strings.CutPrefix(w, p); cut {
				meant = meant || !fillersHan[p]
				w = rest
				continue next
			}
		}
		return false, false
	}
	return true, meant
}

// separatesWords splits at everything but letters, digits and apostrophes, so
// that punctuation and emoji around a "yes!" do not matter.
func separatesWords(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '’'
}

func isNumber(w string) bool {
	return strings.IndexFunc(w, func(r rune) bool { return !unicode.IsDigit(r) }) < 0 && len(w) <= 2
}

func wordSet(words string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}
