// Package allowance counts what providers give away: requests and tokens per
// minute and per day of each provider key. It never lets more through than that,
// and lets all of it through.
//
// Start with Open, then Book.Reserve before a call, and Settle or Release after
// it. A book survives a crash: a reservation is in its file before Reserve
// returns. Which windows count what is in window.go and account.go, the file in
// journal.go; docs/resilience.md has it for operators.
package allowance

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// ErrUnknownKey is what Reserve says of a key without an allowance.
var ErrUnknownKey = errors.New("key has no free allowance")

// Unlimited is what Left gives where there is no limit.
const Unlimited = math.MaxInt64

// Options are the parts of a Book that have defaults.
type Options struct {
	Now func() time.Time // default time.Now
	// Slack is how much the provider's clock may differ from ours and calls may
	// differ in how long they take to arrive. Default 1 s; negative: none.
	Slack time.Duration
	// Abandon is after how long a reservation that was neither settled nor
	// released counts as settled as it was reserved. Default 15 min.
	Abandon time.Duration
	// Sync makes every record survive a loss of power as well, at the price of
	// waiting for the disk before each call. Without it, it survives the death of
	// the process.
	Sync bool
}

// Exhausted is why nothing can be reserved now.
type Exhausted struct {
	Key    string
	Window string // as in the configuration: requests_per_day, ...
	Limit  int64
	Until  time.Time // no earlier than this will there be room; zero if Never
	Never  bool      // more was asked for than the limit ever allows
}

// Error says which limit, and until when.
func (e *Exhausted) Error() string {
	if e.Never {
		return fmt.Sprintf("key %s: the request needs more than the free %s (%d) ever allow", e.Key, e.Window, e.Limit)
	}
	return fmt.Sprintf("key %s: the free %s (%d) are used up until %s", e.Key, e.Window, e.Limit, e.Until.UTC().Format(time.RFC3339))
}

// Book counts the allowances of all keys. It is safe for concurrent use.
type Book struct {
	o        Options
	accounts map[string]*account // never changes after Open
	journal  *journal
	ids      atomic.Int64 // of reservations; none survives a restart
}

// Reservation is leave for one call. Exactly one of Settle and Release ends it;
// whatever follows the first changes nothing.
type Reservation struct {
	book    *Book
	account *account
	key     string
	id      int64
	number  int64 // of its request in the account's trail
	at      int64 // Unix nanoseconds
	tokens  int64
}

// Open reads what was used from a directory, which it makes if need be and owns
// until Close: a second process gets ErrOwned. Keys are labels, never secrets:
// they are written to the file.
//
// With a *Corrupt error the book is there and can be used: it takes every
// allowance for used up in the current windows. Any other error leaves none.
func Open(dir string, limits map[string]Limits, o Options) (*Book, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Slack = max(cmp.Or(o.Slack, time.Second), 0)
	o.Abandon = cmp.Or(o.Abandon, 15*time.Minute)
	b := &Book{o: o, accounts: map[string]*account{}}
	for key, l := range limits {
		if err := l.Check(); err != nil {
			return nil, fmt.Errorf("allowance of key %s: %w", key, err)
		}
		a, err := newAccount(l, true, o.Slack)
		if err != nil {
			return nil, fmt.Errorf("allowance of key %s: %w", key, err)
		}
		b.accounts[key] = a
	}
	j, err := openJournal(dir, o.Sync)
	if err != nil {
		return nil, err
	}
	b.journal = j
	damage := b.load()
	var corrupt *Corrupt
	if damage != nil && !errors.As(damage, &corrupt) {
		return nil, errors.Join(damage, j.close())
	}
	if err := j.rewrite(b.state()); err != nil {
		return nil, errors.Join(err, j.close())
	}
	return b, damage
}

// Close gives the directory back. Calls still in flight count as they were
// reserved.
func (b *Book) Close() error { return b.journal.close() }

