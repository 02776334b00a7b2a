package health

import (
	"math"
	"slices"
	"sync"
	"time"
)

// memory is how many times to an answer are remembered of a model, of each
// kind; the oldest makes room.
const memory = 128

// times remembers how long a model's recent answers took.
type times struct {
	mu           sync.Mutex
	whole, first *ring
}

type ring struct {
	seen [memory]observation
	n    int // observations ever
}

type observation struct {
	at   int64 // Unix nanoseconds
	took time.Duration
}

func (t *times) ring(stream bool) **ring {
	if stream {
		return &t.first
	}
	return &t.whole
}

func (t *times) add(stream bool, took time.Duration, now time.Time) {
	if took <= 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.put(stream, took, now)
}

func (t *times) put(stream bool, took time.Duration, now time.Time) {
	r := t.ring(stream)
	if *r == nil {
		*r = &ring{}
	}
	(*r).seen[(*r).n%memory] = observation{now.UnixNano(), took}
	(*r).n++
}

// addAtLeast adds a call that was given up after a while. Its answer would have
// taken longer, so it counts as it is wherever it exceeds the quantile: that
// keeps the quantile's rank right, and hedging does not make slow calls
// disappear from it. A shorter one says nothing.
func (t *times) addAtLeast(c *Config, waited time.Duration, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, stream := range []bool{false, true} {
		if q, ok := t.ringQuantile(c, stream, now); ok && waited > q {
			t.put(stream, waited, now)
		}
	}
}

// quantile is the HedgeQuantile by nearest rank of the answers within
// HedgeMemory: the smallest time that at least that share of them did not
// exceed. It is false for fewer than HedgeMin.
func (t *times) quantile(c *Config, stream bool, now time.Time) (time.Duration, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ringQuantile(c, stream, now)
}

func (t *times) ringQuantile(c *Config, stream bool, now time.Time) (time.Duration, bool) {
	r := *t.ring(stream)
	if r == nil {
		return 0, false
	}
	var recent [memory]time.Duration
	n, oldest := 0, now.Add(-c.HedgeMemory).UnixNano()
	for _, o := range r.seen[:min(r.n, memory)] {
		if o.at >= oldest {
			recent[n] = o.took
			n++
		}
	}
	if n < min(c.HedgeMin, memory) {
		return 0, false
	}
	slices.Sort(recent[:n])
	return recent[max(int(math.Ceil(c.HedgeQuantile*float64(n)-1e-9)), 1)-1], true
}
