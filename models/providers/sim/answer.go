package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"

	"assay/classifier"
	"assay/models/openai"
	"assay/router"
)

// reply is one simulated answer.
type reply struct {
	text string
	tool string // name of the tool called; "" none
	args string // its arguments, JSON
}

func (r reply) tokens() int { return count(r.text) + count(r.tool+r.args) }

// count is the simulator's own token count: a word of letters, a Han
// character, or any other visible character.
func count(text string) int {
	n, inWord := 0, false
	for _, r := range text {
		letter := (unicode.IsLetter(r) || unicode.IsDigit(r)) && !unicode.Is(unicode.Han, r)
		if !unicode.IsSpace(r) && !(letter && inWord) {
			n++
		}
		inWord = letter
	}
	return n
}

// answer composes the reply: a tool call or JSON where the request demands it,
// the key's item if the last user message holds one, else a plain text.
func (s *Simulator) answer(call router.Call, req openai.Request, p Profile) reply {
	root := gjson.ParseBytes(call.Body)
	if name, schema, ok := wantedTool(root, req); ok {
		return reply{tool: name, args: instance(schema)}
	}
	if req.JSONSchema {
		return reply{text: instance(root.Get("response_format.json_schema.schema"))}
	}
	last, _ := req.Input().LastUser()
	if item, ok := s.o.Key.find(last); ok {
		return reply{text: item.say(s.right(call.Model.ID, item, p), unit(s.o.Seed, call.Model.ID, item.id, "wrong"))}
	}
	if req.JSONObject {
		b, _ := json.Marshal(map[string]any{"simulated": true, "model": call.Model.ID})
		return reply{text: string(b)}
	}
	return reply{text: filler(call.Model.ID, last, p.OutputTokens)}
}

// wantedTool says which tool the request makes the model call: one it names,
// any when one is required, and the first one when a user turn awaits an answer.
func wantedTool(root gjson.Result, req openai.Request) (name string, schema gjson.Result, ok bool) {
	tools := root.Get("tools").Array()
	choice := root.Get("tool_choice")
	if len(tools) == 0 || choice.Str == "none" || req.Messages[len(req.Messages)-1].Role != "user" {
		return "", gjson.Result{}, false
	}
	want := choice.Get("function.name").Str
	for _, t := range tools {
		f := t.Get("function")
		if want == "" || f.Get("name").Str == want {
			return f.Get("name").Str, f.Get("parameters"), true
		}
	}
	return "", gjson.Result{}, false
}

// instance writes a small JSON value that fits the common part of JSON Schema:
// types, properties, required, enum, const, items, anyOf.
func instance(schema gjson.Result) string {
	b, err := json.Marshal(sample(schema, 0))
	if err != nil {
		return "{}"
	}
	return string(b)
}

func sample(s gjson.Result, depth int) any {
	if c := s.Get("const"); c.Exists() {
		return c.Value()
	}
	if e := s.Get("enum").Array(); len(e) > 0 {
		return e[0].Value()
	}
	if any := s.Get("anyOf").Array(); len(any) > 0 && depth < 8 {
		return sample(any[0], depth+1)
	}
	kind := s.Get("type").Str
	if list := s.Get("type").Array(); len(list) > 1 {
		kind = list[0].Str
	}
	switch kind {
	case "string":
		return "simulated"
	case "integer", "number":
		return max(s.Get("minimum").Int(), 0)
	case "boolean":
		return true
	case "null":
		return nil
	case "array":
		out := []any{}
		for range min(s.Get("minItems").Int(), 8) {
			out = append(out, sample(s.Get("items"), depth+1))
		}
		return out
	}
	out := map[string]any{}
	if depth < 8 {
		s.Get("properties").ForEach(func(k, v gjson.Result) bool {
			out[k.Str] = sample(v, depth+1)
			return true
		})
	}
	return out
}

// filler is a text of about n tokens in the language of the prompt that says
// what it is.
func filler(model, prompt string, n int) string {
	said := []rune(strings.Join(strings.Fields(prompt), " "))
	if len(said) > 40 {
		said = append(said[:40], '…')
	}
	head, more := fmt.Sprintf("[simulated answer of %s, no model was called] You asked: \"%s\".", model, string(said)), " This text only shows the path of a request."
	if classifier.Language(prompt) == "zh" {
		head, more = fmt.Sprintf("【%s 的模拟回答，没有调用任何模型】你问的是：“%s”。", model, string(said)), "这段文字只用来演示请求的路径。"
	}
	var b strings.Builder
	b.WriteString(head)
	for used, step := count(head), count(more); used < n; used += step {
		b.WriteString(more)
	}
	return b.String()
}

