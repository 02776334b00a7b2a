package assess

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/classifier"
)

func TestFromBodyReadsEveryChoice(t *testing.T) {
	body := `{"choices":[
		{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"h\u00e9","reasoning_content":"hm"}},
		{"index":1,"finish_reason":"tool_calls","message":{"content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"function":{"name":"g","arguments":{"b":2}}}]}},
		{"index":2,"finish_reason":"length","message":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"refusal":null}},
		{"index":3,"finish_reason":"function_call","message":{"content":"","function_call":{"name":"old","arguments":"{}"}}},
		{"index":4,"finish_reason":null,"message":{"content":null,"refusal":"no","audio":{"id":"x"}}}],
		"usage":{"completion_tokens":77}}`
	got, err := FromBody([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	want := []Answer{
		{Text: "hé", FinishReason: "stop", Thought: true, Tokens: 77},
		{FinishReason: "tool_calls", ToolCalls: []ToolCall{{"f", `{"a":1}`}, {"g", `{"b":2}`}}, Tokens: 77},
		{Text: "ab", FinishReason: "length", Tokens: 77},
		{FinishReason: "function_call", ToolCalls: []ToolCall{{"old", "{}"}}, Tokens: 77},
		{Refusal: "no", Media: true, Tokens: 77},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestFromBodyRefusesWhatHoldsNoAnswer(t *testing.T) {
	for _, body := range []string{"", "x", "{}", `{"choices":{}}`, `{"choices":[]}`, `{"error":{"message":"m"}}`} {
		if got, err := FromBody([]byte(body)); !errors.Is(err, ErrNoAnswer) || got != nil {
			t.Errorf("%q: %v, error %v; want ErrNoAnswer", body, got, err)
		}
	}
}

func TestStreamGathersWhatTheBodyWouldHaveHeld(t *testing.T) {
	var s Stream
	for _, chunk := range []string{
		`{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}`,
		`{"choices":[{"index":0,"delta":{"reasoning":"hm"}},{"index":1,"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]}}]}`,
		`{"choices":[{"index":0,"delta":{"content":"he"}}]}`,
		`{"choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}},{"index":1,"function":{"name":"g","arguments":"{}"}}]}}]}`,
		`: comment`, `[1]`, `{"choices":[5,{"index":-1},{"index":99999999}]}`,
		`{"choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}},{"index":99999999}]}}]}`,
		`{"choices":[{"index":0,"delta":{"content":"y"},"finish_reason":"stop"},{"index":1,"delta":{},"finish_reason":"tool_calls"}]}`,
		`{"choices":[],"usage":{"completion_tokens":9}}`,
		`[DONE]`,
	} {
		s.Add([]byte(chunk))
	}
	want := []Answer{
		{Text: "hey", FinishReason: "stop", Thought: true, Tokens: 9},
		{FinishReason: "tool_calls", ToolCalls: []ToolCall{{"f", `{"a":1}`}, {"g", "{}"}}, Tokens: 9},
	}
	if diff := cmp.Diff(want, s.Answers()); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestStreamKeepsABoundedText(t *testing.T) {
	var s Stream
	piece, err := json.Marshal(strings.Repeat("x", 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		s.Add([]byte(`{"choices":[{"index":0,"delta":{"content":` + string(piece) + `}}]}`))
	}
	s.Add([]byte(`{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}`))
	a := s.Answers()[0]
	if len(a.Text) > maxStreamText || !a.Partial || a.FinishReason != "length" {
		t.Errorf("%d bytes kept, partial %v, finish %q; want at most %d, true, length", len(a.Text), a.Partial, a.FinishReason, maxStreamText)
	}
	if got := defects(Input{}, a); got != "truncated" {
		t.Errorf("found %q; want truncated alone, the text is not whole", got)
	}
}

func TestInputOfReadsTheRequest(t *testing.T) {
	body := `{"messages":[{"role":"system","content":"be brief"},{"role":"user","content":"one"},{"role":"assistant","content":"x"},
		{"role":"developer","content":"be kind"},{"role":"user","content":[{"type":"text","text":"two"},{"type":"image_url","image_url":{"url":"data:"}}]},{"role":"tool","content":"r"}],
		"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object"}}},
		"max_tokens":7,"max_completion_tokens":50,"stop":["x"],
		"tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object"}}},{"type":"function","function":{"name":"g"}}]}`
	want := Input{Prompt: "two", Earlier: "one", System: "be brief\nbe kind", Schema: json.RawMessage(`{"type":"object"}`), MaxTokens: 50, Stops: true, Intent: classifier.Math,
		Tools: []Tool{{"f", json.RawMessage(`{"type":"object"}`), true}, {Name: "g"}}}
	if diff := cmp.Diff(want, InputOf([]byte(body), classifier.Math)); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
	for body, want := range map[string]Input{
		``: {},
		`{"response_format":{"type":"json_object"},"stop":null,"tools":[{"type":"custom","custom":{"name":"c"}}]}`: {JSONObject: true},
		`{"response_format":{"type":"json_schema"},"stop":"x","max_tokens":-5}`:                                    {JSONObject: true, Stops: true},
	} {
		if diff := cmp.Diff(want, InputOf([]byte(body), "")); diff != "" {
			t.Errorf("%s: input (-want +got):\n%s", body, diff)
		}
	}
}

// An upstream must not end the process: gjson's check
// runs out of stack at 8 MiB of brackets, and the router reads more than that.
func TestDeepBodiesAreRefusedWithoutRecursion(t *testing.T) {
	deep := strings.Repeat("[", 16<<20)
	for _, body := range []string{deep, `{"choices":` + deep} {
		if _, err := FromBody([]byte(body)); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("%.20q...: error %v; want ErrNoAnswer", body, err)
		}
		new(Stream).Add([]byte(body))
		InputOf([]byte(body), "")
	}
}
