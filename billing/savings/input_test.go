package savings

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What cannot be used is refused by name, with the line it stands on.
func TestRefusals(t *testing.T) {
	const head = "model,requests,input_tokens,cached_tokens,output_tokens,cost_usd,named,class,service_tier,input_audio_tokens\n"
	csv := func(rows string) Params { return Params{Import: text(head + rows)} }
	jsonl := func(s string) Params { return Params{Import: text(s), Format: "jsonl"} }
	for _, c := range []struct {
		rule  string
		p     Params
		line  int
		field string
		says  string
	}{
		{"share above 1", Params{HardShare: "1.1"}, 0, "hard_share", "from 0 to 1"},
		{"negative share", Params{HardShare: "-0.1"}, 0, "hard_share", "from 0 to 1"},
		{"share in percent", Params{HardShare: "20%"}, 0, "hard_share", "from 0 to 1"},
		{"negative requests", Params{Requests: "-1"}, 0, "requests", "negative"},
		{"no requests", Params{Requests: "0"}, 0, "requests", "no request"},
		{"requests with an exponent", Params{Requests: "1e6"}, 0, "requests", "no whole number"},
		{"too many requests", Params{Requests: "99999999999999999999"}, 0, "requests", "too large"},
		{"tokens that overflow", Params{Requests: "9000000000000000000"}, 0, "", "too large"},
		{"money that overflows", Params{Requests: "9000000000000000"}, 0, "", "too large"},
		{"more cached than input", Params{CachedTokens: "1001"}, 0, "cached_tokens", "1001 of 1000"},
		{"half a price", Params{FlatPrice: "3"}, 0, "flat_price", "IN/OUT"},
		{"negative price", Params{HardPrice: "-8/32"}, 0, "hard_price", "no plain decimal"},
		{"fee in percent", Params{Fee: "4"}, 0, "fee", "from 0 to 1"},
		{"unknown flagship", Params{Flagship: "acme/flog"}, 0, "flagship", "nearest: acme/flag"},
		{"flagship of another kind", Params{Flagship: "acme/embed"}, 0, "flagship", "embedding"},
		{"flagship without a price", Params{Flagship: "acme/unpriced"}, 0, "flagship", "no standard price"},
		{"route without a class", Params{Routes: []string{"acme/flag"}}, 0, "route", "CLASS=MODEL"},
		{"route of a strange class", Params{Routes: []string{"easy=acme/flag"}}, 0, "route", "everyday or hard"},
		{"shares that do not add up", Params{Routes: []string{"hard=acme/flag@0.5"}}, 0, "route", "add up to 0.5"},
		{"shares above 1", Params{Routes: []string{"hard=acme/flag@0.7", "hard=acme/mini@0.7"}}, 0, "route", "more than 1"},
		{"unknown route", Params{Routes: []string{"hard=acme/flog"}}, 0, "route", "not in the catalogue"},
		{"price without a model", Params{Prices: []string{"1/2"}}, 0, "price", "MODEL=IN/OUT"},
		{"two prices", Params{Prices: []string{"x=1/2", "x=1/3"}}, 0, "price", "two prices"},
		{"no date", Params{At: "25.11.2026"}, 0, "at", "YYYY-MM-DD"},
		{"no boolean", Params{FlatBillsThinking: "maybe"}, 0, "flat_bills_thinking", "neither true nor false"},
		{"mix and import", Params{Requests: "1", Import: text(head)}, 0, "requests", "comes from the import"},
		{"format without import", Params{Format: "csv"}, 0, "import", "there is none"},

		{"empty file", Params{Import: text("")}, 0, "import", "empty"},
		{"blank file", Params{Import: text(" \n\n")}, 1, "model", "no such column"},
		{"only a header", csv(""), 0, "import", "no line of usage"},
		{"only quiet days", csv(",0,0,0,0,,,,,\n"), 0, "import", "no line of usage"},
		{"no such column", Params{Import: text("model,requests,tokens\n")}, 1, "input_tokens", "prompt_tokens"},
		{"a column twice", Params{Import: text("model,requests,input_tokens,prompt_tokens,output_tokens\n")}, 1, "prompt_tokens", "same as column"},
		{"garbage", Params{Import: text("\x00\xff\"")}, 1, "", "no CSV"},
		{"a short row", csv("acme/mini,1,1,0,1,,,,,\nacme/mini,1\n"), 3, "", "wrong number of fields"},
		{"negative tokens", csv("acme/mini,1,1,0,1,,,,,\nacme/mini,1,-5,0,1,,,,,\n"), 3, "input_tokens", "negative"},
		{"words for numbers", csv("acme/mini,many,1,0,1,,,,,\n"), 2, "requests", "no whole number"},
		{"a missing number", csv("acme/mini,,1,0,1,,,,,\n"), 2, "requests", "missing"},
		{"usage without requests", csv("acme/mini,0,1,0,1,,,,,\n"), 2, "requests", "0, but"},
		{"more cached than there is", csv("acme/mini,1,1,2,1,,,,,\n"), 2, "cached_tokens", "2 of 1"},
		{"no model", csv(",1,1,0,1,,,,,\n"), 2, "model", "missing"},
		{"a price of nothing", csv("acme/mini,1,1,0,1,0,,,,\n"), 2, "cost_usd", "leave it empty"},
		{"a cost with an exponent", csv("acme/mini,1,1,0,1,1e-5,,,,\n"), 2, "cost_usd", "no plain decimal"},
		{"named maybe", csv("acme/mini,1,1,0,1,,maybe,,,\n"), 2, "named", "neither"},
		{"a strange class", csv("acme/mini,1,1,0,1,,,L3,,\n"), 2, "class", "everyday or hard"},
		{"a strange service", csv("acme/mini,1,1,0,1,,,,scale,\n"), 2, "service_class", "batch"},
		{"audio", csv("acme/mini,1,1,0,1,,,,,7\n"), 2, "input_audio_tokens", "audio"},
		{"sums that overflow", csv("acme/mini,1,9000000000000000000,0,1,,,,,\nacme/mini,1,9000000000000000000,0,1,,,,,\n"), 3, "", "too large"},
		{"a stranger", csv("acme/mini,1,1,0,1,,,,,\ngpt-x,1,1,0,1,,,,,\n"), 0, "price", "line 3: \"gpt-x\" is not in the catalogue"},
		{"a zero that is not meant", csv("acme/zero,1,1,0,1,,,,,\n"), 0, "price", "unknown is not free"},
		{"no price for this service", csv("acme/flag,1,1,0,1,,,,batch,\n"), 0, "price", "no batch price"},
		{"a cap without a list price", csv("gpt-x,1,1,0,1,5,true,,,\n"), 0, "price", "gpt-x"},
		{"no JSON", jsonl("{\"model\":\"acme/mini\",\"requests\":1,\"input_tokens\":1,\"output_tokens\":1}\n{nonsense\n"), 2, "", "no JSON object"},
		{"a nested value", jsonl(`{"model":{"id":"x"}}`), 1, "model", "no plain value"},
		{"a page of the usage API", jsonl(`{"object":"page","data":[]}`), 1, "data", "jq"},
		{"a fraction of a token", jsonl(`{"model":"acme/mini","requests":1,"input_tokens":1.5,"output_tokens":1}`), 1, "input_tokens", "no whole number"},
		{"a strange format", Params{Import: text("x"), Format: "xml"}, 0, "format", "csv or jsonl"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if c.p.Flagship == "" {
				c.p.Flagship = "acme/flag"
			}
			_, err := Compute(testBasis(t), c.p)
			var in *InputError
			if !errors.As(err, &in) {
				t.Fatalf("got %v, want an input error", err)
			}
			if in.Line != c.line || in.Field != c.field || !strings.Contains(in.Reason, c.says) {
				t.Errorf("line %d, field %q: %q; want line %d, field %q, %q", in.Line, in.Field, in.Reason, c.line, c.field, c.says)
			}
		})
	}
}

