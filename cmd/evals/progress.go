package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"assay/evals"
)

// progress shows how a run advances.
type progress interface {
	observe(evals.Cell, evals.Totals)
	close()
}

// newProgress chooses bars for a person at a terminal and lines for the rest.
func newProgress(mode string, out io.Writer) (progress, error) {
	switch mode {
	case "none":
		return quiet{}, nil
	case "bars":
		return newBars(out), nil
	case "plain":
		return &lines{out: out, every: 5 * time.Second, now: time.Now}, nil
	case "auto":
		if isTerminal(out) {
			return newBars(out), nil
		}
		return &lines{out: out, every: 5 * time.Second, now: time.Now}, nil
	}
	return nil, usagef("--progress %q: want auto, bars, plain or none", mode)
}

type quiet struct{}

func (quiet) observe(evals.Cell, evals.Totals) {}
func (quiet) close()                           {}

// lines prints one line for the whole run every few seconds.
type lines struct {
	out     io.Writer
	every   time.Duration
	now     func() time.Time
	started time.Time
	last    time.Time
	totals  evals.Totals
	head    bool
}

func (l *lines) observe(_ evals.Cell, t evals.Totals) {
	now := l.now()
	if !l.head {
		l.head, l.started, l.last = true, now, now
		fmt.Fprintln(l.out, heading(t))
	}
	l.totals = t
	if now.Sub(l.last) >= l.every {
		l.last = now
		fmt.Fprintln(l.out, l.line())
	}
}

func (l *lines) line() string {
	t := l.totals
	fresh := t.Asked - t.Resumed
	s := fmt.Sprintf("%s  %d of %d", l.now().UTC().Format("15:04:05"), t.Asked, t.Run.Planned)
	if t.Failed > 0 {
		s += fmt.Sprintf(", %d failed (%s)", t.Failed, short(t.LastError, 80))
	}
	s += "  " + money(t)
	if eta := remaining(l.now().Sub(l.started), fresh, t.Run.Planned-t.Asked); eta > 0 {
		s += fmt.Sprintf("  about %s left", eta)
	}
	return s
}

func (l *lines) close() {
	if l.head {
		fmt.Fprintln(l.out, l.line())
	}
}

func heading(t evals.Totals) string {
	s := fmt.Sprintf("run %s: %d questions", t.Run.ID, t.Run.Planned)
	if t.Resumed > 0 {
		s += fmt.Sprintf(", continued: %d answers are there already", t.Resumed)
	}
	return s
}

func money(t evals.Totals) string {
	s := evals.Dollars(t.Spent) + " spent"
	if t.Cap > 0 {
		s += fmt.Sprintf(", %s reserved, %s free", evals.Dollars(t.Reserved), evals.Dollars(max(t.Cap-t.Spent-t.Reserved, 0)))
	}
	return s
}

// remaining extrapolates the session's own pace; 0 says nothing yet.
func remaining(elapsed time.Duration, done, left int) time.Duration {
	if done < 3 || left <= 0 {
		return 0
	}
	return (elapsed / time.Duration(done) * time.Duration(left)).Round(time.Second)
}

// maxBars is the number of bars a screen can hold; more cells share one bar.
const maxBars = 20

// bars draws one bar per model and benchmark, behind the figures: on a narrow
// terminal the bar shrinks, not they.
type bars struct {
	pool    *mpb.Progress
	mu      sync.Mutex // totals and cells' content: the pool draws from goroutines of its own
	started time.Time
	cells   map[string]*bar
	all     *mpb.Bar
	totals  evals.Totals
	out     io.Writer
}

type bar struct {
	bar  *mpb.Bar
	cell evals.Cell
}

func newBars(out io.Writer) *bars {
	return &bars{cells: map[string]*bar{}, out: out}
}

// observe is called by one goroutine at a time. The lock guards what decorators
// read and is not held while the pool is called: the pool's own goroutine may
// be waiting for it in a decorator.
func (b *bars) observe(c evals.Cell, t evals.Totals) {
	b.mu.Lock()
	b.totals = t
	b.mu.Unlock()
	if b.pool == nil {
		fmt.Fprintln(b.out, heading(t))
		b.started = time.Now()
		b.pool = mpb.New(mpb.WithOutput(b.out), mpb.WithRefreshRate(120*time.Millisecond), mpb.WithAutoRefresh())
		b.all = b.pool.AddBar(int64(t.Run.Planned), mpb.BarPriority(1<<20),
			mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return "all" }, decor.WCSyncSpaceR),
				decor.Any(func(decor.Statistics) string { return b.footer() })))
	}
	name := c.Card.Model + " " + c.Card.Benchmark
	own, ok := b.cells[name]
	if !ok {
		own = &bar{}
		b.cells[name] = own
		if len(b.cells) <= maxBars {
			own.bar = b.addBar(name, own, c.Card.Planned)
		}
	}
	b.mu.Lock()
	own.cell = c
	b.mu.Unlock()
	if own.bar != nil {
		own.bar.SetCurrent(int64(c.Asked))
	}
	b.all.SetCurrent(int64(t.Asked))
}

func (b *bars) addBar(name string, own *bar, total int) *mpb.Bar {
	return b.pool.AddBar(int64(total),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return short(name, 32) }, decor.WCSyncSpaceR),
			decor.Any(func(decor.Statistics) string {
				b.mu.Lock()
				defer b.mu.Unlock()
				return status(own.cell)
			})))
}

func status(c evals.Cell) string {
	s := fmt.Sprintf("%4d/%-4d %s", c.Asked, c.Card.Planned, scoreText(c.Card))
	if c.Card.Costed > 0 {
		s += fmt.Sprintf(" %9s", fmt.Sprintf("$%.4f", float64(c.Card.CostNano)/1e9))
	}
	if c.Card.Errors > 0 {
		s += fmt.Sprintf(" %d failed", c.Card.Errors)
	}
	return s + " "
}

func (b *bars) footer() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.totals
	s := fmt.Sprintf("%4d/%-4d %s", t.Asked, t.Run.Planned, money(t))
	if eta := remaining(time.Since(b.started), t.Asked-t.Resumed, t.Run.Planned-t.Asked); eta > 0 {
		s += fmt.Sprintf(", about %s left", eta)
	}
	return s + " "
}

// close leaves the bars as they are; those that are not full stay that way.
func (b *bars) close() {
	if b.pool == nil {
		return
	}
	for _, own := range b.cells {
		if own.bar != nil && !own.bar.Completed() {
			own.bar.Abort(false)
		}
	}
	if !b.all.Completed() {
		b.all.Abort(false)
	}
	b.pool.Wait()
}

// scoreText is a score in percent with its standard error.
func scoreText(c evals.Scorecard) string {
	if c.N == 0 {
		return "      –      "
	}
	return fmt.Sprintf("%5.1f ± %4.1f %%", 100*c.Score, 100*c.StdErr)
}

func short(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
