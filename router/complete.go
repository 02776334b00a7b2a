package router

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"assay/models/openai"
	"assay/router/health"
	"assay/router/policy"
)

// Complete decides, calls upstreams until one answers, and relays its answer
// to the sink. It moves on to the next candidate only before the first byte,
// and only where policy lets it: a model asked for by name fails with its
// upstream's own error unless a rule says otherwise. The record is complete
// whatever the error, which is an *openai.Error, a context error, or one that
// wraps ErrBroken.
func (r *Router) Complete(ctx context.Context, ask Ask, sink Sink) (*Record, error) {
	rec := &Record{ID: ask.ID, Key: ask.Key, Org: ask.Org, Started: r.o.Now(), Stream: ask.Request.Stream}
	d, p, err := r.route(ctx, ask, false)
	rec.Decision, rec.Decided = d, r.o.Now().Sub(rec.Started)
	rec.Workload = p.policy.Workload
	if err == nil {
		err = r.o.Meter.Reserve(ctx, rec)
	}
	if err != nil {
		rec.Outcome, rec.Duration = NoCandidate, r.o.Now().Sub(rec.Started)
		return rec, err
	}
	w := walk{router: r, plan: &p, ask: &ask, rec: rec, sink: sink}
	err = w.run(ctx)
	rec.Duration = r.o.Now().Sub(rec.Started)
	rec.Outcome = NoCandidate
	if last, ok := rec.Final(); ok {
		rec.Outcome = last.Outcome
	}
	r.o.Meter.Settle(context.WithoutCancel(ctx), rec)
	r.shadow(ctx, &p, &ask, rec)
	r.judge(ctx, &p, &ask, rec, w.text)
	return rec, err
}

// walk tries the candidates of one request until one answers or the failure is
// final.
type walk struct {
	router *Router
	plan   *plan
	ask    *Ask
	rec    *Record
	sink   Sink

	queue       []Candidate
	limit       int // calls of different candidates at most
	same        int // calls of one candidate at most
	hedge       int // place in the queue of a candidate that was called beside another; 0: none
	last        error
	text        string    // of the answer that was given, where a judge may want it
	until       time.Time // when the first of those who were not called may be
	limitStatus int       // HTTP status that says why they were not
}

// order plans the walk: a selector's or a swap's candidates each once; a named
// model's own upstream as often as its retry rule says, then other hosts of the
// same weights if it may move.
func (w *walk) order() {
	d := &w.rec.Decision
	w.queue, w.same = d.Candidates, 1
	switch {
	case w.rec.selector():
		w.limit = w.plan.table.Policy.MaxAttempts
	case d.RoutedFrom != "":
		w.queue, w.limit = d.Candidates[:2], 2
	default:
		first := w.plan.table.byID[d.Candidates[0].Model]
		rule := w.plan.policy.Retry(w.plan.table.rows[first].rules)
		w.same = rule.Attempts
		w.limit = 1
		if rule.Move && !w.plan.policy.Explicit {
			w.limit = w.plan.table.Policy.MaxAttempts
		}
		w.queue = d.Candidates[:min(w.limit, len(d.Candidates))]
	}
}

