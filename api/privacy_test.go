package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"assay/models"
	"assay/router"
	"assay/router/policy"
)

// What must be seen nowhere: the prompt's and the answer's words, the client's
// key, the provider's key.
const (
	promptWords = "xylophone marmalade"
	answerWords = "zeppelin rhubarb"
	clientKey   = "sk-client-0123456789"
	upstreamKey = "sk-provider-9876543210"
)

// indiscreet is a provider that answers with the answer's words, and whose
// errors quote all it knows.
func indiscreet(_ context.Context, c router.Call) (*router.Response, error) {
	gossip := fmt.Sprintf(`{"error":{"message":"bad key %s for %s","type":%q,"code":%q,"param":%q}}`, upstreamKey, promptWords, promptWords, promptWords, promptWords)
	part := fmt.Sprintf("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", answerWords)
	body := string(c.Body)
	switch {
	case strings.Contains(body, "[refuse]"):
		return answer(400, gossip), nil
	case strings.Contains(body, "[limit]"):
		r := answer(429, gossip)
		r.Header = http.Header{"Retry-After": {"60"}}
		return r, nil
	case strings.Contains(body, "[fail]"):
		return answer(500, gossip), nil
	case strings.Contains(body, "[nonsense]"):
		return answer(200, answerWords), nil
	case strings.Contains(body, "[refuse to connect]"):
		return nil, errors.New("connection refused")
	case strings.Contains(body, "[break]"):
		return answer(200, part+"data: "+gossip+"\n\n"), nil
	case strings.Contains(body, "[cut]"):
		return &router.Response{Status: 200, Body: io.NopCloser(io.MultiReader(strings.NewReader(part), iotest.ErrReader(io.ErrUnexpectedEOF)))}, nil
	case c.Stream:
		return answer(200, part+"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n"), nil
	}
	return answer(200, fmt.Sprintf(`{"choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"length"}],"usage":{"prompt_tokens":10,"completion_tokens":3}}`, strings.Repeat(answerWords+" ", 40))), nil
}

// buffer can be written to by requests side by side.
type buffer struct {
	mu sync.Mutex
	bytes.Buffer
}

