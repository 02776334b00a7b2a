package router

import (
	"context"
	"time"

	"assay/router/policy"
)

// hedges reports whether a second call may be made beside that of candidate i
// if it is slow: only for interactive answers in one piece, whose model the
// router chose.
func (w *walk) hedges(i int) bool {
	return !w.ask.Request.Stream && !w.plan.policy.NoHedge && w.plan.policy.Workload == policy.Interactive &&
		w.rec.selector() && i+1 < len(w.queue) && i+1 < w.limit
}

// leastHedge is the shortest wait before a second call: where all answers come
// sooner, there is nothing to win.
const leastHedge = 50 * time.Millisecond

// hedged calls a candidate and, if it takes longer than nearly all of its
// recent answers did and the budget for hedges allows it, the next one as well.
// The first answer is taken and the other call ended; it is booked as an
// attempt of its own, which the client does not pay.
func (w *walk) hedged(ctx context.Context, first *attempt, next int) result {
	after, ok := w.router.o.Health.HedgeAfter(first.model.Provider, first.model.ID, false)
	if !ok {
		return first.begin(ctx)
	}
	results := make(chan result, 2)
	start := func(a *attempt) context.CancelCauseFunc {
		ctx, cancel := context.WithCancelCause(ctx)
		go func() { results <- a.begin(ctx) }()
		return cancel
	}
	cancels := map[*attempt]context.CancelCauseFunc{first: start(first)}
	timer := time.NewTimer(max(after, leastHedge))
	defer timer.Stop()
	var res result
	select {
	case res = <-results:
		cancels[first](nil)
		return res
	case <-timer.C:
	}
	if !w.router.o.Health.TryHedge() {
		res = <-results
		cancels[first](nil)
		return res
	}
	second := w.router.newAttempt(w.plan, w.ask, w.queue[next])
	second.hedge, w.hedge = true, next
	cancels[second] = start(second)
	res = <-results
	if res.err != nil && (res.again || res.unmade) { // the other may still answer
		w.settleSide(res)
		res = <-results
		cancels[first](nil)
		cancels[second](nil)
		return res
	}
	for a, cancel := range cancels {
		if a != res.attempt {
			cancel(errHedgeLost)
		}
	}
	w.settleSide(<-results)
	for _, cancel := range cancels {
		cancel(nil)
	}
	return res
}

// settleSide books the call of a hedge whose answer is not taken.
func (w *walk) settleSide(res result) {
	if res.unmade {
		w.rec.Skipped = append(w.rec.Skipped, LeftOut{res.model.ID, res.err.Error()})
		return
	}
	if res.err == nil { // both came at once
		res.out.Outcome = HedgeLost
	}
	w.rec.Attempts = append(w.rec.Attempts, res.out)
}
