package assess

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"

	"assay/classifier"
)

// ErrNoAnswer is returned for a body that holds no answer to assess.
var ErrNoAnswer = errors.New("no answer in this body")

// FromBody reads the choices of a chat completion that was not streamed, in
// the order of the body. The error wraps ErrNoAnswer and says what is missing.
func FromBody(body []byte) ([]Answer, error) {
	if !json.Valid(body) { // not gjson.ValidBytes, whose recursion a body of nothing but "[" takes past the end of the stack
		return nil, fmt.Errorf("%w: it is not JSON", ErrNoAnswer)
	}
	root := gjson.ParseBytes(body)
	choices := root.Get("choices")
	if !choices.IsArray() {
		return nil, fmt.Errorf(`%w: it has no array "choices"`, ErrNoAnswer)
	}
	var all []Answer
	tokens := max(root.Get("usage.completion_tokens").Int(), 0)
	for _, c := range choices.Array() {
		m := c.Get("message")
		a := Answer{Text: contentText(m.Get("content")), Refusal: str(m.Get("refusal")), FinishReason: str(c.Get("finish_reason")), Media: media(m), Thought: thought(m), Tokens: tokens}
		for _, call := range m.Get("tool_calls").Array() {
			a.ToolCalls = append(a.ToolCalls, toolCall(call))
		}
		if f := m.Get("function_call"); f.IsObject() {
			a.ToolCalls = append(a.ToolCalls, ToolCall{str(f.Get("name")), str(f.Get("arguments"))})
		}
		all = append(all, a)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf(`%w: "choices" is empty`, ErrNoAnswer)
	}
	return all, nil
}

// str gives a JSON string's value, "" for everything else.
func str(v gjson.Result) string {
	if v.Type != gjson.String {
		return ""
	}
	return v.Str
}

// contentText reads content: a string, or parts of which some have text.
func contentText(v gjson.Result) string {
	if !v.IsArray() {
		return str(v)
	}
	var b strings.Builder
	for _, part := range v.Array() {
		b.WriteString(str(part.Get("text")))
	}
	return b.String()
}

// media says whether a message holds sound or pictures.
func media(m gjson.Result) bool {
	if m.Get("audio").IsObject() || len(m.Get("images").Array()) > 0 {
		return true
	}
	for _, part := range m.Get("content").Array() {
		if t := part.Get("type").Str; part.IsObject() && t != "text" && t != "refusal" && t != "thinking" && t != "reasoning" {
			return true
		}
	}
	return false
}

// thought says whether reasoning came beside the text, by the names that
// DeepSeek, OpenRouter and others give it.
func thought(m gjson.Result) bool {
	return str(m.Get("reasoning_content")) != "" || str(m.Get("reasoning")) != "" || len(m.Get("reasoning_details").Array()) > 0
}

// toolCall reads a call; arguments that came as an object are kept as such.
// A custom tool takes any text and so has none to check.
func toolCall(v gjson.Result) ToolCall {
	f := v.Get("function")
	if !f.IsObject() {
		return ToolCall{Name: str(v.Get("custom.name"))}
	}
	args := f.Get("arguments")
	if args.IsObject() {
		return ToolCall{str(f.Get("name")), args.Raw}
	}
	return ToolCall{str(f.Get("name")), str(args)}
}

// InputOf reads from the body of a chat completion request what was asked for.
// Fields of unexpected types count as absent.
func InputOf(body []byte, intent classifier.Intent) Input {
	root := gjson.ParseBytes(body)
	in := Input{Intent: intent}
	var system, earlier []string
	for _, m := range root.Get("messages").Array() {
		text := contentText(m.Get("content"))
		switch m.Get("role").Str {
		case "system", "developer":
			system = append(system, text)
		case "user":
			if in.Prompt != "" {
				earlier = append(earlier, in.Prompt)
			}
			in.Prompt = text
		}
	}
	in.System, in.Earlier = strings.Join(system, "\n"), strings.Join(earlier, "\n")
	format := root.Get("response_format")
	switch format.Get("type").Str {
	case "json_object":
		in.JSONObject = true
	case "json_schema":
		in.JSONObject = true
		if s := format.Get("json_schema.schema"); s.IsObject() {
			in.Schema, in.JSONObject = json.RawMessage(s.Raw), false
		}
	}
	limit := root.Get("max_completion_tokens")
	if limit.Type != gjson.Number {
		limit = root.Get("max_tokens")
	}
	in.MaxTokens = int(max(limit.Int(), 0))
	stop := root.Get("stop")
	in.Stops = str(stop) != "" || len(stop.Array()) > 0 && stop.IsArray()
	in.Tools = toolsOf(root)
	return in
}

// toolsOf reads the functions of a request; nil if there is none, or if one is
// of a kind whose calls have other names.
func toolsOf(root gjson.Result) []Tool {
	var tools []Tool
	for _, t := range root.Get("tools").Array() {
		f := t.Get("function")
		if !f.IsObject() {
			return nil
		}
		tools = append(tools, tool(f))
	}
	for _, f := range root.Get("functions").Array() {
		tools = append(tools, tool(f))
	}
	return tools
}

func tool(f gjson.Result) Tool {
	t := Tool{Name: str(f.Get("name")), Strict: f.Get("strict").Bool()}
	if s := f.Get("parameters"); s.IsObject() {
		t.Schema = json.RawMessage(s.Raw)
	}
	return t
}
