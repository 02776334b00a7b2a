package faults

import (
	"fmt"
	"net/http"
	"time"
)

// refusals are answers with a status that says so.
var refusals = []Fault{
	{"429", "429 that names no time", refuse(429, "rate_limit_error", "rate_limit_exceeded", "")},
	{"429-seconds", "429 with Retry-After: 1", refuse(429, "rate_limit_error", "rate_limit_exceeded", "1")},
	{"429-date", "429 with Retry-After as a date 2 s ahead", func(x *exchange) {
		x.w.Header().Set("Retry-After", x.now().Add(2*time.Second).UTC().Format(http.TimeFormat))
		refuse(429, "rate_limit_error", "rate_limit_exceeded", "")(x)
	}},
	{"429-garbage", "429 with Retry-After: soon", refuse(429, "rate_limit_error", "rate_limit_exceeded", "soon")},
	{"429-long", "429 with Retry-After: 300", refuse(429, "rate_limit_error", "rate_limit_exceeded", "300")},
	{"quota", "429 insufficient_quota", refuse(429, "insufficient_quota", "insufficient_quota", "")},
	{"500", "500", refuse(500, "server_error", "", "")},
	{"503", "503", refuse(503, "server_error", "", "")},
	{"503-seconds", "503 with Retry-After: 1", refuse(503, "server_error", "", "1")},
	{"500-html", "500 with a page", func(x *exchange) {
		x.w.Header().Set("Content-Type", "text/html")
		x.w.WriteHeader(http.StatusInternalServerError)
		x.write(page)
	}},
	{"400", "400 invalid_request_error", refuse(400, "invalid_request_error", "context_length_exceeded", "")},
	{"401", "401", refuse(401, "invalid_request_error", "invalid_api_key", "")},
	{"402", "402", refuse(402, "billing_error", "", "")},
	{"403", "403", refuse(403, "invalid_request_error", "", "")},
	{"404", "404", refuse(404, "invalid_request_error", "model_not_found", "")},
	{"redirect", "307 to another host", func(x *exchange) {
		http.Redirect(x.w, x.r, "http://elsewhere.invalid/v1/chat/completions", http.StatusTemporaryRedirect)
	}},
}

const page = "<!doctype html><html><head><title>Bad gateway</title></head><body>data: nothing to see</body></html>\n"

// refuse answers with an error in OpenAI's form. after is its Retry-After.
func refuse(status int, kind, code, after string) func(*exchange) {
	return func(x *exchange) {
		if after != "" {
			x.w.Header().Set("Retry-After", after)
		}
		quoted := "null"
		if code != "" {
			quoted = `"` + code + `"`
		}
		x.status(status, fmt.Sprintf(`{"error":{"message":"it says %d","type":"%s","param":null,"code":%s}}`, status, kind, quoted))
	}
}
