package datasets

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxLine bounds one item; the longest known ones are about 60 kB.
const maxLine = 8 << 20

// Load reads the set called name and its exemplars from a folder and checks
// every item for the kind. Errors name file and line. A set without a file is
// ErrNoSet; the message then lists what the folder has.
func Load(dir, name string, kind Kind) (Set, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return Set{}, fmt.Errorf("data folder: %w", err)
	}
	if !info.IsDir() {
		return Set{}, fmt.Errorf("data folder %s: not a folder", dir)
	}
	return LoadFS(os.DirFS(dir), dir, name, kind)
}

// LoadFS is Load on any file system; where is how errors call it.
func LoadFS(fsys fs.FS, where, name string, kind Kind) (Set, error) {
	path, items, err := readSet(fsys, where, name, kind)
	if errors.Is(err, fs.ErrNotExist) {
		return Set{}, fmt.Errorf("%w: %q in %s (want %s.jsonl or %s.jsonl.gz; found: %s)",
			ErrNoSet, name, where, name, name, list(fsys))
	}
	if err != nil {
		return Set{}, err
	}
	_, dev, err := readSet(fsys, where, name+".dev", kind)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Set{}, err
	}
	return Set{Name: name, Origin: "folder", Path: path, Kind: kind, Items: items, Dev: dev, Hash: Hash(items, dev)}, nil
}

// Names lists the sets of a folder, without exemplar files.
func Names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	var names []string
	for _, e := range entries {
		name, ok := setName(e.Name())
		if ok && !e.IsDir() && !strings.HasSuffix(name, ".dev") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func setName(file string) (string, bool) {
	file = strings.TrimSuffix(file, ".gz")
	return strings.CutSuffix(file, ".jsonl")
}

func list(fsys fs.FS) string {
	entries, _ := fs.ReadDir(fsys, ".")
	var names []string
	for _, e := range entries {
		if name, ok := setName(e.Name()); ok && !strings.HasSuffix(name, ".dev") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "no data sets at all"
	}
	return strings.Join(slices.Compact(names), ", ")
}

// readSet reads NAME.jsonl.gz or NAME.jsonl; fs.ErrNotExist if neither is there.
func readSet(fsys fs.FS, where, name string, kind Kind) (string, []Sample, error) {
	for _, file := range []string{name + ".jsonl.gz", name + ".jsonl"} {
		f, err := fsys.Open(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		path := filepath.Join(where, file)
		if err != nil {
			return path, nil, fmt.Errorf("data set: %w", err)
		}
		defer f.Close()
		var r io.Reader = f
		if strings.HasSuffix(file, ".gz") {
			if r, err = gzip.NewReader(f); err != nil {
				return path, nil, fmt.Errorf("%s: not a gzip file: %w", path, err)
			}
		}
		items, err := Read(r, path, kind)
		return path, items, err
	}
	return "", nil, fs.ErrNotExist
}

// Read reads items, one JSON object a line, and checks each for the kind; an
// empty kind means each item's own (KindOf). Blank lines are skipped. Errors
// begin with file:line.
func Read(r io.Reader, file string, kind Kind) ([]Sample, error) {
	var items []Sample
	seen := map[string]int{}
	err := EachLine(r, file, maxLine, func(line int, text []byte) error {
		s, err := parse(text, kind)
		if err != nil {
			return err
		}
		if first, dup := seen[s.ID]; dup {
			return fmt.Errorf("id %q is already on line %d", s.ID, first)
		}
		seen[s.ID] = line
		items = append(items, s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("%s: no items", file)
	}
	return items, nil
}

func parse(text []byte, kind Kind) (Sample, error) {
	var s Sample
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("not an item: %w", err)
	}
	if kind == "" {
		if kind = KindOf(s); kind == "" {
			return s, fmt.Errorf("item %q: its fields fit no kind of %v", s.ID, Kinds)
		}
	}
	return s, s.Validate(kind)
}
