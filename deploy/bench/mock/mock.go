// Package mock is a provider that speaks OpenAI's chat completions and costs
// next to nothing: what a gateway is measured against. Each chunk of its
// streams carries the time at which it was written, so that a client on the
// same machine knows exactly how long it was under way. Start with Server;
// answer.go holds what it says.
package mock

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/gjson"
)

// Script is how the provider answers. Durations are in nanoseconds in JSON.
type Script struct {
	FirstByte time.Duration `json:"first_byte"` // wait before an answer begins
	Chunks    int           `json:"chunks"`     // content chunks of a stream; at least 1
	Pace      time.Duration `json:"pace"`       // from one chunk to the next; 0 as fast as it goes
}

// DefaultScript answers at once, streams of 200 chunks without a pause.
var DefaultScript = Script{Chunks: 200}

// Validate says what is wrong with a script.
func (s Script) Validate() error {
	if s.Chunks < 1 || s.FirstByte < 0 || s.Pace < 0 {
		return fmt.Errorf("script %+v: chunks must be at least 1, waits not negative", s)
	}
	return nil
}

// Stats counts what the provider has done since it started.
type Stats struct {
	Requests int64 `json:"requests"` // chat completions begun
	Chunks   int64 `json:"chunks"`   // content chunks written
	HungUp   int64 `json:"hung_up"`  // streams that the caller left before their end
	Refused  int64 `json:"refused"`  // requests that were no chat completions
}

// Server is the provider's HTTP handler: POST /v1/chat/completions, and for
// the one who measures PUT /script and GET /stats. Safe for concurrent use.
type Server struct {
	script                            atomic.Pointer[Script]
	requests, chunks, hungUp, refused atomic.Int64
	buffers                           sync.Pool
}

// New makes a provider that follows a script, which must be valid.
func New(s Script) *Server {
	p := &Server{buffers: sync.Pool{New: func() any { return new([]byte) }}}
	p.script.Store(&s)
	return p
}

// Stats gives the counts so far.
func (p *Server) Stats() Stats {
	return Stats{Requests: p.requests.Load(), Chunks: p.chunks.Load(), HungUp: p.hungUp.Load(), Refused: p.refused.Load()}
}

// ServeHTTP answers a request.
func (p *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "POST /v1/chat/completions":
		p.complete(w, r)
	case "PUT /script":
		p.follow(w, r)
	case "GET /stats":
		_ = json.NewEncoder(w).Encode(p.Stats()) // to a caller who went away
	default:
		http.NotFound(w, r)
	}
}

// follow takes over a new script; answers under way keep theirs.
func (p *Server) follow(w http.ResponseWriter, r *http.Request) {
	var s Script
	err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&s)
	if err == nil {
		err = s.Validate()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.script.Store(&s)
}

func (p *Server) complete(w http.ResponseWriter, r *http.Request) {
	buf := p.buffers.Get().(*[]byte)
	defer p.buffers.Put(buf)
	body, err := readAll(r, (*buf)[:0])
	*buf = body
	if err != nil || !json.Valid(body) || !gjson.GetBytes(body, "messages.0").Exists() {
		p.refused.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"message":"not a chat completion request","type":"invalid_request_error","param":null,"code":null}}`)
		return
	}
	s := p.script.Load()
	n := p.requests.Add(1)
	if s.FirstByte > 0 {
		time.Sleep(s.FirstByte)
	}
	id, tokens := strconv.FormatInt(n, 36), len(body)/4
	if gjson.GetBytes(body, "stream").Bool() {
		p.stream(w, *s, id, tokens, gjson.GetBytes(body, "stream_options.include_usage").Bool())
		return
	}
	out := appendAnswer(nil, id, tokens)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	_, _ = w.Write(out)
}

// stream writes the chunks of an answer, each in a packet of its own. With a
// pace chunk i leaves i paces after the first one, late ones at once, so that
// the rate does not depend on how quickly the caller reads.
func (p *Server) stream(w http.ResponseWriter, s Script, id string, tokens int, usage bool) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx passes on each chunk as it comes
	flush := http.NewResponseController(w)
	var buf []byte
	send := func() bool {
		_, err := w.Write(buf)
		return err == nil && flush.Flush() == nil
	}
	if buf = appendRole(buf, id); !send() {
		p.hungUp.Add(1)
		return
	}
	start := time.Now()
	for i := range s.Chunks {
		if s.Pace > 0 {
			time.Sleep(time.Until(start.Add(time.Duration(i) * s.Pace)))
		}
		if buf = appendChunk(buf[:0], id, i, time.Now()); !send() {
			p.hungUp.Add(1)
			return
		}
		p.chunks.Add(1)
	}
	if buf = appendEnd(buf[:0], id, tokens, s.Chunks, usage); !send() {
		p.hungUp.Add(1)
	}
}

// readAll reads a request's body into buf.
func readAll(r *http.Request, buf []byte) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}
