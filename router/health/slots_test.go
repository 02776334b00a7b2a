package health

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func take(t *testing.T, h *Health, n int) []*Permit {
	t.Helper()
	var all []*Permit
	for range n {
		p, err := h.Acquire("p", "m")
		if err != nil {
			t.Fatalf("place %d of %d: %v", len(all)+1, n, err)
		}
		all = append(all, p)
		t.Cleanup(func() { p.Cancel() })
	}
	return all
}

func TestAFullProviderRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{InFlight: map[string]int{"p": 2, "unlimited": 0}, InFlightDefault: 1})
		all, start := take(t, h, 2), time.Now()
		_, err := h.Acquire("p", "other")
		var un *Unavailable
		if !errors.As(err, &un) || un.Why != Busy || un.Scope != (Scope{Provider: "p"}) {
			t.Errorf("third call: %v, want busy", err)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("the refusal took %s", d)
		}
		all[0].Done(Result{Status: 200})
		take(t, h, 1)
		for range 50 {
			p, err := h.Acquire("unlimited", "m")
			if err != nil {
				t.Fatal(err)
			}
			defer p.Cancel()
		}
		p, err := h.Acquire("other", "m")
		if err != nil {
			t.Fatal(err)
		}
		defer p.Cancel()
		if _, err := h.Acquire("other", "m"); err == nil {
			t.Error("the default limit of 1 let two calls through")
		}
	})
}

func TestWaitingForAPlace(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		rule   string
		free   time.Duration // when a place becomes free; 0: never
		cancel time.Duration // when the caller gives up; 0: never
		took   time.Duration
		busy   bool
		err    error
	}{
		{"a place becomes free", time.Second, 0, time.Second, false, nil},
		{"none does in time", 0, 0, 2 * time.Second, true, nil},
		{"the caller gives up", 0, time.Second, time.Second, false, context.Canceled},
	} {
		t.Run(c.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := New(Config{InFlightDefault: 1})
				held, start := take(t, h, 1), time.Now()
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				if c.free > 0 {
					time.AfterFunc(c.free, func() { held[0].Done(Result{Status: 200}) })
				}
				if c.cancel > 0 {
					time.AfterFunc(c.cancel, cancel)
				}
				p, err := h.AcquireWait(ctx, "p", "m")
				var un *Unavailable
				if errors.As(err, &un) != c.busy || c.err != nil && !errors.Is(err, c.err) || (err == nil) != (p != nil) {
					t.Errorf("got %v, %v", p, err)
				}
				if p != nil {
					p.Cancel()
				}
				if d := time.Since(start); d != c.took {
					t.Errorf("took %s, want %s", d, c.took)
				}
			})
		})
	}
}

func TestTheQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{InFlightDefault: 1, MaxWaiting: 3})
		held, got := take(t, h, 1), make(chan *Permit, 3)
		for range 3 {
			go func() {
				p, err := h.AcquireWait(t.Context(), "p", "m")
				if err != nil {
					t.Error(err)
				}
				got <- p
			}()
		}
		synctest.Wait()
		if s := statusOf(h, Scope{Provider: "p"}); s.Waiting != 3 || s.InFlight != 1 || s.Limit != 1 {
			t.Errorf("%d waiting, %d in flight of %d", s.Waiting, s.InFlight, s.Limit)
		}
		start := time.Now()
		if _, err := h.AcquireWait(t.Context(), "p", "m"); err == nil || time.Since(start) != 0 {
			t.Errorf("fourth in the queue: %v after %s, want a refusal at once", err, time.Since(start))
		}
		held[0].Cancel()
		for range 3 {
			(<-got).Cancel()
		}
		if s := statusOf(h, Scope{Provider: "p"}); s.Waiting != 0 || s.InFlight != 0 {
			t.Errorf("afterwards %d waiting, %d in flight", s.Waiting, s.InFlight)
		}
	})
}

func TestNobodyWaitsForAnOpenBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{InFlightDefault: 1})
		play(t, h, "401")
		start := time.Now()
		_, err := h.AcquireWait(t.Context(), "p", "m")
		var un *Unavailable
		if !errors.As(err, &un) || un.Why != Operator || un.Detail != "HTTP 401" || time.Since(start) != 0 {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
	})
}

func TestABreakerThatOpensMeanwhileRefusesWhoWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{InFlightDefault: 1})
		held := take(t, h, 1)
		time.AfterFunc(time.Second, func() { held[0].Done(Result{Status: 401}) })
		_, err := h.AcquireWait(t.Context(), "p", "m")
		var un *Unavailable
		if !errors.As(err, &un) {
			t.Fatalf("got %v", err)
		}
		// The place is given back before or after the verdict; either way nothing stays taken.
		if s := statusOf(h, Scope{Provider: "p"}); s.InFlight != 0 || un.Why != Operator {
			t.Errorf("%d in flight, refused for %s", s.InFlight, un.Why)
		}
	})
}
