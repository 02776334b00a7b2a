package evals

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// session is one process's part in a run.
type session struct {
	r      *Runner
	plan   Plan
	run    Run
	budget *Budget
	pacer  *Pacer
	done   map[Key]bool // read by the feeder only once resume is over

	// The collector alone touches these.
	cells  map[cellKey]*cell
	totals Totals
	fresh  int // outcomes of this session
	failed int // of them, failures
	doomed int // of them, permanent failures
}

type cellKey struct{ benchmark, model string }

// cell sums up one model on one benchmark, in memory that does not grow with
// the number of items.
type cell struct {
	bench    *Bench
	target   *Target
	tally    Tally
	card     Scorecard
	asked    int
	resumed  int
	latency  time.Duration
	answered int
}

func newSession(r *Runner, plan Plan, run Run) *session {
	s := &session{r: r, plan: plan, run: run, done: map[Key]bool{}, cells: map[cellKey]*cell{}, pacer: NewPacer(r.Now, r.Sleep)}
	for b := range s.plan.Benches {
		bench := &s.plan.Benches[b]
		for m := range s.plan.Models {
			t := &s.plan.Models[m]
			s.cells[cellKey{bench.Task.Name, t.ID}] = &cell{bench: bench, target: t, card: Scorecard{
				RunID: run.ID, Benchmark: bench.Task.Name, Model: t.ID, CatalogID: t.CatalogID(),
				Extractor: bench.Scorer.Version(), Template: bench.Task.template(len(bench.Set.Dev)),
				Origin: bench.Set.Origin, DatasetHash: bench.Set.Hash, Planned: len(bench.Items),
			}}
		}
	}
	return s
}

// resume brings back the journal and counts what the run already has. Stored
// answers are graded again: grading is free, and the extractor may be new.
func (s *session) resume(ctx context.Context) error {
	if s.r.Journal != nil {
		if _, err := s.r.Journal.Replay(func(cs []Completion) error { return putAnswers(ctx, s.r.Store, cs) }); err != nil {
			return err
		}
	}
	questions := map[Key]question{}
	s.plan.questions(func(q question) bool { questions[q.key()] = q; return true })
	spent := int64(0)
	var grades []Grade
	for c, err := range s.r.Store.Completions(ctx, s.run.ID) {
		if err != nil {
			return err
		}
		q, ok := questions[c.Key]
		if !ok {
			continue
		}
		worst, _ := WorstCase(q.target, q.request(), s.r.now())
		spent += s.booked(c, nil, worst)
		if !c.Done() || c.Hash != CompletionHash(s.plan.Params.BaseURL, q.request(), q.bench.Set.Hash) {
			continue
		}
		s.done[c.Key] = true
		s.run.Kind = cmp.Or(s.run.Kind, c.Kind)
		g := s.count(q, c)
		s.cells[cellKey{c.Benchmark, c.Model}].resumed++
		s.totals.Resumed++
		if grades = append(grades, g); len(grades) == 500 {
			if err := s.r.Store.Put(ctx, Batch{Grades: grades}); err != nil {
				return err
			}
			grades = nil
		}
	}
	s.run.SpentNano = max(s.run.SpentNano, spent)
	s.budget = NewBudget(s.r.BudgetNano, s.run.SpentNano)
	s.run.Status, s.run.Note, s.run.FinishedAt = Running, "", time.Time{}
	s.touch()
	if err := s.r.Store.Put(ctx, Batch{Runs: []Run{s.run}, Grades: grades}); err != nil {
		return err
	}
	for _, c := range s.sorted() {
		s.observe(c)
	}
	return nil
}

// putAnswers stores journaled answers; resume grades them afterwards. The
// journal may hold an older failure beside a newer answer to one question, and
// the store may have both already: an answer is never replaced by a failure.
func putAnswers(ctx context.Context, store Store, cs []Completion) error {
	last := map[string]map[Key]Completion{}
	for _, c := range cs {
		if last[c.RunID] == nil {
			last[c.RunID] = map[Key]Completion{}
		}
		if old, ok := last[c.RunID][c.Key]; ok && old.Done() && !c.Done() {
			continue
		}
		last[c.RunID][c.Key] = c
	}
	for run, byKey := range last {
		for c, err := range store.Completions(ctx, run) {
			if err != nil {
				return err
			}
			if mine, ok := byKey[c.Key]; ok && c.Done() && !mine.Done() {
				delete(byKey, c.Key)
			}
		}
		for chunk := range slices.Chunk(slices.Collect(maps.Values(byKey)), 200) {
			if err := store.Put(ctx, Batch{Completions: chunk}); err != nil {
				return err
			}
		}
	}
	return nil
}

