package openai

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/models"
)

func TestUsageIsConsistentWhateverTheProviderReports(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want models.Usage
		ok   bool
	}{
		"plain":                        {`{"usage":{"prompt_tokens":10,"completion_tokens":5}}`, models.Usage{Input: 10, Output: 5}, true},
		"cached and reasoning":         {`{"usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}}`, models.Usage{Input: 10, CacheRead: 4, Output: 5, Reasoning: 3}, true},
		"DeepSeek's name":              {`{"usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_cache_hit_tokens":6}}`, models.Usage{Input: 10, CacheRead: 6, Output: 5}, true},
		"cached never above input":     {`{"usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":40}}}`, models.Usage{Input: 10, CacheRead: 10, Output: 5}, true},
		"nothing negative":             {`{"usage":{"prompt_tokens":-1,"completion_tokens":-5,"prompt_tokens_details":{"cached_tokens":-4}}}`, models.Usage{}, true},
		"reasoning never above output": {`{"usage":{"prompt_tokens":1,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":9}}}`, models.Usage{Input: 1, Output: 5, Reasoning: 5}, true},
		"null":                         {`{"usage":null}`, models.Usage{}, false},
		"absent":                       {`{}`, models.Usage{}, false},
		"empty":                        {`{"usage":{}}`, models.Usage{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := Usage([]byte(c.body))
			if diff := cmp.Diff(c.want, got); diff != "" || ok != c.ok {
				t.Errorf("ok %v, want %v; usage (-want +got):\n%s", ok, c.ok, diff)
			}
		})
	}
}

func TestUpstreamErrorNeverBlamesTheClientForTheOperatorsAccount(t *testing.T) {
	for status, want := range map[int]int{400: 400, 401: 502, 402: 502, 403: 502, 404: 404, 422: 422, 429: 429, 500: 502, 503: 502, 302: 502} {
		e := UpstreamError("p", status, []byte(`{"error":{"message":"no sk-secret","type":"t","code":"c","param":"x"}}`))
		if e.Status != want {
			t.Errorf("upstream %d: status %d, want %d", status, e.Status, want)
		}
		if want == 502 && (status == 401 || status == 402 || status == 403) && (e.Code != "upstream_auth" || e.Message == "p: no sk-secret") {
			t.Errorf("upstream %d shows the provider's own words about the account: %s", status, e.Message)
		}
	}
	for body, want := range map[string]string{
		`{"error":{"message":"m"}}`:      "p: m",
		`{"error":"m"}`:                  "p: m",
		`{"detail":"d"}`:                 "p: Bad Request: d",
		`{"detail":[{"msg":"missing"}]}`: "p: Bad Request: missing",
		"Invalid UUID\n":                 "p: Bad Request: Invalid UUID",
		"<html>":                         "p: Bad Request",
		"":                               "p: Bad Request",
		`{"x":1}`:                        "p: Bad Request",
	} {
		if e := UpstreamError("p", 400, []byte(body)); e.Message != want {
			t.Errorf("%q: message %q, want %q", body, e.Message, want)
		}
	}
	if e := UpstreamError("p", 500, []byte("<html>")); e.Message == "" || e.Type == "" {
		t.Errorf("no JSON body: %+v", e)
	}
}
