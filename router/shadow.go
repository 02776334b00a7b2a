package router

import (
	"context"

	"assay/router/policy"
)

// shadowsAtOnce bounds the copies of requests under way; more are left out.
const shadowsAtOnce = 8

// shadow sends copies of a request to the models that are in the shadow for its
// conversation, after the client has its answer. Nobody sees what they answer;
// each is recorded for itself, at the operator's cost.
func (r *Router) shadow(ctx context.Context, p *plan, ask *Ask, served *Record) {
	if len(p.table.shadows) == 0 || served.Outcome != Success {
		return
	}
	needs := NeedsOf(ask.Request, served.Decision.PromptTokens)
	view := p.policy.View()
	view.Workload = policy.Eval // what a model in the shadow may do
	for _, i := range p.table.shadows {
		row := &p.table.rows[i]
		denied, unknown := row.lacks(needs)
		if row.barred != "" || denied != "" || unknown != "" || !p.policy.Shadows(row.rules) ||
			p.table.Policy.Refuses(view, row.rules) != "" || p.policy.Refuses(row.rules) != "" {
			continue
		}
		select {
		case r.shadowing <- struct{}{}:
		default:
			return
		}
		id := row.ID
		r.work.Go(func() {
			defer func() { <-r.shadowing }()
			r.copyTo(context.WithoutCancel(ctx), p, ask, served, id)
		})
	}
}

// copyTo makes one copy and books it.
func (r *Router) copyTo(ctx context.Context, p *plan, ask *Ask, served *Record, model string) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.policy.Timeout, errDeadline)
	defer cancel()
	rec := &Record{ID: ask.ID, ShadowOf: served.Decision.Model, Key: ask.Key, Org: ask.Org, Workload: p.policy.Workload, Started: r.o.Now(), Stream: ask.Request.Stream, Decision: served.Decision}
	res := r.newAttempt(p, ask, Candidate{Model: model}).begin(ctx)
	if res.stream != nil {
		res.err = res.stream.relay(discard{})
	}
	if !res.unmade {
		rec.Attempts = []Attempt{res.out}
		rec.Outcome = res.out.Outcome
		res.observe(rec.Decision)
	}
	rec.Duration = r.o.Now().Sub(rec.Started)
	r.o.Meter.Settle(ctx, rec)
	if r.o.OnShadow != nil {
		r.o.OnShadow(rec)
	}
}

// discard is a sink for answers that nobody sees.
type discard struct{}

func (discard) Start(*Record)          {}
func (discard) Body(int, []byte) error { return nil }
func (discard) Event([]byte) error     { return nil }

// Wait waits for work that goes on after its requests were answered.
func (r *Router) Wait() { r.work.Wait() }
