// Package assess looks at a finished answer of a chat completion and says what
// is wrong with it, if anything is beyond doubt: it is empty, was cut, refuses,
// is not the JSON that was asked for, repeats itself, is in the wrong language,
// or calls a tool with broken arguments.
//
// A finding costs money, since the router has another model answer again, so
// every rule stays silent where it is not sure; docs/assess.md says what each
// decides, what it leaves alone, and how often it is wrong on recorded
// answers. The package is pure: no I/O, no clock, no randomness.
//
// Start with Assessor.Assess; FromBody and Stream read answers off the wire,
// InputOf reads the request.
package assess

import (
	"encoding/json"
	"strings"

	"assay/classifier"
)

// Defect is a way in which an answer fails.
type Defect string

// The defects.
const (
	Empty         Defect = "empty"
	Truncated     Defect = "truncated"
	Refused       Defect = "refused"
	Malformed     Defect = "malformed"
	Repetitive    Defect = "repetitive"
	WrongLanguage Defect = "wrong_language"
	ToolArguments Defect = "tool_arguments"
)

// Defects lists every defect, in the order in which findings are given.
var Defects = []Defect{Empty, Truncated, Refused, Malformed, Repetitive, WrongLanguage, ToolArguments}

// Finding is one defect of one answer. Detail says in fixed words what was
// seen; it never holds text of the prompt or the answer, so it may be logged.
type Finding struct {
	Defect Defect
	Detail string
}

// Checks says which defects are looked for. The zero value looks for all.
type Checks struct {
	Off []Defect
}

// Tool is a function that the request offers.
type Tool struct {
	Name   string
	Schema json.RawMessage // of the arguments; nil if none is given
	Strict bool            // the arguments were promised to follow Schema
}

// Input is what was asked for. InputOf fills it from a request.
type Input struct {
	Prompt     string            // text of the last user message
	Earlier    string            // text of the user messages before it
	System     string            // text of system and developer messages
	Schema     json.RawMessage   // response_format.json_schema.schema, or nil
	JSONObject bool              // response_format json_object
	MaxTokens  int               // the client's limit on the answer, in tokens; 0 if it set none
	Stops      bool              // the client set stop sequences
	Tools      []Tool            // nil: tool names are not checked
	Intent     classifier.Intent // "" if unknown
}

// ToolCall is one call in an answer. Arguments is JSON, if all went well.
type ToolCall struct{ Name, Arguments string }

// Answer is one choice of a completion.
type Answer struct {
	Text         string
	Refusal      string // message.refusal
	FinishReason string
	ToolCalls    []ToolCall
	Media        bool // holds audio or images
	Thought      bool // reasoning came beside the text
	// Tokens is how many tokens all choices took together, thinking included; 0 if unknown.
	Tokens int64
	// Partial says that Text was too long to be kept whole: only the finish reason is judged.
	Partial bool
}

// Assessor assesses answers. It remembers compiled schemas; create it with
// New and share it, it is safe for concurrent use.
type Assessor struct {
	off     map[Defect]bool
	schemas *schemas
}

// New makes an Assessor that looks for what c says.
func New(c Checks) *Assessor {
	a := &Assessor{off: map[Defect]bool{}, schemas: newSchemas()}
	for _, d := range c.Off {
		a.off[d] = true
	}
	return a
}

// Assess gives the defects of an answer, at most one finding each, in the
// order of Defects; none if the answer will do.
func (as *Assessor) Assess(in Input, a Answer) []Finding {
	var found []Finding
	add := func(d Defect, detail string) bool {
		if detail != "" && !as.off[d] {
			found = append(found, Finding{d, detail})
		}
		return detail != ""
	}
	text, thinking := visible(a.Text)
	a.Thought = a.Thought || thinking
	if a.Partial {
		add(Truncated, truncated(in, a))
		return found
	}
	if add(Empty, empty(in, a, text)) {
		add(Truncated, truncated(in, a))
		return found
	}
	cut := add(Truncated, truncated(in, a)) || cutByLength(a.FinishReason)
	if add(Refused, refused(in, a, text)) {
		return found // the text of a refusal is judged no further
	}
	if !cut { // what was cut does not parse, and has its finding or was asked for
		add(Malformed, as.malformed(in, a, text))
	}
	if len(text) >= minProse {
		s := getScratch()
		sh := s.read(tail(text, maxJudged))
		data := in.Schema != nil || in.JSONObject
		if cut || !data { // a list of equal objects that comes to its end is no loop
			add(Repetitive, repetitive(in, text, sh, cut))
		}
		if !data { // the names of fields are of no language
			add(WrongLanguage, wrongLanguage(in, sh))
		}
		putScratch(s)
	}
	if !cut {
		add(ToolArguments, as.toolArguments(in, a))
	}
	return found
}

const (
	minProse  = 150       // bytes; shorter texts neither loop nor show a language for sure
	maxJudged = 256 << 10 // bytes at the end of a text that repetition and language look at
)

// tail gives the last n bytes of s, from a line's beginning where there is one.
func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[len(s)-n:]
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return s[i+1:]
	}
	return s
}

// visible gives the text that the user reads: without a block of thinking at
// its beginning, as reasoning models served without a parser write it. A block
// that never ends leaves nothing.
func visible(text string) (rest string, thinking bool) {
	rest, thinking = strings.CutPrefix(strings.TrimLeft(text, " \t\r\n"), "<think>")
	if !thinking {
		return text, false
	}
	_, rest, _ = strings.Cut(rest, "</think>")
	return rest, true
}