// Reserve asks for one request and the tokens that it is expected to use, and
// writes it down. The error is an *Exhausted, ErrUnknownKey, or of the file; in
// each case the call must not be made.
func (b *Book) Reserve(key string, tokens int64) (*Reservation, error) {
	a := b.accounts[key]
	if a == nil || !a.known {
		return nil, fmt.Errorf("%w: %s", ErrUnknownKey, key)
	}
	r := &Reservation{book: b, account: a, key: key, id: b.ids.Add(1), tokens: max(tokens, 0)}
	e := a.reserve(r, b.now())
	if e != nil && b.settleAbandoned(a) {
		e = a.reserve(r, b.now())
	}
	if e != nil {
		return nil, e
	}
	if err := b.write(record{Op: opReserve, ID: r.id, At: r.at, Key: key, N: r.tokens}); err != nil {
		a.release(r)
		return nil, err
	}
	return r, nil
}

// At is when it was made.
func (r *Reservation) At() time.Time { return time.Unix(0, r.at) }

// Settle says how many tokens the call really used, a negative number that it
// is not known: then it counts as reserved. More than was reserved leaves a
// debt: nothing more is let through until the windows have room again. The
// error is of the file: in memory it is settled all the same.
func (r *Reservation) Settle(tokens int64) error {
	if tokens < 0 {
		tokens = r.tokens
	}
	now := r.book.now()
	if !r.account.settle(r, now, tokens) {
		return nil
	}
	return r.book.write(record{Op: opSettle, ID: r.id, At: now, Key: r.key, N: tokens})
}

// Release says that the call never reached the provider: nothing was used.
func (r *Reservation) Release() error {
	if !r.account.release(r) {
		return nil
	}
	return r.book.write(record{Op: opRelease, ID: r.id, At: r.book.now(), Key: r.key})
}

// settleAbandoned reports whether there was any.
func (b *Book) settleAbandoned(a *account) bool {
	old := a.abandoned(b.now() - int64(b.o.Abandon))
	for _, r := range old {
		_ = r.Settle(-1) // if it cannot be written, the next start will count it the same way
	}
	return len(old) > 0
}

func (b *Book) now() int64 { return b.o.Now().UnixNano() }

func (b *Book) write(r record) error {
	full, err := b.journal.append(r)
	if full && err == nil {
		return b.journal.compact(b.state)
	}
	return err
}

// Left is how many requests and tokens could be reserved now, by the tightest
// of their windows; Unlimited where there is none. It is 0 for a key without
// an allowance, and for tokens in debt.
func (b *Book) Left(key string) (requests, tokens int64) {
	a := b.accounts[key]
	if a == nil || !a.known {
		return 0, 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.moment(b.now())
	requests, tokens = Unlimited, Unlimited
	for i := range a.byCount {
		requests = min(requests, max(a.byCount[i].left(&a.requests, now, a.full, 0), 0))
	}
	for i := range a.byTokens {
		tokens = min(tokens, max(a.byTokens[i].left(&a.tokens, now, a.full, a.pending), 0))
	}
	return requests, tokens
}

func (w *window) left(t *trail, now, full, pending int64) int64 {
	w.slide(t, now)
	if full >= w.from(now) {
		return 0
	}
	return w.limit - w.sum - pending
}

// Window is one limit of a key as a page shows it.
type Window struct {
	Name  string    `json:"name"` // as in the configuration
	Limit int64     `json:"limit"`
	Left  int64     `json:"left"`                // negative: debt
	Until time.Time `json:"full_until,omitzero"` // of one that is full: when something will be left again
}

// Remaining lists a key's windows.
func (b *Book) Remaining(key string) []Window {
	a := b.accounts[key]
	if a == nil || !a.known {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []Window
	now := a.moment(b.now())
	show := func(t *trail, ws []window, pending int64) {
		for i := range ws {
			w := Window{Name: ws[i].name, Limit: ws[i].limit, Left: ws[i].left(t, now, a.full, pending)}
			if at, _ := ws[i].freeAt(t, now, a.full, pending, 1); at > now {
				w.Until = time.Unix(0, at)
			}
			all = append(all, w)
		}
	}
	show(&a.requests, a.byCount, 0)
	show(&a.tokens, a.byTokens, a.pending)
	return all
}

// Keys lists the keys that have an allowance, sorted.
func (b *Book) Keys() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(b.accounts)), func(k string) bool { return !b.accounts[k].known })
}
