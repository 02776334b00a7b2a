package router

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"assay/models/openai"
	"assay/router/health"
)

// paced is an upstream whose body comes in pieces with pauses before them.
type paced struct {
	pauses []time.Duration
	pieces []string
}

func (p paced) Do(ctx context.Context, _ Call) (*Response, error) {
	return &Response{Status: 200, Body: &pacedBody{ctx: ctx, paced: p}}, nil
}

type pacedBody struct {
	ctx context.Context
	paced
	rest string
}

// Read waits for the next piece, no longer than its call lasts.
func (b *pacedBody) Read(p []byte) (int, error) {
	for b.rest == "" {
		if len(b.pieces) == 0 {
			return 0, io.EOF
		}
		select {
		case <-b.ctx.Done():
			return 0, b.ctx.Err()
		case <-time.After(b.pauses[0]):
		}
		b.rest, b.pieces, b.pauses = b.pieces[0], b.pieces[1:], b.pauses[1:]
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *pacedBody) Close() error { return nil }

// A whole answer that has begun may take longer than its first byte may, as
// those of providers that send white space while they think; it may not fall silent.
func TestWholeAnswersMayBeSlowButNotSilent(t *testing.T) {
	realTable(t, Policy{})
	tokens()
	p := Policy{FirstByteTimeout: 10 * time.Second, IdleTimeout: 20 * time.Second, Timeout: time.Minute}
	spaces := []string{"\n", "\n", answer}
	for _, c := range []struct {
		name   string
		pauses []time.Duration
		pieces []string
		code   string
		after  time.Duration
	}{
		{"pieces in time", []time.Duration{9 * time.Second, 19 * time.Second, 19 * time.Second}, spaces, "", 47 * time.Second},
		{"no first byte", []time.Duration{11 * time.Second, 0, 0}, spaces, "upstream_timeout", 10 * time.Second},
		{"silent in the middle", []time.Duration{9 * time.Second, 30 * time.Second, 0}, spaces, "upstream_timeout", 29 * time.Second},
		{"slow beyond the deadline", []time.Duration{9 * time.Second, 19 * time.Second, 19 * time.Second, 19 * time.Second}, append([]string{" "}, spaces...), "deadline_exceeded", time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := inBubble(t, p, paced{c.pauses, c.pieces}, health.Config{})
				begun := time.Now()
				_, err := r.Complete(context.Background(), ask(t, named), &recorder{})
				var oe *openai.Error
				if errors.As(err, &oe); c.code == "" && err != nil || c.code != "" && (oe == nil || oe.Code != c.code || oe.Status != 504) || time.Since(begun) != c.after {
					t.Errorf("after %v: %v; want %q after %v", time.Since(begun), err, c.code, c.after)
				}
			})
		})
	}
}

// lazy is a sink whose client takes its time over every event.
type lazy struct {
	recorder
	takes time.Duration
}

func (l *lazy) Event(b []byte) error {
	time.Sleep(l.takes)
	return l.recorder.Event(b)
}

func TestASlowClientIsNotTheUpstreamsSilence(t *testing.T) {
	realTable(t, Policy{})
	tokens()
	synctest.Test(t, func(t *testing.T) {
		r := inBubble(t, Policy{IdleTimeout: 10 * time.Second}, paced{[]time.Duration{time.Second, time.Second}, []string{sse(chunk1), sse(chunk2, "[DONE]")}}, health.Config{})
		sink := &lazy{takes: time.Minute}
		rec, err := r.Complete(context.Background(), ask(t, strings.Replace(streamed, "assay/balanced", "gpt-4o", 1)), sink)
		if err != nil || rec.Outcome != Success || len(sink.events) != 3 {
			t.Errorf("%v, %s, %d events", err, rec.Outcome, len(sink.events))
		}
	})
}

// What comes with status 200 is not an answer for that: nothing of it reaches
// the client, another model is asked, and nobody pays for it.
func TestOnlyCompletionsAreAnswers(t *testing.T) {
	good := step{body: sse(chunk1, chunk2, "[DONE]")}
	for name, body := range map[string]string{
		"an error":       `{"error":{"message":"overloaded"}}`,
		"null":           `null`,
		"no choices":     `{"choices":[]}`,
		"something else": `{"object":"list"}`,
	} {
		r, up := newRouter(t, Policy{}, nil, step{body: body}, step{body: answer})
		sink := &recorder{}
		rec, err := r.Complete(t.Context(), ask(t, plain), sink)
		if err != nil || len(up.calls) != 2 || sink.body != answer || rec.Attempts[0].Served || rec.Attempts[0].CostNano != 0 {
			t.Errorf("%s: %v, %q, %+v", name, err, sink.body, rec.Attempts)
		}
	}
	for name, body := range map[string]string{
		"no event":          "<html>",
		"[DONE] alone":      sse("[DONE]"),
		"half an object":    sse(`{"choices":[{"del`),
		"something else":    sse(`{"type":"ping"}`),
		"no blank lines":    strings.ReplaceAll(sse(chunk1, chunk2), "\n\n", "\n") + "\n",
		"an error as event": sse(`{"error":{"message":"overloaded"}}`),
	} {
		r, up := newRouter(t, Policy{}, nil, step{body: body}, good)
		sink := &recorder{}
		rec, err := r.Complete(t.Context(), ask(t, streamed), sink)
		if err != nil || len(up.calls) != 2 || len(sink.events) != 3 || rec.Attempts[0].Served {
			t.Errorf("%s: %v, %q, %+v", name, err, sink.events, rec.Attempts)
		}
	}
}

func TestAStreamIsWholeWhenAllItsChoicesAre(t *testing.T) {
	other := `{"choices":[{"index":1,"delta":{"content":"HEL"}}]}`
	otherEnds := `{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}`
	two := strings.Replace(strings.Replace(streamed, "assay/balanced", "gpt-4o", 1), `"stream"`, `"n":2,"stream"`, 1)
	for name, c := range map[string]struct {
		events []string
		whole  bool
	}{
		"both finished":         {[]string{chunk1, other, chunk2, otherEnds}, true},
		"one in the middle":     {[]string{chunk1, other, chunk2}, false},
		"one never began":       {[]string{chunk1, chunk2}, false},
		"the upstream says so":  {[]string{chunk1, other, chunk2, "[DONE]"}, true},
		"half an object inside": {[]string{chunk1, other, `{"choices":[`, chunk2, otherEnds, "[DONE]"}, false},
	} {
		r, _ := newRouter(t, Policy{}, nil, step{body: sse(c.events...)})
		sink := &recorder{}
		_, err := r.Complete(t.Context(), ask(t, two), sink)
		if done := sink.events[len(sink.events)-1] == "[DONE]"; c.whole != (err == nil) || c.whole != done || !c.whole && !errors.Is(err, ErrBroken) {
			t.Errorf("%s: %v, %q", name, err, sink.events)
		}
	}
}
