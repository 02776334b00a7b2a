package assess

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

const person = `{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0},"boss":{"anyOf":[{"$ref":"#/$defs/person"},{"type":"null"}]}},
	"required":["name","age"],"additionalProperties":false,"$defs":{"person":{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}}}`

func TestJSONIsWhatTheClientCanParse(t *testing.T) {
	object, schema := Input{JSONObject: true}, Input{Schema: json.RawMessage(person)}
	for name, c := range map[string]struct {
		in   Input
		text string
		want string // the detail
	}{
		"an object":                       {object, "\n{\"a\": 1}\n", ""},
		"an array":                        {object, `[1]`, ""},
		"a number":                        {object, `1`, "JSON, but neither object nor array"},
		"prose":                           {object, "Sure! Here you are.", "not JSON"},
		"in a fence":                      {object, "```json\n{\"a\":1}\n```", "JSON in a code fence"},
		"in a fence, with words":          {object, "Here:\n```json\n{\"a\":1}\n```", "not JSON"},
		"words behind":                    {object, `{"a":1} I hope this helps.`, "text after the JSON"},
		"broken":                          {object, `{"a":1,}`, "broken JSON"},
		"not a number":                    {object, `{"a":NaN}`, "broken JSON"},
		"behind thinking":                 {object, "<think>hm</think>{\"a\":1}", ""},
		"no JSON was asked for":           {Input{}, "Sure!", ""},
		"conforms":                        {schema, `{"name":"x","age":3,"boss":{"name":"y"}}`, ""},
		"conforms with null":              {schema, `{"name":"x","age":3.0,"boss":null}`, ""},
		"lacks a field":                   {schema, `{"name":"x"}`, "against the schema: required"},
		"a field too many":                {schema, `{"name":"x","age":3,"secret":1}`, "against the schema: additionalProperties"},
		"of another type":                 {schema, `{"name":"x","age":"three"}`, "against the schema: type"},
		"below the minimum":               {schema, `{"name":"x","age":-3}`, "against the schema: minimum"},
		"wrong behind a reference":        {schema, `{"name":"x","age":3,"boss":{}}`, "against the schema: required"},
		"a number that takes for ever":    {schema, `{"name":"x","age":1e999999}`, ""},
		"nested beyond all":               {schema, strings.Repeat("[", 5000) + strings.Repeat("]", 5000), ""},
		"the schema is no schema":         {Input{Schema: json.RawMessage(`{"type":"strnig"}`)}, `{"a":1}`, ""},
		"the schema is broken":            {Input{Schema: json.RawMessage(`{"type":`)}, `{"a":1}`, ""},
		"a reference to nowhere":          {Input{Schema: json.RawMessage(`{"$ref":"#/$defs/x"}`)}, `{"a":1}`, ""},
		"a reference into values":         {Input{Schema: json.RawMessage(`{"enum":[{"type":"string"}],"properties":{"a":{"$ref":"#/enum/0"}}}`)}, `{"a":1}`, ""},
		"a reference to itself":           {Input{Schema: json.RawMessage(`{"$ref":"#"}`)}, `{"a":1}`, ""},
		"an anchor":                       {Input{Schema: json.RawMessage(`{"properties":{"a":{"$ref":"#t"}},"$defs":{"t":{"$anchor":"t","type":"string"}}}`)}, `{"a":1}`, "against the schema: type"},
		"OpenAPI's nullable":              {Input{Schema: json.RawMessage(`{"properties":{"a":{"type":"string","nullable":true}}}`)}, `{"a":null}`, ""},
		"a file":                          {Input{Schema: json.RawMessage(`{"$ref":"file:///etc/hosts"}`)}, `{"a":1}`, ""},
		"look-around, which Go has not":   {Input{Schema: json.RawMessage(`{"properties":{"a":{"pattern":"(?=x)y"}}}`)}, `{"a":"z"}`, ""},
		"a pattern":                       {Input{Schema: json.RawMessage(`{"properties":{"a":{"pattern":"^[a-z]+$"}}}`)}, `{"a":"Z"}`, "against the schema: pattern"},
		"a property called format":        {Input{Schema: json.RawMessage(`{"properties":{"format":{"type":"string"}},"required":["format"],"additionalProperties":false}`)}, `{"format":"x"}`, ""},
		"a constant with a format":        {Input{Schema: json.RawMessage(`{"const":{"format":"date"}}`)}, `{"format":"date"}`, ""},
		"formats are not judged":          {Input{Schema: json.RawMessage(`{"properties":{"a":{"type":"string","format":"date"}}}`)}, `{"a":"soon"}`, ""},
		"draft 4":                         {Input{Schema: json.RawMessage(`{"$schema":"http://json-schema.org/draft-04/schema#","properties":{"a":{"minimum":1,"exclusiveMinimum":true}}}`)}, `{"a":1}`, "against the schema: exclusiveMinimum"},
		"a dialect from the network":      {Input{Schema: json.RawMessage(`{"$schema":"https://example.com/mine","type":"string"}`)}, `{"a":1}`, ""},
		"false allows nothing, even here": {Input{Schema: json.RawMessage(`{"properties":{"a":false}}`)}, `{"a":1}`, "against the schema: false"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, f := range New(Checks{}).Assess(c.in, Answer{Text: c.text, FinishReason: "stop"}) {
				got = f.Detail
			}
			if got != c.want {
				t.Errorf("found %q; want %q", got, c.want)
			}
		})
	}
}

