package changes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"
)

// Log keeps the newest entries in a file of JSON lines that is only appended
// to. A line that a crash tore is dropped on opening. It is the outbox of the
// webhook as well. It is safe for concurrent use.
type Log struct {
	path string // "": in memory alone
	keep int

	mu     sync.Mutex
	lines  []line // the oldest first
	seq    int64
	inFile int // lines in the file, dropped ones included
	grown  chan struct{}
}

type line struct {
	seq int64
	at  time.Time
	raw json.RawMessage
}

// DefaultKeep is how many entries a log keeps.
const DefaultKeep = 2000

// OpenLog opens a log, or starts one; "" keeps entries in memory alone.
func OpenLog(path string, keep int) (*Log, error) {
	l := &Log{path: path, keep: keep, grown: make(chan struct{})}
	if path == "" {
		return l, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("log of changes: %w", err)
	}
	whole := bytes.LastIndexByte(b, '\n') + 1
	for raw := range bytes.Lines(b[:whole]) {
		l.inFile++
		var e Entry
		if raw = bytes.TrimSpace(raw); json.Unmarshal(raw, &e) != nil || e.Seq <= l.seq {
			continue
		}
		l.seq = e.Seq
		l.lines = append(l.lines, line{e.Seq, e.At, slices.Clone(raw)})
	}
	l.trim()
	if whole < len(b) {
		if err := os.Truncate(path, int64(whole)); err != nil {
			return nil, fmt.Errorf("log of changes: the torn last line of %s: %w", path, err)
		}
	}
	return l, nil
}

func (l *Log) trim() {
	if over := len(l.lines) - l.keep; over > 0 {
		l.lines = slices.Clone(l.lines[over:])
	}
}

// Append numbers entries and keeps them. On error they are kept in memory.
func (l *Log) Append(entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var text []byte
	for _, e := range entries {
		l.seq++
		e.Seq = l.seq
		raw, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("log of changes: %w", err)
		}
		l.lines = append(l.lines, line{e.Seq, e.At, raw})
		text = append(append(text, raw...), '\n')
	}
	l.trim()
	close(l.grown)
	l.grown = make(chan struct{})
	if l.path == "" {
		return nil
	}
	l.inFile += len(entries)
	if l.inFile > 2*l.keep {
		return l.compact()
	}
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("log of changes: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("log of changes: %w", err)
	}
	return nil
}

// compact rewrites the file with what is kept.
func (l *Log) compact() error {
	var text []byte
	for _, x := range l.lines {
		text = append(append(text, x.raw...), '\n')
	}
	if err := replaceFile(l.path, text); err != nil {
		return fmt.Errorf("log of changes: %w", err)
	}
	l.inFile = len(l.lines)
	return nil
}

// Since gives at most limit entries of a time or later, the newest first. more
// tells that there are others.
func (l *Log) Since(t time.Time, limit int) (entries []json.RawMessage, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range slices.Backward(l.lines) {
		if x.at.Before(t) {
			continue
		}
		if len(entries) == limit {
			return entries, true
		}
		entries = append(entries, x.raw)
	}
	return entries, false
}

// After gives at most limit entries that come after a number, the oldest first,
// and the number of the last of them. grown is closed when there is more.
func (l *Log) After(seq int64, limit int) (entries []json.RawMessage, last int64, grown <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last = seq
	for _, x := range l.lines {
		if x.seq <= seq {
			continue
		}
		if len(entries) == limit {
			break
		}
		entries, last = append(entries, x.raw), x.seq
	}
	return entries, last, l.grown
}

// Last is the number of the newest entry; 0: there never was one.
func (l *Log) Last() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq
}
