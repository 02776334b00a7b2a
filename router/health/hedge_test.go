package health

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func answer(t *testing.T, h *Health, r Result) {
	t.Helper()
	p, err := h.Acquire("p", "m")
	if err != nil {
		t.Fatal(err)
	}
	r.Status = 200
	p.Done(r)
}

func TestHedgeAfterTheP95OfRecentAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{})
		for i := range 100 {
			if _, ok := h.HedgeAfter("p", "m", false); ok != (i >= 20) {
				t.Fatalf("after %d answers there is an estimate: %v", i, ok)
			}
			// in no order: 37 and 100 have no common factor
			answer(t, h, Result{Duration: time.Duration(i*37%100+1) * time.Second})
		}
		if d, ok := h.HedgeAfter("p", "m", false); !ok || d != 95*time.Second {
			t.Errorf("p95 of 1..100 s is %s, %v", d, ok)
		}
		if _, ok := h.HedgeAfter("p", "m", true); ok {
			t.Error("whole answers tell the time to a stream's first byte")
		}
		for range 20 {
			answer(t, h, Result{Stream: true, FirstByte: 300 * time.Millisecond, Duration: time.Hour})
		}
		if d, ok := h.HedgeAfter("p", "m", true); !ok || d != 300*time.Millisecond {
			t.Errorf("first byte: %s, %v", d, ok)
		}
		for range memory {
			answer(t, h, Result{Duration: time.Millisecond})
		}
		if d, _ := h.HedgeAfter("p", "m", false); d != time.Millisecond {
			t.Errorf("after %d fast answers still %s", memory, d)
		}
		time.Sleep(15*time.Minute + 1)
		if d, ok := h.HedgeAfter("p", "m", false); ok {
			t.Errorf("old answers still say %s", d)
		}
	})
}

func TestOnlyAnswersCountAsTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{MinCalls: 1000})
		for range 50 {
			for _, r := range []Result{{Status: 500, Duration: 1}, {Status: 400, Duration: 1}, {Status: 200}, {Status: 200, Failure: Broken, Duration: 1}} {
				p, _ := h.Acquire("p", "m")
				p.Done(r)
			}
		}
		if d, ok := h.HedgeAfter("p", "m", false); ok {
			t.Errorf("failures made an estimate: %s", d)
		}
	})
}

// A call that lost against its hedge would have taken longer than it was
// waited for. Left out, the estimate would sink with every hedge: to 40 ms here.
func TestHedgedCallsKeepTheirRank(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{})
		for i := range 2000 {
			after, ok := h.HedgeAfter("p", "m", false)
			p, err := h.Acquire("p", "m")
			if err != nil {
				t.Fatal(err)
			}
			took := time.Duration(i*37%100+1) * time.Millisecond
			if ok && took > after { // the hedge wins soon
				time.Sleep(after + time.Microsecond)
				p.Cancel()
				continue
			}
			time.Sleep(took)
			p.Done(Result{Status: 200, Duration: took})
		}
		if d, _ := h.HedgeAfter("p", "m", false); d < 90*time.Millisecond || d > 97*time.Millisecond {
			t.Errorf("p95 of calls that take 1..100 ms is said to be %s", d)
		}
		p, _ := h.Acquire("p", "m")
		time.Sleep(time.Millisecond)
		before, _ := h.HedgeAfter("p", "m", false)
		p.Cancel() // given up early: says nothing
		if after, _ := h.HedgeAfter("p", "m", false); after != before {
			t.Errorf("a call given up after 1 ms moved the estimate from %s to %s", before, after)
		}
	})
}

func TestHedgesStayWithinTheirShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		share := rapid.SampledFrom([]float64{0.01, 0.05, 0.29, 1, -1}).Draw(t, "share")
		burst := rapid.IntRange(1, 5).Draw(t, "burst")
		h := New(Config{HedgeShare: share, HedgeBurst: burst})
		requests, hedges, row := 0, 0, 0
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "what") > 0 {
				h.CountRequest()
				requests, row = requests+1, 0
			} else if h.TryHedge() {
				hedges, row = hedges+1, row+1
			}
			if float64(hedges) > max(share, 0)*float64(requests)+1e-9 || row > burst {
				t.Fatalf("%d hedges, %d in a row, after %d requests", hedges, row, requests)
			}
		}
	})
}

func TestTheWholeShareCanBeUsed(t *testing.T) {
	h := New(Config{})
	hedges := 0
	for range 10_000 {
		h.CountRequest()
		if h.TryHedge() {
			hedges++
		}
	}
	if hedges != 500 {
		t.Errorf("%d of 10000 requests were hedged, want 500", hedges)
	}
}
