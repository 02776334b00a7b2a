package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"assay/models/openai"
	"assay/router"
)

// endless is a stream without an end, of which everything is there at once.
type endless struct {
	ctx  context.Context
	rest string
	gone chan<- struct{} // hears that the call was closed
}

func (e *endless) Read(p []byte) (int, error) {
	if e.ctx.Err() != nil {
		return 0, e.ctx.Err()
	}
	if e.rest == "" {
		e.rest = string(openai.AppendEvent(nil, fmt.Appendf(nil, `{"choices":[{"index":0,"delta":{"content":%q}}]}`, strings.Repeat("x", 64<<10))))
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func (e *endless) Close() error { close(e.gone); return nil }

func TestAClientThatStopsReadingHoldsNothingForEver(t *testing.T) {
	gone := make(chan struct{})
	s := serve(t, func(ctx context.Context, _ router.Call) (*router.Response, error) {
		return &router.Response{Status: 200, Body: &endless{ctx: ctx, gone: gone}}, nil
	}, Options{MaxStall: 100 * time.Millisecond})
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	body := `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]}`
	fmt.Fprintf(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	<-gone // the client is still there and has read nothing
}

func TestABodyThatStopsComingIsRefused(t *testing.T) {
	s := serve(t, echo, Options{MaxStall: 100 * time.Millisecond})
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"mod")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusRequestTimeout || gjson.GetBytes(text, "error.code").Str != "body_timeout" {
		t.Errorf("%d %s", res.StatusCode, text)
	}
}

// A connection outlives the deadlines of the requests that it carried.
func TestIdleConnectionsKeepNoDeadline(t *testing.T) {
	s := serve(t, echo, Options{MaxStall: 50 * time.Millisecond})
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for range 3 {
		body := `{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}`
		fmt.Fprintf(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 200 {
			t.Fatalf("%d, %v", res.StatusCode, err)
		}
		time.Sleep(100 * time.Millisecond) // longer than a stall may be
	}
}
