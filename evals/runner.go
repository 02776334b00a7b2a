package evals

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Runner carries out plans. Store and Sampler are needed; the zero value of
// every other field works.
type Runner struct {
	Store   Store
	Sampler Sampler
	// Journal makes each answer durable as it comes. Without one an answer is
	// durable when the store has committed its batch.
	Journal *Journal

	RunID       string  // names the run to continue or to start; "" chooses
	Concurrency int     // calls in flight; default 8
	PerMinute   float64 // calls a minute in all; 0 no limit
	BudgetNano  int64   // cap on the whole run, all its sessions together; 0 none
	// MaxErrors is the share of failed questions above which a run stops;
	// default 0.1.
	MaxErrors float64
	// Grace is how long calls in flight may still finish after a stop; default 5 s.
	Grace time.Duration

	// Observe is told of progress: once for each cell at the start, then after
	// every commit for the cells it touched. Calls never overlap.
	Observe func(Cell, Totals)
	Now     func() time.Time
	Sleep   func(context.Context, time.Duration) error
}

// Cell is the progress of one model on one benchmark.
type Cell struct {
	Card    Scorecard // so far
	Asked   int       // questions with an outcome, failures included
	Resumed int       // of Asked: answered in an earlier session
}

// Totals are the progress of a whole run.
type Totals struct {
	Run       Run
	Asked     int
	Resumed   int
	Failed    int
	LastError string
	Spent     int64 // nano-dollars
	Reserved  int64
	Cap       int64 // 0: none
}

// Outcome is how a run ended.
type Outcome struct {
	Run    Run
	Cards  []Scorecard // by benchmark and model
	Totals Totals
}

const (
	batchSize = 8
	batchWait = 200 * time.Millisecond
)

// Run asks what the plan holds and has not been answered yet. It continues the
// newest unfinished run with the plan's parameters (or the one named), else it
// starts one. The outcome is valid with an error too: ErrBudget,
// ErrTooManyErrors, ErrUnpriced, or the context's.
func (r *Runner) Run(ctx context.Context, plan Plan) (Outcome, error) {
	if err := r.checkPrices(plan); err != nil {
		return Outcome{}, err
	}
	run, err := r.open(ctx, plan)
	if err != nil {
		return Outcome{}, err
	}
	s := newSession(r, plan, run)
	if err := s.resume(ctx); err != nil {
		return Outcome{}, err
	}
	err = s.ask(ctx)
	// What came in is kept whatever ended the run.
	if e := s.finish(context.WithoutCancel(ctx), err); err == nil {
		err = e
	}
	return s.outcome(), err
}

// checkPrices refuses a budget that could not be held.
func (r *Runner) checkPrices(plan Plan) error {
	if r.BudgetNano <= 0 {
		return nil
	}
	var missing []string
	plan.questions(func(q question) bool {
		if _, ok := WorstCase(q.target, q.request(), r.now()); !ok && !slices.Contains(missing, q.target.ID) {
			missing = append(missing, q.target.ID)
		}
		return len(missing) < len(plan.Models)
	})
	if len(missing) > 0 {
		return fmt.Errorf("%w for %v: a budget cannot be held without one; give it in the model configuration or leave the budget out", ErrUnpriced, missing)
	}
	return nil
}

// open finds the run to continue or makes a new one.
func (r *Runner) open(ctx context.Context, plan Plan) (Run, error) {
	runs, err := r.Store.Runs(ctx)
	if err != nil {
		return Run{}, err
	}
	hash := plan.Params.Hash()
	for _, run := range runs {
		if r.RunID == "" && run.ParamsHash == hash && run.Status != Complete {
			return run, nil
		}
		if r.RunID != "" && run.ID == r.RunID {
			if run.ParamsHash != hash {
				return Run{}, fmt.Errorf("%w: run %s was started with other parameters (%s); name another run or use its parameters",
					ErrIncomparable, run.ID, run.Params.Difference(plan.Params))
			}
			return run, nil
		}
	}
	now := r.now().UTC().Truncate(time.Microsecond)
	run := Run{ID: r.RunID, ParamsHash: hash, Params: plan.Params, Status: Running, StartedAt: now, UpdatedAt: now, Planned: plan.Planned()}
	if run.ID == "" {
		run.ID = freeID(NewRunID(now, hash), runs)
	}
	return run, r.storePlan(ctx, run, plan)
}

// freeID adds a number to an ID that is taken.
func freeID(id string, runs []Run) string {
	for n := 1; ; n++ {
		try := id
		if n > 1 {
			try = fmt.Sprintf("%s-%d", id, n)
		}
		if !slices.ContainsFunc(runs, func(r Run) bool { return r.ID == try }) {
			return try
		}
	}
}

