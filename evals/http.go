package evals

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"assay/models"
	"assay/models/openai"
	"assay/scoring"
)

// Endpoint samples an OpenAI-compatible endpoint, Assay's own gateway included.
// It sends one chat completion at a time, without streaming, and retries what a
// second attempt may mend. The zero value of every field but BaseURL works.
type Endpoint struct {
	BaseURL string // ends before "/chat/completions"
	APIKey  string // sent as a bearer token unless empty
	Client  *http.Client
	// Timeout bounds one attempt; default 5 minutes.
	Timeout time.Duration
	// Attempts bounds the tries of one question; default 6.
	Attempts int
	// Backoff is the wait before the second attempt, doubled for each further
	// one up to MaxBackoff, each with jitter. Defaults 500 ms and 30 s.
	Backoff, MaxBackoff time.Duration

	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
	Rand  func() float64 // uniform in [0,1)
}

// CallError is a failed question: all attempts together.
type CallError struct {
	Status    int  // HTTP status of the last attempt; 0 if none came
	Permanent bool // asking again will not mend it
	Attempts  int
	// Doubtful counts attempts that may be charged though no answer came.
	Doubtful int
	Err      error
}

func (e *CallError) Error() string {
	tries := ""
	if e.Attempts > 1 {
		tries = fmt.Sprintf(" (after %d attempts)", e.Attempts)
	}
	return e.Err.Error() + tries
}

// Unwrap gives the error of the last attempt.
func (e *CallError) Unwrap() error { return e.Err }

// maxAnswer bounds an answer's body in bytes.
const maxAnswer = 32 << 20

// Sample asks one question.
func (e *Endpoint) Sample(ctx context.Context, req Request) (Answer, error) {
	body, err := requestBody(req)
	if err != nil {
		return Answer{}, &CallError{Permanent: true, Err: err}
	}
	attempts := cmp.Or(e.Attempts, 6)
	doubtful := 0
	for i := 1; ; i++ {
		a, f := e.attempt(ctx, req.Model, body)
		if f == nil {
			a.Attempts, a.Doubtful = i, doubtful
			return a, nil
		}
		if f.doubtful {
			doubtful++
		}
		if !f.retry || i >= attempts || ctx.Err() != nil {
			return Answer{}, &CallError{Status: f.status, Permanent: !f.retry, Attempts: i, Doubtful: doubtful, Err: f.err}
		}
		if f.doubtful && req.MayRetry != nil && !req.MayRetry() {
			return Answer{}, &CallError{Status: f.status, Attempts: i, Doubtful: doubtful, Err: fmt.Errorf("%w; %w", f.err, ErrBudget)}
		}
		if err := e.sleep(ctx, e.wait(i, f.retryAfter)); err != nil {
			return Answer{}, &CallError{Status: f.status, Attempts: i, Doubtful: doubtful, Err: f.err}
		}
	}
}

// Reach checks that something listens at the endpoint. Any HTTP answer will do.
func (e *Endpoint) Reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(e.BaseURL, "/")+"/models", nil)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrUnreachable, err)
	}
	e.setHeaders(req)
	resp, err := e.client().Do(req)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrUnreachable, err)
	}
	resp.Body.Close()
	return nil
}

// requestBody is the request's JSON: model, messages, sampling, extras.
func requestBody(req Request) ([]byte, error) {
	body := map[string]any{}
	for k, v := range req.Sampling.Extra {
		body[k] = v
	}
	messages := req.Messages
	if s := req.Sampling.System; s != "" {
		messages = append([]Message{{Role: "system", Content: s}}, messages...)
	}
	body["model"], body["messages"], body["stream"] = req.Model, messages, false
	if n := req.Sampling.MaxTokens; n > 0 {
		body[cmp.Or(req.Sampling.MaxTokensField, "max_tokens")] = n
	}
	if t := req.Sampling.Temperature; t != nil {
		body["temperature"] = *t
	}
	return json.Marshal(body)
}

// failure is one attempt that gave no answer.
type failure struct {
	status     int
	retry      bool
	doubtful   bool // the endpoint may have worked, and charged, for nothing
	retryAfter time.Duration
	err        error
}

