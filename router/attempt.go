package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tidwall/sjson"

	"assay/models"
	"assay/models/openai"
)

// maxAnswer bounds a whole answer, in bytes.
const maxAnswer = 64 << 20

// attempt is one call of one candidate.
type attempt struct {
	router   *Router
	table    *Table
	ask      Ask
	rec      *Record
	sink     Sink
	model    models.Model
	expected models.Usage

	started time.Time
	cancel  context.CancelCauseFunc
	out     Attempt
}

var (
	errFirstByte = errors.New("no first byte in time")
	errIdle      = errors.New("silent for too long")
)

// run makes the call. again says that nothing has reached the client and
// another candidate may be tried.
func (a *attempt) run(ctx context.Context) (again bool, err error) {
	a.started = a.router.o.Now()
	a.out = Attempt{Model: a.model.ID, Provider: a.model.Provider, Expected: a.expected, Started: a.started}
	defer func() {
		a.out.Duration = a.router.o.Now().Sub(a.started)
		if err != nil && a.out.Error == "" {
			a.out.Error = err.Error()
		}
		a.rec.Attempts = append(a.rec.Attempts, a.out)
		a.observe()
	}()
	up := a.router.o.Upstream(a.model.Provider)
	if up == nil {
		return a.fail(ctx, 0, fmt.Errorf("provider %s has no upstream", a.model.Provider))
	}
	body, err := a.ask.Request.Upstream(a.model.Name)
	if err != nil {
		return a.fail(ctx, 0, err)
	}
	callCtx, cancel := context.WithCancelCause(ctx)
	a.cancel = cancel
	defer cancel(nil)
	timer := time.AfterFunc(a.table.Policy.FirstByteTimeout, func() { cancel(errFirstByte) })
	defer timer.Stop()
	res, err := up.Do(callCtx, Call{Model: a.model, Body: body, Stream: a.ask.Request.Stream, ID: a.ask.ID})
	if err != nil {
		return a.fail(ctx, 0, cause(callCtx, err))
	}
	defer res.Body.Close()
	a.out.Status, a.out.Simulated = res.Status, res.Simulated
	if res.Status != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		return a.fail(ctx, res.Status, openai.UpstreamError(a.model.Provider, res.Status, text))
	}
	if a.ask.Request.Stream {
		return a.relay(ctx, callCtx, res, timer)
	}
	return a.whole(ctx, callCtx, res)
}

// cause prefers why the context ended to the error that this provoked.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil && !errors.Is(c, context.Canceled) {
		return c
	}
	return err
}

// fail classifies a failure before the first byte.
func (a *attempt) fail(ctx context.Context, status int, err error) (again bool, _ error) {
	if ctx.Err() != nil {
		a.out.Outcome = ClientGone
		return false, ctx.Err()
	}
	var oe *openai.Error
	if !errors.As(err, &oe) {
		a.router.o.Log.WarnContext(ctx, "upstream failed", "request", a.ask.ID, "model", a.model.ID, "error", err)
		oe = &openai.Error{Status: http.StatusBadGateway, Type: "server_error", Code: "upstream_unreachable",
			Message: fmt.Sprintf("provider %s gave no answer: %s", a.model.Provider, reason(err))}
		if errors.Is(err, errFirstByte) {
			oe.Status, oe.Code = http.StatusGatewayTimeout, "upstream_timeout"
		}
		a.out.Error = err.Error()
	}
	a.out.Outcome = UpstreamFail
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound:
		// another model may well answer: the trouble lies between the operator and this provider
		return true, oe
	}
	if status >= 400 && status < 500 {
		a.out.Outcome = Refused
		return false, oe
	}
	return true, oe
}

// reason says in a word what kept an upstream from answering, without the
// addresses that network errors carry.
func reason(err error) string {
	switch {
	case errors.Is(err, errFirstByte), errors.Is(err, context.DeadlineExceeded):
		return "time ran out"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection closed early"
	case errors.Is(err, errNonsense):
		return err.Error()
	}
	return "the connection failed"
}

var errNonsense = errors.New("its answer is not valid JSON")

// whole relays an answer that comes in one piece. It is read to the end before
// the client gets a byte, so that one that breaks off can be asked elsewhere.
func (a *attempt) whole(ctx, callCtx context.Context, res *Response) (again bool, err error) {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return a.fail(ctx, 0, cause(callCtx, err))
	case len(body) > maxAnswer:
		return a.fail(ctx, 0, fmt.Errorf("%w: more than %d bytes", errNonsense, maxAnswer))
	case !json.Valid(body):
		return a.fail(ctx, 0, errNonsense)
	}
	a.out.FirstByte = a.router.o.Now().Sub(a.started)
	usage, ok := openai.Usage(body)
	if !ok {
		usage = a.estimate(openai.AnswerText(body))
	}
	a.settle(usage)
	a.out.Outcome = Success
	a.sink.Start(a.current())
	if err := a.sink.Body(res.Status, body); err != nil {
		a.out.Outcome = ClientGone
		return false, err
	}
	return false, nil
}

// current is the record with this attempt in it, for headers.
func (a *attempt) current() *Record {
	rec := *a.rec
	rec.Attempts = append(append([]Attempt(nil), a.rec.Attempts...), a.out)
	return &rec
}

// settle books usage and its price.
func (a *attempt) settle(u models.Usage) {
	a.out.Usage = u
	a.out.CostNano, a.out.CostKnown = a.model.Cost(u, models.ClassStandard, a.table.Made)
}

