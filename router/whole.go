package router

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"assay/models/openai"
)

// maxAnswer bounds a whole answer, in bytes.
const maxAnswer = 64 << 20

// whole reads an answer that comes in one piece to its end, so that one that
// breaks off can be asked for elsewhere. first is the timer of its first byte.
func (a *attempt) whole(res *Response, first *time.Timer) result {
	body, err := a.readAll(res.Body, first)
	if err == nil {
		err = a.sound(body)
	}
	if err != nil {
		status := 0
		var said *openai.Error // an error in the clothes of an answer
		if errors.As(err, &said) {
			status = http.StatusBadGateway
		}
		return a.failed(status, "", err)
	}
	a.out.FirstByte = a.router.o.Now().Sub(a.out.Started)
	usage, ok := openai.Usage(body)
	if !ok {
		usage = a.estimate(openai.AnswerText(body))
	}
	a.settle(usage)
	a.out.Outcome = Success
	a.report(res.Status, "", nil)
	return result{attempt: a, body: body}
}

// readAll reads a body. Once it has begun it may take until the request's
// deadline, but never be silent for longer than a stream may. Bytes that are no
// UTF-8 become replacement characters, as in streams: clients refuse them.
func (a *attempt) readAll(body io.Reader, first *time.Timer) ([]byte, error) {
	wait := a.plan.table.Policy.IdleTimeout
	idle := time.AfterFunc(wait, func() { a.cancel(errIdle) })
	idle.Stop() // until the first byte the other timer holds
	defer idle.Stop()
	data, err := io.ReadAll(io.LimitReader(&timed{body, first, idle, wait}, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxAnswer:
		return nil, fmt.Errorf("%w: more than %d bytes", errNonsense, maxAnswer)
	}
	return bytes.ToValidUTF8(data, []byte("\uFFFD")), nil
}

// timed is a body whose bytes keep its call alive.
type timed struct {
	r           io.Reader
	first, idle *time.Timer
	wait        time.Duration
}

// Read reads on.
func (t *timed) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if n > 0 {
		t.first.Stop()
		t.idle.Reset(t.wait)
	}
	return n, err
}

// sound reports why a body with status 200 is no completion: an *openai.Error
// if it is an error of the provider's, else errNonsense.
func (a *attempt) sound(body []byte) error {
	if !json.Valid(body) {
		return fmt.Errorf("%w: no valid JSON", errNonsense)
	}
	switch openai.KindOf(body) {
	case openai.Failure:
		return openai.UpstreamError(a.model.Provider, http.StatusBadGateway, body)
	case openai.Other:
		return fmt.Errorf("%w: it has no choices", errNonsense)
	}
	return nil
}
