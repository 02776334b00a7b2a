package assess

import (
	"encoding/json"
	"strings"
)

// malformed says why a text is not the JSON that the request's response_format
// asks for, "" if it is, if none was asked for, or if that cannot be decided.
func (as *Assessor) malformed(in Input, a Answer, text string) string {
	if in.Schema == nil && !in.JSONObject || len(a.ToolCalls) > 0 || a.Media || blank(text) || filtered(a.FinishReason) {
		return ""
	}
	text = strings.TrimSpace(text)
	if !json.Valid([]byte(text)) {
		if in.Stops && startsLikeJSON(text) { // a stop sequence may have taken the end away
			return ""
		}
		return brokenJSON(text)
	}
	if in.Schema == nil {
		if text[0] != '{' && text[0] != '[' {
			return "JSON, but neither object nor array"
		}
		return ""
	}
	if why := as.schemas.violation(in.Schema, text); why != "" {
		return "against the schema: " + why
	}
	return ""
}

// brokenJSON says what kind of text stands where JSON should. A client that
// asked for JSON parses the whole text, so JSON in a fence fails it as well.
func brokenJSON(text string) string {
	switch {
	case unfenced(text) != "" && json.Valid([]byte(unfenced(text))):
		return "JSON in a code fence"
	case startsWithJSON(text):
		return "text after the JSON"
	case startsLikeJSON(text):
		return "broken JSON"
	}
	return "not JSON"
}

// unfenced gives the inside of a text that is one code fence, "" if it is none.
func unfenced(text string) string {
	rest, ok := strings.CutPrefix(text, "```")
	if !ok {
		return ""
	}
	_, rest, _ = strings.Cut(rest, "\n")
	rest, ok = strings.CutSuffix(rest, "```")
	if !ok {
		return ""
	}
	return rest
}

func startsLikeJSON(text string) bool { return text[0] == '{' || text[0] == '[' }

func startsWithJSON(text string) bool {
	var v json.RawMessage
	return startsLikeJSON(text) && json.NewDecoder(strings.NewReader(text)).Decode(&v) == nil
}

// toolArguments says what is wrong with an answer's tool calls, "" if nothing
// is: the name of a function that the request does not offer, arguments that
// are no JSON object, or, where the request has them strict, arguments against
// their schema. No arguments at all count as none.
func (as *Assessor) toolArguments(in Input, a Answer) string {
	for _, call := range a.ToolCalls {
		t, known := find(in.Tools, call.Name)
		if !known && len(in.Tools) > 0 {
			return "a call of a function that was not offered"
		}
		args := strings.TrimSpace(call.Arguments)
		switch {
		case args == "":
			continue
		case !json.Valid([]byte(args)):
			return "arguments are broken JSON"
		case args[0] != '{' && args != "null":
			return "arguments are no object"
		case t.Strict && t.Schema != nil:
			if why := as.schemas.violation(t.Schema, args); why != "" {
				return "arguments against the schema: " + why
			}
		}
	}
	return ""
}

func find(tools []Tool, name string) (Tool, bool) {
	for _, t := range tools {
		if t.Name == name {
			return t, true
		}
	}
	return Tool{}, false
}
