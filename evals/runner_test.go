package evals_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/datasets"
	"assay/evals"
	"assay/evals/evalstest"
	"assay/models"
)

var ctx = context.Background()

// perToken prices a call at in and out nano-dollars a token.
func perToken(in, out int64) func(models.Usage, time.Time) (int64, bool) {
	return func(u models.Usage, _ time.Time) (int64, bool) { return in*u.Input + out*u.Output, true }
}

// starterPlan asks models the starter items of benchmarks.
func starterPlan(t *testing.T, benchmarks []string, models ...string) evals.Plan {
	t.Helper()
	tasks, err := evals.Lookup(benchmarks)
	if err != nil {
		t.Fatal(err)
	}
	var targets []evals.Target
	for _, m := range models {
		targets = append(targets, evals.Target{ModelParams: evals.ModelParams{ID: m}, Cost: perToken(10, 30)})
	}
	plan, err := evals.NewPlan(tasks, targets, "http://x/v1", 0, 1, func(task evals.Task) (datasets.Set, error) {
		return datasets.Starter(task.Name, task.Kind)
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

var all = []string{"gsm8k", "mmlu", "cmmlu"}

func TestKnownSamplersGetTheirScore(t *testing.T) {
	plan := starterPlan(t, all, "p/m", "p/n")
	oracle := evalstest.NewOracle(plan)
	mute := evalstest.Func(func(context.Context, evals.Request) (evals.Answer, error) {
		return evals.Answer{Output: "I'd rather not say.", FinishReason: "stop", EndpointKind: evals.KindSim}, nil
	})
	cut := evalstest.Func(func(ctx context.Context, req evals.Request) (evals.Answer, error) {
		a, err := oracle.Sample(ctx, req)
		a.FinishReason = "length"
		return a, err
	})
	for name, c := range map[string]struct {
		sampler             evals.Sampler
		score               float64
		n, unparsed, length int
	}{
		"an oracle scores 1":                      {oracle, 1, 16, 0, 0},
		"an always-wrong one scores 0":            {evalstest.Wrong{Oracle: oracle}, 0, 16, 0, 0},
		"no answer found is wrong and counted":    {mute, 0, 16, 16, 0},
		"a cut answer is neither right nor wrong": {cut, 0, 0, 0, 16},
	} {
		t.Run(name, func(t *testing.T) {
			store := evals.NewMemory()
			out, err := (&evals.Runner{Store: store, Sampler: c.sampler}).Run(ctx, plan)
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Cards) != 6 || out.Run.Status != evals.Complete {
				t.Fatalf("%d scorecards, status %s; want 6, complete", len(out.Cards), out.Run.Status)
			}
			for _, s := range out.Cards {
				if s.Score != c.score || s.N != c.n || s.Unparsed != c.unparsed || s.Length != c.length || s.Errors != 0 || s.Origin != "starter" {
					t.Errorf("%+v", s)
				}
			}
			stored, _ := store.Scorecards(ctx, out.Run.ID)
			if diff := cmp.Diff(out.Cards, stored); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// failing fails on chosen calls; which counts calls from 1.
func failing(s evals.Sampler, fail func(call int64) error) evals.Sampler {
	var calls atomic.Int64
	return evalstest.Func(func(ctx context.Context, req evals.Request) (evals.Answer, error) {
		if err := fail(calls.Add(1)); err != nil {
			return evals.Answer{}, err
		}
		return s.Sample(ctx, req)
	})
}

func TestResumeAsksOnlyWhatIsOpen(t *testing.T) {
	plan := starterPlan(t, all, "p/m")
	store := evals.NewMemory()
	stopping, cancel := context.WithCancel(ctx)
	counting := &evalstest.Counting{Sampler: evalstest.NewOracle(plan)}
	r := &evals.Runner{Store: store, Concurrency: 3, Sampler: failing(counting, func(n int64) error {
		if n == 20 {
			cancel()
		}
		return nil
	})}
	first, err := r.Run(stopping, plan)
	if !errors.Is(err, context.Canceled) || first.Run.Status != evals.Stopped {
		t.Fatalf("%v, status %s; want an interruption", err, first.Run.Status)
	}
	if first.Totals.Asked < 20 {
		t.Errorf("%d answers kept; calls in flight should finish", first.Totals.Asked)
	}
	r = &evals.Runner{Store: store, Sampler: counting}
	second, err := r.Run(ctx, plan)
	if err != nil || second.Run.ID != first.Run.ID || second.Run.Status != evals.Complete {
		t.Fatalf("%v, run %s after %s, status %s", err, second.Run.ID, first.Run.ID, second.Run.Status)
	}
	for key, n := range counting.Calls {
		if n != 1 {
			t.Errorf("%v was asked %d times", key, n)
		}
	}
	if len(counting.Calls) != 48 {
		t.Errorf("%d questions asked, want 48", len(counting.Calls))
	}
	for _, c := range second.Cards {
		if c.Score != 1 || c.N != 16 {
			t.Errorf("after the resume: %+v", c)
		}
	}
	third, err := r.Run(ctx, plan) // the run is complete, so the same parameters start a new one
	if err != nil || third.Run.ID == first.Run.ID {
		t.Errorf("%v; run %s was continued though it is complete", err, third.Run.ID)
	}
}

func TestOtherParametersStartAnotherRun(t *testing.T) {
	store := evals.NewMemory()
	plan := starterPlan(t, []string{"mmlu"}, "p/m")
	run := func(p evals.Plan, r evals.Runner) evals.Outcome {
		r.Store = store
		if r.Sampler == nil {
			r.Sampler = failing(evalstest.NewOracle(p), func(n int64) error {
				if n == 3 {
					return errors.New("a passing failure")
				}
				return nil
			})
		}
		out, err := r.Run(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	base := run(plan, evals.Runner{})
	if base.Run.Status != evals.Partial {
		t.Fatalf("status %s, want partial: one question failed", base.Run.Status)
	}
	if got := run(plan, evals.Runner{Concurrency: 2, BudgetNano: 1e12}); got.Run.ID != base.Run.ID {
		t.Error("concurrency and budget made another run")
	}
	warm := plan
	temperature := 0.7
	warm.Models = []evals.Target{plan.Models[0]}
	warm.Models[0].Sampling.Temperature = &temperature
	warm.Params.Models = []evals.ModelParams{warm.Models[0].ModelParams}
	if got := run(warm, evals.Runner{}); got.Run.ID == base.Run.ID {
		t.Error("another temperature continued the run")
	}
	if _, err := (&evals.Runner{Store: store, Sampler: evalstest.NewOracle(warm), RunID: base.Run.ID}).Run(ctx, warm); !errors.Is(err, evals.ErrIncomparable) {
		t.Errorf("naming a run of other parameters: %v, want ErrIncomparable", err)
	}
	if got := run(plan, evals.Runner{RunID: "mine"}); got.Run.ID != "mine" {
		t.Errorf("run %s, want the named one", got.Run.ID)
	}
}

func TestFailuresAreNeverWrongAnswers(t *testing.T) {
	plan := starterPlan(t, []string{"mmlu"}, "p/m")
	permanent := &evals.CallError{Status: 400, Permanent: true, Err: errors.New("HTTP 400: refused")}
	for name, c := range map[string]struct {
		err  error
		want evals.Status
	}{
		"passing":   {errors.New("HTTP 503"), evals.Partial},
		"permanent": {permanent, evals.Complete},
	} {
		t.Run(name, func(t *testing.T) {
			store := evals.NewMemory()
			out, err := (&evals.Runner{Store: store, Sampler: failing(evalstest.NewOracle(plan), func(n int64) error {
				if n == 5 {
					return c.err
				}
				return nil
			})}).Run(ctx, plan)
			if err != nil {
				t.Fatal(err)
			}
			card := out.Cards[0]
			if card.Score != 1 || card.N != 15 || card.Errors != 1 || out.Run.Status != c.want {
				t.Errorf("score %v of %d, %d errors, status %s", card.Score, card.N, card.Errors, out.Run.Status)
			}
		})
	}
}

func TestTooManyErrorsStopTheRun(t *testing.T) {
	plan := starterPlan(t, all, "p/m", "p/n")
	counting := &evalstest.Counting{Sampler: evalstest.Func(func(context.Context, evals.Request) (evals.Answer, error) {
		return evals.Answer{}, &evals.CallError{Status: 401, Permanent: true, Err: errors.New("HTTP 401: bad key")}
	})}
	out, err := (&evals.Runner{Store: evals.NewMemory(), Sampler: counting, Concurrency: 2}).Run(ctx, plan)
	if !errors.Is(err, evals.ErrTooManyErrors) || out.Run.Status != evals.Stopped {
		t.Fatalf("%v, status %s", err, out.Run.Status)
	}
	if len(counting.Calls) > 30 {
		t.Errorf("%d questions were asked of an endpoint that refuses every one", len(counting.Calls))
	}
}

func TestBudgetHoldsBeforeACallIsSent(t *testing.T) {
	plan := starterPlan(t, all, "p/m")
	store := evals.NewMemory()
	// An answer costs 100·10 + 10·30 = 1300; the worst case of one is far more.
	var spentMost atomic.Int64
	r := &evals.Runner{Store: store, Sampler: evalstest.NewOracle(plan), BudgetNano: 70_000, Concurrency: 16,
		Observe: func(_ evals.Cell, s evals.Totals) { spentMost.Store(max(spentMost.Load(), s.Spent+s.Reserved)) }}
	out, err := r.Run(ctx, plan)
	if !errors.Is(err, evals.ErrBudget) {
		t.Fatalf("got %v, want ErrBudget", err)
	}
	if out.Run.SpentNano > 70_000 || spentMost.Load() > 70_000 {
		t.Errorf("spent %d, at most held %d of 70000", out.Run.SpentNano, spentMost.Load())
	}
	if out.Totals.Asked == 0 || out.Totals.Asked == 48 {
		t.Errorf("%d of 48 asked: the cap should have stopped the run half-way", out.Totals.Asked)
	}
	again, err := r.Run(ctx, plan) // the cap is on the whole run
	if !errors.Is(err, evals.ErrBudget) || again.Run.ID != out.Run.ID || again.Run.SpentNano > 70_000 {
		t.Errorf("%v, spent %d: the cap started anew", err, again.Run.SpentNano)
	}
	r.BudgetNano = 1e9
	if done, err := r.Run(ctx, plan); err != nil || done.Run.Status != evals.Complete || done.Run.SpentNano != 48*1300 {
		t.Errorf("with a larger cap: %v, %s, spent %d, want %d", err, done.Run.Status, done.Run.SpentNano, 48*1300)
	}
}

func TestUnknownPriceWithACapRefusesToStart(t *testing.T) {
	plan := starterPlan(t, all, "p/m")
	plan.Models[0].Cost = func(models.Usage, time.Time) (int64, bool) { return 0, false }
	counting := &evalstest.Counting{Sampler: evalstest.NewOracle(plan)}
	_, err := (&evals.Runner{Store: evals.NewMemory(), Sampler: counting, BudgetNano: 1}).Run(ctx, plan)
	if !errors.Is(err, evals.ErrUnpriced) || len(counting.Calls) != 0 {
		t.Errorf("%v after %d calls", err, len(counting.Calls))
	}
}

func TestKindsOfEndpointsNeverMixInARun(t *testing.T) {
	plan := starterPlan(t, []string{"mmlu"}, "p/m")
	oracle := evalstest.NewOracle(plan)
	var calls atomic.Int64
	out, err := (&evals.Runner{Store: evals.NewMemory(), Concurrency: 1, MaxErrors: 1, Sampler: evalstest.Func(func(ctx context.Context, req evals.Request) (evals.Answer, error) {
		a, err := oracle.Sample(ctx, req)
		if calls.Add(1) > 12 {
			a.EndpointKind = evals.KindReal
		}
		return a, err
	})}).Run(ctx, plan)
	if err != nil {
		t.Fatal(err)
	}
	if c := out.Cards[0]; c.N != 12 || c.Errors != 4 || c.Kind != evals.KindSim {
		t.Errorf("%d scored, %d errors, kind %s; want the 12 simulated answers", c.N, c.Errors, c.Kind)
	}
}

// A store that fails: the answers must survive in the journal.
type brokenStore struct {
	*evals.Memory
	puts int
}

func (b *brokenStore) Put(ctx context.Context, batch evals.Batch) error {
	if len(batch.Completions) > 0 {
		if b.puts++; b.puts > 1 {
			return errors.New("disk full")
		}
	}
	return b.Memory.Put(ctx, batch)
}

func TestAnswersSurviveAStoreThatFails(t *testing.T) {
	plan := starterPlan(t, all, "p/m")
	path := filepath.Join(t.TempDir(), "x.duckdb")
	counting := &evalstest.Counting{Sampler: evalstest.NewOracle(plan)}
	broken := &brokenStore{Memory: evals.NewMemory()}
	_, err := (&evals.Runner{Store: broken, Journal: evals.OpenJournal(path), Sampler: counting}).Run(ctx, plan)
	if err == nil {
		t.Fatal("a failing store went unnoticed")
	}
	asked := len(counting.Calls)
	if _, err := (&evals.Runner{Store: broken.Memory, Journal: evals.OpenJournal(path), Sampler: counting}).Run(ctx, plan); err != nil {
		t.Fatal(err)
	}
	if asked == 0 || asked == 48 {
		t.Errorf("%d asked before the failure", asked)
	}
	for key, n := range counting.Calls {
		if n != 1 {
			t.Errorf("%v was asked %d times", key, n)
		}
	}
	if left, _ := filepath.Glob(path + "*"); len(left) != 0 {
		t.Errorf("journal files left: %v", left)
	}
}

func TestJournalRotatesAndForgets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.duckdb")
	j := evals.OpenJournal(path)
	var tickets []evals.Ticket
	var mu sync.Mutex
	var wg sync.WaitGroup
	big := make([]byte, 50_000)
	for i := range big {
		big[i] = 'x'
	}
	for i := range 100 { // 5 MB: several segments
		wg.Go(func() {
			ticket, err := j.Append(evals.Completion{RunID: "r", Key: evals.Key{ItemID: fmt.Sprint(i)}, State: evals.OK, Output: string(big)})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			tickets = append(tickets, ticket)
			mu.Unlock()
		})
	}
	wg.Wait()
	files, _ := filepath.Glob(path + ".journal-*")
	if len(files) < 4 {
		t.Fatalf("%d segments for 5 MB", len(files))
	}
	if err := j.Committed(tickets...); err != nil {
		t.Fatal(err)
	}
	if files, _ = filepath.Glob(path + ".journal-*"); len(files) != 1 {
		t.Errorf("%d segments after everything was committed, want the one being written", len(files))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if files, _ = filepath.Glob(path + ".journal-*"); len(files) != 0 {
		t.Errorf("left after closing: %v", files)
	}
}

func TestJournalReplaysAllButATornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.duckdb")
	j := evals.OpenJournal(path)
	for i := range 3 {
		if _, err := j.Append(evals.Completion{RunID: "r", Key: evals.Key{ItemID: fmt.Sprint(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	files, _ := filepath.Glob(path + ".journal-*")
	f, err := os.OpenFile(files[0], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"run_id":"r","benchm`) // what a kill leaves
	f.Close()
	var got []string
	n, err := evals.OpenJournal(path).Replay(func(cs []evals.Completion) error {
		for _, c := range cs {
			got = append(got, c.ItemID)
		}
		return nil
	})
	if err != nil || n != 3 {
		t.Fatalf("%d, %v", n, err)
	}
	if diff := cmp.Diff([]string{"0", "1", "2"}, got); diff != "" {
		t.Error(diff)
	}
	if files, _ = filepath.Glob(path + ".journal-*"); len(files) != 0 {
		t.Errorf("left after the replay: %v", files)
	}
}

// An interrupted call must not count as a failure, and the run must end soon.
func TestInterruptionCutsCallsAfterTheGrace(t *testing.T) {
	plan := starterPlan(t, []string{"mmlu"}, "p/m")
	stopping, cancel := context.WithCancel(ctx)
	var once sync.Once
	hang := evalstest.Func(func(call context.Context, _ evals.Request) (evals.Answer, error) {
		once.Do(cancel)
		<-call.Done()
		return evals.Answer{}, call.Err()
	})
	out, err := (&evals.Runner{Store: evals.NewMemory(), Sampler: hang, Grace: time.Millisecond}).Run(stopping, plan)
	if !errors.Is(err, context.Canceled) || out.Totals.Failed != 0 || out.Totals.Asked != 0 {
		t.Errorf("%v, %d failed, %d asked", err, out.Totals.Failed, out.Totals.Asked)
	}
}