func (e *Endpoint) attempt(ctx context.Context, model string, body []byte) (Answer, *failure) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(e.Timeout, 5*time.Minute))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(e.BaseURL, "/")+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		return Answer{}, &failure{err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	e.setHeaders(req)
	if !isAlias(model) { // a gateway must answer with the very model that is measured
		req.Header.Set("X-Gateway-Routing", "explicit")
	}
	start := e.now()
	resp, err := e.client().Do(req)
	if err != nil {
		return Answer{}, transportFailure(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if resp.StatusCode != http.StatusOK {
		return Answer{}, e.statusFailure(resp, data)
	}
	if err != nil {
		return Answer{}, &failure{status: resp.StatusCode, retry: true, doubtful: true, err: fmt.Errorf("answer broke off: %w", err)}
	}
	if len(data) > maxAnswer {
		return Answer{}, &failure{status: resp.StatusCode, err: fmt.Errorf("answer is larger than %d MiB", maxAnswer>>20)}
	}
	a, f := decodeAnswer(model, resp.Header, data)
	a.Latency = e.now().Sub(start)
	return a, f
}

func (e *Endpoint) setHeaders(req *http.Request) {
	if e.APIKey != "" {
		req.Header.Set("Authorization", "Bearer "+e.APIKey)
	}
	req.Header.Set("Cache-Control", "no-store") // every answer is the model's own
	req.Header.Set("User-Agent", "assay-evals")
}

// transportFailure tells a call that was never sent from one whose fate is
// unknown.
func transportFailure(err error) *failure {
	f := &failure{retry: true, doubtful: true, err: err}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		f.doubtful = false
	}
	if errors.Is(err, context.DeadlineExceeded) {
		f.err = fmt.Errorf("no answer in time: %w", err)
	}
	return f
}

// statusFailure reads an error answer. Error answers are not charged.
func (e *Endpoint) statusFailure(resp *http.Response, data []byte) *failure {
	f := &failure{status: resp.StatusCode, retryAfter: retryAfter(resp.Header, e.now())}
	switch s := resp.StatusCode; {
	case s == http.StatusTooManyRequests:
		f.retry = resp.Header.Get("X-Should-Retry") != "false"
	case s == http.StatusRequestTimeout, s == http.StatusConflict, s == http.StatusTooEarly, s >= 500:
		f.retry = s != http.StatusNotImplemented && resp.Header.Get("X-Should-Retry") != "false"
	}
	f.err = fmt.Errorf("HTTP %d: %s", resp.StatusCode, errorText(data))
	return f
}

func errorText(data []byte) string {
	for _, path := range []string{"error.message", "error", "message", "detail"} {
		if v := gjson.GetBytes(data, path); v.Type == gjson.String && v.Str != "" {
			return clip(v.Str, 300)
		}
	}
	if text := strings.TrimSpace(string(data)); text != "" {
		return clip(text, 300)
	}
	return "no message"
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// retryAfter reads Retry-After, in seconds or as a date, and retry-after-ms.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 {
		return time.Duration(ms * float64(time.Millisecond))
	}
	v := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(v, 64); err == nil && s > 0 {
		return time.Duration(s * float64(time.Second))
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// wait is the pause before attempt n+1: exponential with half of it jitter,
// and never less than the endpoint asked for. Longer than ten minutes is not
// waited: the next attempt will say so again.
func (e *Endpoint) wait(n int, asked time.Duration) time.Duration {
	d := cmp.Or(e.Backoff, 500*time.Millisecond)
	limit := cmp.Or(e.MaxBackoff, 30*time.Second)
	for range n - 1 {
		d = min(2*d, limit)
	}
	random := e.Rand
	if random == nil {
		random = rand.Float64
	}
	d = d/2 + time.Duration(random()*float64(d/2))
	return min(max(d, asked), 10*time.Minute)
}

// decodeAnswer reads a whole answer and the headers of a gateway.
func decodeAnswer(model string, h http.Header, data []byte) (Answer, *failure) {
	broken := func(what string) *failure {
		return &failure{status: http.StatusOK, retry: true, doubtful: true, err: fmt.Errorf("%s: %s", what, clip(string(data), 200))}
	}
	if !json.Valid(data) {
		return Answer{}, broken("answer is not JSON")
	}
	if gjson.GetBytes(data, "error").IsObject() {
		return Answer{}, &failure{status: http.StatusOK, retry: true, err: errors.New("error in the answer: " + errorText(data))}
	}
	choice := gjson.GetBytes(data, "choices.0")
	if !choice.Exists() {
		return Answer{}, broken("answer has no choices")
	}
	message := choice.Get("message")
	a := Answer{
		Output:       messageText(message.Get("content")) + message.Get("refusal").Str,
		Reasoning:    cmp.Or(message.Get("reasoning_content").Str, message.Get("reasoning").Str),
		FinishReason: choice.Get("finish_reason").Str,
		RoutedModel:  h.Get("X-Model-Router-Model"),
		Provider:     h.Get("X-Model-Router-Provider"),
		RequestID:    h.Get("X-Request-Id"),
		EndpointKind: KindReal,
	}
	switch {
	case h.Get("X-Assay-Simulated") != "":
		a.EndpointKind = KindSim
	case a.RoutedModel != "":
		a.EndpointKind = KindGateway
	}
	a.Usage, a.HasUsage = openai.Usage(data)
	if nano, err := models.ParseUSD(h.Get("X-Model-Router-Cost-Usd")); err == nil {
		a.CostNano, a.HasCost = nano, true
	}
	if other := wrongModel(model, a.RoutedModel, h.Get("X-Gateway-Routed-From")); other != "" {
		return a, &failure{status: http.StatusOK, doubtful: true,
			err: fmt.Errorf("%s answered instead of %s: its answer does not count", other, model)}
	}
	return a, nil
}

// messageText reads content that is a string or a list of parts.
func messageText(v gjson.Result) string {
	if !v.IsArray() {
		return v.String()
	}
	var b strings.Builder
	for _, part := range v.Array() {
		b.WriteString(part.Get("text").Str)
	}
	return b.String()
}

// wrongModel names the model that answered if it is not the exact one asked
// for. An alias (assay/balanced, flagship:cost, a bare name) may be any model.
func wrongModel(asked, answered, routedFrom string) string {
	if isAlias(asked) || !strings.Contains(asked, "/") || answered == "" {
		return ""
	}
	if answered != asked || routedFrom != "" && routedFrom != asked {
		return answered
	}
	return ""
}

// isAlias reports whether a name leaves the choice of the model to a gateway.
func isAlias(model string) bool {
	tier, _, direction := strings.Cut(model, ":")
	return strings.HasPrefix(model, "assay/") || direction && slices.Contains(scoring.AllTiers, scoring.Tier(tier))
}

func (e *Endpoint) client() *http.Client {
	if e.Client != nil {
		return e.Client
	}
	return http.DefaultClient
}

func (e *Endpoint) now() time.Time {
	if e.Now != nil {
		return e.Now()
	}
	return time.Now()
}

func (e *Endpoint) sleep(ctx context.Context, d time.Duration) error {
	if e.Sleep != nil {
		return e.Sleep(ctx, d)
	}
	return Sleep(ctx, d)
}
