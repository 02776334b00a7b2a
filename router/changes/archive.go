package changes

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"assay/scoring"
)

// Archive keeps every tier table that the gateway took over, as ID.json in one
// directory, never overwritten, and in served.jsonl when it first served each
// one and which routing tables (t-...) were made of it. Replicas may share the
// directory. It is safe for concurrent use.
type Archive struct {
	dir string // "": in memory alone

	mu    sync.Mutex
	items map[string]Item
	names map[string]string        // routing table -> tiers
	order []string                 // of names, the oldest first
	held  map[string]scoring.Tiers // where there is no directory
}

// Item is a kept tier table.
type Item struct {
	ID          string
	CreatedAt   time.Time
	FirstServed time.Time // by this gateway
	Evidence    scoring.Evidence
	// SHA256 is the digest that it was served with; a table that was worked out in
	// the process has none, whatever its file here says.
	SHA256 string
}

// servedLine is a line of served.jsonl: a tier table that was first served
// then, or a routing table that was made of one.
type servedLine struct {
	At        time.Time        `json:"at"`
	Tiers     string           `json:"tiers"`
	CreatedAt time.Time        `json:"created_at,omitzero"`
	Evidence  scoring.Evidence `json:"evidence,omitempty"`
	SHA256    string           `json:"sha256,omitempty"`
	Table     string           `json:"table,omitempty"`
}

const (
	servedFile = "served.jsonl"
	// mostNames bounds the routing tables whose tiers are remembered.
	mostNames = 2000
	// longestID keeps file names within what file systems take.
	longestID = 180
	// NewestKept are never dropped for their age.
	NewestKept = 5
)

// OpenArchive reads what a directory holds; it need not exist yet. With "" the
// archive lives in memory alone. Files that can't be read are named in the
// problems and left alone.
func OpenArchive(dir string) (a *Archive, problems []error) {
	a = &Archive{dir: dir, items: map[string]Item{}, names: map[string]string{}, held: map[string]scoring.Tiers{}}
	if dir == "" {
		return a, nil
	}
	lines, err := readServed(filepath.Join(dir, servedFile))
	if err != nil {
		problems = append(problems, fmt.Errorf("archive of tables: %w", err))
	}
	first := map[string]servedLine{}
	for _, l := range lines {
		if _, ok := first[l.Tiers]; l.Table == "" && !ok {
			first[l.Tiers] = l
		}
	}
	files, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.json"))
	if err != nil {
		problems = append(problems, fmt.Errorf("archive of tables: %w", err))
	}
	for _, f := range files {
		id, err := url.PathUnescape(strings.TrimSuffix(filepath.Base(f), ".json"))
		if err != nil || strings.HasPrefix(filepath.Base(f), ".") {
			continue
		}
		if l, ok := first[id]; ok {
			a.items[id] = Item{id, l.CreatedAt, l.At, l.Evidence, l.SHA256}
			continue
		}
		item, err := itemOf(f) // another replica's, or from before
		if err != nil || item.ID != id {
			problems = append(problems, fmt.Errorf("archive of tables: %s is left alone: %w", filepath.Base(f), cmp.Or(err, errors.New("its name is not its id"))))
			continue
		}
		a.items[id] = item
	}
	for _, l := range lines {
		if l.Table != "" {
			a.name(l.Table, l.Tiers)
		}
	}
	return a, problems
}

func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

func itemOf(path string) (Item, error) {
	t, err := scoring.ReadFile(path)
	if err != nil {
		return Item{}, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return Item{}, err
	}
	return Item{t.ID, t.CreatedAt, st.ModTime(), t.Evidence, t.SHA256}, nil
}

// readServed reads the lines that are whole; a torn one says nothing.
func readServed(path string) ([]servedLine, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []servedLine
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		var l servedLine
		if json.Unmarshal(lines.Bytes(), &l) == nil && l.Tiers != "" {
			out = append(out, l)
		}
	}
	return out, lines.Err()
}

// file is where a tier table is kept.
func (a *Archive) file(id string) string {
	return filepath.Join(a.dir, url.PathEscape(id)+".json")
}

