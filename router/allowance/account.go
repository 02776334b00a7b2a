package allowance

import (
	"sync"
	"time"
)

// account is one key's allowance in memory.
//
// A request counts from the moment it was reserved: the provider counts it when
// it arrives. Tokens count from then until a whole window after they were
// settled: providers differ in whether they count them at the beginning, by
// their own estimate, or at the end, and this stays inside the limit of either.
type account struct {
	mu       sync.Mutex
	clock    int64 // the latest moment seen
	requests trail
	tokens   trail // settled ones
	pending  int64 // tokens reserved and not settled
	open     map[int64]*Reservation
	full     int64    // since when the file was lost: nothing is known to be left; 0: never
	byCount  []window // over requests
	byTokens []window
	known    bool // configured
}

const longestDay = 25 * time.Hour // where clocks are set back

func newAccount(l Limits, known bool, slack time.Duration) (*account, error) {
	d, err := parseResets(l.Resets)
	if err != nil {
		return nil, err
	}
	a := &account{open: map[int64]*Reservation{}, known: known}
	if !known { // kept for when it is configured again
		keep := window{limit: 1 << 62, span: longestDay, slack: slack}
		a.byCount, a.byTokens = []window{keep}, []window{keep}
		return a, nil
	}
	add := func(to *[]window, name string, limit int64, daily bool) {
		if limit == 0 {
			return
		}
		w := window{name: name, limit: limit, span: time.Minute, slack: slack}
		if daily {
			w.span = 24 * time.Hour
			if d.zone != nil {
				w.day = &d
			}
		}
		*to = append(*to, w)
	}
	add(&a.byCount, "requests_per_minute", l.RequestsPerMinute, false)
	add(&a.byCount, "requests_per_day", l.RequestsPerDay, true)
	add(&a.byTokens, "tokens_per_minute", l.TokensPerMinute, false)
	add(&a.byTokens, "tokens_per_day", l.TokensPerDay, true)
	return a, nil
}

func put(t *trail, ws []window, at, n int64) (number int64) {
	number = t.add(at, n)
	for i := range ws {
		ws[i].sum += n
	}
	return number
}

// tidy forgets what no window looks at.
func tidy(t *trail, ws []window, now int64) {
	oldest := t.end()
	for i := range ws {
		ws[i].slide(t, now)
		oldest = min(oldest, ws[i].head)
	}
	t.forget(oldest)
}

// moment never goes back: what a window has let go of at one moment must not
// be missing from it at an earlier one, which another goroutine has read. A
// clock set back by much makes windows wait until it has caught up.
func (a *account) moment(now int64) int64 {
	a.clock = max(a.clock, now)
	return a.clock
}

// reserve books one request with its tokens, or says which window has no room.
func (a *account) reserve(r *Reservation, now int64) *Exhausted {
	a.mu.Lock()
	defer a.mu.Unlock()
	now = a.moment(now)
	if e := a.exhausted(now, r.tokens); e != nil {
		e.Key = r.key
		return e
	}
	tidy(&a.requests, a.byCount, now)
	tidy(&a.tokens, a.byTokens, now)
	r.number = put(&a.requests, a.byCount, now, 1)
	r.at = now
	a.pending += r.tokens
	a.open[r.id] = r
	return nil
}

// exhausted gives the window that is full for longest.
func (a *account) exhausted(now, tokens int64) *Exhausted {
	var worst *Exhausted
	check := func(t *trail, ws []window, pending, n int64) {
		for i := range ws {
			w := &ws[i]
			at, ever := w.freeAt(t, now, a.full, pending, n)
			switch {
			case !ever:
				worst = &Exhausted{Window: w.name, Limit: w.limit, Never: true}
			case at > now && (worst == nil || !worst.Never && at > worst.Until.UnixNano()):
				worst = &Exhausted{Window: w.name, Limit: w.limit, Until: time.Unix(0, at)}
			}
		}
	}
	check(&a.requests, a.byCount, 0, 1)
	check(&a.tokens, a.byTokens, a.pending, tokens)
	return worst
}

// settle books the tokens that a call really used.
func (a *account) settle(r *Reservation, now, tokens int64) (first bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.end(r) {
		return false
	}
	now = a.moment(now)
	if tokens > 0 {
		put(&a.tokens, a.byTokens, now, tokens)
	}
	return true
}

// release takes everything back: the call never reached the provider.
func (a *account) release(r *Reservation) (first bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.end(r) {
		return false
	}
	if i := r.number - a.requests.base; i >= 0 {
		a.requests.items[i].n = 0
		for j := range a.byCount {
			if a.byCount[j].head <= r.number {
				a.byCount[j].sum--
			}
		}
	}
	return true
}

func (a *account) end(r *Reservation) bool {
	if a.open[r.id] != r {
		return false
	}
	delete(a.open, r.id)
	a.pending -= r.tokens
	return true
}

// abandoned lists the calls in flight that nobody can be waiting for any more.
func (a *account) abandoned(before int64) (all []*Reservation) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.open {
		if r.at < before {
			all = append(all, r)
		}
	}
	return all
}
