package classifier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Model is a classifier that may fail: a package that runs a trained model.
type Model interface {
	Classify(ctx context.Context, in Input) (Classification, error)
}

// Guard bounds a Model by a deadline and never fails: when the model errs,
// panics, is late or overloaded, Heuristic answers one level up. Routing one
// level up costs a little money, routing one level down costs the answer.
// The zero value of every option works; without a Primary the heuristic
// answers everything.
//
// A Guard is safe for concurrent use and must not be copied once used.
type Guard struct {
	Primary Model
	// Timeout is what the model may take; 0 means DefaultTimeout.
	Timeout time.Duration
	// MaxInFlight bounds the calls that run at once, late ones included, so a
	// model that hangs cannot pile up goroutines; 0 means DefaultMaxInFlight.
	MaxInFlight int
	// OnFallback, if set, is told why the heuristic answered. It must not block.
	OnFallback func(why string, err error)

	once    sync.Once
	slots   chan struct{}
	running sync.WaitGroup
}

// Defaults of Guard. The deep stage of the model gives up by itself after 40 ms;
// a loaded machine may add something before a request is better served by a guess.
const (
	DefaultTimeout     = 80 * time.Millisecond
	DefaultMaxInFlight = 64
)

// Notes on a classification that is not the model's plain answer. The last four
// are the model's own: its fast answer stands because the deep stage could not
// answer, or its answer was raised because it was unsure.
const (
	NoteNoModel       = "no model"
	NoteTimeout       = "timeout"
	NoteCancelled     = "cancelled"
	NoteBusy          = "busy"
	NotePanic         = "panic"
	NoteError         = "error"
	NoteLowConfidence = "low confidence"
	NoteDeepLate      = "deep stage late"
	NoteDeepFull      = "deep stage full"
	NoteDeepError     = "deep stage failed"
)

// Classify returns the model's answer, or the heuristic's one level up.
func (g *Guard) Classify(ctx context.Context, in Input) Classification {
	if g.Primary == nil {
		return g.fallBack(in, NoteNoModel, nil)
	}
	if err := ctx.Err(); err != nil {
		return g.fallBack(in, NoteCancelled, err)
	}
	g.once.Do(func() { g.slots = make(chan struct{}, cmp.Or(g.MaxInFlight, DefaultMaxInFlight)) })
	select {
	case g.slots <- struct{}{}:
	default:
		return g.fallBack(in, NoteBusy, nil)
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(g.Timeout, DefaultTimeout))
	defer cancel()
	answer := g.start(ctx, in)
	select {
	case a := <-answer:
		return g.settle(in, a)
	case <-ctx.Done():
		return g.fallBack(in, noteOf(ctx.Err()), ctx.Err())
	}
}

// Wait returns when no call of the model is running any more. Call it before
// the model is closed: a call that was late may still be using it.
func (g *Guard) Wait() { g.running.Wait() }

type answer struct {
	class    Classification
	err      error
	panicked bool
}

// start runs the model on its own goroutine, which frees its slot when done.
// The channel holds one answer, so a late one is dropped and nobody blocks.
func (g *Guard) start(ctx context.Context, in Input) <-chan answer {
	out := make(chan answer, 1)
	g.running.Add(1)
	go func() {
		defer g.running.Done()
		defer func() { <-g.slots }()
		defer func() {
			if p := recover(); p != nil {
				out <- answer{err: fmt.Errorf("classifier panicked: %v", p), panicked: true}
			}
		}()
		c, err := g.Primary.Classify(ctx, in)
		out <- answer{class: c, err: err}
	}()
	return out
}

// settle turns what the model said into what the caller gets.
func (g *Guard) settle(in Input, a answer) Classification {
	switch {
	case a.panicked:
		return g.fallBack(in, NotePanic, a.err)
	case a.err != nil:
		return g.fallBack(in, noteOf(a.err), a.err)
	}
	return a.class
}

func (g *Guard) fallBack(in Input, why string, err error) Classification {
	if g.OnFallback != nil {
		g.OnFallback(why, err)
	}
	return Heuristic(in).Raise(why)
}

func noteOf(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return NoteTimeout
	case errors.Is(err, context.Canceled):
		return NoteCancelled
	}
	return NoteError
}

// levelEdges bound the levels for moving between them: the inner bounds are
// LevelBounds, the outer ones lie as far out as the neighbouring level is wide.
var levelEdges = [6]float64{-2.95, LevelBounds[0], LevelBounds[1], LevelBounds[2], LevelBounds[3], 3.25}

// Raise moves a classification one level up, difficulty included, because
// routing reads the difficulty: it comes to lie in the next level where it lay
// in its own, so that of two raised prompts the harder one stays the harder.
// L5 stays. The note says why.
func (c Classification) Raise(note string) Classification {
	c.Note = note
	if c.Level < L1 || c.Level >= L5 {
		return c
	}
	from, to := levelEdges[c.Level-1:c.Level+1], levelEdges[c.Level:c.Level+2]
	at := (c.Difficulty - from[0]) / (from[1] - from[0])
	at = min(max(at, 0), 1-1e-9) // far below L1 counts as its edge; the upper edge is the next level's
	c.Level++
	c.Difficulty = to[0] + at*(to[1]-to[0])
	return c
}