// storePlan keeps the items first and the run last: a run in the store has
// all its items there.
func (r *Runner) storePlan(ctx context.Context, run Run, plan Plan) error {
	for _, b := range plan.Benches {
		for chunk := range slices.Chunk(b.Items, 500) {
			items := make([]Item, len(chunk))
			for i, s := range chunk {
				items[i] = Item{Benchmark: b.Task.Name, DatasetHash: b.Set.Hash, ID: s.ID, Subject: s.Subject, Lang: s.Lang,
					Question: s.Question, Choices: s.Choices, Answer: s.Answer}
			}
			if err := r.Store.Put(ctx, Batch{Items: items}); err != nil {
				return err
			}
		}
	}
	return r.Store.Put(ctx, Batch{Runs: []Run{run}})
}

// ask sends the open questions through the workers. It returns when all have
// an outcome, or soon after the context ends, the budget is reached, or too
// many questions have failed.
func (s *session) ask(ctx context.Context) error {
	stopCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	callCtx, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	cutSoon := func() {
		t := time.AfterFunc(cmp.Or(s.r.Grace, 5*time.Second), cut)
		context.AfterFunc(callCtx, func() { t.Stop() })
	}
	defer context.AfterFunc(ctx, cutSoon)()
	defer context.AfterFunc(stopCtx, func() {
		if !errors.Is(context.Cause(stopCtx), ErrBudget) { // calls within the budget are paid for: they may finish
			cutSoon()
		}
	})()

	questions, results := make(chan question), make(chan result)
	go s.feed(stopCtx, questions)
	var workers sync.WaitGroup
	for range cmp.Or(s.r.Concurrency, 8) {
		workers.Go(func() { s.work(stopCtx, callCtx, stop, questions, results) })
	}
	go func() { workers.Wait(); close(results) }()

	// The collector is this goroutine: it alone writes to the store. It must
	// drain results even after an error, or the workers would hang.
	if err := s.collect(context.WithoutCancel(ctx), results, stop); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if cause := context.Cause(stopCtx); cause != nil {
		return cause
	}
	return nil
}

func (s *session) feed(ctx context.Context, questions chan<- question) {
	defer close(questions)
	s.plan.questions(func(q question) bool {
		if s.done[q.key()] {
			return true
		}
		select {
		case questions <- q:
			return true
		case <-ctx.Done():
			return false
		}
	})
}

// result is an outcome on its way to the store.
type result struct {
	q        question
	c        Completion
	ticket   Ticket
	recorded bool // the ticket is valid
}

// work asks questions one after another. stopCtx ends before a call is made,
// callCtx, some grace later, ends calls in flight.
func (s *session) work(stopCtx, callCtx context.Context, stop context.CancelCauseFunc, questions <-chan question, results chan<- result) {
	for q := range questions {
		res, err := s.askOne(stopCtx, callCtx, q)
		if err != nil {
			if stopCtx.Err() == nil {
				stop(err)
			}
			continue // drain what is queued
		}
		if res.c.RunID != "" {
			results <- res
		}
	}
}

// askOne makes one call. A zero result says that the call was cut short by a
// stop and has no outcome.
func (s *session) askOne(stopCtx, callCtx context.Context, q question) (result, error) {
	if err := stopCtx.Err(); err != nil {
		return result{}, nil
	}
	req := q.request()
	if err := s.wait(stopCtx, q.target); err != nil {
		return result{}, nil
	}
	worst, _ := WorstCase(q.target, req, s.r.now())
	if err := s.budget.Reserve(stopCtx, worst); err != nil {
		if errors.Is(err, ErrBudget) {
			return result{}, err
		}
		return result{}, nil
	}
	held := worst
	req.MayRetry = func() bool {
		ok := s.budget.Extend(worst)
		if ok {
			held += worst
		}
		return ok
	}
	answer, err := s.r.Sampler.Sample(callCtx, req)
	c := s.completion(q, req, answer, err, worst)
	s.budget.Settle(held, s.booked(c, err, worst))
	if err != nil && callCtx.Err() != nil {
		return result{}, nil
	}
	res := result{q: q, c: c}
	if s.r.Journal != nil {
		if res.ticket, err = s.r.Journal.Append(c); err != nil {
			return result{}, err
		}
		res.recorded = true
	}
	return res, nil
}

func (s *session) wait(ctx context.Context, t *Target) error {
	if err := s.pacer.Wait(ctx, "", s.r.PerMinute); err != nil {
		return err
	}
	return s.pacer.Wait(ctx, "model "+t.ID, t.PerMinute)
}

func (r *Runner) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}
