package health

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestNeverMoreProbesThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{Rand: least, Probes: 3, Open: 10 * time.Millisecond, OpenMax: 40 * time.Millisecond})
		play(t, h, "10*500 +10s")
		var inFlight, most, let atomic.Int64
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				for range 50 {
					p, err := h.Acquire("p", "m")
					if err != nil {
						time.Sleep(time.Duration(i+1) * time.Millisecond)
						continue
					}
					n := inFlight.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					let.Add(1)
					time.Sleep(time.Duration(i%7) * 10 * time.Millisecond)
					inFlight.Add(-1)
					if i%3 == 0 {
						p.Cancel()
					} else {
						p.Done(Result{Status: 500})
					}
				}
			})
		}
		wg.Wait()
		if most.Load() != 3 {
			t.Errorf("at most %d probes were in flight, want 3: not more, and all of them used", most.Load())
		}
		if let.Load() < 30 {
			t.Errorf("only %d probes were made", let.Load())
		}
		if s := statusOf(h, Scope{"p", "m"}); s.Probes != 0 {
			t.Errorf("%d probes were never given back", s.Probes)
		}
	})
}

func TestNoPermitIsLost(t *testing.T) {
	h := New(Config{InFlightDefault: 7, MinCalls: 5})
	var inFlight, most atomic.Int64
	var wg sync.WaitGroup
	models := []string{"a", "b", "c", "d"}
	for i := range 100 {
		wg.Go(func() {
			for j := range 200 {
				p, err := h.Acquire("p", models[(i+j)%len(models)])
				if err != nil {
					runtime.Gosched()
					continue
				}
				n := inFlight.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				runtime.Gosched()
				inFlight.Add(-1)
				firsts := 0
				for _, first := range []bool{p.Done(Result{Status: []int{200, 500, 200, 404}[j%4], Duration: time.Millisecond}), p.Cancel(), p.Done(Result{Status: 401})} {
					if first {
						firsts++
					}
				}
				if firsts != 1 {
					t.Errorf("a permit ended %d times", firsts)
				}
			}
		})
	}
	wg.Wait()
	s := statusOf(h, Scope{Provider: "p"})
	if s.InFlight != 0 || s.Probes != 0 || s.State != Closed {
		t.Errorf("afterwards: %+v; want nothing in flight, and closed, as the 401s came second", s)
	}
	if most.Load() > 7 {
		t.Errorf("%d calls in flight, at most 7 allowed", most.Load())
	}
	var all []*Permit
	for range 7 {
		p, err := h.Acquire("p", "fresh")
		if err != nil {
			t.Fatalf("only %d of 7 places are left", len(all))
		}
		all = append(all, p)
	}
	for _, p := range all {
		p.Cancel()
	}
}

// Outside a bubble: the garbage collector does not belong to one.
func TestAForgottenPermitIsCollected(t *testing.T) {
	h := New(Config{InFlightDefault: 1})
	func() {
		if _, err := h.Acquire("p", "m"); err != nil {
			t.Fatal(err)
		}
	}()
	for range 1000 {
		runtime.GC()
		if p, err := h.Acquire("p", "m"); err == nil {
			p.Cancel()
			return
		}
		runtime.Gosched()
	}
	t.Error("the place of a permit that nobody holds was never given back")
}

func TestMadeUpNamesDoNotGrowMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{MaxModels: 100})
		play(t, h, "429/600") // must survive
		for i := range 5000 {
			name := string(rune('a'+i%26)) + time.Duration(i).String()
			p, err := h.Acquire("p", name)
			if err != nil {
				t.Fatal(err)
			}
			p.Done(Result{Status: 200, Duration: time.Second})
			h.Peek("p", "only looked at "+name)
			h.HedgeAfter("p", "only looked at "+name, false)
		}
		if n := len(h.Snapshot()); n > 101 {
			t.Errorf("%d breakers, want at most 100 models and the provider", n)
		}
		if o := h.Peek("p", "m"); o.Ready {
			t.Error("the breaker that was open has been forgotten")
		}
	})
}

func TestWhenAllAreOpenTheNextIsCalledUnwatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{MaxModels: 3})
		for _, m := range []string{"a", "b", "c", "d"} {
			p, err := h.Acquire("p", m)
			if err != nil {
				t.Fatal(err)
			}
			p.Done(Result{Status: 429, RetryAfter: "60"})
		}
		if n := h.troubled.Load(); n != 3 {
			t.Errorf("%d open, want 3", n)
		}
		if err := h.Force(Scope{"p", "e"}, ForceOpen, ""); err != ErrFull {
			t.Errorf("Force: %v, want ErrFull", err)
		}
		if s := statusOf(h, Scope{Provider: "p"}); s.InFlight != 0 {
			t.Errorf("%d in flight", s.InFlight)
		}
	})
}

func TestProvidersBeyondTheBoundAreCalledUnwatched(t *testing.T) {
	h := New(Config{InFlightDefault: 1})
	for i := range maxProviders + 50 {
		p, err := h.Acquire(time.Duration(i).String(), "m")
		if err != nil {
			t.Fatal(err)
		}
		if !p.Done(Result{Status: 401}) || p.Cancel() {
			t.Fatal("a permit of an unwatched provider does not end once")
		}
	}
	if n := h.troubled.Load(); n != maxProviders {
		t.Errorf("%d providers are open, want %d", n, maxProviders)
	}
	if err := h.Force(Scope{Provider: "one more"}, ForceOpen, ""); err != ErrFull {
		t.Errorf("Force: %v, want ErrFull", err)
	}
}
