package router

import (
	"context"
	"fmt"

	"assay/router/assess"
	"assay/router/policy"
)

// assessed looks at the quality of an answer before the client gets it, and has
// the likeliest model answer once more where it fails. Of two answers that
// fail, the one with fewer defects is given. A stream is looked at here only
// if the client asked for it to be held back; else after it has been passed on.
func (w *walk) assessed(ctx context.Context, res result) result {
	if res.stream != nil && !w.plan.policy.Hold {
		return res
	}
	res = hold(res)
	if res.err != nil {
		return res
	}
	w.assess(&res)
	if len(res.out.Findings) == 0 || !w.escalates() {
		return res
	}
	c, ok := w.better(res.candidate)
	if !ok {
		return res
	}
	second := hold(w.router.newAttempt(w.plan, w.ask, c).begin(ctx))
	w.rec.Escalated = true
	switch {
	case second.unmade:
		w.rec.Skipped = append(w.rec.Skipped, LeftOut{c.Model, second.err.Error()})
		return res
	case second.err != nil:
		w.rec.Attempts = append(w.rec.Attempts, second.out)
		return res
	}
	w.assess(&second)
	kept, other := second, res
	if len(second.out.Findings) > len(res.out.Findings) {
		kept, other = res, second
	}
	other.out.Outcome = Rejected
	w.rec.Attempts = append(w.rec.Attempts, other.out)
	other.observe(w.rec.Decision)
	return kept
}

// assess notes what is wrong with an answer that has come to its end.
func (w *walk) assess(res *result) {
	in := assess.InputOf(w.ask.Request.Raw, w.rec.Decision.Intent)
	for _, a := range answersOf(res) {
		for _, f := range w.plan.table.assessor.Assess(in, a) {
			res.out.Findings = append(res.out.Findings, fmt.Sprintf("%s: %s", f.Defect, f.Detail))
		}
	}
}

func answersOf(res *result) []assess.Answer {
	if res.stream != nil {
		return res.stream.seen.Answers()
	}
	answers, err := assess.FromBody(res.body)
	if err != nil { // no completion in it: nothing that could be judged
		return nil
	}
	return answers
}

// escalates reports whether a failing answer may be asked for again: the router
// chose its model, or swapped it, and nobody is being measured.
func (w *walk) escalates() bool {
	set := w.plan.table.Policy.Assess.Escalate
	return (set == nil || *set) && w.plan.policy.Workload != policy.Eval && (w.rec.selector() || w.rec.Decision.RoutedFrom != "") && !w.rec.Escalated
}

// better is who answers instead: the model that was asked for, of a swap, else
// the likeliest candidate, if it is likelier.
func (w *walk) better(than Candidate) (Candidate, bool) {
	d := &w.rec.Decision
	if d.RoutedFrom != "" {
		c := d.Candidates[1]
		return c, c.Model != than.Model
	}
	if d.Likeliest == nil || d.Likeliest.Model == than.Model || d.Likeliest.PSuccess <= than.PSuccess {
		return Candidate{}, false
	}
	return *d.Likeliest, true
}

// hold reads a stream to its end, to be passed on later; whole answers are
// there already. A stream that breaks is a failure like one before the first
// byte: another candidate may be asked.
func hold(res result) result {
	if res.stream == nil || res.err != nil {
		return res
	}
	var kept heldEvents
	if err := res.stream.relay(&kept); err != nil {
		return result{attempt: res.attempt, err: err, again: res.out.Outcome == Broken}
	}
	res.held = kept.events
	return res
}

// maxHeld bounds what is held back of a stream, in bytes.
const maxHeld = 16 << 20

// heldEvents is a sink that keeps a stream's events.
type heldEvents struct {
	events [][]byte
	bytes  int
}

func (h *heldEvents) Start(*Record)          {}
func (h *heldEvents) Body(int, []byte) error { return nil }

// Event keeps a copy.
func (h *heldEvents) Event(data []byte) error {
	if h.bytes += len(data); h.bytes > maxHeld {
		return fmt.Errorf("%w: more than %d bytes were to be held back", errNonsense, maxHeld)
	}
	h.events = append(h.events, append([]byte(nil), data...))
	return nil
}
