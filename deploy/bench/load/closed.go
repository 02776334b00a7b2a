package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Options describe a closed loop: Concurrency workers, each of which asks
// again as soon as its last answer is whole.
type Options struct {
	Target      Target
	Bodies      *Bodies
	Serial      uint64 // number of the first request
	Concurrency int
	Stream      bool
	Chunks      int // content chunks of a whole stream
	// Warmup is not measured. It goes on until there was an answer for each
	// worker, but no longer than a window may become.
	Warmup time.Duration
	// Window is measured. It is drawn out, up to ten times, until there were
	// three answers for each worker: slow systems would else show none.
	Window time.Duration
	// Mark is called at the beginning and at the end of the window.
	Mark func()
}

// Result is what a closed loop has shown. Times are in nanoseconds.
type Result struct {
	Answers    int     `json:"answers"` // whole ones inside the window
	Seconds    float64 `json:"seconds"` // length of the window
	Rate       float64 `json:"rate"`    // answers a second
	P50        int64   `json:"p50_ns"`
	P99        int64   `json:"p99_ns"`
	Max        int64   `json:"max_ns"`
	Bytes      int64   `json:"bytes"`  // of bodies, warm-up included
	Sent       int     `json:"sent"`   // requests, warm-up included
	Errors     int     `json:"errors"` // of those sent
	FirstError string  `json:"first_error,omitempty"`
}

const (
	drawOut    = 10 // times the window, at most
	giveUp     = 50 // errors without one answer end a loop
	unfinished = 15 * time.Second
)

// Closed runs a closed loop. It ends early if ctx does, or if nothing but
// errors comes back.
func Closed(ctx context.Context, o Options) Result {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := loop{Options: o}
	l.next.Store(o.Serial)
	workers := make([]worker, o.Concurrency)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { l.work(ctx, &workers[i]) })
	}
	longest := max(o.Window, o.Warmup) * drawOut
	l.wait(ctx, o.Warmup, longest, int64(o.Concurrency))
	if o.Mark != nil {
		o.Mark()
	}
	from := time.Now()
	l.wait(ctx, o.Window, longest, l.answers.Load()+3*int64(o.Concurrency))
	to := time.Now()
	if o.Mark != nil {
		o.Mark()
	}
	l.stop.Store(true)
	late := time.AfterFunc(unfinished, cancel) // answers that never come are errors of their workers
	wg.Wait()
	late.Stop()
	return gather(workers, from, to)
}

// loop is a closed loop under way.
type loop struct {
	Options
	next            atomic.Uint64
	answers, errors atomic.Int64
	stop            atomic.Bool
}

// wait waits for a time and for a number of answers in all, at most for longest.
func (l *loop) wait(ctx context.Context, atLeast, longest time.Duration, answers int64) {
	start := time.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		passed := time.Since(start)
		hopeless := l.errors.Load() >= giveUp && l.answers.Load() == 0
		if passed >= longest || hopeless || passed >= atLeast && l.answers.Load() >= answers {
			return
		}
		wait := tick.C
		if rest := atLeast - passed; rest > 0 {
			wait = time.After(min(rest, 50*time.Millisecond))
		}
		select {
		case <-ctx.Done():
			return
		case <-wait:
		}
	}
}

// worker is what one worker has seen.
type worker struct {
	ends, took []int64 // of whole answers: nanoseconds since 1970, and of duration
	sent       int
	failed     int
	bytes      int64
	firstError string
}

func (l *loop) work(ctx context.Context, w *worker) {
	c := newClient(l.Target)
	defer c.close()
	check := checker{chunks: l.Chunks}
	read := check.whole
	if l.Stream {
		read = check.stream
	}
	var body []byte
	for !l.stop.Load() && ctx.Err() == nil {
		body = l.Bodies.Append(body[:0], l.next.Add(1)-1)
		w.sent++
		start := time.Now()
		err := c.do(ctx, body, read)
		end := time.Now()
		if err != nil {
			w.fail(err)
			l.errors.Add(1)
			time.Sleep(time.Millisecond) // an error comes quickly; do not spin on it
			continue
		}
		l.answers.Add(1)
		w.ends, w.took = append(w.ends, end.UnixNano()), append(w.took, int64(end.Sub(start)))
	}
	w.bytes = check.bytes
}

func (w *worker) fail(err error) {
	w.failed++
	if w.firstError == "" {
		w.firstError = err.Error()
	}
}

// gather counts the answers that ended inside the window.
func gather(workers []worker, from, to time.Time) Result {
	r := Result{Seconds: to.Sub(from).Seconds()}
	var took Samples
	for _, w := range workers {
		for i, end := range w.ends {
			if end >= from.UnixNano() && end < to.UnixNano() {
				took = append(took, w.took[i])
			}
		}
		r.Sent, r.Errors, r.Bytes = r.Sent+w.sent, r.Errors+w.failed, r.Bytes+w.bytes
		if r.FirstError == "" {
			r.FirstError = w.firstError
		}
	}
	r.Answers, r.Rate = len(took), float64(len(took))/r.Seconds
	q := took.Quantiles(0.5, 0.99, 1)
	r.P50, r.P99, r.Max = q[0], q[1], q[2]
	return r
}
