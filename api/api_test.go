package api

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"assay/classifier"
	"assay/models"
	"assay/models/openai"
	"assay/router"
	"assay/scoring"
)

// upstream is a provider in the test's hands.
type upstream func(ctx context.Context, c router.Call) (*router.Response, error)

func (u upstream) Do(ctx context.Context, c router.Call) (*router.Response, error) { return u(ctx, c) }

// echo answers with the model it was asked as and the body it received.
func echo(_ context.Context, c router.Call) (*router.Response, error) {
	if c.Stream {
		var b []byte
		for _, word := range []string{"one", " two", " three"} {
			b = openai.AppendEvent(b, fmt.Appendf(nil, `{"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":%q},"finish_reason":null}]}`, word))
		}
		b = openai.AppendEvent(b, []byte(`{"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`))
		b = openai.AppendEvent(b, []byte(`{"id":"x","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":3}}`))
		b = openai.AppendEvent(b, openai.Done)
		return answer(200, string(b)), nil
	}
	content, _ := json.Marshal(string(c.Body))
	return answer(200, fmt.Sprintf(`{"id":"x","object":"chat.completion","model":%q,"choices":[{"index":0,"message":{"role":"assistant","content":%s},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":3,"total_tokens":13},"strange_new_field":[1,2]}`, c.Model.Name, content)), nil
}

func answer(status int, body string) *router.Response {
	return &router.Response{Status: status, Body: io.NopCloser(strings.NewReader(body)), Simulated: true}
}

// byLength calls short prompts easy and long ones hard, and had no time for "late".
type byLength struct{}

func (byLength) Classify(_ context.Context, in classifier.Input) classifier.Classification {
	text, _ := in.LastUser()
	b := -3.0
	if len(text) > 40 {
		b = 3
	}
	note := ""
	if text == "late" {
		note = classifier.NoteDeepLate
	}
	return classifier.Classification{Intent: classifier.KnowledgeQA, IntentConfidence: 1, Level: classifier.LevelOf(b), Difficulty: b, Source: classifier.Fast, Language: "en", Note: note}
}

var table = sync.OnceValue(func() *router.Table {
	c, err := models.Embedded()
	if err != nil {
		panic(err)
	}
	cards, err := scoring.Score(c.Scores(), c.Anchors(), scoring.Config{Models: c.Models()})
	if err != nil {
		panic(err)
	}
	available := map[string]router.Availability{}
	for _, p := range c.Providers() {
		available[p.Name] = router.Availability{OK: true}
	}
	available["perplexity"] = router.Availability{Why: "no provider key: environment variable PERPLEXITY_API_KEY is not set"}
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	t, err := router.NewTable(router.TableOptions{Catalog: c, Tiers: scoring.Publish(cards, c.Models(), c.Placements(), now), Available: available, Simulated: true, Now: now})
	if err != nil {
		panic(err)
	}
	return t
})

var tokens = sync.OnceValue(func() *router.Tokens {
	t, err := router.NewTokens()
	if err != nil {
		panic(err)
	}
	return t
})

func serve(t *testing.T, up upstream, o Options) *httptest.Server {
	t.Helper()
	o.Router = router.New(table(), router.Options{Classifier: byLength{}, Tokens: tokens(), Upstream: func(string, string) router.Upstream { return up }})
	s := httptest.NewServer(New(o))
	t.Cleanup(s.Close)
	return s
}

type reply struct {
	status int
	header http.Header
	body   string
}

