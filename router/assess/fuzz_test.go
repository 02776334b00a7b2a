package assess

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/classifier"
)

func FuzzFromBody(f *testing.F) {
	f.Add([]byte(`{"choices":[{"message":{"content":"a","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}]}`))
	f.Add([]byte(`{"choices":[{"message":{"content":[{"text":"a"},5]}},null,[]],"usage":{"completion_tokens":-1}}`))
	f.Add([]byte(`{"choices":5}`))
	as := New(Checks{})
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := FromBody(body)
		if (err == nil) != (len(all) > 0) {
			t.Fatalf("%d answers, error %v", len(all), err)
		}
		for _, a := range all {
			if a.Tokens < 0 {
				t.Fatalf("%d tokens", a.Tokens)
			}
			as.Assess(InputOf(body, ""), a)
		}
	})
}

// FuzzStream cuts a text into a stream and wants it back, whatever else comes.
func FuzzStream(f *testing.F) {
	f.Add("hello", []byte(`{"choices":[{"index":3,"delta":{"content":"x"}}]}`), uint8(2))
	f.Add("你好", []byte(`[DONE]`), uint8(1))
	f.Add("", []byte(`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":9,"function":{"arguments":"{"}}]}}]}`), uint8(0))
	f.Fuzz(func(t *testing.T, text string, noise []byte, size uint8) {
		var s Stream
		s.Add(noise)
		before := ""
		if all := s.Answers(); len(all) > 0 {
			before = all[0].Text
		}
		runes := []rune(strings.ToValidUTF8(text, "?"))
		for piece := range slices.Chunk(runes, int(size)+1) {
			b, err := json.Marshal(map[string]any{"choices": []any{map[string]any{"index": 0, "delta": map[string]any{"content": string(piece)}}}})
			if err != nil {
				t.Fatal(err)
			}
			s.Add(b)
		}
		all := s.Answers()
		if len(runes) > 0 && (len(all) == 0 || all[0].Text != before+string(runes)) {
			t.Fatalf("gathered %+v; want the text %q", all, before+string(runes))
		}
		if len(all) > maxChoices {
			t.Fatalf("%d choices kept", len(all))
		}
	})
}

func FuzzAssess(f *testing.F) {
	f.Add("hi", "I'm sorry, but I can't assist with that.", "", "stop", 0, "")
	f.Add(zhPrompt, enText, person, "length", 5, "writing")
	f.Add("JSON", `{"name":"x"}`, person, "stop", 0, "")
	f.Add("", strings.Repeat("la ", 200), `{"$ref":"#"}`, "", 0, "")
	f.Add("", "```\n<think>`\\a", `{"pattern":"(a*)*b"}`, "content_filter", 0, "")
	as := New(Checks{})
	f.Fuzz(func(t *testing.T, prompt, text, schema, finish string, limit int, intent string) {
		in := Input{Prompt: prompt, Schema: json.RawMessage(schema), MaxTokens: limit, Intent: classifier.Intent(intent), Tools: []Tool{{Name: "f", Schema: json.RawMessage(schema), Strict: true}}}
		if schema == "" {
			in.Schema = nil
		}
		a := Answer{Text: text, FinishReason: finish}
		found := as.Assess(in, a)
		if diff := cmp.Diff(found, as.Assess(in, a)); diff != "" {
			t.Fatalf("twice the same answer (-first +second):\n%s", diff)
		}
		last := -1
		for _, x := range found {
			at := slices.Index(Defects, x.Defect)
			if at <= last {
				t.Fatalf("findings out of order or twice: %v", found)
			}
			last = at
			if len(text) > 40 && strings.Contains(x.Detail, text[:40]) {
				t.Fatalf("detail %q holds the answer", x.Detail)
			}
		}
		a.ToolCalls = []ToolCall{{"f", text}}
		as.Assess(in, a)
	})
}
