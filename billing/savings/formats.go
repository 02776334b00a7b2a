package savings

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
)

func readCSV(in io.Reader) ([]usageRow, error) {
	r := csv.NewReader(in)
	r.TrimLeadingSpace = true
	header, err := r.Read()
	if err == io.EOF {
		return nil, Errorf("import", "the file is empty")
	} else if err != nil {
		return nil, csvError(err)
	}
	names, err := headerNames(header)
	if err != nil {
		return nil, err
	}
	var rows []usageRow
	for {
		record, err := r.Read()
		if err == io.EOF {
			return rows, nil
		} else if err != nil {
			return nil, csvError(err)
		}
		line, _ := r.FieldPos(0)
		cells := map[string]string{}
		for i, name := range names {
			if name != "" {
				cells[name] = strings.TrimSpace(record[i])
			}
		}
		if rows, err = appendRow(rows, line, cells); err != nil {
			return nil, err
		}
	}
}

func csvError(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return lineErrorf(parse.Line, "", "no CSV: %v", parse.Err)
	}
	return Errorf("import", "cannot be read: %v", err)
}

// headerNames gives our name of each column, "" for ignored ones.
func headerNames(header []string) ([]string, error) {
	names := make([]string, len(header))
	first := map[string]string{}
	for i, h := range header {
		h = strings.ToLower(strings.TrimSpace(h))
		name := columns[h]
		if other, twice := first[name]; twice && name != "" {
			return nil, lineErrorf(1, h, "means the same as column %q; keep one", other)
		}
		names[i], first[name] = name, h
	}
	for _, need := range required {
		if _, ok := first[need]; !ok {
			return nil, lineErrorf(1, need, "no such column (%s)", spellings(need))
		}
	}
	return names, nil
}

// spellings lists what a column may be called.
func spellings(name string) string {
	var out []string
	for _, s := range slices.Sorted(maps.Keys(columns)) {
		if columns[s] == name {
			out = append(out, s)
		}
	}
	return "one of " + strings.Join(out, ", ")
}

func readJSONL(in io.Reader) ([]usageRow, error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 4096), maxUsageLine)
	var rows []usageRow
	n := 0
	for lines.Scan() {
		n++
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		cells, err := objectCells(text, n)
		if err != nil {
			return nil, err
		}
		if rows, err = appendRow(rows, n, cells); err != nil {
			return nil, err
		}
	}
	if err := lines.Err(); err != nil {
		return nil, lineErrorf(n+1, "", "cannot be read: %v", err)
	}
	return rows, nil
}

// objectCells reads one JSON object of usage.
func objectCells(text []byte, line int) (map[string]string, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, lineErrorf(line, "", "no JSON object: %v", err)
	}
	if _, page := object["data"]; page {
		return nil, lineErrorf(line, "data", "a page of the usage API; give one result a line, as jq -c '.data[].results[]' writes them")
	}
	cells := map[string]string{}
	for key, raw := range object {
		name := columns[strings.ToLower(strings.TrimSpace(key))]
		if name == "" {
			continue
		}
		if _, twice := cells[name]; twice {
			return nil, lineErrorf(line, name, "given twice, under two names")
		}
		var v Text
		if err := v.UnmarshalJSON(raw); err != nil {
			return nil, lineErrorf(line, key, "%v", err)
		}
		cells[name] = strings.TrimSpace(string(v))
	}
	return cells, nil
}
