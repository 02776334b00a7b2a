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
	base    string
	rotate  int64 // bytes after which a new segment begins
	mu      sync.Mutex
	file    *os.File
	seq     int
	size    int64
	pending map[int]int // appended and not yet committed, by segment
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
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil || j.size >= j.rotate {
		if err := j.next(); err != nil {
			return 0, err
		}
	}
	n, err := j.file.Write(append(line, '\n'))
	j.size += int64(n)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return 0, fmt.Errorf("journal: %w", err)
	}
	j.pending[j.seq]++
	return Ticket(j.seq), nil
}

// next closes the segment being written and begins another.
func (j *Journal) next() error {
	if err := j.closeSegment(); err != nil {
		return err
	}
	j.seq++
	f, err := os.OpenFile(j.path(j.seq), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.file, j.size = f, 0
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
	err := j.file.Close()
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
