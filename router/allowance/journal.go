package allowance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
)

// ErrOwned is what Open says if another process has the directory.
var ErrOwned = errors.New("another running process counts its allowances there")

// op says what a record means.
type op string

const (
	opVersion  op = "version"  // the first record: N is the format
	opReserve  op = "reserve"  // one request and N tokens, in flight
	opSettle   op = "settle"   // of reservation ID: N tokens
	opRelease  op = "release"  // of reservation ID
	opRequests op = "requests" // N requests that are over
	opTokens   op = "tokens"   // N tokens that were settled
	opUsed     op = "used"     // at this moment nothing was known to be left, of any key
)

const version = 1

// record is one line of the file: a checksum, a space, and this as JSON.
type record struct {
	Op  op     `json:"op"`
	ID  int64  `json:"id,omitempty"`
	At  int64  `json:"at,omitempty"` // Unix nanoseconds
	Key string `json:"key,omitempty"`
	N   int64  `json:"n,omitempty"`
}

func (r record) line() ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(text), text), nil
}

func parseLine(line []byte) (record, error) {
	sum, text, ok := bytes.Cut(line, []byte(" "))
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if !ok || err != nil || len(sum) != 8 {
		return record{}, errors.New("it does not begin with a checksum")
	}
	if crc32.ChecksumIEEE(text) != uint32(want) {
		return record{}, errors.New("its checksum is wrong")
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return record{}, err
	}
	return r, nil
}

// journal is the file: records are appended, and now and then it is written
// anew with what still counts.
type journal struct {
	dir, path string
	sync      bool
	lock      *os.File

	mu    sync.Mutex
	file  *os.File // nil: closed
	size  int64    // up to the last whole record
	lines int      // in the file
	least int      // that the last rewrite had
}

// openJournal takes the directory.
func openJournal(dir string, sync bool) (*journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("allowances: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("allowances: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		owner, _ := os.ReadFile(lock.Name())
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("allowances in %s: %w (process %s): give each process a directory and keys of its own", dir, ErrOwned, bytes.TrimSpace(owner))
		}
		return nil, fmt.Errorf("allowances in %s: lock: %w", dir, err)
	}
	if err := lock.Truncate(0); err == nil {
		_, _ = lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0) // only for the message above
	}
	return &journal{dir: dir, path: filepath.Join(dir, "allowance.log"), sync: sync, lock: lock}, nil
}

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var err error
	if j.file != nil {
		err = errors.Join(j.file.Sync(), j.file.Close())
		j.file = nil
	}
	return errors.Join(err, j.lock.Close()) // closing lets go of the lock
}

// rewriteAfter is how many records a file has at least before it is compacted.
const rewriteAfter = 4096

// append adds one record. compact says that the file has become much longer
// than it need be.
func (j *journal) append(r record) (compact bool, err error) {
	line, err := r.line()
	if err != nil {
		return false, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return false, errors.New("allowances: the book is closed")
	}
	if _, err := j.file.Write(line); err != nil {
		// half a line must not stay in the middle
		return false, fmt.Errorf("allowances: %w", errors.Join(err, j.file.Truncate(j.size)))
	}
	j.size += int64(len(line))
	j.lines++
	if j.sync {
		if err := j.file.Sync(); err != nil {
			return false, fmt.Errorf("allowances: %w", err)
		}
	}
	return j.lines > rewriteAfter && j.lines > 2*j.least, nil
}

// compact writes the file anew if that is still called for.
func (j *journal) compact(state func() []record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil || j.lines <= rewriteAfter || j.lines <= 2*j.least {
		return nil
	}
	return j.replace(state())
}

// rewrite replaces the file by records.
func (j *journal) rewrite(records []record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.replace(records)
}

func (j *journal) replace(records []record) error {
	var text []byte
	for _, r := range records {
		line, err := r.line()
		if err != nil {
			return err
		}
		text = append(text, line...)
	}
	next, err := os.OpenFile(j.path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("allowances: %w", err)
	}
	_, err = next.Write(text)
	if err = errors.Join(err, next.Sync()); err == nil {
		err = os.Rename(next.Name(), j.path)
	}
	if err != nil {
		return fmt.Errorf("allowances: %w", errors.Join(err, next.Close()))
	}
	if j.file != nil {
		j.file.Close()
	}
	j.file, j.size, j.lines, j.least = next, int64(len(text)), len(records), len(records)
	return j.syncDir()
}

// syncDir makes the new name survive a loss of power.
func (j *journal) syncDir() error {
	d, err := os.Open(j.dir)
	if err != nil {
		return fmt.Errorf("allowances: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