// completion is the body of a whole answer.
func (s *Simulator) completion(call router.Call, req openai.Request, a reply) map[string]any {
	choices := make([]any, req.N)
	for i := range choices {
		message := map[string]any{"role": "assistant", "content": a.text, "refusal": nil}
		finish := "stop"
		if a.tool != "" {
			message["content"], message["tool_calls"], finish = nil, []any{toolCall(call, a)}, "tool_calls"
		}
		c := map[string]any{"index": i, "message": message, "finish_reason": finish, "logprobs": nil}
		if req.Logprobs {
			c["logprobs"] = logprobs(a.text)
		}
		choices[i] = c
	}
	return map[string]any{
		"id": "chatcmpl-sim-" + call.ID, "object": "chat.completion", "created": s.o.Now().Unix(),
		"model": call.Model.Name, "choices": choices, "usage": usage(req, a), "system_fingerprint": "simulated",
	}
}

func toolCall(call router.Call, a reply) map[string]any {
	return map[string]any{"id": "call_" + call.ID, "type": "function", "function": map[string]any{"name": a.tool, "arguments": a.args}}
}

func usage(req openai.Request, a reply) map[string]any {
	in, out := 0, a.tokens()*req.N
	for _, m := range req.Messages {
		in += count(m.Text) + 4
	}
	return map[string]any{"prompt_tokens": in, "completion_tokens": out, "total_tokens": in + out}
}

// logprobs gives every word the same made-up probability.
func logprobs(text string) map[string]any {
	content := []any{}
	for _, w := range pieces(text) {
		bytes := make([]int, len(w)) // numbers: a []byte would become base64
		for i := range len(w) {
			bytes[i] = int(w[i])
		}
		content = append(content, map[string]any{"token": w, "logprob": -0.1, "bytes": bytes, "top_logprobs": []any{}})
	}
	return map[string]any{"content": content, "refusal": nil}
}

// pieces cuts a text into what streams send: words with the space before them,
// or Han characters.
func pieces(text string) []string {
	var out []string
	var cur strings.Builder
	for _, r := range text {
		if cur.Len() > 0 && (unicode.IsSpace(r) || unicode.Is(unicode.Han, r)) {
			out = append(out, cur.String())
			cur.Reset()
		}
		cur.WriteRune(r)
	}
	if cur.Len() > 0 {
		out = append(out, cur.String())
	}
	return out
}

// stream writes the answer as server-sent events at the model's pace.
func (s *Simulator) stream(ctx context.Context, call router.Call, req openai.Request, a reply, p Profile) io.ReadCloser {
	pr, pw := io.Pipe()
	breakAt := -1
	words := pieces(a.text)
	if s.chance(call, "break") < p.BreakRate {
		breakAt = (len(words) + 1) / 2
	}
	go func() { pw.CloseWithError(s.write(ctx, pw, call, req, a, p, words, breakAt)) }()
	return pr
}

func (s *Simulator) write(ctx context.Context, w io.Writer, call router.Call, req openai.Request, a reply, p Profile, words []string, breakAt int) error {
	created := s.o.Now().Unix()
	send := func(choices []any, usage any) error {
		chunk := map[string]any{"id": "chatcmpl-sim-" + call.ID, "object": "chat.completion.chunk", "created": created, "model": call.Model.Name, "choices": choices, "system_fingerprint": "simulated"}
		if req.IncludeUsage {
			chunk["usage"] = usage
		}
		b, err := json.Marshal(chunk)
		if err != nil {
			return err
		}
		_, err = w.Write(openai.AppendEvent(nil, b))
		return err
	}
	each := func(delta map[string]any, finish any) []any {
		out := make([]any, req.N)
		for i := range out {
			out[i] = map[string]any{"index": i, "delta": delta, "finish_reason": finish, "logprobs": nil}
		}
		return out
	}
	if err := send(each(map[string]any{"role": "assistant", "content": ""}, nil), nil); err != nil {
		return err
	}
	finish := "stop"
	if a.tool != "" {
		finish = "tool_calls"
		c := toolCall(call, a)
		c["index"] = 0
		if err := send(each(map[string]any{"tool_calls": []any{c}}, nil), nil); err != nil {
			return err
		}
	}
	for i, word := range words {
		if i == breakAt {
			return io.ErrUnexpectedEOF
		}
		if err := s.o.Sleep(ctx, pace(1, p)); err != nil {
			return err
		}
		if err := send(each(map[string]any{"content": word}, nil), nil); err != nil {
			return err
		}
	}
	if err := send(each(map[string]any{}, finish), nil); err != nil {
		return err
	}
	if req.IncludeUsage {
		if err := send([]any{}, usage(req, a)); err != nil {
			return err
		}
	}
	_, err := w.Write(openai.AppendEvent(nil, openai.Done))
	return err
}
