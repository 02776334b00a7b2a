package openai

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"assay/classifier"
)

func TestDecodeRequestReadsWhatWeActOn(t *testing.T) {
	body := `{"model":"assay/balanced","stream":true,"stream_options":{"include_usage":true},"n":2,"max_completion_tokens":50,"max_tokens":9,"seed":7,"top_p":1,"temperature":0.2,
		"tools":[{"type":"function","function":{"name":"f"}}],"response_format":{"type":"json_schema"},"logprobs":true,"modalities":["text","audio"],
		"messages":[{"role":"system","content":"be brief"},
		{"role":"user","content":[{"type":"text","text":"what"},{"type":"image_url","image_url":{"url":"data:"}},{"type":"text","text":"is it"},{"type":"file"},{"type":"input_audio"},{"type":"future_part"}]},
		{"role":"assistant","content":null,"tool_calls":[{"id":"1"}]}],"field_of_2030":{"x":1}}`
	r, err := DecodeRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	want := Request{Raw: []byte(body), Model: "assay/balanced", Stream: true, IncludeUsage: true, Tools: 1, ToolHistory: true, Format: true, JSONSchema: true, Logprobs: true,
		N: 2, MaxTokens: 50, Seeded: true, Sampling: true, AudioIn: true, AudioOut: true, Files: true,
		Messages: []classifier.Message{{Role: "system", Text: "be brief"}, {Role: "user", Text: "what\nis it", Images: 1}, {Role: "assistant"}}}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestDecodeRequestRefusesWithTheFieldAtFault(t *testing.T) {
	ok := `"messages":[{"role":"user","content":"hi"}]`
	for name, c := range map[string]struct{ body, code, param string }{
		"empty body":           {"  ", "empty_body", ""},
		"broken JSON":          {`{"model":"a",`, "invalid_json", ""},
		"trailing garbage":     {`{"model":"a",` + ok + `} x`, "invalid_json", ""},
		"not an object":        {`[1]`, "invalid_json", ""},
		"invalid UTF-8":        {"{\"model\":\"a\xff\"," + ok + "}", "invalid_utf8", ""},
		"nested too deep":      {`{"model":"a","x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `,` + ok + `}`, "invalid_json", ""},
		"two models":           {`{"model":"a","model":"b",` + ok + `}`, "duplicate_field", "model"},
		"no model":             {`{` + ok + `}`, "missing_model", "model"},
		"model a number":       {`{"model":4,` + ok + `}`, "missing_model", "model"},
		"no messages":          {`{"model":"a"}`, "invalid_messages", "messages"},
		"empty messages":       {`{"model":"a","messages":[]}`, "invalid_messages", "messages"},
		"messages a string":    {`{"model":"a","messages":"hi"}`, "invalid_messages", "messages"},
		"message a string":     {`{"model":"a","messages":["hi"]}`, "invalid_messages", "messages[0]"},
		"unknown role":         {`{"model":"a","messages":[{"role":"boss","content":"hi"}]}`, "invalid_role", "messages[0].role"},
		"content a number":     {`{"model":"a","messages":[{"role":"user","content":5}]}`, "invalid_content", "messages[0].content"},
		"part a string":        {`{"model":"a","messages":[{"role":"user","content":["x"]}]}`, "invalid_content", "messages[0].content"},
		"stream a string":      {`{"model":"a","stream":"yes",` + ok + `}`, "invalid_type", "stream"},
		"n zero":               {`{"model":"a","n":0,` + ok + `}`, "invalid_value", "n"},
		"n a fraction":         {`{"model":"a","n":1.5,` + ok + `}`, "invalid_value", "n"},
		"max_tokens negative":  {`{"model":"a","max_tokens":-1,` + ok + `}`, "invalid_value", "max_tokens"},
		"max_tokens too large": {`{"model":"a","max_tokens":1e30,` + ok + `}`, "invalid_value", "max_tokens"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeRequest([]byte(c.body))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v; want an *Error", err)
			}
			if e.Status != 400 || e.Code != c.code || e.Param != c.param || e.Message == "" {
				t.Errorf("got %d %s %q (%s); want 400 %s %q", e.Status, e.Code, e.Param, e.Message, c.code, c.param)
			}
		})
	}
}

// Only "model" may change on the way up, and stream_options on streams.
func TestUpstreamLeavesEveryOtherByte(t *testing.T) {
	body := `{ "zeta" : 1.50 , "model":"x/y",  "messages":[{"role":"user","content":"h\u00e9 <b>"}], "big":123456789012345678901234567890 }`
	r, err := DecodeRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	up, err := r.Upstream("y-2025")
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(body, "x/y", "y-2025", 1); string(up) != want {
		t.Errorf("got  %s\nwant %s", up, want)
	}
	r, _ = DecodeRequest([]byte(`{"model":"m","stream":true,"stream_options":{"include_obfuscation":false},"messages":[{"role":"user","content":"x"}]}`))
	up, err = r.Upstream("m")
	if err != nil {
		t.Fatal(err)
	}
	if !gjson.GetBytes(up, "stream_options.include_usage").Bool() || !gjson.GetBytes(up, "stream_options.include_obfuscation").Exists() {
		t.Errorf("stream_options: %s", up)
	}
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(`{"model":"a","messages":[{"role":"user","content":"hi"}]}`))
	f.Add([]byte(`{"model":"a","stream":true,"n":3,"messages":[{"role":"user","content":[{"type":"text","text":"你好"}]}],"tools":[{}]}`))
	f.Add([]byte(`{"model":"a","messages":[{"role":"tool","content":null}],"stream_options":5}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := DecodeRequest(body)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Status != 400 {
				t.Fatalf("error %v is no 400", err)
			}
			return
		}
		up, err := r.Upstream("replaced")
		if err != nil {
			t.Fatalf("accepted but not sendable: %v", err)
		}
		again, err := DecodeRequest(up)
		if err != nil {
			t.Fatalf("what goes upstream does not decode: %v\n%s", err, up)
		}
		if again.Model != "replaced" || len(again.Messages) != len(r.Messages) || again.Stream != r.Stream || r.Stream && !again.IncludeUsage {
			t.Fatalf("changed on the way: %s", up)
		}
	})
}
