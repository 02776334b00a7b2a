package router

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"assay/models"
	"assay/models/openai"
	"assay/router/allowance"
	"assay/router/health"
)

// attempt is one call of one candidate.
type attempt struct {
	router    *Router
	plan      *plan
	ask       *Ask
	candidate Candidate
	model     models.Model
	hedge     bool // a second call beside a slow one
	patient   bool // nobody else may answer: wait for a place

	ctx    context.Context // of the call; its cause says who ended it
	cancel context.CancelCauseFunc
	permit *health.Permit
	free   *allowance.Reservation // nil: the call is paid for
	out    Attempt
}

// Why the gateway ends a call.
var (
	errFirstByte = errors.New("no first byte in time")
	errIdle      = errors.New("silent for too long")
	errDeadline  = errors.New("the request's time is up")
	errHedgeLost = errors.New("another answer came first")
	errNonsense  = errors.New("its answer is not valid JSON")
)

// result is how a call went, before any of it has reached the client.
type result struct {
	*attempt
	err    error  // nil: there is an answer
	again  bool   // another candidate may be tried
	after  string // Retry-After of the upstream
	unmade bool   // there was no call: nobody was to be called, or there was no leave
	body   []byte // of a whole answer
	stream *stream
	held   [][]byte // the events of a stream that was held back
}

func (r *Router) newAttempt(p *plan, ask *Ask, c Candidate) *attempt {
	m, _, _, _ := p.table.Model(c.Model)
	return &attempt{router: r, plan: p, ask: ask, candidate: c, model: m}
}

// begin makes the call, and reads a whole answer to its end, or a stream to its
// first event. What it opened is closed again unless it gives a stream.
func (a *attempt) begin(ctx context.Context) result {
	a.ctx, a.cancel = context.WithCancelCause(ctx)
	a.out = Attempt{Model: a.model.ID, Provider: a.model.Provider, Expected: a.candidate.usage, Started: a.router.o.Now(), Hedge: a.hedge}
	res := a.call()
	if res.stream == nil {
		a.cancel(nil)
		a.spend()
		a.out.Duration = a.router.o.Now().Sub(a.out.Started)
	}
	if res.err != nil && a.out.Error == "" {
		a.out.Error = res.err.Error()
	}
	return res
}

func (a *attempt) call() result {
	if err := a.chooseKey(); err != nil {
		return result{attempt: a, err: err, again: true, unmade: true}
	}
	up := a.router.o.Upstream(a.model.Provider, a.out.Key)
	if up == nil {
		a.giveBack()
		return result{attempt: a, err: fmt.Errorf("provider %s has no upstream", a.model.Provider), again: true, unmade: true}
	}
	body, err := a.ask.Request.Upstream(a.model.Name)
	if err != nil {
		return result{attempt: a, err: err, unmade: true}
	}
	if err := a.acquire(); err != nil {
		a.giveBack()
		return result{attempt: a, err: err, again: true, unmade: true}
	}
	timer := time.AfterFunc(a.plan.table.Policy.FirstByteTimeout, func() { a.cancel(errFirstByte) })
	defer timer.Stop()
	res, err := up.Do(a.ctx, Call{Model: a.model, Body: body, Stream: a.ask.Request.Stream, ID: a.ask.ID})
	if err != nil {
		return a.failed(0, "", err)
	}
	a.out.Status, a.out.Simulated = res.Status, res.Simulated
	after := res.Header.Get("Retry-After")
	switch {
	case res.Status != http.StatusOK:
		defer res.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		return a.failed(res.Status, after, openai.UpstreamError(a.model.Provider, res.Status, text))
	case a.ask.Request.Stream:
		return a.open(res)
	}
	defer res.Body.Close()
	return a.whole(res, timer)
}

// acquire asks for leave to call.
func (a *attempt) acquire() (err error) {
	if a.patient {
		a.permit, err = a.router.o.Health.AcquireWait(a.ctx, a.model.Provider, a.model.ID)
	} else {
		a.permit, err = a.router.o.Health.Acquire(a.model.Provider, a.model.ID)
	}
	return err
}

// why prefers why the call was ended to the error that this provoked.
func (a *attempt) why(err error) error {
	if c := context.Cause(a.ctx); c != nil && !errors.Is(c, context.Canceled) {
		return c
	}
	return err
}

