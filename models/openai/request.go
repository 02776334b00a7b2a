package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"

	"assay/classifier"
)

// Request is a chat completion request. The exported fields are what Assay
// acts on; everything else stays in Raw and goes upstream untouched.
type Request struct {
	Raw          []byte // the body as sent by the client
	Model        string
	Messages     []classifier.Message
	Stream       bool
	IncludeUsage bool // stream_options.include_usage: the client wants the usage chunk
	Tools        int  // tools or (legacy) functions offered
	ToolHistory  bool // the conversation holds tool calls or tool results
	Format       bool // response_format is set, to whatever
	JSONObject   bool // response_format json_object
	JSONSchema   bool // response_format json_schema
	Logprobs     bool
	N            int // answers asked for, at least 1
	MaxTokens    int // max_completion_tokens, else max_tokens; 0 if absent
	Seeded       bool
	Sampling     bool // temperature or top_p other than the default of 1
	AudioIn      bool
	AudioOut     bool
	Files        bool // file parts such as PDF documents
}

// roles a message may have.
var roles = map[string]bool{"system": true, "developer": true, "user": true, "assistant": true, "tool": true, "function": true}

// DecodeRequest reads and checks the fields that Assay acts on. The error is
// always an *Error with status 400 that names the field.
func DecodeRequest(body []byte) (Request, error) {
	root, err := decodeObject(body)
	if err != nil {
		return Request{}, err
	}
	r := Request{Raw: body, N: 1}
	model := root.Get("model")
	if model.Type != gjson.String || model.Str == "" {
		return Request{}, BadRequest("missing_model", "model", `"model" must be a non-empty string: a model of GET /v1/models, or an alias such as "assay/balanced"`)
	}
	r.Model = model.Str
	if err := r.decodeMessages(root.Get("messages")); err != nil {
		return Request{}, err
	}
	if err := r.decodeOptions(root); err != nil {
		return Request{}, err
	}
	return r, nil
}

// decodeObject checks that body is one JSON object without repeated keys at
// the top: parsers differ in which of two "model" fields they believe, and we
// must believe the one that the upstream does.
func decodeObject(body []byte) (gjson.Result, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return gjson.Result{}, BadRequest("empty_body", "", "the request body is empty: send a JSON object with \"model\" and \"messages\"")
	}
	if !utf8.Valid(body) {
		return gjson.Result{}, BadRequest("invalid_utf8", "", "the request body is not valid UTF-8")
	}
	if !json.Valid(body) {
		return gjson.Result{}, BadRequest("invalid_json", "", "the request body is not valid JSON: %s", syntaxError(body))
	}
	root := gjson.ParseBytes(body)
	if !root.IsObject() {
		return gjson.Result{}, BadRequest("invalid_json", "", "the request body must be a JSON object, not %s", kindOf(root))
	}
	seen, twice := map[string]bool{}, ""
	root.ForEach(func(k, _ gjson.Result) bool {
		if seen[k.Str] {
			twice = k.Str
		}
		seen[k.Str] = true
		return twice == ""
	})
	if twice != "" {
		return gjson.Result{}, BadRequest("duplicate_field", twice, "field %q stands twice in the request body", twice)
	}
	return root, nil
}

// syntaxError says where JSON breaks.
func syntaxError(body []byte) string {
	var v any
	err := json.Unmarshal(body, &v)
	if se, ok := err.(*json.SyntaxError); ok {
		return fmt.Sprintf("%s (at byte %d of %d)", se, se.Offset, len(body))
	}
	return fmt.Sprint(err)
}

func kindOf(v gjson.Result) string {
	switch {
	case !v.Exists():
		return "absent"
	case v.IsArray():
		return "an array"
	case v.IsObject():
		return "an object"
	case v.Type == gjson.String:
		return "a string"
	case v.Type == gjson.Number:
		return "a number"
	case v.Type == gjson.Null:
		return "null"
	}
	return "a boolean"
}

func (r *Request) decodeMessages(list gjson.Result) error {
	if !list.IsArray() {
		return BadRequest("invalid_messages", "messages", `"messages" must be an array of messages; it is %s`, kindOf(list))
	}
	for i, m := range list.Array() {
		at := fmt.Sprintf("messages[%d]", i)
		if !m.IsObject() {
			return BadRequest("invalid_messages", at, "%s must be an object with \"role\" and \"content\"; it is %s", at, kindOf(m))
		}
		role := m.Get("role")
		if role.Type != gjson.String || !roles[role.Str] {
			return BadRequest("invalid_role", at+".role", `%s.role is %s; want "system", "developer", "user", "assistant" or "tool"`, at, orAbsent(role))
		}
		msg := classifier.Message{Role: role.Str}
		if role.Str == "tool" || role.Str == "function" || m.Get("tool_calls").IsArray() || m.Get("function_call").IsObject() {
			r.ToolHistory = true
		}
		if err := r.decodeContent(at+".content", m.Get("content"), &msg); err != nil {
			return err
		}
		r.Messages = append(r.Messages, msg)
	}
	if len(r.Messages) == 0 {
		return BadRequest("invalid_messages", "messages", `"messages" is empty: send at least one message`)
	}
	return nil
}

