package openai

import (
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

	"assay/models"
)

// Usage reads the "usage" object of an answer or a stream chunk. ok is false
// if there is none. Counts are made consistent: nothing is negative, cached
// tokens are never more than the input, reasoning never more than the output.
func Usage(body []byte) (u models.Usage, ok bool) {
	v := gjson.GetBytes(body, "usage")
	if !v.IsObject() {
		return models.Usage{}, false
	}
	in, out := v.Get("prompt_tokens"), v.Get("completion_tokens")
	if in.Type != gjson.Number && out.Type != gjson.Number {
		return models.Usage{}, false
	}
	u.Input = max(in.Int(), 0)
	u.Output = max(out.Int(), 0)
	cached := v.Get("prompt_tokens_details.cached_tokens")
	if !cached.Exists() { // DeepSeek's name for the same count
		cached = v.Get("prompt_cache_hit_tokens")
	}
	u.CacheRead = min(max(cached.Int(), 0), u.Input)
	u.CacheWrite = min(max(v.Get("prompt_tokens_details.cache_creation_tokens").Int(), 0), u.Input-u.CacheRead)
	u.Reasoning = min(max(v.Get("completion_tokens_details.reasoning_tokens").Int(), 0), u.Output)
	return u, true
}

// Chunk is what Assay looks at in one chunk of a stream.
type Chunk struct {
	Choices   int
	Text      string // content and refusal deltas of all choices, reasoning included
	Finished  bool   // some choice has a finish_reason
	Usage     models.Usage
	HasUsage  bool
	ErrorText string // an error object inside the stream
}

// DecodeChunk reads the data of one server-sent event.
func DecodeChunk(data []byte) Chunk {
	var c Chunk
	root := gjson.ParseBytes(data)
	for _, choice := range root.Get("choices").Array() {
		c.Choices++
		delta := choice.Get("delta")
		c.Text += delta.Get("content").Str + delta.Get("refusal").Str + delta.Get("reasoning_content").Str
		for _, call := range delta.Get("tool_calls").Array() {
			c.Text += call.Get("function.name").Str + call.Get("function.arguments").Str
		}
		c.Finished = c.Finished || choice.Get("finish_reason").Type == gjson.String
	}
	c.Usage, c.HasUsage = Usage(data)
	if e := root.Get("error"); e.Exists() && e.Type != gjson.Null {
		c.ErrorText = errorMessage(e)
	}
	return c
}

// AnswerText gives the text of all choices of a whole (not streamed) answer.
func AnswerText(body []byte) string {
	var b strings.Builder
	for _, choice := range gjson.GetBytes(body, "choices").Array() {
		m := choice.Get("message")
		b.WriteString(m.Get("content").Str + m.Get("refusal").Str)
		for _, call := range m.Get("tool_calls").Array() {
			b.WriteString(call.Get("function.name").Str + call.Get("function.arguments").Str)
		}
	}
	return b.String()
}

// UpstreamError reads a provider's error answer. What is the client's to mend
// keeps its status; the operator's own trouble with the provider (401, 402,
// 403) becomes 502, for a client's key is not at fault there.
func UpstreamError(provider string, status int, body []byte) *Error {
	v := gjson.GetBytes(body, "error")
	msg := errorMessage(v)
	if msg == "" {
		msg = strings.TrimSpace(http.StatusText(status) + ": " + otherMessage(body))
		msg = strings.TrimSuffix(msg, ":")
	}
	e := &Error{Status: status, Message: provider + ": " + msg, Type: v.Get("type").String(), Code: v.Get("code").String(), Param: v.Get("param").String()}
	switch {
	case status == http.StatusTooManyRequests && (e.Code == "insufficient_quota" || e.Type == "insufficient_quota" || e.Code == "billing_hard_limit_reached"):
		e.Status, e.Type, e.Code, e.Param = http.StatusServiceUnavailable, "server_error", "upstream_quota", ""
		e.Message = "the operator's quota at " + provider + " is used up; the operator has been told in the log"
	case status == http.StatusUnauthorized, status == http.StatusPaymentRequired, status == http.StatusForbidden:
		e.Status, e.Type, e.Code, e.Param = http.StatusBadGateway, "server_error", "upstream_auth", ""
		e.Message = provider + " refused the operator's credentials or account (" + http.StatusText(status) + "); the operator has been told in the log"
	case status < 400, status >= 500:
		e.Status, e.Type, e.Code = http.StatusBadGateway, "server_error", "upstream_error"
	}
	if e.Type == "" {
		e.Type = "upstream_error"
	}
	return e
}

// otherMessage finds words in an error that is not in OpenAI's form: the usual
// fields of other frameworks, else the beginning of a plain text.
func otherMessage(body []byte) string {
	for _, field := range []string{"message", "detail", "detail.0.msg"} {
		if s := gjson.GetBytes(body, field); s.Type == gjson.String && s.Str != "" {
			return s.Str
		}
	}
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(body[:min(len(body), 200)]), "")), " ")
	if strings.HasPrefix(text, "<") || strings.HasPrefix(text, "{") {
		return "" // a page or a structure is no sentence
	}
	return text
}

func errorMessage(v gjson.Result) string {
	for _, s := range []string{v.Get("message").Str, v.Str} {
		if s != "" {
			return s
		}
	}
	if v.IsObject() {
		return "unspecified error"
	}
	return ""
}
