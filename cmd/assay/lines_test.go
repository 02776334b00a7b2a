package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

func TestRouteLines(t *testing.T) {
	in := `{"id":"a","request":{"model":"assay/balanced","messages":[{"role":"user","content":"hi"}]}}
{"id":2,"request":{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]},"headers":{"x-gateway-routing":"explicit"}}

{"id":"c","request":{"model":"claude","messages":[{"role":"user","content":"hi"}]}}
`
	code, out, errs := runCommand(t, map[string]string{"OPENAI_API_KEY": "sk"}, in, "route")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != exitOK || len(lines) != 3 {
		t.Fatalf("exit %d, %d lines\n%s\n%s", code, len(lines), out, errs)
	}
	if !strings.Contains(errs, "left out: anthropic") {
		t.Errorf("it does not name what is left out:\n%s", errs)
	}
	for _, field := range []string{"id", "model", "provider", "tier", "intent", "level", "p_success", "est_cost_usd", "candidates", "left_out", "reason"} {
		if !gjson.Get(lines[0], field).Exists() {
			t.Errorf("field %s is missing in %.200s", field, lines[0])
		}
	}
	if gjson.Get(lines[0], "id").Str != "a" || gjson.Get(lines[1], "id").Int() != 2 || gjson.Get(lines[1], "model").Str != "openai/gpt-4o" {
		t.Errorf("ids or models: %.100s\n%.100s", lines[0], lines[1])
	}
	if gjson.Get(lines[2], "error.code").Str != "family_shortcut" {
		t.Errorf("shortcut: %s", lines[2])
	}
	code, out, _ = runCommand(t, nil, "not json\n{\"id\":1,\"request\":{}}\n{\"id\":2,\"request\":{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]},\"headers\":{\"X-Gateway-Routing\":\"magic\"}}\n", "route")
	if code != exitUsage || strings.Count(out, `"error"`) != 3 {
		t.Errorf("bad lines: exit %d\n%s", code, out)
	}
}

func TestClassifyLines(t *testing.T) {
	in := `{"id":"a","prompt":"hi"}
{"id":"b","messages":[{"role":"user","content":"把这句话翻译成英文：我爱你"}]}
`
	code, out, errs := runCommand(t, nil, in, "classify")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != exitOK || len(lines) != 2 {
		t.Fatalf("exit %d\n%s\n%s", code, out, errs)
	}
	for _, field := range []string{"id", "intent", "intent_confidence", "level", "difficulty", "difficulty_sd", "source"} {
		if !gjson.Get(lines[1], field).Exists() {
			t.Errorf("field %s is missing in %s", field, lines[1])
		}
	}
	if gjson.Get(lines[1], "intent").Str != "translation" {
		t.Errorf("a plain request to translate is %s", lines[1])
	}
	if code, _, errs := runCommand(t, nil, "nonsense\n", "classify"); code != exitUsage || !strings.Contains(errs, "1 of 1") {
		t.Errorf("bad line: exit %d, %s", code, errs)
	}
}

// The stages can be had alone, and at a rate the answers keep their order.
func TestClassifyStagesAndRate(t *testing.T) {
	if libraryPath(t) == "" {
		t.Skip("ONNX Runtime's library is not here: make runtime")
	}
	var in strings.Builder
	for i := range 40 {
		fmt.Fprintf(&in, "{\"id\":%d,\"prompt\":\"Write %d lines about the sea.\"}\n", i, i+2)
	}
	for _, tt := range []struct {
		flags  []string
		source string // "" means any
	}{
		{[]string{"--stages", "fast"}, "fast"}, {[]string{"--stages", "deep"}, "deep"}, {[]string{"--rate", "2000"}, ""},
	} {
		code, out, errs := runCommand(t, nil, in.String(), append([]string{"classify"}, tt.flags...)...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if code != exitOK || len(lines) != 40 {
			t.Fatalf("%v: exit %d, %d lines\n%s", tt.flags, code, len(lines), errs)
		}
		for i, line := range lines {
			if gjson.Get(line, "id").Int() != int64(i) || tt.source != "" && gjson.Get(line, "source").Str != tt.source {
				t.Errorf("%v: line %d is %s", tt.flags, i, line)
			}
		}
	}
}