// estimate counts what an upstream did not report.
func (a *attempt) estimate(answer string) models.Usage {
	req := a.ask.Request
	return models.Usage{Input: a.router.o.Tokens.Prompt(req.Text(), len(req.Messages), req.Images(), ""), Output: a.router.o.Tokens.Count(answer), Estimated: true}
}

func (a *attempt) observe() {
	if a.out.Outcome != Success {
		return
	}
	if a.ask.Request.Stream {
		a.router.speeds.Observe(a.model.ID, a.out.FirstByte, a.out.Duration-a.out.FirstByte, a.out.Usage.Output)
	} else {
		a.router.speeds.Observe(a.model.ID, 0, a.out.Duration, a.out.Usage.Output)
	}
	if a.out.Simulated {
		return // made-up answers are as long as their maker likes
	}
	a.router.outputs.Observe(a.model.ID, Observation{Class: a.rec.Decision.Class, Reasoning: a.model.Reasoning, Prompt: a.rec.Decision.PromptTokens,
		MaxTokens: a.ask.Request.MaxTokens, N: a.ask.Request.N, Expected: a.expected, Got: a.out.Usage})
}

// relay passes a stream on event by event. Before the first event a failure
// may still move to another candidate; after it the stream ends as an error.
func (a *attempt) relay(ctx, callCtx context.Context, res *Response, firstByte *time.Timer) (again bool, err error) {
	events := openai.NewEventReader(res.Body)
	data, err := events.Next()
	if err != nil {
		return a.fail(ctx, 0, cause(callCtx, err))
	}
	if c := openai.DecodeChunk(data); c.ErrorText != "" {
		return a.fail(ctx, 0, openai.UpstreamError(a.model.Provider, http.StatusBadGateway, data))
	}
	firstByte.Stop()
	a.out.FirstByte = a.router.o.Now().Sub(a.started)
	a.sink.Start(a.current())
	idle := time.AfterFunc(a.table.Policy.IdleTimeout, func() { a.cancel(errIdle) })
	defer idle.Stop()
	s := streamState{}
	for {
		if string(data) == string(openai.Done) {
			return false, a.endStream(ctx, &s, nil)
		}
		if err := a.pass(&s, data); err != nil {
			return false, a.endStream(ctx, &s, err)
		}
		idle.Reset(a.table.Policy.IdleTimeout)
		if data, err = events.Next(); err != nil {
			if errors.Is(err, io.EOF) && s.finished { // complete, only the closing event was left out
				err = nil
			} else {
				err = fmt.Errorf("%w: %w", ErrBroken, cause(callCtx, err))
			}
			return false, a.endStream(ctx, &s, err)
		}
	}
}

// streamState is what a stream has shown so far.
type streamState struct {
	text     strings.Builder
	last     []byte // the latest chunk passed on
	finished bool
	usage    models.Usage
	hasUsage bool
}

// errClient marks an error of the sink.
var errClient = errors.New("client gone")

// pass hands one chunk to the client, but for the usage chunk that only we
// asked for. The usage chunk that the client asked for also gets the cost.
func (a *attempt) pass(s *streamState, data []byte) error {
	c := openai.DecodeChunk(data)
	if c.ErrorText != "" {
		return fmt.Errorf("%w: %s", ErrBroken, c.ErrorText)
	}
	s.text.WriteString(c.Text)
	s.finished = s.finished || c.Finished
	if c.HasUsage {
		s.usage, s.hasUsage = c.Usage, true
		a.settle(c.Usage)
		switch {
		case c.Choices == 0 && !a.ask.Request.IncludeUsage:
			return nil
		case a.out.CostKnown:
			if with, err := sjson.SetBytes(data, "usage.cost", float64(a.out.CostNano)/1e9); err == nil {
				data = with
			}
		}
	}
	s.last = data
	if err := a.sink.Event(data); err != nil {
		return fmt.Errorf("%w: %w", errClient, err)
	}
	return nil
}

// usageChunk makes the chunk that the client asked for and the upstream left
// out, from the estimate, after the pattern of the stream's other chunks.
func (a *attempt) usageChunk(last []byte) ([]byte, error) {
	chunk, err := sjson.SetRawBytes(last, "choices", []byte("[]"))
	if err != nil {
		return nil, err
	}
	u := map[string]any{"prompt_tokens": a.out.Usage.Input, "completion_tokens": a.out.Usage.Output, "total_tokens": a.out.Usage.Input + a.out.Usage.Output, "estimated": true}
	if a.out.CostKnown {
		u["cost"] = float64(a.out.CostNano) / 1e9
	}
	return sjson.SetBytes(chunk, "usage", u)
}

// endStream settles a stream and, if it ended well, closes it for the client.
func (a *attempt) endStream(ctx context.Context, s *streamState, err error) error {
	if !s.hasUsage {
		a.settle(a.estimate(s.text.String()))
	}
	switch {
	case ctx.Err() != nil || errors.Is(err, errClient):
		a.out.Outcome = ClientGone
		if err == nil {
			err = ctx.Err()
		}
		return err
	case err != nil:
		a.out.Outcome = Broken
		return err
	}
	a.out.Outcome = Success
	closing := [][]byte{openai.Done}
	if a.ask.Request.IncludeUsage && !s.hasUsage && s.last != nil {
		if chunk, err := a.usageChunk(s.last); err == nil {
			closing = [][]byte{chunk, openai.Done}
		}
	}
	for _, data := range closing {
		if err := a.sink.Event(data); err != nil {
			a.out.Outcome = ClientGone
			return fmt.Errorf("%w: %w", errClient, err)
		}
	}
	return nil
}