func send(t *testing.T, method, url, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

const (
	easy = `{"model":"assay/balanced","messages":[{"role":"user","content":"hi"}],"x_future":{"a":[1]}}`
	hard = `{"model":"assay/balanced","messages":[{"role":"user","content":"Prove that every finite division ring is commutative, in full."}]}`
)

func TestChatCompletionNamesWhatRan(t *testing.T) {
	s := serve(t, echo, Options{})
	a := send(t, "POST", s.URL+"/v1/chat/completions", easy)
	b := send(t, "POST", s.URL+"/v1/chat/completions", hard)
	for _, r := range []reply{a, b} {
		if r.status != 200 || !gjson.Get(r.body, "strange_new_field.1").Exists() {
			t.Fatalf("%d %s", r.status, r.body)
		}
		for _, h := range []string{"X-Request-Id", "X-Model-Router-Model", "X-Model-Router-Provider", "X-Model-Router-Tier", "X-Model-Router-Intent", "X-Model-Router-Level", "X-Model-Router-Table", "X-Model-Router-Cost-Usd"} {
			if r.header.Get(h) == "" {
				t.Errorf("header %s is missing", h)
			}
		}
		if r.header.Get("X-Assay-Simulated") != "true" {
			t.Error("a simulated answer does not say so")
		}
	}
	if a.header.Get("X-Model-Router-Model") == b.header.Get("X-Model-Router-Model") {
		t.Errorf("easy and hard prompt both went to %s", a.header.Get("X-Model-Router-Model"))
	}
	if a.header.Get("X-Model-Router-Level") != "L1" || b.header.Get("X-Model-Router-Level") != "L5" {
		t.Errorf("levels %s and %s", a.header.Get("X-Model-Router-Level"), b.header.Get("X-Model-Router-Level"))
	}
	sent := gjson.Get(a.body, "choices.0.message.content").Str
	if gjson.Get(sent, "x_future.a.0").Int() != 1 {
		t.Errorf("unknown field did not pass through: %s", sent)
	}
	if want := a.header.Get("X-Model-Router-Model"); !strings.HasSuffix(want, gjson.Get(sent, "model").Str) {
		t.Errorf("upstream was asked for %s, header says %s", gjson.Get(sent, "model").Str, want)
	}
}

func TestStreamArrivesEventByEvent(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, func(_ context.Context, c router.Call) (*router.Response, error) {
		pr, pw := io.Pipe()
		go func() {
			fmt.Fprint(pw, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n")
			<-release
			fmt.Fprint(pw, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
			pw.Close()
		}()
		return &router.Response{Status: 200, Body: pr}, nil
	}, Options{})
	res, err := http.Post(s.URL+"/v1/chat/completions", "application/json", strings.NewReader(strings.Replace(easy, "{", `{"stream":true,`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if ct := res.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/event-stream") {
		t.Errorf("content type %q", ct)
	}
	if res.Header.Get("X-Model-Router-Cost-Estimate-Usd") == "" || res.Header.Get("X-Model-Router-Cost-Usd") != "" {
		t.Error("a stream must carry the estimated cost and not the final one")
	}
	r := bufio.NewReader(res.Body)
	if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, `"a"`) {
		t.Fatalf("first event before the upstream went on: %q, %v", line, err)
	}
	close(release)
	rest, _ := io.ReadAll(r)
	if !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
		t.Errorf("rest %q", rest)
	}
}

func TestUsageChunkOnlyWhenAskedFor(t *testing.T) {
	s := serve(t, echo, Options{})
	without := send(t, "POST", s.URL+"/v1/chat/completions", strings.Replace(easy, "{", `{"stream":true,`, 1))
	if strings.Contains(without.body, `"usage"`) || !strings.HasSuffix(without.body, "data: [DONE]\n\n") {
		t.Errorf("unasked: %s", without.body)
	}
	with := send(t, "POST", s.URL+"/v1/chat/completions", strings.Replace(easy, "{", `{"stream":true,"stream_options":{"include_usage":true},`, 1))
	if !strings.Contains(with.body, `"completion_tokens":3`) || !strings.Contains(with.body, `"cost":`) {
		t.Errorf("asked: %s", with.body)
	}
}

// The only form on which the official SDKs raise.
func TestBrokenStreamEndsInAnErrorFrameAndNoDone(t *testing.T) {
	s := serve(t, func(context.Context, router.Call) (*router.Response, error) {
		return answer(200, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"), nil
	}, Options{})
	r := send(t, "POST", s.URL+"/v1/chat/completions", strings.Replace(easy, "{", `{"stream":true,`, 1))
	events := strings.Split(strings.TrimSpace(r.body), "\n\n")
	last := strings.TrimPrefix(events[len(events)-1], "data: ")
	if strings.Contains(r.body, "[DONE]") || gjson.Get(last, "error.code").Str != "upstream_broken" || gjson.Get(last, "error.message").Str == "" {
		t.Errorf("stream %q", r.body)
	}
}

func TestBadInput(t *testing.T) {
	s := serve(t, echo, Options{MaxBody: 1000})
	chat := s.URL + "/v1/chat/completions"
	msg := `"messages":[{"role":"user","content":"x"}]`
	for name, c := range map[string]struct {
		method, url, body string
		headers           []string
		status            int
		code              string
	}{
		"broken JSON":             {"POST", chat, `{"model"`, nil, 400, "invalid_json"},
		"empty body":              {"POST", chat, ``, nil, 400, "empty_body"},
		"unknown model":           {"POST", chat, `{"model":"gpt-9",` + msg + `}`, nil, 404, "model_not_found"},
		"family shortcut":         {"POST", chat, `{"model":"claude",` + msg + `}`, nil, 400, "family_shortcut"},
		"image model":             {"POST", chat, `{"model":"` + anImageModel() + `",` + msg + `}`, nil, 400, "not_a_chat_model"},
		"no key for the provider": {"POST", chat, `{"model":"sonar",` + msg + `}`, nil, 503, "model_unavailable"},
		"oversized body":          {"POST", chat, `{"model":"gpt-4o","messages":[{"role":"user","content":"` + strings.Repeat("x", 2000) + `"}]}`, nil, 413, "request_too_large"},
		"bad routing header":      {"POST", chat, easy, []string{"X-Gateway-Routing", "magic"}, 400, "invalid_header"},
		"explicit with an alias":  {"POST", chat, easy, []string{"X-Gateway-Routing", "explicit"}, 400, "explicit_needs_model"},
		"wrong method":            {"GET", chat, ``, nil, 405, "method_not_allowed"},
		"unknown endpoint":        {"POST", s.URL + "/v1/chat", easy, nil, 404, "unknown_url"},
		"unknown request":         {"GET", s.URL + "/v1/requests/req_nope", ``, nil, 404, "request_not_found"},
		"unknown family":          {"GET", s.URL + "/v1/tiers?family=nope", ``, nil, 404, "family_not_found"},
		"unknown model card":      {"GET", s.URL + "/v1/models/openai/gpt-9", ``, nil, 404, "model_not_found"},
		"route of broken JSON":    {"POST", s.URL + "/v1/route", `[`, nil, 400, "invalid_json"},
	} {
		t.Run(name, func(t *testing.T) {
			r := send(t, c.method, c.url, c.body, c.headers...)
			e := gjson.Get(r.body, "error")
			if r.status != c.status || e.Get("code").Str != c.code || e.Get("message").Str == "" || e.Get("type").Str == "" || !e.Get("param").Exists() {
				t.Errorf("%d %s; want %d %s", r.status, r.body, c.status, c.code)
			}
			if r.header.Get("X-Request-Id") == "" {
				t.Error("no X-Request-Id")
			}
		})
	}
}

// A client that is still sending must read why it was refused, not see a reset.
func TestOversizedBodyIsAnsweredToAClientStillSending(t *testing.T) {
	s := serve(t, echo, Options{MaxBody: 1 << 20})
	for range 5 {
		r := send(t, "POST", s.URL+"/v1/chat/completions", strings.Repeat("x", 7<<20))
		if r.status != 413 || gjson.Get(r.body, "error.code").Str != "request_too_large" {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
}

func TestBodyThatBreaksOffIsTheClientsFault(t *testing.T) {
	s := serve(t, echo, Options{})
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"mod")
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != 400 || gjson.GetBytes(body, "error.code").Str != "unreadable_body" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func anImageModel() string {
	for _, m := range table().Catalog().Models() {
		if m.Kind == models.Image {
			return m.ID
		}
	}
	panic("no image model")
}

func TestKeys(t *testing.T) {
	sum := sha256.Sum256([]byte("sk-right"))
	key, err := ParseKey("team", hex.EncodeToString(sum[:]))
	if err != nil {
		t.Fatal(err)
	}
	other := sha256.Sum256([]byte("sk-other"))
	s := serve(t, echo, Options{Keys: []Key{key, {Label: "other", SHA256: other}}})
	for name, c := range map[string]struct {
		header string
		status int
		code   string
	}{
		"right key":      {"Bearer sk-right", 200, ""},
		"lower scheme":   {"bearer sk-right", 200, ""},
		"no key":         {"", 401, "missing_api_key"},
		"wrong key":      {"Bearer sk-wrong", 401, "invalid_api_key"},
		"wrong scheme":   {"Basic sk-right", 401, "missing_api_key"},
		"the hash":       {"Bearer " + hex.EncodeToString(sum[:]), 401, "invalid_api_key"},
		"empty after it": {"Bearer ", 401, "missing_api_key"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/v1/models", "/v1/tiers"} {
				r := send(t, "GET", s.URL+path, "", "Authorization", c.header)
				if r.status != c.status || gjson.Get(r.body, "error.code").Str != c.code {
					t.Errorf("%s: %d %.200s", path, r.status, r.body)
				}
			}
		})
	}
	mine := send(t, "POST", s.URL+"/v1/chat/completions", easy, "Authorization", "Bearer sk-right").header.Get("X-Request-Id")
	if r := send(t, "GET", s.URL+"/v1/requests/"+mine, "", "Authorization", "Bearer sk-right"); r.status != 200 {
		t.Errorf("own request: %d %s", r.status, r.body)
	}
	if r := send(t, "GET", s.URL+"/v1/requests/"+mine, "", "Authorization", "Bearer sk-other"); r.status != 404 {
		t.Errorf("another key's request: %d %s", r.status, r.body)
	}
	for _, bad := range []string{"", "abc", strings.Repeat("g", 64)} {
		if _, err := ParseKey("x", bad); err == nil {
			t.Errorf("hash %q was accepted", bad)
		}
	}
}

func TestRequestRecordHasAmountsAndNoPrompt(t *testing.T) {
	s := serve(t, echo, Options{})
	for _, body := range []string{easy, strings.Replace(easy, "{", `{"stream":true,`, 1)} {
		id := send(t, "POST", s.URL+"/v1/chat/completions", strings.Replace(body, `"hi"`, `"my secret words"`, 1)).header.Get("X-Request-Id")
		r := send(t, "GET", s.URL+"/v1/requests/"+id, "")
		if r.status != 200 || gjson.Get(r.body, "outcome").Str != "success" || gjson.Get(r.body, "cost_usd").Str == "" || gjson.Get(r.body, "attempts.0.usage.output_tokens").Int() != 3 || gjson.Get(r.body, "attempts.0.expected.output_tokens").Int() <= 3 || !gjson.Get(r.body, "simulated").Bool() {
			t.Errorf("record %s", r.body)
		}
		if strings.Contains(r.body, "secret") {
			t.Error("the record holds the prompt")
		}
	}
}

func TestRouteExplainsWithoutCalling(t *testing.T) {
	s := serve(t, func(context.Context, router.Call) (*router.Response, error) {
		t.Error("an upstream was called")
		return nil, errors.New("no")
	}, Options{})
	r := send(t, "POST", s.URL+"/v1/route", hard)
	for _, field := range []string{"model", "provider", "tier", "intent", "level", "p_success", "est_cost_usd", "prompt_tokens", "candidates.0.model", "candidates.0.needs", "left_out.0.why", "reason"} {
		if !gjson.Get(r.body, field).Exists() {
			t.Errorf("field %s is missing", field)
		}
	}
	if got := gjson.Get(r.body, "candidates.0.model").Str; got != gjson.Get(r.body, "model").Str {
		t.Errorf("first candidate %s is not the model", got)
	}
}

func TestModelsTiersAndProbes(t *testing.T) {
	s := serve(t, echo, Options{Status: func() Status { return Status{Ready: true, Mode: "simulated"} }})
	list := gjson.Get(send(t, "GET", s.URL+"/v1/models", "").body, "data.#.id").Array()
	have := map[string]bool{}
	for _, id := range list {
		have[id.Str] = true
	}
	for _, want := range []string{"assay/balanced", "flagship:cost", "openai/gpt-4o", "together/meta-llama/Llama-3.3-70B-Instruct-Turbo"} {
		if !have[want] {
			t.Errorf("GET /v1/models lacks %s", want)
		}
	}
	if have["perplexity/sonar"] {
		t.Error("GET /v1/models lists a model without a key")
	}
	if r := send(t, "GET", s.URL+"/v1/models/together/meta-llama/Llama-3.3-70B-Instruct-Turbo", ""); r.status != 200 || gjson.Get(r.body, "owned_by").Str != "together" {
		t.Errorf("model card: %d %s", r.status, r.body)
	}
	r := send(t, "GET", s.URL+"/v1/tiers", "")
	if gjson.Get(r.body, "schema").Int() != 1 || len(gjson.Get(r.body, "models").Array()) != 284 || gjson.Get(r.body, `families.gpt-4o.capability`).Float() <= 0 {
		t.Errorf("tiers: %.300s", r.body)
	}
	if r := send(t, "GET", s.URL+"/v1/tiers?family=gpt-4o", ""); gjson.Get(r.body, "scores.0.source").Str == "" {
		t.Errorf("family without sources: %.300s", r.body)
	}
	page := send(t, "GET", s.URL+"/tiers", "")
	if page.status != 200 || !strings.Contains(page.body, "openai/gpt-4o") || !strings.Contains(page.header.Get("Content-Type"), "text/html") {
		t.Errorf("page: %d %.200s", page.status, page.body)
	}
	if p := send(t, "GET", s.URL+"/tiers?family=%3Cscript%3Ealert(1)%3C/script%3E", ""); p.status != 404 || strings.Contains(p.body, "<script>") {
		t.Errorf("page of a hostile name: %d", p.status)
	}
	if r := send(t, "GET", s.URL+"/healthz", ""); r.status != 200 {
		t.Errorf("healthz %d", r.status)
	}
	if r := send(t, "GET", s.URL+"/readyz", ""); r.status != 200 || gjson.Get(r.body, "mode").Str != "simulated" {
		t.Errorf("readyz %d %s", r.status, r.body)
	}
	send(t, "POST", s.URL+"/v1/chat/completions", easy)
	send(t, "POST", s.URL+"/v1/chat/completions", strings.Replace(easy, "hi", "late", 1))
	m := send(t, "GET", s.URL+"/metrics", "").body
	for _, series := range []string{`assay_requests_total{`, `assay_table_info{`, `assay_decision_seconds_count 2`, `assay_classifications_total{intent="knowledge_qa",language="en",level="L1",source="fast"} 2`, `assay_classification_notes_total{note="deep stage late"} 1`, "assay_tiers_age_seconds"} {
		if !strings.Contains(m, series) {
			t.Errorf("metrics lack %s", series)
		}
	}
	notReady := serve(t, echo, Options{Status: func() Status { return Status{} }})
	if r := send(t, "GET", notReady.URL+"/readyz", ""); r.status != 503 {
		t.Errorf("not ready: %d", r.status)
	}
}

// How well the use of tokens is predicted shows for answers that were not made up.
func TestMetricsTellHowWellUsageIsPredicted(t *testing.T) {
	s := serve(t, func(ctx context.Context, c router.Call) (*router.Response, error) {
		res, err := echo(ctx, c)
		res.Simulated = false
		return res, err
	}, Options{})
	send(t, "POST", s.URL+"/v1/chat/completions", strings.Replace(easy, "assay/balanced", "openai/gpt-4o", 1))
	m := send(t, "GET", s.URL+"/metrics", "").body
	for _, series := range []string{`assay_output_tokens_error_ratio{model="openai/gpt-4o"} 49`, `assay_prompt_tokens_ratio{model="openai/gpt-4o"} 1.`} { // 150 expected, 3 came
		if !strings.Contains(m, series) {
			t.Errorf("metrics lack %s", series)
		}
	}
}

func TestPanicIsAnInternalErrorThatTellsNothing(t *testing.T) {
	s := serve(t, func(context.Context, router.Call) (*router.Response, error) { panic("secret detail") }, Options{})
	r := send(t, "POST", s.URL+"/v1/chat/completions", easy)
	if r.status != 500 || gjson.Get(r.body, "error.code").Str != "internal_error" || strings.Contains(r.body, "secret") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// A tier change during 50 concurrent requests fails none of them.
func TestSwapUnderLoad(t *testing.T) {
	var o Options
	started := make(chan struct{}, 50)
	hold := make(chan struct{})
	up := upstream(func(ctx context.Context, c router.Call) (*router.Response, error) {
		started <- struct{}{}
		<-hold
		return echo(ctx, c)
	})
	o.Router = router.New(table(), router.Options{Classifier: byLength{}, Tokens: tokens(), Upstream: func(string, string) router.Upstream { return up }})
	s := httptest.NewServer(New(o))
	defer s.Close()
	before := table().ID
	var wg sync.WaitGroup
	results := make(chan reply, 50)
	for range 50 {
		wg.Go(func() { results <- send(t, "POST", s.URL+"/v1/chat/completions", easy) })
	}
	for range 50 {
		<-started
	}
	first := tableOf(t, o.Router, "assay/balanced")
	next := demote(t, first)
	o.Router.Swap(next)
	close(hold)
	wg.Wait()
	close(results)
	for r := range results {
		if r.status != 200 || r.header.Get("X-Model-Router-Table") != before {
			t.Fatalf("%d, table %s; want 200 and the table it started with", r.status, r.header.Get("X-Model-Router-Table"))
		}
	}
	go func() {
		for range started {
		}
	}()
	after := send(t, "POST", s.URL+"/v1/chat/completions", easy)
	close(started)
	if after.header.Get("X-Model-Router-Table") != next.ID || cmp.Or(after.header.Get("X-Model-Router-Model"), first) == first {
		t.Errorf("after the swap: table %s, model %s", after.header.Get("X-Model-Router-Table"), after.header.Get("X-Model-Router-Model"))
	}
}

// tableOf is the model that an easy prompt gets.
func tableOf(t *testing.T, r *router.Router, model string) string {
	t.Helper()
	req, err := openai.DecodeRequest([]byte(strings.Replace(easy, "assay/balanced", model, 1)))
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.Route(context.Background(), router.Ask{Request: req})
	if err != nil {
		t.Fatal(err)
	}
	return d.Model
}

// demote makes a table in which the given model's family can do nothing.
func demote(t *testing.T, id string) *router.Table {
	t.Helper()
	old := table()
	m, _, _, _ := old.Model(id)
	tiers := old.Tiers
	tiers.ID = "demoted"
	tiers.Families = map[string]scoring.Family{}
	for name, f := range old.Tiers.Families {
		if name == m.Family {
			f.Abilities = map[string]scoring.Ability{scoring.General: {Theta: -9, SD: 0.1}}
		}
		tiers.Families[name] = f
	}
	available := map[string]router.Availability{}
	for _, a := range old.Providers {
		available[a.Provider] = a
	}
	next, err := router.NewTable(router.TableOptions{Catalog: old.Catalog(), Tiers: tiers, Available: available, Simulated: true, Now: old.Made})
	if err != nil {
		t.Fatal(err)
	}
	return next
}
