package classifier

import (
	"strings"
	"unicode/utf8"
)

// A question tells what an assistant's message asks of the user.
type question int

const (
	notAsked question = iota
	offers            // yes or no to something the assistant would do: "Shall I go on?"
	asks              // anything else
)

// askingBytes is how much of the end of a message says what it asks.
const askingBytes = 150

// invitations ask what else to do, or how it went: what the user says to them
// may be about anything.
var invitations = []string{"can i help", "may i help", "could i help", "i help you", "help with", "i assist",
	"can i do", "do for you", "anything else", "else i can", "other question", "any question", "on your mind",
	"like to do", "like to talk about", "like to know", "like to discuss", "does that help", "make sense",
	"how are you", "什么可以帮", "什么能帮", "什么需要", "帮您什么", "帮你什么", "帮您做什么", "帮你做什么", "怎么帮", "还有什么",
	"需要什么帮", "其他问题", "别的问题", "想聊", "聊点", "聊些", "明白了吗", "懂了吗"}

// proposals begin what the assistant offers to do.
var proposals = []string{"shall i ", "should i ", "want me to", "like me to", "do you want", "would you like",
	"需要我", "要我", "要不要", "需不需要", "我可以"}

// alternatives make a real question of an offer: "Shall I use C or Go?"
var alternatives = []string{" or ", "which", "what", "how ", "还是", "或", "哪", "什么", "多少"}

// pleas ask without a question mark, unless they are conditional: "let me know
// if you have questions" expects no answer.
var (
	pleas = []string{"let me know", "tell me", "please provide", "please share", "please specify", "please choose",
		"please paste", "please give", "please send", "pick one", "choose", "i'll need", "i need to know",
		"请问", "告诉我", "请告诉", "请提供", "请选择", "请先", "选一个", "请说", "请输入", "请发"}
	conditions = []string{" if ", "feel free", "whenever", "如果", "如需", "如有", "随时", "的话"}
)

// examples may follow a question: "About what? (e.g. sports)".
var examples = []string{"(", "（", "e.g", "for example", "比如", "例如"}

// askedBy tells whether an assistant's message ends by asking the user for
// something that the task needs: by a question mark at the very end or before
// examples of an answer, or by a plea ("请告诉我……", "please choose").
func askedBy(before string) question {
	end := strings.ToLower(tail(before, askingBytes))
	end = strings.TrimRightFunc(end, func(r rune) bool { return !isWordRune(r) && r != '?' && r != '？' })
	sentence := lastSentence(end)
	if containsAny(end, invitations) {
		return notAsked
	}
	mark := strings.LastIndexAny(end, "?？")
	switch {
	case strings.HasSuffix(end, "?") || strings.HasSuffix(end, "？"):
		if containsAny(sentence, proposals) && !containsAny(sentence, alternatives) {
			return offers
		}
		return asks
	case mark >= 0 && containsAny(end[mark:], examples),
		containsAny(sentence, pleas) && !containsAny(sentence, conditions):
		return asks
	}
	return notAsked
}

func lastSentence(text string) string {
	sentences := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(".。!！?？\n", r) })
	if len(sentences) == 0 {
		return ""
	}
	return sentences[len(sentences)-1]
}

// tail gives at most the last n bytes of s, in whole characters.
func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[len(s)-n:]
	for s != "" && !utf8.RuneStart(s[0]) {
		s = s[1:]
	}
	return s
}

// head gives at most the first n bytes of s; a character may be cut in two.
func head(s string, n int) string { return s[:min(n, len(s))] }

func containsAny(s string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}
