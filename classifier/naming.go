package classifier

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// materialBytes is how much of a message is searched for words of the user's.
const materialBytes = 2000

// optionMarks number the things to choose from.
var optionMarks = [][2]string{{"1.", "2."}, {"1)", "2)"}, {"1、", "2、"}, {"1：", "2："}, {"a)", "b)"}, {"a.", "b."}, {"a:", "b:"},
	{"a：", "b："}, {"(a", "(b"}, {"一、", "二、"}, {"甲", "乙"}, {"①", "②"}, {"第一", "第二"}, {"first", "second"},
	{"option one", "option two"}}

func listsOptions(text string) bool {
	text = strings.ToLower(tail(text, materialBytes))
	for _, o := range optionMarks {
		if strings.Contains(text, o[0]) && strings.Contains(text, o[1]) {
			return true
		}
	}
	return false
}

// namesChoice tells whether a message picks something that the assistant's
// message names: all that is not known in it occurs there.
func namesChoice(text string, words, rest []string, before string, asked question) bool {
	if isQuestion(text) || before == "" {
		return false
	}
	last := words[len(words)-1]
	if asked == notAsked && (!listsOptions(before) && last != "one" && last != "ones" || requests(text, words)) {
		return false
	}
	before = strings.ToLower(tail(before, materialBytes))
	if len(words) == 1 && isHanWord(last) && strings.Contains(before, last) {
		return true // as it stands there, even a single character
	}
	return len(rest) > 0 && occurIn(rest, before)
}

// saysOfTask tells whether a message only goes on with the task in the task's
// own words: "finish the story", "继续写故事".
func saysOfTask(text string, words []string, found kinds, rest []string, task string) bool {
	return found[goingOn] && !found[leaving] && !isQuestion(text) && !requests(text, words) &&
		occurIn(rest, strings.ToLower(head(task, materialBytes)))
}

// occurIn tells whether all parts of a message stand in a text: words as words,
// Chinese as it is, but for single characters, which stand everywhere.
func occurIn(parts []string, text string) bool {
	var said []string
	for _, p := range parts {
		if isHanWord(p) {
			if utf8.RuneCountInString(p) < 2 || !strings.Contains(text, p) {
				return false
			}
			continue
		}
		if said == nil {
			said = splitWords(text)
		}
		if !slices.Contains(said, p) {
			return false
		}
	}
	return true
}

// asksForPart tells whether a message asks for something that the task names
// already: "坏处呢" where the task is to list 好处和坏处, "and the drawbacks?".
func asksForPart(text, task string) bool {
	text = strings.TrimRight(text, "?？。. ")
	task = strings.ToLower(head(task, materialBytes))
	if part, ok := strings.CutSuffix(text, "呢"); ok {
		part = strings.TrimPrefix(strings.TrimPrefix(part, "那"), "么")
		return utf8.RuneCountInString(part) >= 2 && strings.Contains(task, part)
	}
	for _, start := range []string{"and ", "what about ", "how about "} {
		if part, ok := strings.CutPrefix(text, start); ok {
			part = strings.TrimPrefix(strings.TrimPrefix(part, "what about "), "the ")
			return len(part) >= 4 && strings.Contains(" "+strings.Join(splitWords(task), " ")+" ", " "+part+" ")
		}
	}
	return false
}
