package load

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"assay/deploy/bench/mock"
)

// provider serves a mock provider and gives it with its address.
func provider(t *testing.T, s mock.Script) (*mock.Server, string) {
	t.Helper()
	m := mock.New(s)
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	return m, server.Listener.Addr().String()
}

// proxy stands between a load and a provider; change sees every answer.
func proxy(t *testing.T, addr string, change func(*http.Response) error) string {
	t.Helper()
	p := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: addr})
	p.FlushInterval = -1
	p.ModifyResponse = change
	// The request is read whole before it is passed on: an answer that begins
	// before the transport has seen the end of the client's body makes the
	// server close that body, and the transport then breaks the answer off.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read the request: %v", err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func bodies(t *testing.T, mode Mode, stream bool) *Bodies {
	t.Helper()
	b, err := NewBodies(BodyOptions{Mode: mode, Model: "m", Stream: stream, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEveryAnswerIsCounted(t *testing.T) {
	for _, stream := range []bool{false, true} {
		m, addr := provider(t, mock.Script{Chunks: 20})
		marks := 0
		r := Closed(context.Background(), Options{Target: Target{Addr: addr}, Bodies: bodies(t, Distinct, stream), Concurrency: 4, Stream: stream,
			Chunks: 20, Warmup: 10 * time.Millisecond, Window: 100 * time.Millisecond, Mark: func() { marks++ }})
		if r.Errors > 0 || r.Answers < 12 || marks != 2 {
			t.Errorf("stream %v: %d answers, %d errors (%s), %d marks; want at least three answers a worker, none wrong, two marks", stream, r.Answers, r.Errors, r.FirstError, marks)
		}
		if got := m.Stats(); got.Requests != int64(r.Sent) || got.Refused > 0 || got.HungUp > 0 {
			t.Errorf("stream %v: the provider counts %+v, the load sent %d", stream, got, r.Sent)
		}
		if r.P50 <= 0 || r.P50 > r.P99 || r.P99 > r.Max {
			t.Errorf("stream %v: p50 %d, p99 %d, max %d: not in order", stream, r.P50, r.P99, r.Max)
		}
	}
}

// after passes a body on, each piece with a delay.
type after struct {
	io.ReadCloser
	delay time.Duration
}

func (a after) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	time.Sleep(a.delay)
	return n, err
}

func TestDelayOfChunksIsThatOfTheGateway(t *testing.T) {
	const delay = 15 * time.Millisecond
	_, addr := provider(t, mock.Script{Chunks: 10, Pace: 20 * time.Millisecond})
	slow := proxy(t, addr, func(res *http.Response) error {
		res.Body = after{res.Body, delay}
		return nil
	})
	r := Streams(context.Background(), StreamOptions{Target: Target{Addr: slow}, Bodies: bodies(t, Repeated, true), N: 4, Chunks: 10,
		Length: 200 * time.Millisecond, Window: 300 * time.Millisecond})
	if r.Errors > 0 || r.Chunks == 0 {
		t.Fatalf("%d chunks, %d errors: %s", r.Chunks, r.Errors, r.FirstError)
	}
	if got := time.Duration(r.P50); got < delay {
		t.Errorf("p50 of the delay is %s though the gateway holds every chunk for %s", got, delay)
	}
}

// edited is a body that a gateway has changed.
type edited struct {
	io.ReadCloser
	r    io.Reader
	edit func(string) string
}

func (b *edited) Read(p []byte) (int, error) {
	if b.r == nil {
		all, err := io.ReadAll(b.ReadCloser)
		if err != nil {
			return 0, err
		}
		b.r = strings.NewReader(b.edit(string(all)))
	}
	return b.r.Read(p)
}

func replace(what, with string) func(string) string {
	return func(body string) string { return strings.Replace(body, what, with, 1) }
}

func cutBefore(what string) func(string) string {
	return func(body string) string { before, _, _ := strings.Cut(body, what); return before }
}

// dropLastChunk takes the last content chunk out of a stream.
func dropLastChunk(body string) string {
	events := strings.SplitAfter(body, "\n\n")
	for i := len(events) - 1; i >= 0; i-- {
		if _, ok := mock.Stamp([]byte(events[i])); ok {
			return strings.Join(append(events[:i:i], events[i+1:]...), "")
		}
	}
	return body
}

func swapFirstChunks(body string) string {
	events := strings.SplitAfter(body, "\n\n")
	events[1], events[2] = events[2], events[1] // 0 is the role
	return strings.Join(events, "")
}

func TestWhatAGatewayBreaksIsReported(t *testing.T) {
	const chunks = 5
	tests := []struct {
		name   string
		stream bool
		edit   func(string) string
		want   string
	}{
		{"stream cut before its end", true, cutBefore("data: [DONE]"), "without [DONE]"},
		{"last chunk dropped", true, dropLastChunk, "4 chunks instead of 5"},
		{"chunks out of order", true, swapFirstChunks, "older than the one before"},
		{"no finish_reason", true, replace(`"finish_reason":"stop"`, `"finish_reason":null`), "without finish_reason"},
		{"usage withheld", true, replace(`"completion_tokens":`, `"tokens":`), "without the usage"},
		{"error frame", true, replace("data: [DONE]", `data: {"error":{"message":"upstream broke"}}`), "upstream broke"},
		{"goes on after [DONE]", true, replace("data: [DONE]", "data: [DONE]\n\ndata: {}"), "goes on after [DONE]"},
		{"event is no JSON", true, replace(`"finish_reason":"stop"}]}`, `"finish_reason":"stop"}]`), "no JSON"},
		{"answer cut", false, cutBefore(`"usage"`), "no JSON"},
		{"another text", false, replace("mutex", "Mutex"), "not the provider's text"},
		{"no usage", false, replace(`"completion_tokens":`, `"tokens":`), "usage"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, addr := provider(t, mock.Script{Chunks: chunks})
			bad := proxy(t, addr, func(res *http.Response) error {
				res.Body = &edited{ReadCloser: res.Body, edit: tt.edit}
				res.Header.Del("Content-Length")
				res.ContentLength = -1
				return nil
			})
			r := Closed(context.Background(), Options{Target: Target{Addr: bad}, Bodies: bodies(t, Repeated, tt.stream), Concurrency: 1, Stream: tt.stream,
				Chunks: chunks, Window: 20 * time.Millisecond})
			if r.Errors == 0 || r.Errors != r.Sent || !strings.Contains(r.FirstError, tt.want) {
				t.Errorf("%d errors of %d sent, the first %q; want all, with %q", r.Errors, r.Sent, r.FirstError, tt.want)
			}
		})
	}
}

