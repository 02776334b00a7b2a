package router

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tidwall/sjson"

	"assay/models"
	"assay/models/openai"
	"assay/router/assess"
)

// stream is an answer that comes in pieces: opened, its first event read,
// nothing passed on yet. relay or abandon ends it.
type stream struct {
	*attempt
	body   Body
	events *openai.EventReader
	next   []byte // read and not yet passed on

	seen     assess.Stream
	text     strings.Builder
	last     []byte // the latest chunk passed on
	usage    models.Usage
	hasUsage bool
}

// errClient marks an error of the sink.
var errClient = errors.New("client gone")

// open reads a stream's first event: until then a failure may still move to
// another candidate.
func (a *attempt) open(res *Response) result {
	s := &stream{attempt: a, body: res.Body, events: openai.NewEventReader(res.Body)}
	var err error
	if s.next, err = s.first(); err != nil {
		res.Body.Close()
		return a.failed(0, "", err)
	}
	if c := openai.DecodeChunk(s.next); c.ErrorText != "" {
		defer res.Body.Close()
		return a.failed(http.StatusBadGateway, "", openai.UpstreamError(a.model.Provider, http.StatusBadGateway, s.next))
	}
	a.out.FirstByte = a.router.o.Now().Sub(a.out.Started)
	return result{attempt: a, stream: s}
}

// first reads the first event. A stream that ends without having begun is no
// answer, however well it ends; nor is a page or a JSON body, which hold no events.
func (s *stream) first() ([]byte, error) {
	data, err := s.events.Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%w: a stream was asked for, and it holds no event", errNonsense)
	case err != nil:
		return nil, err
	case string(data) == string(openai.Done):
		return nil, fmt.Errorf("%w: it ends before it begins", errNonsense)
	case openai.KindOfEvent(data) == openai.Other: // SDKs trip over what has no choices
		return nil, fmt.Errorf("%w: its first event is no piece of a completion", errNonsense)
	}
	return data, nil
}

// relay passes the stream on, event by event, to its end, and settles it. A
// failure is an error that wraps ErrBroken, or says that the client is gone.
func (s *stream) relay(sink Sink) error {
	idle := time.AfterFunc(s.plan.table.Policy.IdleTimeout, func() { s.cancel(errIdle) })
	err := s.pump(sink, idle)
	idle.Stop()
	s.body.Close()
	err = s.end(sink, err)
	s.cancel(nil)
	s.spend()
	s.out.Duration = s.router.o.Now().Sub(s.out.Started)
	if err != nil {
		s.out.Error = err.Error()
	}
	return err
}

// pump passes events on until the last one.
func (s *stream) pump(sink Sink, idle *time.Timer) (err error) {
	for {
		if string(s.next) == string(openai.Done) {
			return nil
		}
		idle.Stop() // how long the client takes to read is not the upstream's silence
		if err := s.pass(sink, s.next); err != nil {
			return err
		}
		idle.Reset(s.plan.table.Policy.IdleTimeout)
		if s.next, err = s.events.Next(); err != nil {
			if errors.Is(err, io.EOF) && s.complete() { // only the closing event was left out
				return nil
			}
			return fmt.Errorf("%w: %w", ErrBroken, s.why(err))
		}
	}
}

// complete reports whether every choice that was asked for has its finish_reason.
func (s *stream) complete() bool {
	answers := s.seen.Answers()
	for _, a := range answers {
		if a.FinishReason == "" {
			return false
		}
	}
	return len(answers) >= s.ask.Request.N
}

// pass hands one chunk to the client, but for the usage chunk that only we
// asked for. The usage chunk that the client asked for also gets the cost.
func (s *stream) pass(sink Sink, data []byte) error {
	if !openai.ValidEvent(data) {
		return fmt.Errorf("%w: an event is no JSON object", ErrBroken)
	}
	c := openai.DecodeChunk(data)
	if c.ErrorText != "" {
		return fmt.Errorf("%w: %s", ErrBroken, c.ErrorText)
	}
	s.text.WriteString(c.Text)
	s.seen.Add(data)
	if c.HasUsage {
		s.usage, s.hasUsage = c.Usage, true
		s.settle(c.Usage)
		switch {
		case c.Choices == 0 && !s.ask.Request.IncludeUsage:
			return nil
		case s.out.CostKnown:
			if with, err := sjson.SetBytes(data, "usage.cost", float64(s.out.CostNano)/1e9); err == nil {
				data = with
			}
		}
	}
	s.last = data
	if err := sink.Event(data); err != nil {
		return fmt.Errorf("%w: %w", errClient, err)
	}
	return nil
}

// usageChunk makes the chunk that the client asked for and the upstream left
// out, from the estimate, after the pattern of the stream's other chunks.
func (s *stream) usageChunk() ([]byte, error) {
	chunk, err := sjson.SetRawBytes(s.last, "choices", []byte("[]"))
	if err != nil {
		return nil, err
	}
	u := map[string]any{"prompt_tokens": s.out.Usage.Input, "completion_tokens": s.out.Usage.Output, "total_tokens": s.out.Usage.Input + s.out.Usage.Output, "estimated": true}
	if s.out.CostKnown {
		u["cost"] = float64(s.out.CostNano) / 1e9
	}
	return sjson.SetBytes(chunk, "usage", u)
}

// end settles a stream and, if it ended well, closes it for the client.
func (s *stream) end(sink Sink, err error) error {
	if !s.hasUsage {
		s.settle(s.estimate(s.text.String()))
	}
	gone := errors.Is(err, errClient) || s.ctx.Err() != nil && errors.Is(context.Cause(s.ctx), context.Canceled)
	switch {
	case gone:
		s.permit.Cancel()
		s.out.Outcome = ClientGone
		if err == nil {
			err = s.ctx.Err()
		}
		return err
	case err != nil:
		s.out.Outcome = Broken
		s.reportBroken(err)
		return err
	}
	s.out.Outcome = Success
	s.report(s.out.Status, "", nil)
	closing := [][]byte{openai.Done}
	if s.ask.Request.IncludeUsage && !s.hasUsage && s.last != nil {
		if chunk, err := s.usageChunk(); err == nil {
			closing = [][]byte{chunk, openai.Done}
		}
	}
	for _, data := range closing {
		if err := sink.Event(data); err != nil {
			s.out.Outcome = ClientGone
			return fmt.Errorf("%w: %w", errClient, err)
		}
	}
	return nil
}

// reportBroken tells health that a stream broke after its first byte.
func (s *stream) reportBroken(err error) {
	if errors.Is(err, errIdle) {
		s.report(0, "", errIdle)
		return
	}
	s.report(0, "", io.ErrUnexpectedEOF)
}

// abandon ends a stream of which nobody wants more.
func (s *stream) abandon(why error) {
	s.cancel(why)
	s.body.Close()
	s.permit.Cancel()
	s.settle(s.estimate(s.text.String()))
	s.spend()
	s.out.Duration = s.router.o.Now().Sub(s.out.Started)
}
