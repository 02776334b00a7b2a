package models

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxFileBytes bounds one catalogue file; the largest of ours has 1 MB.
const maxFileBytes = 64 << 20

// table says which columns a file may have. Absent optional columns read as
// blank, so an operator's file needs only those it has something to say in.
type table struct {
	file     string
	required []string
	optional []string
}

// removeColumn marks rows that take a row of a lower layer away.
const removeColumn = "remove"

func (t table) columns() []string { return slices.Concat(t.required, t.optional) }

// layer is the content of one directory of catalogue files, read once, so
// that what is validated is what is used; label is what problems call it.
type layer struct {
	label string
	files map[string][]byte
}

// readLayer reads the CSV files at the top of a directory.
func readLayer(label string, fsys fs.FS) (layer, error) {
	l := layer{label, map[string][]byte{}}
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return l, fmt.Errorf("catalogue directory %s: %w", label, err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".csv") || e.IsDir() {
			continue
		}
		data, err := readBounded(fsys, e.Name())
		if err != nil {
			return l, fmt.Errorf("catalogue file %s: %w", path.Join(label, e.Name()), err)
		}
		l.files[e.Name()] = data
	}
	return l, nil
}

func readBounded(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err == nil && len(data) > maxFileBytes {
		err = fmt.Errorf("is larger than %d bytes", maxFileBytes)
	}
	return data, err
}

// digest tells contents apart, file names included.
func (l layer) digest() string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(l.files)) {
		fmt.Fprintf(h, "%s %d\n%s\n", name, len(l.files[name]), l.files[name])
	}
	return hex.EncodeToString(h.Sum(nil))[:digestLength]
}

// row is one line of a table. Its methods read a cell by column and note a
// problem where the cell breaks its column's rule.
type row struct {
	origin
	index    map[string]int
	cells    []string
	problems *Problems
}

// read calls each for every well-formed row of the layer's file, in order.
// A missing file is an empty one.
func (t table) read(l layer, problems *Problems, each func(row)) {
	o := origin{path.Join(l.label, t.file), 0}
	data, ok := l.files[t.file]
	if !ok {
		return
	}
	if !utf8.Valid(data) {
		problems.at(o, "", "is not UTF-8; save it as CSV in UTF-8")
		return
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // spreadsheets put it there

	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err == io.EOF {
		problems.at(o, "", "is empty; its first line must name the columns %s", strings.Join(t.required, ","))
		return
	}
	if err != nil {
		problems.at(origin{o.file, 1}, "", "is no CSV: %v", err)
		return
	}
	index, ok := t.index(origin{o.file, 1}, header, problems)
	if !ok {
		return
	}
	for {
		cells, err := r.Read()
		if err == io.EOF {
			return
		}
		if err != nil {
			var p *csv.ParseError
			if errors.As(err, &p) {
				o.line, err = p.Line, p.Err
			}
			problems.at(o, "", "is no CSV from here on: %v", err)
			return
		}
		o.line, _ = r.FieldPos(0)
		if len(cells) != len(header) {
			problems.at(o, "", "has %d cells, the header %d", len(cells), len(header))
			continue
		}
		each(row{o, index, cells, problems})
	}
}

// index maps column names to positions and checks the header.
func (t table) index(o origin, header []string, problems *Problems) (map[string]int, bool) {
	before := len(*problems)
	allowed := append(t.columns(), removeColumn)
	index := make(map[string]int, len(header))
	for i, name := range header {
		name = strings.TrimSpace(name)
		if _, twice := index[name]; twice {
			problems.at(o, name, "appears twice in the header")
		}
		if !slices.Contains(allowed, name) {
			problems.at(o, name, "is no column of %s; allowed: %s", t.file, strings.Join(allowed, ", "))
		}
		index[name] = i
	}
	for _, name := range t.required {
		if _, ok := index[name]; !ok {
			problems.at(o, name, "is missing from the header")
		}
	}
	return index, len(*problems) == before
}