// Keep takes a tier table into the archive, unless one of its id is there.
func (a *Archive) Keep(t scoring.Tiers, now time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.items[t.ID]; ok {
		return nil
	}
	item := Item{t.ID, t.CreatedAt, now.UTC(), t.Evidence, t.SHA256}
	if a.dir == "" {
		a.items[t.ID], a.held[t.ID] = item, t
		return nil
	}
	if len(url.PathEscape(t.ID)) > longestID {
		return fmt.Errorf("archive of tables: the id of table %.40q... is too long for a file name", t.ID)
	}
	if err := a.write(t); err != nil {
		a.held[t.ID] = t // still served while this process runs
		a.items[t.ID] = item
		return fmt.Errorf("archive of tables: %w", err)
	}
	a.items[t.ID] = item
	return a.append(servedLine{At: item.FirstServed, Tiers: t.ID, CreatedAt: t.CreatedAt, Evidence: t.Evidence, SHA256: t.SHA256})
}

// write puts a tier table where there is none; one that another replica has
// just put there stays.
func (a *Archive) write(t scoring.Tiers) error {
	if err := os.MkdirAll(a.dir, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(a.dir, ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	whole := filepath.Join(tmp, "tiers")
	if err := scoring.WriteFile(whole, t); err != nil {
		return err
	}
	err = os.Link(whole, a.file(t.ID)) // unlike a rename it fails where a file is
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	return os.Rename(whole, a.file(t.ID)) // the file system has no links
}

func (a *Archive) append(l servedLine) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(a.dir, servedFile), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("archive of tables: %w", err)
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Size() > 0 { // a torn last line must not swallow this one
		last := []byte{0}
		if _, err := f.ReadAt(last, st.Size()-1); err == nil && last[0] != '\n' {
			b = append([]byte{'\n'}, b...)
		}
	}
	_, err = f.Write(append(b, '\n'))
	return err
}

// Name notes which tiers a routing table was made of, so that its id can be
// pinned as well.
func (a *Archive) Name(table, tiers string, now time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.names[table]; ok {
		return nil
	}
	a.name(table, tiers)
	if _, kept := a.items[tiers]; a.dir == "" || !kept {
		return nil
	}
	return a.append(servedLine{At: now.UTC(), Table: table, Tiers: tiers})
}

func (a *Archive) name(table, tiers string) {
	if _, ok := a.names[table]; ok {
		return
	}
	if len(a.order) >= mostNames {
		delete(a.names, a.order[0])
		a.order = a.order[1:]
	}
	a.names[table] = tiers
	a.order = append(a.order, table)
}

// Named gives the tiers that a routing table was made of.
func (a *Archive) Named(table string) (tiers string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	tiers, ok = a.names[table]
	return tiers, ok
}

// Items lists what is kept, the oldest table first.
func (a *Archive) Items() []Item {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []Item
	for _, i := range a.items {
		out = append(out, i)
	}
	slices.SortFunc(out, func(x, y Item) int {
		return cmp.Or(x.CreatedAt.Compare(y.CreatedAt), strings.Compare(x.ID, y.ID))
	})
	return out
}

// Tiers reads a kept table.
func (a *Archive) Tiers(id string) (scoring.Tiers, error) {
	a.mu.Lock()
	t, held := a.held[id]
	item := a.items[id]
	a.mu.Unlock()
	if held {
		return t, nil
	}
	t, err := scoring.ReadFile(a.file(id))
	if err == nil && t.ID != id {
		err = fmt.Errorf("file of table %s holds table %s", id, t.ID)
	}
	t.SHA256 = item.SHA256 // so that the routing table made of it has the id it had
	return t, err
}

// Prune drops tables that were first served before a time, but never the
// newest ones nor those to keep. It gives what it dropped.
func (a *Archive) Prune(before time.Time, keep []string) (dropped []string, err error) {
	items := a.Items()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, i := range items[:max(0, len(items)-NewestKept)] {
		if !i.FirstServed.Before(before) || slices.Contains(keep, i.ID) {
			continue
		}
		if a.dir != "" {
			if e := os.Remove(a.file(i.ID)); e != nil && !errors.Is(e, fs.ErrNotExist) {
				err = errors.Join(err, e)
				continue
			}
		}
		delete(a.items, i.ID)
		delete(a.held, i.ID)
		dropped = append(dropped, i.ID)
	}
	return dropped, err
}
