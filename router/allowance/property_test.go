package allowance

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// use is one call as a provider might see it.
type use struct {
	asked, settled int64 // Unix nanoseconds
	tokens         int64
	dead           bool // released
}

// reference counts allowances in the plainest way: every call is remembered
// and counted anew. Days begin at midnight UTC, or 24 hours ago.
type reference struct {
	l    Limits
	uses []*use
}

func (r *reference) from(now time.Time, daily bool) int64 {
	switch {
	case !daily:
		return now.Add(-time.Minute).UnixNano() + 1
	case r.l.Resets == "00:00 UTC":
		return now.Truncate(24 * time.Hour).UnixNano()
	}
	return now.Add(-24*time.Hour).UnixNano() + 1
}

func (r *reference) used(now time.Time, daily bool) (requests, tokens int64) {
	from := r.from(now, daily)
	for _, u := range r.uses {
		if u.dead {
			continue
		}
		if u.asked >= from {
			requests++
		}
		if u.settled == 0 || u.settled >= from {
			tokens += u.tokens
		}
	}
	return requests, tokens
}

func (r *reference) fits(now time.Time, tokens int64) bool {
	m, mt := r.used(now, false)
	d, dt := r.used(now, true)
	ok := func(limit, used, n int64) bool { return limit == 0 || used+n <= limit }
	return ok(r.l.RequestsPerMinute, m, 1) && ok(r.l.RequestsPerDay, d, 1) && ok(r.l.TokensPerMinute, mt, tokens) && ok(r.l.TokensPerDay, dt, tokens)
}

func TestBookAgreesWithTheReferenceThroughCrashes(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		if err := os.RemoveAll(dir); err != nil {
			rt.Fatal(err)
		}
		limit := func(name string, most int64) int64 { return rapid.Int64Range(0, most).Draw(rt, name) }
		l := Limits{RequestsPerMinute: limit("rpm", 4), RequestsPerDay: limit("rpd", 12), TokensPerMinute: limit("tpm", 300), TokensPerDay: 1 + limit("tpd", 900),
			Resets: rapid.SampledFrom([]string{"rolling", "00:00 UTC"}).Draw(rt, "resets")}
		c, ref := newClock("2026-11-25T12:00:00Z"), &reference{l: l}
		o := Options{Now: c.now, Slack: -1, Abandon: 1000 * time.Hour}
		b := mustOpen(rt, dir, l, o)
		defer func() { b.die() }()
		flying := map[*Reservation]*use{}
		var order []*Reservation
		pick := func(rt *rapid.T) (*Reservation, *use) {
			if len(order) == 0 {
				rt.Skip("nothing in flight")
			}
			i := rapid.IntRange(0, len(order)-1).Draw(rt, "which")
			r := order[i]
			order = slices.Delete(order, i, i+1)
			return r, flying[r]
		}
		rt.Repeat(map[string]func(*rapid.T){
			"reserve": func(rt *rapid.T) {
				n := rapid.Int64Range(0, 120).Draw(rt, "tokens")
				want := ref.fits(c.now(), n)
				r, err := b.Reserve("k", n)
				if (err == nil) != want || err != nil && !errors.As(err, new(*Exhausted)) {
					rt.Fatalf("reserve %d: %v; the reference lets it through: %v", n, err, want)
				}
				if err == nil {
					u := &use{asked: c.ns.Load(), tokens: n}
					ref.uses = append(ref.uses, u)
					flying[r], order = u, append(order, r)
				}
			},
			"settle": func(rt *rapid.T) {
				r, u := pick(rt)
				u.tokens, u.settled = rapid.Int64Range(0, 200).Draw(rt, "tokens"), c.ns.Load()
				if err := r.Settle(u.tokens); err != nil {
					rt.Fatal(err)
				}
			},
			"release": func(rt *rapid.T) {
				r, u := pick(rt)
				u.dead = true
				if err := r.Release(); err != nil {
					rt.Fatal(err)
				}
			},
			"wait": func(rt *rapid.T) {
				c.advance(rapid.SampledFrom([]time.Duration{time.Second, 20 * time.Second, time.Minute, time.Hour, 7 * time.Hour}).Draw(rt, "for"))
			},
			"crash": func(rt *rapid.T) {
				b.die()
				b = mustOpen(rt, dir, l, o)
				for _, u := range ref.uses {
					if !u.dead && u.settled == 0 {
						u.settled = c.ns.Load()
					}
				}
				order = nil
			},
			"compact": func(rt *rapid.T) {
				if err := b.journal.rewrite(b.state()); err != nil {
					rt.Fatal(err)
				}
			},
			"": func(rt *rapid.T) {
				requests, tokens := b.Left("k")
				if requests > 0 && tokens > 0 != ref.fits(c.now(), 1) {
					rt.Fatalf("%d requests and %d tokens left; a call of one token fits: %v", requests, tokens, ref.fits(c.now(), 1))
				}
				if tokens > 0 && tokens != Unlimited && requests > 0 && (!ref.fits(c.now(), tokens) || ref.fits(c.now(), tokens+1)) {
					rt.Fatalf("%d tokens left is not the most that fits", tokens)
				}
			},
		})
	})
}