// run walks under the request's deadline. A stream has kept it once its first
// byte is there.
func (w *walk) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	deadline := time.AfterFunc(w.plan.policy.Timeout, func() { cancel(errDeadline) })
	defer deadline.Stop()
	w.order()
	w.router.o.Health.CountRequest()
	calls := 0
	for i := 0; i < len(w.queue) && calls < w.limit; i++ {
		if i > 0 && i == w.hedge { // it has had its call
			calls++
			continue
		}
		for n := range w.same {
			if n > 0 && !w.pause(ctx, n) {
				break
			}
			res := w.call(ctx, i)
			if res.err == nil {
				if res.stream != nil && !w.plan.policy.Hold {
					deadline.Stop()
				}
				more, err := w.answer(ctx, res)
				if !more {
					return err
				}
				calls += boolInt(n == 0)
				continue
			}
			if !w.fail(res) {
				return w.last
			}
			if res.unmade {
				break
			}
			calls += boolInt(n == 0)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return w.outcome(ctx)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// call makes one call, with a second one beside it if the first is slow and
// that is allowed.
func (w *walk) call(ctx context.Context, i int) result {
	a := w.router.newAttempt(w.plan, w.ask, w.queue[i])
	a.patient = i == len(w.queue)-1
	if w.hedges(i) {
		return w.hedged(ctx, a, i+1)
	}
	return a.begin(ctx)
}

// fail books a failed call; more says that the walk may go on.
func (w *walk) fail(res result) (more bool) {
	if res.unmade {
		w.unmade(res)
		return res.again
	}
	w.rec.Attempts = append(w.rec.Attempts, res.out)
	w.last = res.err
	if after, ok := health.RetryAfter(res.after, w.router.o.Now(), time.Hour); ok {
		var oe *openai.Error
		if errors.As(res.err, &oe) {
			oe.RetryAfter = int(math.Ceil(after.Seconds()))
		}
	}
	if res.again {
		w.router.o.Log.Warn("attempt failed", "request", w.ask.ID, "model", res.model.ID, "error", res.err)
	}
	return res.again
}

// unmade notes a candidate that was left alone.
func (w *walk) unmade(res result) {
	w.rec.Skipped = append(w.rec.Skipped, LeftOut{res.model.ID, res.err.Error()})
	var u *health.Unavailable
	if errors.As(res.err, &u) && (w.until.IsZero() || u.Until.Before(w.until)) {
		w.until = u.Until
		w.limitStatus = http.StatusServiceUnavailable
		if u.Why == health.Limited {
			w.limitStatus = http.StatusTooManyRequests
		}
	}
	if !res.again {
		w.last = res.err
	}
}

// outcome is the error of a walk that found no answer.
func (w *walk) outcome(ctx context.Context) error {
	switch {
	case w.last != nil:
		return w.last
	case errors.Is(context.Cause(ctx), errDeadline):
		return &openai.Error{Status: http.StatusGatewayTimeout, Type: "server_error", Code: "deadline_exceeded", Message: fmt.Sprintf("no answer within the request's time of %s", w.plan.policy.Timeout)}
	case ctx.Err() != nil:
		return ctx.Err()
	}
	e := &openai.Error{Status: http.StatusServiceUnavailable, Type: "server_error", Code: "upstream_unavailable", Message: "no upstream may be called now"}
	if len(w.rec.Skipped) > 0 {
		e.Message = fmt.Sprintf("no upstream may be called now: %s: %s", w.rec.Skipped[0].Model, w.rec.Skipped[0].Why)
	}
	if w.limitStatus != 0 {
		e.Status = w.limitStatus
	}
	if e.Status == http.StatusTooManyRequests {
		e.Type, e.Code = "rate_limit_error", "upstream_rate_limited"
	}
	if wait := w.until.Sub(w.router.o.Now()); !w.until.IsZero() && wait > 0 {
		e.RetryAfter = int(math.Ceil(wait.Seconds()))
	}
	return e
}

// pause waits before another call of the same upstream; false: there is no
// time left for it.
func (w *walk) pause(ctx context.Context, n int) bool {
	after := ""
	var oe *openai.Error
	if errors.As(w.last, &oe) && oe.RetryAfter > 0 {
		after = fmt.Sprint(oe.RetryAfter)
	}
	wait := w.router.o.Health.Backoff(n-1, after)
	if spent := w.router.o.Now().Sub(w.rec.Started); spent+wait >= w.plan.policy.Timeout {
		return false
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// answer gives an answer to the client: at once, or after it was found good
// enough or replaced by a better one. more says that another candidate may
// still be asked: a stream that was held back broke.
func (w *walk) answer(ctx context.Context, res result) (more bool, err error) {
	if res = w.assessed(ctx, res); res.err != nil {
		return w.fail(res), res.err
	}
	at := len(w.rec.Attempts)
	res.out.Served = true
	w.rec.Attempts = append(w.rec.Attempts, res.out)
	w.sink.Start(w.rec)
	switch {
	case res.held != nil:
		err = w.replay(res.held)
	case res.stream != nil:
		if err = res.stream.relay(w.sink); err == nil && w.plan.policy.Workload != policy.Eval {
			w.assess(&res) // too late to escalate, not to be counted
		}
	default:
		err = w.sink.Body(http.StatusOK, res.body)
	}
	if err != nil && (res.held != nil || res.stream == nil) {
		res.out.Outcome = ClientGone
	}
	w.rec.Attempts[at] = res.out
	res.observe(w.rec.Decision)
	w.router.remember(w.plan, &res.out)
	if w.plan.policy.Judged() {
		w.text = textOf(&res)
	}
	return false, err
}

// replay passes on what was held back.
func (w *walk) replay(events [][]byte) error {
	for _, data := range events {
		if err := w.sink.Event(data); err != nil {
			return fmt.Errorf("%w: %w", errClient, err)
		}
	}
	return nil
}

// textOf is an answer's text.
func textOf(res *result) string {
	if res.stream != nil {
		return res.stream.text.String()
	}
	return openai.AnswerText(res.body)
}
