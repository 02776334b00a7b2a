package assess

import (
	"strings"

	"github.com/tidwall/gjson"
)

// Bounds of what a stream may make us keep. Choices and calls beyond them are
// not looked at; text beyond them makes its answer partial.
const (
	maxChoices    = 128
	maxCalls      = 256
	maxStreamText = 4 << 20 // bytes of all choices together
)

// Stream gathers the answers of a streamed completion, chunk by chunk. The
// zero value is ready; it is not safe for concurrent use.
type Stream struct {
	choices []*gathered
	tokens  int64
	kept    int
	full    bool
}

// gathered is one choice so far.
type gathered struct {
	text, refusal  strings.Builder
	calls          []*gatheredCall
	finish         string
	media, thought bool
}

type gatheredCall struct {
	name string
	args strings.Builder
}

// Add takes the data of one server-sent event. What is no chunk of a chat
// completion, [DONE] among it, changes nothing.
func (s *Stream) Add(chunk []byte) {
	root := gjson.ParseBytes(chunk)
	if !root.IsObject() {
		return
	}
	if n := root.Get("usage.completion_tokens"); n.Type == gjson.Number {
		s.tokens = max(n.Int(), 0)
	}
	for _, c := range root.Get("choices").Array() {
		i := c.Get("index").Int()
		if !c.IsObject() || i < 0 || i >= maxChoices {
			continue
		}
		for int(i) >= len(s.choices) {
			s.choices = append(s.choices, &gathered{})
		}
		s.delta(s.choices[i], c)
	}
}

// delta adds what one chunk says of one choice.
func (s *Stream) delta(g *gathered, c gjson.Result) {
	if f := str(c.Get("finish_reason")); f != "" {
		g.finish = f
	}
	d := c.Get("delta")
	s.write(&g.text, contentText(d.Get("content")))
	s.write(&g.refusal, str(d.Get("refusal")))
	g.media = g.media || media(d)
	g.thought = g.thought || thought(d)
	for n, call := range d.Get("tool_calls").Array() {
		i := int64(n)
		if index := call.Get("index"); index.Type == gjson.Number {
			i = index.Int()
		}
		s.call(g, i, call.Get("function"))
	}
	if f := d.Get("function_call"); f.IsObject() {
		s.call(g, 0, f)
	}
}

// call adds a piece of the i-th call of a choice.
func (s *Stream) call(g *gathered, i int64, f gjson.Result) {
	if i < 0 || i >= maxCalls {
		return
	}
	for int(i) >= len(g.calls) {
		g.calls = append(g.calls, &gatheredCall{})
	}
	c := g.calls[i]
	if name := str(f.Get("name")); name != "" && c.name == "" {
		c.name = name
		s.kept += len(name)
	}
	args := f.Get("arguments")
	if args.IsObject() {
		s.write(&c.args, args.Raw)
		return
	}
	s.write(&c.args, str(args))
}

// write keeps a piece, as long as there is room.
func (s *Stream) write(b *strings.Builder, piece string) {
	if s.full || s.kept+len(piece) > maxStreamText {
		s.full = s.full || piece != ""
		return
	}
	s.kept += len(piece)
	b.WriteString(piece)
}

// Answers gives the answers so far, in the order of their index.
func (s *Stream) Answers() []Answer {
	all := make([]Answer, 0, len(s.choices))
	for _, g := range s.choices {
		a := Answer{Text: g.text.String(), Refusal: g.refusal.String(), FinishReason: g.finish, Media: g.media, Thought: g.thought, Tokens: s.tokens, Partial: s.full}
		for _, c := range g.calls {
			a.ToolCalls = append(a.ToolCalls, ToolCall{c.name, c.args.String()})
		}
		all = append(all, a)
	}
	return all
}
