package classifier

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

type modelFunc func(context.Context, Input) (Classification, error)

func (f modelFunc) Classify(ctx context.Context, in Input) (Classification, error) { return f(ctx, in) }

func says(c Classification) modelFunc {
	return func(context.Context, Input) (Classification, error) { return c, nil }
}

func TestGuard(t *testing.T) {
	sure := Classification{Intent: Math, IntentConfidence: 0.9, Level: L2, Difficulty: -1, Source: Fast}
	unsure := sure
	unsure.IntentConfidence = 0.2
	in := Prompt("What is 17 * 23?")
	fallback := Heuristic(in)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		rule   string
		ctx    context.Context
		model  Model
		source Source
		level  Level
		note   string
	}{
		{"the model's answer passes", t.Context(), says(sure), Fast, L2, ""},
		{"what the model raised itself is not raised again", t.Context(), says(unsure.Raise(NoteLowConfidence)), Fast, L3, NoteLowConfidence},
		{"no model: heuristic one up", t.Context(), nil, Heuristics, fallback.Level + 1, NoteNoModel},
		{"an error: heuristic one up", t.Context(), modelFunc(func(context.Context, Input) (Classification, error) {
			return Classification{}, errors.New("corrupt weights")
		}), Heuristics, fallback.Level + 1, NoteError},
		{"a panic: heuristic one up", t.Context(), modelFunc(func(context.Context, Input) (Classification, error) {
			panic("index out of range")
		}), Heuristics, fallback.Level + 1, NotePanic},
		{"late and deaf to its context: heuristic one up", t.Context(), modelFunc(func(context.Context, Input) (Classification, error) {
			time.Sleep(time.Hour)
			return sure, nil
		}), Heuristics, fallback.Level + 1, NoteTimeout},
		{"late and obedient: heuristic one up", t.Context(), modelFunc(func(ctx context.Context, _ Input) (Classification, error) {
			<-ctx.Done()
			return Classification{}, ctx.Err()
		}), Heuristics, fallback.Level + 1, NoteTimeout},
		{"the caller gave up: heuristic one up", cancelled, says(sure), Heuristics, fallback.Level + 1, NoteCancelled},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			g := &Guard{Primary: tt.model, Timeout: 40 * time.Millisecond}
			start := time.Now()
			got := g.Classify(tt.ctx, in)
			if spent := time.Since(start); spent > 40*time.Millisecond {
				t.Errorf("%s: took %v, the deadline is 40ms", tt.rule, spent)
			}
			if got.Source != tt.source || got.Level != tt.level || got.Note != tt.note {
				t.Errorf("%s: got %s %s %q, want %s %s %q", tt.rule, got.Source, got.Level, got.Note, tt.source, tt.level, tt.note)
			}
			if LevelOf(got.Difficulty) != got.Level {
				t.Errorf("%s: difficulty %.2f is not in %s", tt.rule, got.Difficulty, got.Level)
			}
			g.Wait()
		})
	}
}

// A model that hangs holds its slots until it returns; the calls beyond them
// are answered by the heuristic without a goroutine of their own.
func TestGuardBoundsCallsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		var busy int
		g := &Guard{MaxInFlight: 3, Timeout: time.Millisecond, OnFallback: func(why string, _ error) {
			if why == NoteBusy {
				busy++
			}
		}, Primary: modelFunc(func(context.Context, Input) (Classification, error) {
			calls.Add(1)
			time.Sleep(time.Minute)
			return Classification{}, nil
		})}
		for range 10 {
			g.Classify(t.Context(), Prompt("hi"))
		}
		if calls.Load() != 3 || busy != 7 {
			t.Errorf("model called %d times and busy %d times, want 3 and 7", calls.Load(), busy)
		}
		g.Wait()
		g.Classify(t.Context(), Prompt("hi"))
		if calls.Load() != 4 {
			t.Errorf("slots were not given back: %d calls, want 4", calls.Load())
		}
		g.Wait()
	})
}

func TestRaise(t *testing.T) {
	for b := -6.0; b <= 6; b += 0.05 {
		before := Classification{Level: LevelOf(b), Difficulty: b}
		got := before.Raise("x")
		if want := min(before.Level+1, L5); got.Level != want || LevelOf(got.Difficulty) != want || got.Note != "x" {
			t.Errorf("b=%.2f raised: %s at b=%.2f, want %s", b, got.Level, got.Difficulty, want)
		}
		if got.Difficulty < b {
			t.Errorf("b=%.2f raised is %.2f, which is lower", b, got.Difficulty)
		}
		harder := Classification{Level: LevelOf(b + 0.3), Difficulty: b + 0.3}.Raise("x")
		if before.Level < L5 && harder.Difficulty < got.Difficulty && harder.Level < L5 {
			t.Errorf("b=%.2f raised is %.2f, but b=%.2f raised is %.2f: the order is lost", b, got.Difficulty, b+0.3, harder.Difficulty)
		}
	}
	if got := (Classification{}).Raise("x"); got.Level != 0 {
		t.Errorf("a classification without a level got %v", got.Level)
	}
}
