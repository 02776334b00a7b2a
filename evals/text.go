package evals

import (
	"regexp"
	"strings"
)

// followUp begins an exercise that a model made up after its answer, as models
// do that merely continue the exemplars.
var followUp = regexp.MustCompile(`\n[ \t]*(?:Problem: |Question: |题目：)`)

// answerPart is the part of an output that can hold the answer: what follows
// the model's visible thinking, up to an exercise it made up.
func answerPart(output string) string {
	if i := strings.LastIndex(output, "</think>"); i >= 0 {
		output = output[i+len("</think>"):]
	}
	if at := followUp.FindStringIndex(output); at != nil && strings.TrimSpace(output[:at[0]]) != "" {
		output = output[:at[0]]
	}
	return output
}

// firstLine is the first line that is not blank.
func firstLine(s string) string {
	s = strings.TrimLeft(s, " \t\r\n")
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimSpace(line)
}

// lastBoxed gives the content of the last \boxed{...}, braces balanced.
func lastBoxed(s string) (string, bool) {
	const mark = `\boxed{`
	i := strings.LastIndex(s, mark)
	if i < 0 {
		return "", false
	}
	rest := s[i+len(mark):]
	depth := 1
	for j := range len(rest) {
		switch rest[j] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return rest[:j], true
			}
		}
	}
	return "", false
}
