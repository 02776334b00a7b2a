package evals

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Journal makes answers durable one at a time, before the store commits them
// in batches. Each answer is one line of JSON, written and synced before
// Append returns; a process that is killed loses nothing that was appended,
// and Replay brings it back.
//
// The journal is a row of segment files, BASE.journal-000001 and so on. A
// segment is removed once everything in it is committed and it is no longer
// written to, so the files stay small however long a run is.
type Journal struct {
	base   string
	rotate int64 // bytes after which a new segment begins

	mu      sync.Mutex // guards all below; held for a write, not for a sync
	file    *segment
	seq     int
	pending map[int]int // appended and not yet committed, by segment
}

// segment is the file being written. A write survives the death of the
// process, a sync that of the machine; so answers are written at once and
// synced in groups.
type segment struct {
	*os.File
	written atomic.Int64 // bytes

	syncing sync.Mutex
	synced  int64 // bytes known to be on disk, guarded by syncing
}

// Ticket names the segment an answer was appended to, for Committed.
type Ticket int

// segmentBytes is the size at which a segment is closed.
const segmentBytes = 1 << 20

// OpenJournal prepares the journal beside the store at path. Call Replay
// before the first Append.
func OpenJournal(path string) *Journal {
	return &Journal{base: path + ".journal-", rotate: segmentBytes, pending: map[int]int{}}
}

// Replay hands every journaled answer to put, oldest first, and removes the
// segments that it read whole. A torn last line, of a write that a kill cut
// short, is skipped: its answer never counted as done.
func (j *Journal) Replay(put func([]Completion) error) (n int, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file != nil {
		return 0, errors.New("journal: replay after append")
	}
	segments, err := j.segments()
	if err != nil {
		return 0, err
	}
	for _, path := range segments {
		answers, err := readSegment(path)
		if err != nil {
			return n, err
		}
		if len(answers) > 0 {
			if err := put(answers); err != nil {
				return n, fmt.Errorf("journal %s: %w", path, err)
			}
		}
		if err := os.Remove(path); err != nil {
			return n, fmt.Errorf("journal: %w", err)
		}
		n += len(answers)
	}
	return n, nil
}

func (j *Journal) segments() ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(j.base))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	prefix := filepath.Base(j.base)
	var paths []string
	for _, e := range entries {
		if num, ok := strings.CutPrefix(e.Name(), prefix); ok {
			if k, err := strconv.Atoi(num); err == nil {
				paths = append(paths, j.base+num)
				j.seq = max(j.seq, k)
			}
		}
	}
	slices.Sort(paths)
	return paths, nil
}

func readSegment(path string) ([]Completion, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var out []Completion
	r := bufio.NewReader(bytes.NewReader(data))
	for line := 1; ; line++ {
		text, err := r.ReadBytes('\n')
		if err != nil { // the end, or a line torn by a kill
			return out, nil
		}
		var c Completion
		if err := json.Unmarshal(text, &c); err != nil {
			return out, fmt.Errorf("journal %s:%d is damaged (%w); move the file away to go on without its answers", path, line, err)
		}
		out = append(out, c)
	}
}

// Append writes one answer and returns once it is on disk.
func (j *Journal) Append(c Completion) (Ticket, error) {
	line, err := json.Marshal(c)
	if err != nil {
		return 0, fmt.Errorf("journal: %w", err)
	}
	seq, file, end, err := j.write(append(line, '\n'))
	if err == nil {
		err = file.syncTo(end)
	}
	if err != nil {
		return 0, fmt.Errorf("journal: %w", err)
	}
	return Ticket(seq), nil
}

// write appends a line to the current segment and gives the offset of its end.
func (j *Journal) write(line []byte) (seq int, file *segment, end int64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil || j.file.written.Load() >= j.rotate {
		if err := j.next(); err != nil {
			return 0, nil, 0, err
		}
	}
	before := j.file.written.Load()
	if _, err := j.file.Write(line); err != nil {
		j.file.Truncate(before) // half a line must not stand before the next one
		return 0, nil, 0, err
	}
	j.pending[j.seq]++
	return j.seq, j.file, j.file.written.Add(int64(len(line))), nil
}

// syncTo returns once the first end bytes are on disk. One sync serves
// everybody whose line was written before it began.
func (s *segment) syncTo(end int64) error {
	s.syncing.Lock()
	defer s.syncing.Unlock()
	if s.synced >= end {
		return nil
	}
	upTo := s.written.Load()
	if err := s.Sync(); err != nil {
		return err
	}
	s.synced = upTo
	return nil
}

// next closes the segment being written and begins another.
func (j *Journal) next() error {
	if err := j.closeSegment(); err != nil {
		return err
	}
	j.seq++
	f, err := os.OpenFile(j.path(j.seq), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	j.file = &segment{File: f}
	return nil
}

// Committed says that the store has the answers of these tickets.
func (j *Journal) Committed(tickets ...Ticket) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, t := range tickets {
		seq := int(t)
		if j.pending[seq]--; j.pending[seq] > 0 {
			continue
		}
		if seq == j.seq && j.file != nil {
			continue // still written to
		}
		if err := j.drop(seq); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the journal and removes the last segment if nothing is pending.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.closeSegment()
}

func (j *Journal) closeSegment() error {
	if j.file == nil {
		return nil
	}
	// Lines of this segment may still wait for their sync, which a closed file
	// could not give them.
	err := j.file.syncTo(j.file.written.Load())
	if e := j.file.Close(); err == nil {
		err = e
	}
	j.file = nil
	if err == nil && j.pending[j.seq] <= 0 {
		err = j.drop(j.seq)
	}
	return err
}

func (j *Journal) drop(seq int) error {
	delete(j.pending, seq)
	if err := os.Remove(j.path(seq)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

func (j *Journal) path(seq int) string { return fmt.Sprintf("%s%06d", j.base, seq) }