func mustOpen(t *rapid.T, dir string, l Limits, o Options) *Book {
	b, err := Open(dir, map[string]Limits{"k": l}, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// At the moment that a refusal names there is room, and just before it there
// is none.
func TestUntilIsExact(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		if err := os.RemoveAll(dir); err != nil {
			rt.Fatal(err)
		}
		l := Limits{RequestsPerMinute: 3, RequestsPerDay: 10, TokensPerMinute: 200, TokensPerDay: 600, Resets: rapid.SampledFrom([]string{"rolling", "00:00 UTC"}).Draw(rt, "resets")}
		c := newClock("2026-11-25T12:00:00Z")
		b := mustOpen(rt, dir, l, Options{Now: c.now, Slack: -1})
		defer func() { b.die() }()
		for range 60 {
			n := rapid.Int64Range(0, 200).Draw(rt, "tokens")
			r, err := b.Reserve("k", n)
			var e *Exhausted
			if errors.As(err, &e) {
				c.ns.Store(e.Until.UnixNano() - 1)
				if _, err := b.Reserve("k", n); err == nil {
					rt.Fatalf("there was room before %s", e.Until)
				}
				c.advance(1)
				if r, err = b.Reserve("k", n); err != nil {
					rt.Fatalf("no room at %s: %v", e.Until, err)
				}
			} else if err != nil {
				rt.Fatal(err)
			}
			if err := r.Settle(-1); err != nil {
				rt.Fatal(err)
			}
			c.advance(time.Duration(rapid.IntRange(0, 40).Draw(rt, "seconds")) * time.Second)
		}
	})
}

// Many callers at once, a clock that moves meanwhile: in no minute and on no
// day is there more than allowed, and at the end there is nothing unused.
func TestManyCallersNeverGetMore(t *testing.T) {
	l := Limits{RequestsPerMinute: 20, RequestsPerDay: 150, TokensPerMinute: 1500}
	c := newClock("2026-11-25T12:00:00Z")
	b := open(t, t.TempDir(), l, Options{Now: c.now, Slack: -1})
	var mu sync.Mutex
	var uses []*use
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range 60 {
				n := 50 + rand.Int64N(100)
				r, err := b.Reserve("k", n)
				if err != nil {
					c.advance(200 * time.Millisecond)
					continue
				}
				c.advance(time.Millisecond)
				if n%7 == 0 {
					if err := r.Release(); err != nil {
						t.Error(err)
					}
					continue
				}
				if err := r.Settle(-1); err != nil {
					t.Error(err)
				}
				mu.Lock()
				uses = append(uses, &use{asked: r.At().UnixNano(), settled: r.At().UnixNano(), tokens: n})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	ref := &reference{l: l, uses: uses}
	for _, u := range uses {
		at := time.Unix(0, u.asked)
		past := &reference{l: l}
		for _, v := range uses {
			if v.asked <= u.asked {
				past.uses = append(past.uses, v)
			}
		}
		requests, tokens := past.used(at, false)
		daily, _ := past.used(at, true)
		if requests > l.RequestsPerMinute || tokens > l.TokensPerMinute || daily > l.RequestsPerDay {
			t.Fatalf("at %s: %d requests and %d tokens in the last minute, %d requests in the last day", at, requests, tokens, daily)
		}
	}
	// The day is long, so its allowance must have been used to the last request.
	for range 10_000 {
		r, err := b.Reserve("k", 0)
		if err != nil {
			c.advance(time.Second)
			continue
		}
		ref.uses = append(ref.uses, &use{asked: r.At().UnixNano()})
	}
	if requests, _ := ref.used(ref.last(), true); requests != l.RequestsPerDay {
		t.Errorf("%d requests on the day of the last one, %d are free", requests, l.RequestsPerDay)
	}
}

func (r *reference) last() time.Time {
	at := int64(0)
	for _, u := range r.uses {
		at = max(at, u.asked)
	}
	return time.Unix(0, at)
}

// On one instant, exactly the limit is handed out.
func TestAtOneInstantExactlyTheLimit(t *testing.T) {
	c := newClock("2026-11-25T12:00:00Z")
	b := open(t, t.TempDir(), Limits{RequestsPerMinute: 137}, Options{Now: c.now})
	var got sync.Map
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			for j := range 10 {
				if r, err := b.Reserve("k", 10); err == nil {
					got.Store(i*10+j, r)
				}
			}
		})
	}
	wg.Wait()
	n := 0
	got.Range(func(any, any) bool { n++; return true })
	if n != 137 {
		t.Errorf("%d reservations, want 137", n)
	}
}