// completion is the row of an outcome.
func (s *session) completion(q question, req Request, a Answer, err error, worst int64) Completion {
	c := Completion{
		RunID: s.run.ID, Key: q.key(), Hash: CompletionHash(s.plan.Params.BaseURL, req, q.bench.Set.Hash), DatasetHash: q.bench.Set.Hash,
		State: OK, Kind: a.EndpointKind, Output: a.Output, Reasoning: a.Reasoning, FinishReason: a.FinishReason,
		RoutedModel: a.RoutedModel, Provider: a.Provider, RequestID: a.RequestID, Usage: a.Usage, HasUsage: a.HasUsage,
		CostNano: a.CostNano, HasCost: a.HasCost, Doubtful: int64(a.Doubtful) * worst, Latency: a.Latency, Attempts: a.Attempts,
		At: s.r.now().UTC().Truncate(time.Microsecond),
	}
	if err != nil {
		c.State, c.Error = Failed, err.Error()
		var call *CallError
		if errors.As(err, &call) {
			c.HTTPStatus, c.Permanent, c.Attempts, c.Doubtful = call.Status, call.Permanent, call.Attempts, int64(call.Doubtful)*worst
		}
		return c
	}
	if a.FinishReason == "length" {
		c.State = Length
	}
	if !c.HasCost && c.HasUsage && q.target.Cost != nil {
		c.CostNano, c.HasCost = q.target.Cost(a.Usage, c.At)
	}
	return c
}

// booked is what a budget counts for an outcome: the cost where it is known,
// the worst case where an answer came without a usage, and the worst case of
// every attempt that may be charged.
func (s *session) booked(c Completion, err error, worst int64) int64 {
	switch {
	case c.HasCost:
		return c.CostNano + c.Doubtful
	case c.State == Failed || err != nil:
		return c.Doubtful
	}
	return worst + c.Doubtful
}

// collect writes outcomes to the store in small batches until results closes.
// After a failed write it keeps draining and returns that error.
func (s *session) collect(ctx context.Context, results <-chan result, stop context.CancelCauseFunc) error {
	var batch []result
	var failure error
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	flush := func() {
		timer.Stop()
		if len(batch) == 0 || failure != nil {
			return
		}
		if failure = s.commit(ctx, batch); failure == nil {
			failure = s.verdict()
		}
		if failure != nil {
			stop(failure)
		}
		batch = batch[:0]
	}
	for {
		select {
		case res, ok := <-results:
			if !ok {
				flush()
				return failure
			}
			if len(batch) == 0 {
				timer.Reset(batchWait)
			}
			if batch = append(batch, res); len(batch) >= batchSize {
				flush()
			}
		case <-timer.C:
			flush()
		}
	}
}

// commit grades a batch, stores it, and lets the journal forget it.
func (s *session) commit(ctx context.Context, batch []result) error {
	var b Batch
	var tickets []Ticket
	touched := map[cellKey]*cell{}
	for i := range batch {
		res := &batch[i]
		s.checkKind(&res.c)
		g := s.count(res.q, res.c)
		b.Completions, b.Grades = append(b.Completions, res.c), append(b.Grades, g)
		if res.recorded {
			tickets = append(tickets, res.ticket)
		}
		s.fresh++
		if res.c.State == Failed {
			s.failed++
			s.totals.LastError = res.c.Error
			if res.c.Permanent {
				s.doomed++
			}
		}
		k := cellKey{res.c.Benchmark, res.c.Model}
		touched[k] = s.cells[k]
	}
	s.run.SpentNano, _, _ = s.budget.State()
	s.touch()
	b.Runs = []Run{s.run}
	if err := s.r.Store.Put(ctx, b); err != nil {
		return fmt.Errorf("store answers: %w", err)
	}
	if s.r.Journal != nil {
		if err := s.r.Journal.Committed(tickets...); err != nil {
			return err
		}
	}
	for _, c := range touched {
		s.observe(c)
	}
	return nil
}

// checkKind turns an answer of another kind of endpoint into a failure:
// simulated and real answers never share a run.
func (s *session) checkKind(c *Completion) {
	if c.State == Failed {
		c.Kind = s.run.Kind
		return
	}
	s.run.Kind = cmp.Or(s.run.Kind, c.Kind)
	if c.Kind != s.run.Kind {
		c.Error = fmt.Sprintf("the answer is of kind %q but the run's answers are of kind %q: start another run for it", c.Kind, s.run.Kind)
		c.State, c.Permanent = Failed, false
	}
}

