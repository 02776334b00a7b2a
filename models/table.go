package models

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
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

// layer is one directory of catalogue files; label is what problems call it.
type layer struct {
	label string
	fsys  fs.FS
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
	data, err := fs.ReadFile(l.fsys, t.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		problems.at(o, "", "cannot be read: %v", err)
		return
	case len(data) > maxFileBytes:
		problems.at(o, "", "has %d bytes, at most %d are read", len(data), maxFileBytes)
		return
	case !utf8.Valid(data):
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
