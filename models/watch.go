package models

import (
	"cmp"
	"context"
	"time"
)

// Watcher follows a catalogue directory and hands over every valid new state.
// It looks at the content, not at times, so it works on every file system.
type Watcher struct {
	Dir string
	// Current is the catalogue in use; a state equal to it is no change.
	Current *Catalog
	// OnChange gets each new catalogue, OnError each content that cannot be
	// used, once; the catalogue in use stays. Both are called one at a time
	// from Run.
	OnChange func(*Catalog)
	OnError  func(error)
	// Interval is the time between two looks, 5 s if zero.
	Interval time.Duration
	// Tick replaces the clock: a look is taken for every value received.
	Tick <-chan time.Time
}

// defaultInterval is how often a directory is looked at.
const defaultInterval = 5 * time.Second

// Run looks at the directory until the context ends. A new content counts only
// when two looks in a row find it, so a file that is just being copied there
// is not taken for a shorter one.
func (w Watcher) Run(ctx context.Context) {
	tick := w.Tick
	if tick == nil {
		t := time.NewTicker(cmp.Or(w.Interval, defaultInterval))
		defer t.Stop()
		tick = t.C
	}
	var s sight
	for {
		s = w.look(s)
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
	}
}

// sight is what the watcher remembers from look to look.
type sight struct {
	seen    string // content or error of the last look
	handled string // the one acted upon last
	version string // of the catalogue in use; "" before the first look
}

// look reads the directory once and acts on it if it is new and settled.
func (w Watcher) look(s sight) sight {
	if s.version == "" && w.Current != nil {
		s.version = w.Current.Version()
	}
	l, err := dirLayer(w.Dir)
	now := l.digest()
	if err != nil {
		now = err.Error()
	}
	settled := now == s.seen
	s.seen = now
	if !settled || now == s.handled {
		return s
	}
	s.handled = now
	var c *Catalog
	if err == nil {
		c, err = overEmbedded(l)
	}
	if err != nil {
		w.OnError(err)
		return s
	}
	if c.Version() != s.version {
		s.version = c.Version()
		w.OnChange(c)
	}
	return s
}