// Write appends.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// TestNoPromptAnswerOrKeyIsLoggedCountedOrTraced sends requests that end in
// every way there is, shadows included, and looks through all that operators
// get to see by default: the log of gateway and router, metrics, spans.
func TestNoPromptAnswerOrKeyIsLoggedCountedOrTraced(t *testing.T) {
	base := table()
	named := "gpt-4o"
	target, err := base.Resolve(named)
	if err != nil {
		t.Fatal(err)
	}
	all := 1.0
	shadow := strings.ToLower(otherChat(t, base, target.Named[0]))
	tb, err := router.NewTable(router.TableOptions{Catalog: base.Catalog(), Tiers: base.Tiers, Available: everyone(base.Catalog()), Simulated: true, Now: base.Made,
		Policy: router.Policy{Rollouts: map[string]policy.Rollout{shadow: {Stage: policy.StageShadow, Share: &all}}}})
	if err != nil {
		t.Fatal(err)
	}
	var lines buffer
	log := slog.New(slog.NewJSONHandler(&lines, &slog.HandlerOptions{ReplaceAttr: Discreet}))
	provider, spans := recorded()
	var s *Server
	r := router.New(tb, router.Options{Classifier: byLength{}, Tokens: tokens(), Log: log, Upstream: func(string, string) router.Upstream { return upstream(indiscreet) },
		OnShadow: func(rec *router.Record) { s.Shadow(rec) }})
	s = New(Options{Router: r, Log: log, Traces: provider, Keys: []Key{{Label: "team", SHA256: sha256.Sum256([]byte(clientKey))}}})
	web := httptest.NewServer(s)
	defer web.Close()

	ends := map[string]bool{}
	for _, how := range []string{"", "[refuse]", "[limit]", "[fail]", "[nonsense]", "[refuse to connect]", "[break]", "[cut]"} {
		for _, stream := range []bool{false, true} {
			for _, model := range []string{"assay/balanced", named} {
				body := fmt.Sprintf(`{"model":%q,"stream":%v,"messages":[{"role":"user","content":"%s %s"}]}`, model, stream, promptWords, how)
				got := send(t, "POST", web.URL+"/v1/chat/completions", body, "Authorization", "Bearer "+clientKey, "Traceparent", sampled)
				ends[fmt.Sprint(got.status)] = true
				if stream { // held back to its end: what breaks then is tried elsewhere, and told
					send(t, "POST", web.URL+"/v1/chat/completions", body, "Authorization", "Bearer "+clientKey, "X-Gateway-Hold", "true")
				}
			}
		}
	}
	send(t, "POST", web.URL+"/v1/chat/completions", `{"model":"assay/balanced","messages":"`+promptWords+`"}`, "Authorization", "Bearer "+clientKey)
	send(t, "POST", web.URL+"/v1/chat/completions", easy, "Authorization", "Bearer "+clientKey+"x")
	r.Wait()

	var traced strings.Builder
	for _, span := range spans.Ended() {
		fmt.Fprintln(&traced, span.Name(), span.Attributes(), span.Events(), span.Status(), span.Links())
	}
	seen := map[string]string{"log": lines.String(), "metrics": scraped(t, s), "spans": traced.String()}
	for where, text := range seen {
		for _, secret := range append(strings.Fields(promptWords+" "+answerWords), clientKey, upstreamKey) {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s: %q is in %s", where, secret, text[max(0, at-200):min(len(text), at+60)])
			}
		}
	}
	for where, want := range map[string][]string{
		"log":     {`"msg":"request"`, `"msg":"shadow"`, `"level":"WARN"`, `"outcome":"broken"`, `"outcome":"refused"`, `"msg":"attempt failed"`, "truncated"},
		"spans":   {"upstream_fail", "truncated", "shadow"},
		"metrics": {"assay_shadows_total{", "assay_findings_total{", `outcome="broken"`},
	} {
		for _, w := range want {
			if !strings.Contains(seen[where], w) {
				t.Errorf("%s: nothing of %s, so this test looked at too little", where, w)
			}
		}
	}
	if len(ends) < 3 {
		t.Errorf("requests ended with %v alone", ends)
	}
}

// otherChat is a chat model other than the one named.
func otherChat(t *testing.T, tb *router.Table, not string) string {
	t.Helper()
	for _, m := range tb.Catalog().Models() {
		if m.Kind == models.Chat && m.ID != not && m.SpeaksChat() {
			return m.ID
		}
	}
	t.Fatal("no chat model")
	return ""
}

// Requests and streams are counted while they run, and no longer.
func TestInFlight(t *testing.T) {
	release, first := make(chan struct{}), make(chan struct{})
	s := New(Options{Router: router.New(table(), router.Options{Classifier: byLength{}, Tokens: tokens(), Upstream: func(string, string) router.Upstream {
		return upstream(func(_ context.Context, c router.Call) (*router.Response, error) {
			pr, pw := io.Pipe()
			go func() {
				if c.Stream {
					fmt.Fprint(pw, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n")
				}
				first <- struct{}{}
				<-release
				if c.Stream {
					fmt.Fprint(pw, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
				} else {
					fmt.Fprint(pw, `{"choices":[{"message":{"content":"a"}}]}`)
				}
				pw.Close()
			}()
			return &router.Response{Status: 200, Body: pr}, nil
		})
	}})})
	web := httptest.NewServer(s)
	defer web.Close()
	var ended sync.WaitGroup
	ended.Go(func() { send(t, "POST", web.URL+route, easy) })
	<-first
	res, err := http.Post(web.URL+route, "application/json", strings.NewReader(strings.Replace(easy, "{", `{"stream":true,`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	<-first
	if _, err := res.Body.Read(make([]byte, 1)); err != nil { // its first event is out
		t.Fatal(err)
	}
	lacks(t, scraped(t, s), "assay_requests_in_flight 2", "assay_streams_in_flight 1")
	close(release)
	ended.Wait()
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	web.Close() // waits for both handlers
	lacks(t, scraped(t, s), "assay_requests_in_flight 0", "assay_streams_in_flight 0")
}
