package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"assay/models"
)

func TestKeySettings(t *testing.T) {
	for _, c := range []struct{ name, yaml, says string }{
		{"both ways at once", "providers: {groq: {api_key_env: A, keys: [{label: x, api_key_env: B}]}}", "providers.groq: has keys and settings of a single key"},
		{"labels are unique", "providers: {groq: {keys: [{label: x, api_key_env: A}, {label: x, api_key_env: B}]}}", "providers.groq.keys[1].label"},
		{"a labelled key names its variable", "providers: {groq: {keys: [{label: x}]}}", "providers.groq.keys[0].api_key_env"},
		{"terms", "providers: {groq: {trains: maybe}}", `providers.groq.trains: "maybe"`},
		{"retention", "providers: {groq: {retention_days: -1}}", "providers.groq.retention_days"},
		{"an allowance of nothing", "providers: {groq: {free: {}}}", "providers.groq.free"},
		{"an allowance of an odd day", "providers: {groq: {free: {requests_per_day: 5, resets: noon}}}", "noon"},
		{"calls in flight", "providers: {groq: {max_in_flight: -1}}", "providers.groq.max_in_flight"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := loadConfig(inFile(t, "assay.yaml", c.yaml)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v; want one that says %q", err, c.says)
			}
		})
	}
	conf, err := loadConfig(inFile(t, "assay.yaml", "providers: {groq: {keys: [{label: f, api_key_env: A, free: {requests_per_day: 1000, models: [groq/x]}}, {label: p, api_key_env: B}, {label: s, api_key_env: C, trains: \"yes\", retention_days: 9}]}}"))
	if err != nil {
		t.Fatal(err)
	}
	catalogued := models.Provider{Name: "groq", Trains: models.No, RetentionDays: 30}
	keys := conf.Providers["groq"].all()
	for i, want := range []struct {
		trains models.Flag
		days   int
		free   bool
	}{{models.Unknown, models.UnknownRetention, true}, {models.No, 30, false}, {models.Yes, 9, false}} {
		if got := keys[i].terms(catalogued); got.Trains != want.trains || got.RetentionDays != want.days || got.Free != want.free {
			t.Errorf("key %s: %+v; want %+v", keys[i].Label, got, want)
		}
	}
	if limits := conf.allowanceLimits(); len(limits) != 1 || limits["groq/f"].RequestsPerDay != 1000 {
		t.Errorf("limits %+v", limits)
	}
}

// TestAFreeKeyEndToEnd: a gateway with a free and a paid key of one provider
// uses the free one as often as it was given, for the org that accepts its
// terms, and never for another.
func TestAFreeKeyEndToEnd(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.Header.Get("Authorization")]++
		mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"choices":[{"index":0,"message":{"role":"assistant","content":"Paris."},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2}}`)
	}))
	defer provider.Close()
	config := inFile(t, "assay.yaml", `
keys: [{label: a, sha256: `+sha("a")+`, org: takes}, {label: b, sha256: `+sha("b")+`, org: refuses}]
simulated: {mode: never}
providers:
  groq:
    base_url: `+provider.URL+`/v1
    keys:
      - {label: free, api_key_env: FREE, trains: "yes", free: {requests_per_day: 3}}
      - {label: paid, api_key_env: PAID}
`)
	g := startGateway(t, map[string]string{"FREE": "sk-free", "PAID": "sk-paid"}, "--config", config,
		"--policy", inFile(t, "p.yaml", "version: 1\norgs: {takes: {training: accept}, refuses: {}}\n"))
	post := func(key, model string) (int, http.Header, string) {
		req, err := http.NewRequest("POST", g.url+"/v1/chat/completions", strings.NewReader(chat(model, "What is the capital of France?")))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		r := read(t, res)
		return r.status, r.header, r.body
	}
	for range 3 {
		if code, h, body := post("a", "assay/free"); code != 200 || h.Get("X-Model-Router-Cost-Usd") != "0.000000000" {
			t.Errorf("status %d, cost %s: %s", code, h.Get("X-Model-Router-Cost-Usd"), body)
		}
	}
	if code, h, body := post("a", "assay/free"); code != 429 || h.Get("Retry-After") == "" || !strings.Contains(body, "free_allowance_used_up") {
		t.Errorf("the fourth: %d %s", code, body)
	}
	if code, _, body := post("b", "assay/free"); code != 400 || !strings.Contains(body, "no_candidate") {
		t.Errorf("an org that did not accept the terms: %d %s", code, body)
	}
	if code, h, _ := post("b", "assay/balanced"); code != 200 || h.Get("X-Model-Router-Cost-Usd") == "0.000000000" {
		t.Errorf("by the paid key: %d, cost %s", code, h.Get("X-Model-Router-Cost-Usd"))
	}
	mu.Lock()
	defer mu.Unlock()
	if seen["Bearer sk-free"] != 3 || seen["Bearer sk-paid"] != 1 {
		t.Errorf("calls by key: %v", seen)
	}
}
