package allowance

import "time"

// item is n requests or tokens that count from a moment on.
type item struct{ at, n int64 } // Unix nanoseconds

// trail is what was used lately, by time. Windows look at its end. An item is
// known by its number, which stays when older ones are forgotten.
type trail struct {
	items []item
	base  int64 // number of items[0]
}

func (t *trail) end() int64 { return t.base + int64(len(t.items)) }

// add appends an item, which is no earlier than the last one.
func (t *trail) add(at, n int64) (number int64) {
	t.items = append(t.items, item{at, n})
	return t.end() - 1
}

// forget drops what lies before a number, in large pieces.
func (t *trail) forget(before int64) {
	if n := int(before - t.base); n > 64 && n > len(t.items)/2 {
		t.items = append(make([]item, 0, 2*(len(t.items)-n)), t.items[n:]...)
		t.base = before
	}
}

// window is the part of a trail that counts towards one limit.
type window struct {
	name  string
	limit int64
	span  time.Duration // of a rolling window
	day   *day          // of one with fixed resets
	slack time.Duration

	head int64 // number of the first item that counts
	sum  int64 // of the items that count

	start, next int64 // of the day that was looked at last, in Unix nanoseconds
}

// from is the earliest moment that counts at now.
//
// A rolling window holds what was used within its span and a little more, for
// calls take different times to arrive. Within any span the provider then sees
// no more than the limit, so it does not matter whether its own window slides
// or starts on the full minute.
//
// A fixed day begins at its reset, but the provider's clock may differ: calls
// shortly before count in both days, and shortly after it the old day's limit
// still holds as well.
func (w *window) from(now int64) int64 {
	if w.day == nil {
		return now - int64(w.span+w.slack) + 1
	}
	if t := now - int64(w.slack); t < w.start || t >= w.next {
		start, next := w.day.around(time.Unix(0, t))
		w.start, w.next = start.UnixNano(), next.UnixNano()
	}
	return w.start - int64(w.slack)
}

// slide lets go of what no longer counts.
func (w *window) slide(t *trail, now int64) {
	for from := w.from(now); w.head < t.end(); w.head++ {
		it := t.items[w.head-t.base]
		if it.at >= from {
			return
		}
		w.sum -= it.n
	}
}

// freeAt is when n more will fit, nothing else happening, if pending more are
// in flight that are settled as they were reserved, at once. now: it fits. It
// is false if n never fits.
func (w *window) freeAt(t *trail, now, full, pending, n int64) (int64, bool) {
	w.slide(t, now)
	blocked := full >= w.from(now)
	excess := w.sum + pending + n - w.limit
	switch {
	case n > w.limit:
		return 0, false
	case excess <= 0 && !blocked:
		return now, true
	case w.day != nil:
		return w.next + int64(w.slack), true
	}
	at, freed := int64(0), int64(0)
	if blocked {
		at = full
	}
	for i := w.head; freed < excess && i < t.end(); i++ {
		it := t.items[i-t.base]
		freed += it.n
		at = max(at, it.at)
	}
	if freed < excess {
		at = now // the rest is in flight
	}
	return at + int64(w.span+w.slack), true
}