// OpenAI's usage export, its older activity export, and JSONL say the same.
func TestSameUsageInEveryForm(t *testing.T) {
	forms := map[string]string{
		"schema": "model,requests,input_tokens,cached_tokens,output_tokens\nacme/mini,7,1000,400,90\n",
		"OpenAI usage": "\ufeffstart_time,end_time,project_id,num_model_requests,user_id,api_key_id,model,batch,input_tokens,output_tokens,input_cached_tokens,input_audio_tokens,output_audio_tokens\r\n" +
			"1761955200,1762041600,proj_1,3,,,acme/mini,False,600,50,400,0,0\r\n1762041600,1762128000,proj_1,4,,,acme/mini,False,400,40,0,0,0\r\n1762128000,1762214400,,0,,,,,0,0,0,0,0\r\n",
		"OpenAI activity": "timestamp,snapshot_id,n_requests,n_context_tokens_total,n_cached_context_tokens_total,n_generated_tokens_total\n1,acme/mini,7,1000,400,90\n",
		"JSONL": `{"object":"organization.usage.completions.result","input_tokens":600,"output_tokens":50,"input_cached_tokens":400,"num_model_requests":3,"project_id":null,"model":"acme/mini","batch":false}

{"model":"acme/mini","requests":"4","prompt_tokens":400,"completion_tokens":40,"service_tier":"default"}
`,
	}
	want := compute(t, Params{Import: text(forms["schema"])})
	for name, form := range forms {
		if diff := cmp.Diff(want, compute(t, Params{Import: text(form)})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// The bare names of exports are resolved as the gateway does it.
func TestBareNames(t *testing.T) {
	b := testBasis(t)
	b.Resolve = func(name string) (string, error) {
		if name == "mini" {
			return "acme/mini", nil
		}
		return "", errors.New("unknown")
	}
	r, err := Compute(b, Params{Flagship: "acme/flag", Import: text("model,requests,input_tokens,output_tokens\nmini,1,1000000,1000000\n")})
	if err != nil || r.Baselines[0].Total != usdOf(t, "2") {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestDecodeParams(t *testing.T) {
	p, err := DecodeParams([]byte(`{"requests":1000000,"hard_share":0.3,"fee":"0.05","flat_bills_thinking":true,"route":["hard=x"],"at":null}`))
	if err != nil || p.Requests != "1000000" || p.HardShare != "0.3" || p.Fee != "0.05" || p.FlatBillsThinking != "true" || len(p.Routes) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	for _, bad := range []string{"", "[]", "{", `{"request":1}`, `{"requests":[1]}`, `{"route":"x"}`, `{} {}`} {
		var in *InputError
		if _, err := DecodeParams([]byte(bad)); !errors.As(err, &in) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []map[string][]string{{"nonsense": {"1"}}, {"requests": {"1", "2"}}} {
		var in *InputError
		if _, err := QueryParams(bad); !errors.As(err, &in) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// FuzzImport gives any bytes as a usage export: reading never panics, refuses
// with readable errors, and what it accepts has counts that make sense and can
// be written as JSONL and read again.
func FuzzImport(f *testing.F) {
	for _, seed := range []string{
		"", "model\n", threeLines, "\ufeffmodel,requests,input_tokens,output_tokens\r\n\"a,b\",1,2,3\r\n",
		"model,requests,input_tokens,output_tokens\nx,-1,2,3\n", "model,requests,input_tokens,output_tokens\nx,9223372036854775807,2,3\n",
		"snapshot_id,n_requests,n_context_tokens_total,n_generated_tokens_total\nx,1,2,3\n", "model,requests,input_tokens,output_tokens\n\"\n",
		`{"model":"x","num_model_requests":1,"input_tokens":2,"output_tokens":3,"batch":true}`, `{"data":[]}`, "{\n", `{"model":"x","requests":1e3}`,
		`{"model":"x","requests":1,"input_tokens":1,"output_tokens":1,"cost_usd":0.12345678901234}`,
	} {
		f.Add([]byte(seed))
	}
	basis := testBasis(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := readUsage(bytes.NewReader(data), "")
		var in *InputError
		if err != nil {
			if !errors.As(err, &in) || in.Reason == "" {
				t.Fatalf("%q: %v", data, err)
			}
			return
		}
		for _, r := range rows {
			if r.requests < 0 || r.cached < 0 || r.cached > r.input || r.output < 0 || r.cost < 0 || r.model == "" {
				t.Fatalf("%q: %+v", data, r)
			}
		}
		if again, err := readUsage(bytes.NewReader(writeRows(t, rows)), "jsonl"); err != nil || !sameRows(rows, again) {
			t.Fatalf("%q: read again as %+v, %v", data, again, err)
		}
		report, err := Compute(basis, Params{Flagship: "acme/flag", Import: text(string(data)), Prices: []string{"x=1/2", "y=0/0"}})
		if err != nil {
			if !errors.As(err, &in) {
				t.Fatalf("%q: %v", data, err)
			}
			return
		}
		if err := report.WriteText(&bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
		for _, p := range report.Plans {
			if p.Known && p.Bill.Total < 0 {
				t.Fatalf("%q: %s comes to %d", data, p.Name, p.Bill.Total)
			}
		}
	})
}

func writeRows(t *testing.T, rows []usageRow) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, r := range rows {
		o := map[string]any{"model": strings.ToValidUTF8(r.model, "\ufffd"), "requests": r.requests, "input_tokens": r.input, "cached_tokens": r.cached, "output_tokens": r.output, "named": r.named, "service_class": r.serviceClass}
		if r.hasClass {
			o["class"] = r.class.String()
		}
		if r.hasCost {
			o["cost_usd"] = usd(r.cost)
		}
		line, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.Bytes()
}

func sameRows(a, b []usageRow) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		x.line, y.line = 0, 0
		x.model = strings.ToValidUTF8(x.model, "\ufffd")
		if x != y {
			return false
		}
	}
	return true
}
