package classifier

import (
	"cmp"
	"strings"
	"unicode"
)

// Task is the text to classify: what the user wants done at this point of the
// conversation.
//
// It is the last user message, unless that message only keeps the conversation
// going: then it is the task that the message continues, the nearest earlier
// user message that is neither a continuation nor mere small talk (thanks,
// praise, a greeting, a goodbye). Only a short message (at most 8 words, 16
// Chinese characters and 120 bytes) keeps the conversation going, and only if
// it is one of these:
//   - punctuation or emoji and nothing else ("??", "👍");
//   - words of assent, of choosing, of going on, of impatience or of complaint
//     about the result and nothing else ("yes", "the second one", "继续",
//     "hurry", "still the same error"; see phrases), but for words of the task
//     beside those of going on ("finish the story"). Slips of spelling pass.
//     Beside thanks or praise a yes is small talk ("ok thanks"), unless the
//     assistant asked something; a goodbye always is;
//   - a question for a part of the task, in the task's words ("坏处呢", "and the
//     drawbacks?");
//   - a choice by name, in words of the assistant's message directly before, if
//     that asked something or listed options, or in the form "the red one";
//   - an answer: the assistant's message directly before asked something (see
//     askedBy) and this one neither asks nor requests anything ("Which
//     language?" "python"). Where the assistant only offered to do something,
//     an answer begins with a yes, a no or a choice.
//
// A request for something new or changed is a task of its own, with a yes in
// front of it or without ("translate it", "yes but prove it"). So is small
// talk. A last user message without an earlier one stands for itself.
//
// System, assistant and tool messages are never the task: the first are set by
// the application, the others are not the user's. Tool results and messages
// without text are passed over. If no user message has text, the task is "".
func (in Input) Task() string {
	task, last := "", "" // what a continuation would inherit; the answer so far
	talk := ""           // what it would inherit if there is only small talk before
	before := ""         // what the assistant said since the last user message
	for _, m := range in.Messages {
		if strings.TrimSpace(m.Text) == "" {
			continue
		}
		switch m.Role {
		case "assistant":
			before = m.Text
		case "user":
			last = m.Text
			switch moveOf(m.Text, before, task) {
			case ownTask:
				task = m.Text
			case smallTalk:
				talk = m.Text
			case continues:
				last = cmp.Or(task, talk, m.Text)
			}
			before = ""
		}
	}
	return last
}

// A move is what a user message does to the task of the conversation.
type move int

const (
	ownTask   move = iota // it sets a task
	continues             // it keeps the task going
	smallTalk             // it sets no task, but continues none either
)

// Limits of a continuation. Longer messages say something of their own.
const (
	maxContinuationWords = 8
	maxContinuationHan   = 16
	maxContinuationBytes = 120
)

// moveOf judges a user message by itself, by what the assistant said directly
// before ("" if nothing) and by the task so far ("" if none).
func moveOf(text, before, task string) move {
	if len(text) > maxContinuationBytes {
		return ownTask
	}
	text = strings.ToLower(text)
	words := splitWords(text)
	if len(words) == 0 {
		return moveOfMarks(text)
	}
	if !isShort(words) {
		return ownTask
	}
	asked := notAsked
	if task != "" { // without a task there is nothing the question could be about
		asked = askedBy(before)
	}
	if sayings[strings.Join(words, " ")] {
		return continues
	}
	found, rest := recognise(words)
	if len(rest) == 0 {
		if m := moveOfPhrases(found, asked, hasSum(text), listsOptions(before)); m != ownTask {
			return m
		}
	}
	if task != "" && (saysOfTask(text, words, found, rest, task) || asksForPart(text, task) ||
		answers(text, words, asked) || namesChoice(text, words, rest, before, asked)) { // the dearest last
		return continues
	}
	return ownTask
}

// moveOfPhrases judges a message in which every word is known. Unasked, a
// number in a question or a sum ("and 45?", "1+1") chooses nothing, and a
// number with praise ("good one") only from options.
func moveOfPhrases(found kinds, asked question, sum, options bool) move {
	courteous := found[thanks] || found[praise]
	switch {
	case found[leaving]:
		return smallTalk
	case found[goingOn],
		found[choice] && (asked != notAsked || !sum && (options || !courteous)),
		found[assent] && (asked != notAsked || !courteous),
		found[praise] && asked != notAsked:
		return continues
	case courteous:
		return smallTalk
	}
	return ownTask // fillers alone say nothing: "me and you"
}

func hasSum(text string) bool { return strings.ContainsAny(text, "?？=+*/^×÷") }

// friendlyEmoji laugh, thank or greet; other emoji agree or press.
const friendlyEmoji = "😂🤣😆😅😄😃😀😁😊🙂😍🥰😘❤💕💖🙏👋🎉"

// moveOfMarks judges a message without letters and digits: "??", "...", "👍".
func moveOfMarks(text string) move {
	if strings.ContainsAny(text, friendlyEmoji) {
		return smallTalk
	}
	for _, r := range text {
		if unicode.IsPunct(r) && !strings.ContainsRune("?？!！.。…~～,，、", r) || unicode.Is(unicode.Sm, r) {
			return ownTask // ":)", "{}", "+"
		}
	}
	return continues
}

func isShort(words []string) bool {
	latin, han := 0, 0
	for _, w := range words {
		if isHanWord(w) {
			han += len([]rune(w))
		} else {
			latin++
		}
	}
	return latin <= maxContinuationWords && han <= maxContinuationHan
}
