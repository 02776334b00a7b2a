package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"

	"assay/models/openai"
	"assay/router"
)

// chatCompletions serves POST /v1/chat/completions.
func (s *Server) chatCompletions(c *gin.Context) {
	ask, err := s.readAsk(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	sink := &clientSink{c: c, stall: s.stall(c)}
	defer sink.over()
	rec, err := s.o.Router.Complete(c.Request.Context(), ask, sink)
	s.finish(c, rec, err)
	switch {
	case err == nil:
	case !sink.started:
		decisionHeaders(c.Writer.Header(), rec)
		s.fail(c, err)
	case errors.Is(err, router.ErrBroken):
		// The one form on which the official SDKs raise: an error frame, and
		// the stream ends without [DONE].
		sink.Event(s.toOpenAI(c.Request.Context(), rec.ID, err).Body())
	}
}

// readAsk reads a chat completion request, whose key it comes with, and the
// headers that steer it.
func (s *Server) readAsk(c *gin.Context) (router.Ask, error) {
	ask := router.Ask{ID: requestID(c), Key: keyLabel(c), Org: keyOrg(c), Session: c.GetHeader("X-Session-Id")}
	body, err := s.readBody(c)
	if err != nil {
		return ask, err
	}
	if ask.Request, err = openai.DecodeRequest(body); err != nil {
		return ask, err
	}
	ask.Policy, err = router.ReadHeaders(c.Request.Header)
	return ask, err
}

// readBody reads the whole body, up to the limit.
func (s *Server) readBody(c *gin.Context) ([]byte, error) {
	stall := s.stall(c)
	body, err := io.ReadAll(io.LimitReader(body{stall, c.Request.Body}, s.o.MaxBody+1))
	defer stall.over()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.Header("Connection", "close")
		return nil, &openai.Error{Status: http.StatusRequestTimeout, Type: "invalid_request_error", Code: "body_timeout", Message: fmt.Sprintf("nothing more of the request body came for %s", s.o.MaxStall)}
	case int64(len(body)) > s.o.MaxBody:
		s.drain(c)
		return nil, &openai.Error{Status: http.StatusRequestEntityTooLarge, Type: "invalid_request_error", Code: "request_too_large", Message: fmt.Sprintf("the request body is larger than %d bytes", s.o.MaxBody)}
	case err != nil:
		return nil, openai.BadRequest("unreadable_body", "", "the request body broke off")
	}
	return body, nil
}

// drain reads on for a while and throws away: a client that is still sending
// when the connection closes sees a reset instead of the answer that says why.
func (s *Server) drain(c *gin.Context) {
	_ = http.NewResponseController(c.Writer).SetReadDeadline(s.o.Now().Add(10 * time.Second)) // a recorder in a test has none
	_, _ = io.CopyN(io.Discard, c.Request.Body, 8*s.o.MaxBody)
	c.Header("Connection", "close")
}

// decisionHeaders names what ran, or what was decided if nothing ran.
func decisionHeaders(h http.Header, rec *router.Record) {
	d := rec.Decision
	if d.Table != "" { // empty after a pin of an unknown one
		h.Set("X-Model-Router-Table", d.Table)
	}
	if d.Class.Intent != "" {
		h.Set("X-Model-Router-Intent", string(d.Intent))
		h.Set("X-Model-Router-Level", d.Level.String())
	}
	a, ok := rec.Final()
	if !ok {
		return
	}
	h.Set("X-Model-Router-Model", a.Model)
	h.Set("X-Model-Router-Provider", a.Provider)
	for _, c := range d.Candidates {
		if c.Model != a.Model {
			continue
		}
		h.Set("X-Model-Router-Tier", string(c.Tier))
		if nano, known := c.CostNano(); rec.Stream && known {
			h.Set("X-Model-Router-Cost-Estimate-Usd", usd(nano))
		}
	}
	if !rec.Stream && a.CostKnown {
		h.Set("X-Model-Router-Cost-Usd", usd(a.CostNano))
	}
	if d.RoutedFrom != "" && a.Model != d.RoutedFrom {
		h.Set("X-Gateway-Routed-From", d.Requested)
	}
	if a.Simulated {
		h.Set("X-Assay-Simulated", "true")
	}
}

// usd writes nano-dollars as a decimal number of dollars.
func usd(nano int64) string { return fmt.Sprintf("%d.%09d", nano/1e9, nano%1e9) }

// clientSink writes an answer to the client.
type clientSink struct {
	stall
	c       *gin.Context
	started bool
	buf     []byte
}

// Start sets the headers; they go out with the first byte of the answer.
func (k *clientSink) Start(rec *router.Record) {
	k.started = true
	h := k.c.Writer.Header()
	decisionHeaders(h, rec)
	if rec.Stream {
		h.Set("Content-Type", "text/event-stream; charset=utf-8")
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	} else {
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
}

// Body writes a whole answer.
func (k *clientSink) Body(status int, body []byte) error {
	k.writing()
	k.c.Writer.WriteHeader(status)
	_, err := k.c.Writer.Write(body)
	return err
}

// Event writes one event of a stream, at once.
func (k *clientSink) Event(data []byte) error {
	k.writing()
	k.buf = openai.AppendEvent(k.buf[:0], data)
	if _, err := k.c.Writer.Write(k.buf); err != nil {
		return err
	}
	k.c.Writer.Flush()
	return k.c.Request.Context().Err()
}