// failed classifies a failure before the first byte.
func (a *attempt) failed(status int, after string, err error) result {
	err = a.why(err)
	late := errors.Is(err, errFirstByte) || errors.Is(err, errIdle)
	if errors.Is(err, errHedgeLost) || errors.Is(err, errDeadline) || a.ctx.Err() != nil && !late {
		return a.ended(err)
	}
	a.report(status, after, err)
	var oe *openai.Error
	if !errors.As(err, &oe) {
		a.router.o.Log.WarnContext(a.ctx, "upstream failed", "request", a.ask.ID, "model", a.model.ID, "error", err)
		oe = &openai.Error{Status: http.StatusBadGateway, Type: "server_error", Code: "upstream_unreachable",
			Message: fmt.Sprintf("provider %s gave no answer: %s", a.model.Provider, reason(err))}
		if late {
			oe.Status, oe.Code = http.StatusGatewayTimeout, "upstream_timeout"
		}
		a.out.Error = err.Error()
	}
	a.out.Outcome = UpstreamFail
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound:
		// another model may well answer: the trouble lies between the operator and this provider
		return result{attempt: a, err: oe, again: true, after: after}
	}
	if status >= 400 && status < 500 {
		a.out.Outcome = Refused
		return result{attempt: a, err: oe}
	}
	return result{attempt: a, err: oe, again: true, after: after}
}

// ended is a call that this side gave up: it says nothing about the upstream.
func (a *attempt) ended(err error) result {
	a.permit.Cancel()
	switch {
	case errors.Is(err, errHedgeLost):
		a.out.Outcome = HedgeLost
	case errors.Is(err, errDeadline):
		a.out.Outcome = UpstreamFail
		err = &openai.Error{Status: http.StatusGatewayTimeout, Type: "server_error", Code: "deadline_exceeded",
			Message: fmt.Sprintf("no answer within the request's time of %s", a.plan.policy.Timeout)}
	default:
		a.out.Outcome, err = ClientGone, context.Canceled
	}
	// The upstream may have read the prompt before it heard that nobody listens.
	a.settle(a.estimate(""))
	return result{attempt: a, err: err}
}

// report tells what the call showed of the upstream's health.
func (a *attempt) report(status int, after string, err error) {
	r := health.Result{Status: status, RetryAfter: after, Stream: a.ask.Request.Stream, FirstByte: a.out.FirstByte, Duration: a.router.o.Now().Sub(a.out.Started)}
	var oe *openai.Error
	switch {
	case err == nil:
	case errors.Is(err, errFirstByte), errors.Is(err, errIdle):
		r.Failure = health.Timeout
	case errors.Is(err, errNonsense):
		r.Failure = health.Nonsense
	case errors.As(err, &oe):
		r.Detail = oe.Message
		if oe.Code == "upstream_quota" {
			r.Failure = health.NoQuota
		}
	default:
		r.Failure = health.FailureOf(err)
	}
	a.permit.Done(r)
}

// reason says in a word what kept an upstream from answering, without the
// addresses that network errors carry.
func reason(err error) string {
	switch {
	case errors.Is(err, errFirstByte), errors.Is(err, context.DeadlineExceeded):
		return "time ran out"
	case errors.Is(err, errIdle):
		return "it fell silent in the middle"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection closed early"
	case errors.Is(err, errNonsense):
		return err.Error()
	}
	return "the connection failed"
}

// settle books usage and its price.
func (a *attempt) settle(u models.Usage) {
	a.out.Usage = u
	if a.free != nil {
		a.out.CostNano, a.out.CostKnown = 0, true
		return
	}
	a.out.CostNano, a.out.CostKnown = a.model.Cost(u, models.ClassStandard, a.plan.table.Made)
}

// estimate counts what an upstream did not report.
func (a *attempt) estimate(answer string) models.Usage {
	req := &a.ask.Request
	return models.Usage{Input: a.router.o.Tokens.Prompt(req.Text(), len(req.Messages), req.Images(), ""), Output: a.router.o.Tokens.Count(answer), Estimated: true}
}

// observe learns from an attempt that ended well.
func (a *attempt) observe(class Decision) {
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
	a.router.outputs.Observe(a.model.ID, Observation{Class: class.Class, Reasoning: a.model.Reasoning, Prompt: class.PromptTokens,
		MaxTokens: a.ask.Request.MaxTokens, N: a.ask.Request.N, Expected: a.candidate.usage, Got: a.out.Usage})
}
