package allowance

import (
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// clock is a time that only tests move.
type clock struct{ ns atomic.Int64 }

func newClock(at string) *clock {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		panic(err)
	}
	c := &clock{}
	c.ns.Store(t.UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()) }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

func open(t testing.TB, dir string, l Limits, o Options) *Book {
	t.Helper()
	b, err := Open(dir, map[string]Limits{"k": l}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.die() })
	return b
}

// die is what kill -9 does to a book.
func (b *Book) die() {
	b.journal.mu.Lock()
	defer b.journal.mu.Unlock()
	if b.journal.file != nil {
		b.journal.file.Close()
		b.journal.lock.Close()
		b.journal.file = nil
	}
}

// play runs a sequence: "r" or "r500" reserves (500 tokens) and settles as
// reserved, "f500" reserves and stays in flight, "s700" settles the oldest in
// flight with 700 tokens, "x" releases it, "+1m" waits, "no" is a reservation
// of no token that must be refused, "no500" one of 500.
func play(t *testing.T, b *Book, c *clock, sequence string) {
	t.Helper()
	var flying []*Reservation
	number := func(text string) int64 {
		n, err := strconv.ParseInt("0"+text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i, word := range strings.Fields(sequence) {
		var err error
		switch {
		case word[0] == '+':
			d, e := time.ParseDuration(word[1:])
			c.advance(d)
			err = e
		case strings.HasPrefix(word, "no"):
			if _, e := b.Reserve("k", number(word[2:])); !errors.As(e, new(*Exhausted)) {
				t.Fatalf("word %d, %q: not refused: %v", i+1, word, e)
			}
		case word[0] == 's':
			err, flying = flying[0].Settle(number(word[1:])), flying[1:]
		case word == "x":
			err, flying = flying[0].Release(), flying[1:]
		default:
			var r *Reservation
			if r, err = b.Reserve("k", number(word[1:])); err == nil && word[0] == 'r' {
				err = r.Settle(-1)
			} else if err == nil {
				flying = append(flying, r)
			}
		}
		if err != nil {
			t.Fatalf("word %d, %q: %v", i+1, word, err)
		}
	}
}

func TestAllowances(t *testing.T) {
	utc := func(l Limits) Limits { l.Resets = "00:00 UTC"; return l }
	for _, c := range []struct {
		rule     string
		limits   Limits
		slack    time.Duration // -1: none
		start    string        // hour of 25 November 2026, UTC
		sequence string
	}{
		{"all of it can be used and no more", Limits{RequestsPerMinute: 3}, -1, "12:00:00", "r r r no"},
		{"a minute later all of it again, not a moment sooner", Limits{RequestsPerMinute: 3}, -1, "12:00:00", "r r r +59.999999999s no +1ns r r r no"},
		{"the window slides", Limits{RequestsPerMinute: 3}, -1, "12:00:00", "r +30s r r no +30s r no +30s r r no"},
		{"so the turn of a minute makes no difference", Limits{RequestsPerMinute: 3}, -1, "12:00:59", "r r r +2s no"},
		{"slack makes it last longer", Limits{RequestsPerMinute: 1}, 0, "12:00:00", "r +60s no +999ms no +1ms r"},
		{"a rolling day is 24 hours", Limits{RequestsPerDay: 2}, -1, "12:00:00", "r +1h r +22h no +1h r no +1h r no"},
		{"a day resets at its hour", utc(Limits{RequestsPerDay: 2}), -1, "12:00:00", "r r no +11h59m59.999999999s no +1ns r r no"},
		{"calls just before the reset count in both days", utc(Limits{RequestsPerDay: 2}), 0, "23:59:00", "r +59.5s r no +1.5s r no +1h no"},
		{"just after it the old day still holds", utc(Limits{RequestsPerDay: 2}), 0, "23:59:00", "r r +60s no +999ms no +1ms r r no"},
		{"both windows must have room", Limits{RequestsPerMinute: 2, RequestsPerDay: 3}, -1, "12:00:00", "r r no +1m r no +1m no +24h r"},
		{"tokens count", Limits{TokensPerMinute: 1000}, -1, "12:00:00", "r600 r400 no1 r0 +1m r1000"},
		{"tokens in flight count", Limits{TokensPerMinute: 1000}, -1, "12:00:00", "f600 no401 f400 +10m no1 s600 no1 s400 +1m r1000"},
		{"tokens count until a minute after they were settled", Limits{TokensPerMinute: 1000}, -1, "12:00:00", "f1000 +50s s1000 +59s no1 +1s r1"},
		{"tokens that were not used come back", Limits{TokensPerMinute: 1000}, -1, "12:00:00", "f1000 no1 s300 r700 no1"},
		{"more than was reserved leaves a debt", Limits{TokensPerMinute: 1000}, -1, "12:00:00", "f500 s1800 no0 +59s no0 +1s r1000"},
		{"the debt holds only as long as its windows", Limits{TokensPerMinute: 1000, TokensPerDay: 5000}, -1, "12:00:00", "f500 s4500 no1 +1m r500 no1 +24h r1000"},
		{"what was released was never used", Limits{RequestsPerMinute: 1, TokensPerMinute: 1000}, -1, "12:00:00", "f1000 no x f1000 no x r1000 no"},
		{"releasing an old one frees nothing twice", Limits{RequestsPerMinute: 2}, -1, "12:00:00", "f r no +1m r r no x no"},
		{"requests count from when they were made", Limits{RequestsPerMinute: 1}, -1, "12:00:00", "f no +1m f s0 s0 no"},
		{"more than the limit never fits", Limits{TokensPerMinute: 1000}, -1, "12:00:00", "no1001 r1000"},
		{"one that nobody settles is over after 15 minutes", Limits{TokensPerMinute: 1000}, -1, "12:00:00", "f1000 +14m no1 +1m1s no1 +1m r1000"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			clock, dir := newClock("2026-11-25T"+c.start+"Z"), t.TempDir()
			play(t, open(t, dir, c.limits, Options{Now: clock.now, Slack: c.slack}), clock, c.sequence)
		})
	}
}

func TestExhaustedSaysWhatAndUntilWhen(t *testing.T) {
	clock := newClock("2026-11-25T12:00:00Z")
	b := open(t, t.TempDir(), Limits{RequestsPerMinute: 1, RequestsPerDay: 5, TokensPerDay: 100, Resets: "00:00 UTC"}, Options{Now: clock.now})
	play(t, b, clock, "r60")
	for _, c := range []struct {
		tokens int64
		want   Exhausted
		text   string
	}{
		{10, Exhausted{Key: "k", Window: "requests_per_minute", Limit: 1, Until: clock.now().Add(61 * time.Second)}, "key k: the free requests_per_minute (1) are used up until 2026-11-25T12:01:01Z"},
		{50, Exhausted{Key: "k", Window: "tokens_per_day", Limit: 100, Until: time.Unix(0, newClock("2026-11-26T00:00:01Z").ns.Load())}, "key k: the free tokens_per_day (100) are used up until 2026-11-26T00:00:01Z"},
		{101, Exhausted{Key: "k", Window: "tokens_per_day", Limit: 100, Never: true}, "key k: the request needs more than the free tokens_per_day (100) ever allow"},
	} {
		_, err := b.Reserve("k", c.tokens)
		var e *Exhausted
		if !errors.As(err, &e) || *e != c.want || e.Error() != c.text {
			t.Errorf("%d tokens: %v, want %+v", c.tokens, err, c.want)
		}
	}
	if _, err := b.Reserve("other", 1); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("unknown key: %v", err)
	}
}