func TestSchemasNeverReachTheNetwork(t *testing.T) {
	asked := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked = true }))
	defer srv.Close()
	for _, s := range []string{`{"$ref":"%s/a"}`, `{"$schema":"%s/a"}`, `{"$id":"%s/a","$ref":"b"}`, `{"$id":"%s/a","properties":{"a":{"$dynamicRef":"b#x"}}}`} {
		in := Input{Schema: json.RawMessage(fmt.Sprintf(s, srv.URL))}
		if got := defects(in, Answer{Text: `{"a":1}`}); got != "" {
			t.Errorf("%s: found %q; want nothing", s, got)
		}
	}
	if asked {
		t.Error("a schema made us call a server")
	}
}

// hostile are schemas and answers that ask the library for more steps than
// there is time: each must come back undecided.
func hostile() map[string][2]string {
	chain := func(link, last string) string {
		var b strings.Builder
		b.WriteString(`{"$ref":"#/$defs/a0","$defs":{`)
		for i := range 60 {
			next := fmt.Sprintf(`{"$ref":"#/$defs/a%d"}`, i+1)
			fmt.Fprintf(&b, `"a%d":%s,`, i, strings.ReplaceAll(link, "NEXT", next))
		}
		b.WriteString(`"a60":` + last + `}}`)
		return b.String()
	}
	nest := strings.Repeat("[", 60) + `{"a":1}` + strings.Repeat("]", 60)
	return map[string][2]string{
		"anyOf twice the next":         {chain(`{"anyOf":[NEXT,NEXT]}`, `{"required":["b"]}`), `{"a":1}`},
		"allOf twice the next":         {chain(`{"allOf":[NEXT,NEXT]}`, `{"type":"object"}`), `{"a":1}`},
		"not, twice":                   {chain(`{"not":{"anyOf":[NEXT,NEXT]}}`, `{"required":["b"]}`), `{"a":1}`},
		"dependencies twice the next":  {chain(`{"dependentSchemas":{"a":NEXT,"b":NEXT}}`, `{"required":["c"]}`), `{"a":1,"b":1}`},
		"items and contains":           {`{"items":{"$ref":"#"},"contains":{"$ref":"#"}}`, nest},
		"if and then":                  {chain(`{"if":NEXT,"then":NEXT}`, `{"type":"object"}`), `{"a":1}`},
		"under a keyword nobody knows": {`{"$ref":"#/x/a","x":{"a":{"anyOf":[{"$ref":"#/x/b"},{"$ref":"#/x/b"}]},"b":{"items":{"anyOf":[{"$ref":"#/x/a"},{"$ref":"#/x/a"}]}}}}`, strings.Repeat("[", 60) + strings.Repeat("]", 60)},
		"a pattern of thousands":       {`{"pattern":"(x+x+){300}y"}`, `"` + strings.Repeat("x", 200_000) + `"`},
	}
}

func TestHostileSchemasEnd(t *testing.T) {
	for name, h := range hostile() {
		t.Run(name, func(t *testing.T) {
			if got := defects(Input{Schema: json.RawMessage(h[0])}, Answer{Text: h[1]}); got != "" {
				t.Errorf("found %q; want nothing: it cannot be decided", got)
			}
		})
	}
}

func TestOneAssessorServesMany(t *testing.T) {
	as := New(Checks{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 300 { // more schemas than are kept, some shared
				in := Input{Schema: json.RawMessage(fmt.Sprintf(`{"required":["a%d"]}`, j%200))}
				text := fmt.Sprintf(`{"a%d":1}`, j%200)
				if found := as.Assess(in, Answer{Text: text}); len(found) != 0 {
					t.Errorf("worker %d: %v", i, found)
				}
			}
		})
	}
	wg.Wait()
}

func TestToolArguments(t *testing.T) {
	tools := []Tool{{Name: "loose", Schema: json.RawMessage(person)}, {Name: "strict", Schema: json.RawMessage(person), Strict: true}}
	for name, c := range map[string]struct {
		tools []Tool
		call  ToolCall
		want  string
	}{
		"an object":                        {tools, ToolCall{"loose", `{"name":"x"}`}, ""},
		"none":                             {tools, ToolCall{"loose", ""}, ""},
		"broken":                           {tools, ToolCall{"loose", `{"name":`}, "arguments are broken JSON"},
		"a list":                           {tools, ToolCall{"loose", `["x"]`}, "arguments are no object"},
		"against a schema that was loose":  {tools, ToolCall{"loose", `{"age":"x"}`}, ""},
		"against a schema that was strict": {tools, ToolCall{"strict", `{"age":3}`}, "arguments against the schema: required"},
		"conforms":                         {tools, ToolCall{"strict", `{"name":"x","age":3}`}, ""},
		"a function nobody offered":        {tools, ToolCall{"other", `{}`}, "a call of a function that was not offered"},
		"names unknown":                    {nil, ToolCall{"other", `{}`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, f := range New(Checks{}).Assess(Input{Tools: c.tools}, Answer{ToolCalls: []ToolCall{c.call}, FinishReason: "tool_calls"}) {
				got = f.Detail
			}
			if got != c.want {
				t.Errorf("found %q; want %q", got, c.want)
			}
		})
	}
}
