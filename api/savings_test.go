package api

import (
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"assay/billing/savings"
)

func savingsServer(t *testing.T, o Options) string {
	t.Helper()
	o.Now = func() time.Time { return time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC) }
	return serve(t, echo, o).URL + "/v1/savings"
}

// The default mix, with the choices of the table in force.
func TestSavingsOfTheDefaultMix(t *testing.T) {
	r := send(t, "GET", savingsServer(t, Options{}), "")
	if r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for path, want := range map[string]string{
		"object": "savings", "schema": "1", "at": "2026-11-25", "traffic.source": "assumed", "traffic.hard_share": "0.2000",
		"baselines.0.name": "former_mix", "baselines.0.total.usd": "3840", "baselines.1.name": "always_flagship", "baselines.1.model": savings.DefaultFlagship,
		"plans.0.name": "flat", "plans.0.bill.total.nano_usd": "6000000000000", "plans.0.comparisons.0.with": "former_mix",
		"plans.0.comparisons.0.saving_percent": "-56.25", "plans.0.comparisons.0.words": "costs 1.56 times as much ($2160 more)", "plans.0.comparisons.1.with": "always_flagship",
		"plans.1.name": "pass_through", "plans.1.known": "true", "plans.1.margin.known": "true", "promise.rows.0.at_least_low.from_exact": "23/38",
	} {
		if got := gjson.Get(r.body, path).String(); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	easy, hard := gjson.Get(r.body, "answering.0"), gjson.Get(r.body, "answering.1")
	if easy.Get("class").Str != "everyday" || hard.Get("class").Str != "hard" || easy.Get("model").Str == hard.Get("model").Str || hard.Get("reason").Str == "" {
		t.Errorf("answering %s", gjson.Get(r.body, "answering"))
	}
}

// A query, a JSON body and an export as the body are three ways to say one thing.
func TestSavingsInEveryForm(t *testing.T) {
	url := savingsServer(t, Options{})
	const csv = "model,requests,input_tokens,output_tokens\ngpt-4o,10,100000,20000\nopenai/gpt-4.1-mini-2025-04-14,90,50000,9000\n"
	const query = "?flat_price=1/4&route=hard%3Dopenai/gpt-4o&route=everyday%3Dopenai/gpt-4.1-mini-2025-04-14"
	want := send(t, "POST", url+query, csv, "Content-Type", "text/csv; charset=utf-8")
	if want.status != 200 || gjson.Get(want.body, "traffic.source").Str != "imported" || gjson.Get(want.body, "traffic.hard_share").Str != "0.1000" {
		t.Fatalf("%d %s", want.status, want.body)
	}
	const plans = `"flat_price":"1/4","route":["hard=openai/gpt-4o","everyday=openai/gpt-4.1-mini-2025-04-14"]`
	for name, r := range map[string]reply{
		"import": send(t, "POST", url, `{"import":"`+strings.ReplaceAll(csv, "\n", `\n`)+`",`+plans+`}`),
		"usage": send(t, "POST", url, `{"usage":[{"model":"gpt-4o","requests":10,"input_tokens":100000,"output_tokens":20000},
			{"model":"openai/gpt-4.1-mini-2025-04-14","requests":90,"input_tokens":50000,"output_tokens":9000}],`+plans+`}`),
		"JSONL": send(t, "POST", url+query, `{"model":"openai/gpt-4.1-mini-2025-04-14","requests":90,"input_tokens":50000,"output_tokens":9000}
			{"model":"gpt-4o","requests":10,"input_tokens":100000,"output_tokens":20000}`, "Content-Type", "application/jsonl"),
	} {
		if r.status != 200 || r.body != want.body {
			t.Errorf("%s: %d %s\nwant %s", name, r.status, r.body, want.body)
		}
	}
}

// What cannot be used is a 400 in OpenAI's form that names the parameter.
func TestSavingsRefusals(t *testing.T) {
	url := savingsServer(t, Options{MaxBody: 200})
	for _, c := range []struct {
		rule, method, query, body, kind string
		status                          int
		code, param, says               string
	}{
		{"share above 1", "GET", "?hard_share=2", "", "", 400, "invalid_savings_request", "hard_share", "0 to 1"},
		{"unknown parameter", "GET", "?hard=2", "", "", 400, "invalid_savings_request", "hard", "no such parameter"},
		{"alias that names a model", "GET", "?alias=gpt-4o", "", "", 400, "invalid_savings_request", "alias", "names a model"},
		{"alias that is none", "GET", "?alias=assay/wild", "", "", 400, "invalid_savings_request", "alias", ""},
		{"no JSON", "POST", "", "nonsense", "", 400, "invalid_savings_request", "", "no JSON object"},
		{"empty body", "POST", "", "", "", 400, "invalid_savings_request", "", "no JSON object"},
		{"empty import", "POST", "", `{"import":""}`, "", 400, "invalid_savings_request", "import", "empty"},
		{"empty CSV", "POST", "", "", "text/csv", 400, "invalid_savings_request", "import", "empty"},
		{"a bad line", "POST", "", "model,requests,input_tokens,output_tokens\nx,1,1,-1\n", "text/csv", 400, "invalid_savings_request", "output_tokens", "line 2"},
		{"a stranger", "POST", "", "model,requests,input_tokens,output_tokens\ngtp-4o,1,1,1\n", "text/csv", 400, "invalid_savings_request", "price", "gpt-4o"},
		{"JSON and query", "POST", "?fee=0", "{}", "", 400, "invalid_savings_request", "", "query string"},
		{"too large", "POST", "", strings.Repeat("x", 201), "text/csv", 413, "request_too_large", "", "larger than 200"},
		{"another method", "PUT", "", "", "", 405, "method_not_allowed", "", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := send(t, c.method, url+c.query, c.body, "Content-Type", c.kind)
			e := gjson.Get(r.body, "error")
			if r.status != c.status || e.Get("code").Str != c.code || e.Get("param").Str != c.param || !strings.Contains(e.Get("message").Str, c.says) || e.Get("type").Str != "invalid_request_error" {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
	}
	key, err := ParseKey("team", strings.Repeat("ab", 32))
	if err != nil {
		t.Fatal(err)
	}
	if r := send(t, "GET", savingsServer(t, Options{Keys: []Key{key}}), ""); r.status != 401 {
		t.Errorf("without a key: %d", r.status)
	}
}