// count adds an outcome to its cell and gives its grade.
func (s *session) count(q question, c Completion) Grade {
	k := s.cells[cellKey{c.Benchmark, c.Model}]
	g := Grading(q.bench.Scorer, *q.item, c)
	g.At = s.r.now().UTC().Truncate(time.Microsecond)
	k.asked++
	s.totals.Asked++
	k.card.CostNano += c.Doubtful
	if c.HasCost {
		k.card.CostNano += c.CostNano
		k.card.Costed++
	}
	k.card.TokensIn += c.Usage.Input
	k.card.TokensOut += c.Usage.Output
	switch g.State {
	case Failed:
		k.card.Errors++
		return g
	case Length:
		k.card.Length++
	case Unparsed:
		k.card.Unparsed++
		k.tally.Add(0, q.item.Subject)
	default:
		k.tally.Add(g.Score, q.item.Subject)
	}
	k.latency += c.Latency
	k.answered++
	return g
}

// minVerdict is the number of outcomes after which the share of failures is
// believed; before that only an unbroken row of failures stops a run.
const (
	minVerdict = 30
	minUnread  = 10
)

// verdict says whether too many questions have failed.
func (s *session) verdict() error {
	share := cmp.Or(s.r.MaxErrors, 0.1)
	tooMany := s.fresh >= minUnread && s.failed == s.fresh || s.fresh >= minVerdict && float64(s.failed) > share*float64(s.fresh)
	if !tooMany {
		return nil
	}
	return s.tooMany()
}

func (s *session) tooMany() error {
	return fmt.Errorf("%w: %d of %d questions failed, the last with: %s", ErrTooManyErrors, s.failed, s.fresh, s.totals.LastError)
}

// finish writes the scorecards and the state in which the run is left.
func (s *session) finish(ctx context.Context, cause error) error {
	share := cmp.Or(s.r.MaxErrors, 0.1)
	if cause == nil && s.failed > 0 && float64(s.failed) > share*float64(s.fresh) {
		cause = s.tooMany()
	}
	switch {
	case errors.Is(cause, context.Canceled):
		s.run.Status, s.run.Note = Stopped, "interrupted"
	case cause != nil:
		s.run.Status, s.run.Note = Stopped, cause.Error()
	case s.failed > s.doomed:
		s.run.Status, s.run.Note = Partial, fmt.Sprintf("%d questions failed and may be asked again", s.failed-s.doomed)
	default:
		s.run.Status, s.run.Note = Complete, ""
	}
	s.run.SpentNano, _, _ = s.budget.State()
	s.touch()
	if s.run.Status != Stopped {
		s.run.FinishedAt = s.run.UpdatedAt
	}
	if err := s.r.Store.Put(ctx, Batch{Runs: []Run{s.run}, Scorecards: s.cards()}); err != nil {
		return err
	}
	if s.r.Journal != nil {
		if err := s.r.Journal.Close(); err != nil {
			return err
		}
	}
	return cause
}

func (s *session) touch() { s.run.UpdatedAt = s.r.now().UTC().Truncate(time.Microsecond) }

func (s *session) sorted() []*cell {
	return slices.SortedFunc(maps.Values(s.cells), func(a, b *cell) int {
		return cmp.Or(cmp.Compare(a.card.Benchmark, b.card.Benchmark), cmp.Compare(a.card.Model, b.card.Model))
	})
}

func (s *session) cards() []Scorecard {
	var out []Scorecard
	for _, c := range s.sorted() {
		out = append(out, c.scorecard(s.run))
	}
	return out
}

// scorecard is the cell's result so far.
func (c *cell) scorecard(run Run) Scorecard {
	card := c.card
	card.Kind, card.At = run.Kind, run.UpdatedAt
	card.N, card.Score, card.StdErr = c.tally.N, c.tally.Mean(), c.bench.Task.stdErr(&c.tally)
	if c.bench.Task.Clustered {
		card.Clusters = c.tally.Clusters()
	}
	if c.answered > 0 {
		card.LatencyMS = float64(c.latency.Milliseconds()) / float64(c.answered)
	}
	return card
}

func (s *session) observe(c *cell) {
	if s.r.Observe == nil {
		return
	}
	s.totals.Run, s.totals.Failed = s.run, s.failed
	s.totals.Spent, s.totals.Reserved, s.totals.Cap = s.budget.State()
	s.r.Observe(Cell{Card: c.scorecard(s.run), Asked: c.asked, Resumed: c.resumed}, s.totals)
}

func (s *session) outcome() Outcome {
	s.totals.Run, s.totals.Failed = s.run, s.failed
	s.totals.Spent, s.totals.Reserved, s.totals.Cap = s.budget.State()
	return Outcome{Run: s.run, Cards: s.cards(), Totals: s.totals}
}
