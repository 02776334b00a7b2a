package allowance

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// Corrupt says that the file cannot be read. The book takes every allowance
// for used up in the current windows, since nobody knows what is left.
type Corrupt struct {
	Path string // of the damaged file, kept for whoever looks into it
	Line int
	Err  error
}

// Error says which file, what is wrong, and what that means.
func (c *Corrupt) Error() string {
	return fmt.Sprintf("allowances: line %d is damaged: %v; free allowances count as used up until their windows are over; the file is kept as %s", c.Line, c.Err, c.Path)
}

// Unwrap gives what is wrong with the line.
func (c *Corrupt) Unwrap() error { return c.Err }

// past is what a file says of one key.
type past struct{ requests, tokens []item }

// history is what a file says.
type history struct {
	keys map[string]*past
	open map[int64]record // reservations in flight
	full int64
}

// load puts what the file says into the accounts.
func (b *Book) load() error {
	text, err := os.ReadFile(b.journal.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("allowances: %w", err)
	}
	now := b.now()
	h, line, err := readHistory(text)
	if err != nil {
		for _, a := range b.accounts {
			a.full = now
		}
		aside := fmt.Sprintf("%s.corrupt-%d", b.journal.path, now)
		if err := os.Rename(b.journal.path, aside); err != nil {
			return fmt.Errorf("allowances: %w", err)
		}
		return &Corrupt{Path: aside, Line: line, Err: err}
	}
	return b.restore(h, now)
}

// readHistory reads whole lines; what follows the last newline was never
// answered for and is left out. On error it gives the number of the line.
func readHistory(text []byte) (*history, int, error) {
	h := &history{keys: map[string]*past{}, open: map[int64]record{}}
	n := 0
	for rest := text; ; {
		line, after, ok := bytes.Cut(rest, []byte("\n"))
		if !ok {
			break
		}
		n, rest = n+1, after
		r, err := parseLine(line)
		if err == nil && (n == 1) != (r.Op == opVersion) {
			err = fmt.Errorf("it is a %q record", r.Op)
		}
		if err == nil {
			err = h.add(r)
		}
		if err != nil {
			return nil, n, err
		}
	}
	if n == 0 {
		return nil, 1, errors.New("the first line is missing")
	}
	return h, 0, nil
}

func (h *history) of(key string) *past {
	if h.keys[key] == nil {
		h.keys[key] = &past{}
	}
	return h.keys[key]
}

func (h *history) add(r record) error {
	if r.N < 0 || r.At < 0 {
		return errors.New("it has a negative number")
	}
	switch r.Op {
	case opVersion:
		if r.N != version {
			return fmt.Errorf("its format is %d, this program reads %d", r.N, version)
		}
	case opReserve: // one that a rewrite had in it may be appended once more
		h.open[r.ID] = r
	case opSettle: // of one that a rewrite has settled already there is nothing left
		if o, ok := h.open[r.ID]; ok {
			delete(h.open, r.ID)
			h.over(o, r.At, r.N)
		}
	case opRelease:
		delete(h.open, r.ID)
	case opRequests:
		p := h.of(r.Key)
		p.requests = append(p.requests, item{r.At, r.N})
	case opTokens:
		p := h.of(r.Key)
		p.tokens = append(p.tokens, item{r.At, r.N})
	case opUsed:
		h.full = max(h.full, r.At)
	default:
		return fmt.Errorf("it is a %q record, which this program does not know", r.Op)
	}
	return nil
}

// over notes the end of a reservation.
func (h *history) over(o record, at, tokens int64) {
	p := h.of(o.Key)
	p.requests = append(p.requests, item{o.At, 1})
	p.tokens = append(p.tokens, item{at, tokens})
}

// restore fills the accounts. Calls in flight when the file ended count as they
// were reserved, up to now. Moments in the future come from a clock that was
// wrong, and count from now.
func (b *Book) restore(h *history, now int64) error {
	for _, o := range h.open {
		h.over(o, now, o.N)
	}
	for key, p := range h.keys {
		a := b.accounts[key]
		if a == nil {
			var err error
			if a, err = newAccount(Limits{}, false, b.o.Slack); err != nil {
				return err
			}
			b.accounts[key] = a
		}
		fill(&a.requests, a.byCount, p.requests, now)
		fill(&a.tokens, a.byTokens, p.tokens, now)
	}
	for _, a := range b.accounts {
		a.full = min(h.full, now)
	}
	return nil
}

func fill(t *trail, ws []window, items []item, now int64) {
	slices.SortFunc(items, func(x, y item) int { return cmp.Compare(x.at, y.at) })
	for _, it := range items {
		put(t, ws, min(it.at, now), it.n)
	}
	tidy(t, ws, now)
}

// state is everything that still counts, as records.
func (b *Book) state() []record {
	all := []record{{Op: opVersion, N: version}}
	full := int64(0)
	for key, a := range b.accounts {
		a.mu.Lock()
		now := a.moment(b.now())
		tidy(&a.requests, a.byCount, now)
		tidy(&a.tokens, a.byTokens, now)
		inFlight := map[int64]bool{}
		for _, r := range a.open {
			inFlight[r.number] = true
			all = append(all, record{Op: opReserve, ID: r.id, At: r.at, Key: key, N: r.tokens})
		}
		all = remaining(all, opRequests, key, &a.requests, a.byCount, inFlight)
		all = remaining(all, opTokens, key, &a.tokens, a.byTokens, nil)
		full = max(full, a.full)
		a.mu.Unlock()
	}
	if full >= b.now()-int64(longestDay+b.o.Slack) {
		all = append(all, record{Op: opUsed, At: full})
	}
	return all
}

func remaining(all []record, what op, key string, t *trail, ws []window, except map[int64]bool) []record {
	first := t.end()
	for i := range ws {
		first = min(first, ws[i].head)
	}
	for n := first; n < t.end(); n++ {
		if it := t.items[n-t.base]; it.n > 0 && !except[n] {
			all = append(all, record{Op: what, At: it.at, Key: key, N: it.n})
		}
	}
	return all
}