func orAbsent(v gjson.Result) string {
	if !v.Exists() {
		return "absent"
	}
	s := []rune(v.Raw)
	if len(s) > 60 {
		return string(s[:60]) + "..."
	}
	return string(s)
}

// decodeContent reads string content or an array of parts. Parts of unknown
// types pass through; the upstream may know them.
func (r *Request) decodeContent(at string, content gjson.Result, msg *classifier.Message) error {
	switch {
	case !content.Exists() || content.Type == gjson.Null: // an assistant message with tool calls has none
		return nil
	case content.Type == gjson.String:
		msg.Text = content.Str
		return nil
	case !content.IsArray():
		return BadRequest("invalid_content", at, "%s must be a string or an array of parts; it is %s", at, kindOf(content))
	}
	var text []string
	for i, part := range content.Array() {
		if !part.IsObject() {
			return BadRequest("invalid_content", at, "%s[%d] must be an object with a \"type\"; it is %s", at, i, kindOf(part))
		}
		switch part.Get("type").Str {
		case "text":
			text = append(text, part.Get("text").Str)
		case "image_url":
			msg.Images++
		case "input_audio":
			r.AudioIn = true
		case "file":
			r.Files = true
		}
	}
	msg.Text = strings.Join(text, "\n")
	return nil
}

func (r *Request) decodeOptions(root gjson.Result) error {
	var err error
	if r.Stream, err = boolField(root, "stream"); err != nil {
		return err
	}
	if r.Logprobs, err = boolField(root, "logprobs"); err != nil {
		return err
	}
	r.IncludeUsage = root.Get("stream_options.include_usage").Bool()
	if r.N, err = intField(root, "n", 1, 128); err != nil {
		return err
	}
	r.N = max(r.N, 1)
	if r.MaxTokens, err = intField(root, "max_completion_tokens", 1, 1<<31-1); err != nil {
		return err
	}
	if r.MaxTokens == 0 {
		if r.MaxTokens, err = intField(root, "max_tokens", 1, 1<<31-1); err != nil {
			return err
		}
	}
	r.Tools = len(root.Get("tools").Array()) + len(root.Get("functions").Array())
	format := root.Get("response_format")
	r.Format = format.Exists() && format.Type != gjson.Null
	switch format := root.Get("response_format.type"); format.Str {
	case "json_object":
		r.JSONObject = true
	case "json_schema":
		r.JSONSchema = true
	}
	r.Seeded = root.Get("seed").Type == gjson.Number
	for _, name := range []string{"temperature", "top_p"} {
		v := root.Get(name)
		r.Sampling = r.Sampling || v.Type == gjson.Number && v.Num != 1
	}
	for _, m := range root.Get("modalities").Array() {
		r.AudioOut = r.AudioOut || m.Str == "audio"
	}
	return nil
}

// boolField reads an optional boolean.
func boolField(root gjson.Result, name string) (bool, error) {
	v := root.Get(name)
	switch v.Type {
	case gjson.True:
		return true, nil
	case gjson.False:
		return false, nil
	case gjson.Null:
		return false, nil
	}
	return false, BadRequest("invalid_type", name, "%q must be true or false; it is %s", name, orAbsent(v))
}

// intField reads an optional whole number; 0 if absent.
func intField(root gjson.Result, name string, lo, hi int64) (int, error) {
	v := root.Get(name)
	if !v.Exists() || v.Type == gjson.Null {
		return 0, nil
	}
	n := v.Int()
	if v.Type != gjson.Number || float64(n) != v.Num || n < lo || n > hi {
		return 0, BadRequest("invalid_value", name, "%q must be a whole number from %d to %d; it is %s", name, lo, hi, orAbsent(v))
	}
	return int(n), nil
}

// Input gives what the classifier may look at.
func (r Request) Input() classifier.Input {
	return classifier.Input{Messages: r.Messages, Tools: r.Tools}
}

// System reports whether the request has a system or developer message.
func (r Request) System() bool {
	return slices.ContainsFunc(r.Messages, func(m classifier.Message) bool { return m.Role == "system" || m.Role == "developer" })
}

// Images counts the image parts of the request.
func (r Request) Images() int { return r.Input().Images() }

// Text gives all message text, for counting tokens.
func (r Request) Text() string {
	var b strings.Builder
	for _, m := range r.Messages {
		b.WriteString(m.Text)
		b.WriteByte('\n')
	}
	return b.String()
}

// Upstream gives the body to send to a provider that calls the model name.
// Only "model" changes, and on streams "stream_options.include_usage" is set,
// because a bill needs the usage even where the client does not ask for it.
func (r Request) Upstream(name string) ([]byte, error) {
	body, err := sjson.SetBytes(r.Raw, "model", name)
	if err != nil {
		return nil, fmt.Errorf("set model: %w", err)
	}
	if r.Stream && !r.IncludeUsage {
		if body, err = sjson.SetBytes(body, "stream_options.include_usage", true); err != nil {
			return nil, fmt.Errorf("set stream_options: %w", err)
		}
	}
	return body, nil
}