func TestRefusalsAndBreaksAreErrors(t *testing.T) {
	tests := map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"status": {func(w http.ResponseWriter, r *http.Request) { http.Error(w, "busy", 503) }, "status 503: busy"},
		"broken": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Content-Length", "100")
			w.Write([]byte("data: {}\n"))
		}, "broke off"},
		"hung up": {func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, "closed before any answer"},
		"no stream": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte("{}"))
		}, "content type"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			r := Closed(context.Background(), Options{Target: Target{Addr: server.Listener.Addr().String()}, Bodies: bodies(t, Repeated, true),
				Concurrency: 2, Stream: true, Chunks: 1, Window: time.Millisecond})
			if r.Answers != 0 || r.Errors != r.Sent || !strings.Contains(r.FirstError, tt.want) {
				t.Errorf("%d answers, %d errors of %d, first %q; want only errors with %q", r.Answers, r.Errors, r.Sent, r.FirstError, tt.want)
			}
		})
	}
}

func TestAConnectionClosedWhileIdleIsNoError(t *testing.T) {
	m := mock.New(mock.DefaultScript)
	server := httptest.NewServer(m)
	defer server.Close()
	c := newClient(Target{Addr: server.Listener.Addr().String()})
	defer c.close()
	check := checker{}
	body := bodies(t, Repeated, false).Append(nil, 0)
	for i := range 3 {
		if err := c.do(context.Background(), body, check.whole); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		server.CloseClientConnections()
	}
	if got := m.Stats().Requests; got != 3 {
		t.Errorf("the provider saw %d requests; want 3", got)
	}
}

func TestPromptsAreDistinctOrRepeatAsAsked(t *testing.T) {
	for mode, want := range map[Mode]int{Repeated: RepeatedPrompts, Distinct: 10_000} {
		b, seen, letters := bodies(t, mode, false), map[string]bool{}, 0
		for i := range uint64(10_000) {
			body := b.Append(nil, i)
			if !json.Valid(body) || bytes.Contains(body, serialMark) {
				t.Fatalf("request %d is not what a client would send: %s", i, body)
			}
			seen[string(body)] = true
			if bytes.ContainsRune(body, '请') || bytes.Contains(body, []byte("工单")) {
				letters++
			}
		}
		if len(seen) != want {
			t.Errorf("%s: %d different requests of 10,000; want %d", mode, len(seen), want)
		}
		if letters < 2_000 || letters > 5_000 {
			t.Errorf("%s: %d of 10,000 requests are Chinese; want about a third", mode, letters)
		}
		q := b.Sizes(0.5, 1)
		if q[0] < 250 || q[1] < 2_000 {
			t.Errorf("%s: the median body has %d bytes, the longest %d: too short for what people send", mode, q[0], q[1])
		}
	}
}

func TestQuantilesAreExact(t *testing.T) {
	var s Samples
	for i := range 1000 {
		s = append(s, int64((i*7)%1000+1)) // 1 to 1000, shuffled
	}
	for i, want := range []int64{1, 500, 990, 1000} {
		if got := s.Quantiles(0, 0.5, 0.99, 1)[i]; got != want {
			t.Errorf("quantile %d is %d; want %d", i, got, want)
		}
	}
	if got := (Samples{}).Quantiles(0.5)[0]; got != 0 {
		t.Errorf("the median of nothing is %d; want 0", got)
	}
}

func TestMostFindsTheLargestThatHolds(t *testing.T) {
	for _, limit := range []int{0, 1, 5, 8, 9, 100, 333, 4096} {
		tried := 0
		got := Most(8, 4096, func(n int) bool { tried++; return n <= limit })
		if got > limit || limit-got > max(1, limit/20) || limit < 20 && got != limit {
			t.Errorf("limit %d: found %d", limit, got)
		}
		if tried > 20 {
			t.Errorf("limit %d: %d probes", limit, tried)
		}
	}
}
