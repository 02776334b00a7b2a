package evals

import (
	"context"
	"sync"
	"time"
)

// Pacer spreads calls evenly so that no model gets more than its rate.
type Pacer struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
	mu    sync.Mutex
	next  map[string]time.Time
}

// NewPacer makes a pacer on a clock; nil takes the real one.
func NewPacer(now func() time.Time, sleep func(context.Context, time.Duration) error) *Pacer {
	if now == nil {
		now = time.Now
	}
	if sleep == nil {
		sleep = Sleep
	}
	return &Pacer{now: now, sleep: sleep, next: map[string]time.Time{}}
}

// Wait returns when the next call of key may be sent; perMinute of 0 or less
// is no limit.
func (p *Pacer) Wait(ctx context.Context, key string, perMinute float64) error {
	if perMinute <= 0 {
		return ctx.Err()
	}
	gap := time.Duration(float64(time.Minute) / perMinute)
	p.mu.Lock()
	now := p.now()
	at := p.next[key]
	if at.Before(now) {
		at = now
	}
	p.next[key] = at.Add(gap)
	p.mu.Unlock()
	return p.sleep(ctx, at.Sub(now))
}

// Sleep waits for d or until ctx ends.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
