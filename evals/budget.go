package evals

import (
	"context"
	"fmt"
	"sync"
)

// Budget holds a cap in nano-dollars. Before a call is sent its worst case is
// reserved; afterwards what it really cost is booked. Spent and reserved
// together never exceed the cap.
type Budget struct {
	mu       sync.Mutex
	cap      int64
	capped   bool
	spent    int64
	reserved int64
	inFlight int
	changed  chan struct{} // closed and replaced whenever a call settles
}

// NewBudget makes a budget of which spent is already used. A cap of 0 or less
// is none: everything is granted and only counted.
func NewBudget(capNano, spent int64) *Budget {
	return &Budget{cap: capNano, capped: capNano > 0, spent: spent, changed: make(chan struct{})}
}

// Reserve holds worst for a call. If that does not fit now but may once calls
// in flight have settled for less, it waits; if it cannot fit any more, the
// error is ErrBudget.
func (b *Budget) Reserve(ctx context.Context, worst int64) error {
	for {
		b.mu.Lock()
		if !b.capped || b.spent+b.reserved+worst <= b.cap {
			b.reserved += worst
			b.inFlight++
			b.mu.Unlock()
			return nil
		}
		if b.inFlight == 0 || b.spent+worst > b.cap {
			err := fmt.Errorf("%w: %s of %s is spent and the next call may cost up to %s",
				ErrBudget, Dollars(b.spent), Dollars(b.cap), Dollars(worst))
			b.mu.Unlock()
			return err
		}
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Extend reserves more for a call in flight, without waiting.
func (b *Budget) Extend(worst int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.capped && b.spent+b.reserved+worst > b.cap {
		return false
	}
	b.reserved += worst
	return true
}

// Settle ends a call: it releases all that was reserved for it and books what
// it cost.
func (b *Budget) Settle(worst, cost int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reserved -= worst
	b.spent += cost
	b.inFlight--
	close(b.changed)
	b.changed = make(chan struct{})
}

// State gives spent and reserved nano-dollars, and the cap (0: none).
func (b *Budget) State() (spent, reserved, limit int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spent, b.reserved, b.cap
}

// Dollars writes nano-dollars with at least cents and no trailing zeros beyond.
func Dollars(nano int64) string {
	sign := ""
	if nano < 0 {
		sign, nano = "-", -nano
	}
	s := fmt.Sprintf("%s$%d.%09d", sign, nano/1e9, nano%1e9)
	for len(s) > 0 && s[len(s)-1] == '0' && s[len(s)-3] != '.' {
		s = s[:len(s)-1]
	}
	return s
}