func TestWhatIsLeft(t *testing.T) {
	clock := newClock("2026-11-25T12:00:00Z")
	b := open(t, t.TempDir(), Limits{RequestsPerMinute: 10, RequestsPerDay: 12, TokensPerMinute: 1000}, Options{Now: clock.now, Slack: -1})
	left := func(requests, tokens int64) {
		t.Helper()
		if r, n := b.Left("k"); r != requests || n != tokens {
			t.Errorf("left: %d requests, %d tokens; want %d, %d", r, n, requests, tokens)
		}
	}
	left(10, 1000)
	play(t, b, clock, "r300 f200")
	left(8, 500)
	play(t, b, clock, "+1m r0")
	left(9, 800) // of the day 9, of the minute 9
	play(t, b, clock, "f100 s1500")
	left(8, 0)
	want := []Window{{Name: "requests_per_minute", Limit: 10, Left: 8}, {Name: "requests_per_day", Limit: 12, Left: 8},
		{Name: "tokens_per_minute", Limit: 1000, Left: -700, Until: clock.now().Add(time.Minute)}}
	got := b.Remaining("k")
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
	if r, n := b.Left("unknown"); r != 0 || n != 0 || b.Remaining("unknown") != nil {
		t.Errorf("a key without an allowance has %d requests, %d tokens left", r, n)
	}
}

func TestAReservationEndsOnce(t *testing.T) {
	clock := newClock("2026-11-25T12:00:00Z")
	b := open(t, t.TempDir(), Limits{RequestsPerMinute: 2, TokensPerMinute: 100}, Options{Now: clock.now})
	r, err := b.Reserve("k", 40)
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []func() error{func() error { return r.Settle(30) }, r.Release, func() error { return r.Settle(90) }, r.Release} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
	}
	if requests, tokens := b.Left("k"); requests != 1 || tokens != 70 {
		t.Errorf("%d requests and %d tokens left, want 1 and 70", requests, tokens)
	}
}

func TestBadLimitsNameTheKey(t *testing.T) {
	_, err := Open(t.TempDir(), map[string]Limits{"groq-2": {RequestsPerDay: 1, Resets: "noon"}}, Options{})
	if err == nil || !strings.Contains(err.Error(), "key groq-2") {
		t.Errorf("got %v", err)
	}
}
