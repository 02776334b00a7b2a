package evals

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"assay/datasets"
)

// Regraded is the result of grading recorded outputs with one extractor.
type Regraded struct {
	Benchmark string         `json:"benchmark"`
	Extractor string         `json:"extractor"`
	N         int            `json:"n"` // items with an output
	Score     float64        `json:"score"`
	StdErr    float64        `json:"stderr"`
	Unparsed  int            `json:"unparsed"`
	Coverage  float64        `json:"coverage"` // share of the items that have an output
	Items     []RegradedItem `json:"items"`
}

// RegradedItem is the verdict on one recorded output.
type RegradedItem struct {
	ID        string  `json:"id"`
	Status    State   `json:"status"` // OK, Unparsed, or Pending where no output was recorded
	Score     float64 `json:"score"`
	Extracted string  `json:"extracted"`
}

// Output is one recorded output.
type Output struct {
	ID     string `json:"id"`
	Output string `json:"output"`
}

// ReadOutputs reads recorded outputs, one JSON object a line. Errors name file
// and line.
func ReadOutputs(r io.Reader, file string) ([]Output, error) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 64<<10), 64<<20)
	var out []Output
	seen := map[string]int{}
	for line := 1; scanner.Scan(); line++ {
		text := bytes.TrimSpace(scanner.Bytes())
		if len(text) == 0 {
			continue
		}
		var o struct {
			ID     *string `json:"id"`
			Output *string `json:"output"`
		}
		if err := json.Unmarshal(text, &o); err != nil {
			return nil, fmt.Errorf("%s:%d: not a recorded output: %w", file, line, err)
		}
		if o.ID == nil || o.Output == nil {
			return nil, fmt.Errorf("%s:%d: want the fields \"id\" and \"output\"", file, line)
		}
		if first, dup := seen[*o.ID]; dup {
			return nil, fmt.Errorf("%s:%d: id %q is already on line %d", file, line, *o.ID, first)
		}
		seen[*o.ID] = line
		out = append(out, Output{*o.ID, *o.Output})
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return out, nil
}

// Regrade grades recorded outputs of the items with one extractor; "" is the
// task's default. An output whose item is not there is an error; an item
// without an output lowers the coverage and does not enter the score.
func Regrade(t Task, items []datasets.Sample, outputs []Output, extractor string) (Regraded, error) {
	scorer, err := t.Scorer(extractor)
	if err != nil {
		return Regraded{}, err
	}
	known := make(map[string]bool, len(items))
	for _, item := range items {
		known[item.ID] = true
	}
	said := make(map[string]string, len(outputs))
	for _, o := range outputs {
		said[o.ID] = o.Output
		if !known[o.ID] {
			return Regraded{}, fmt.Errorf("output %q: no item has this id", o.ID)
		}
	}
	r := Regraded{Benchmark: t.Name, Extractor: scorer.Version(), Items: []RegradedItem{}}
	var tally Tally
	for _, item := range items {
		text, ok := said[item.ID]
		if !ok {
			r.Items = append(r.Items, RegradedItem{ID: item.ID, Status: Pending})
			continue
		}
		g := Grading(scorer, item, Completion{State: OK, Output: text})
		if g.State == Unparsed {
			r.Unparsed++
		}
		tally.Add(g.Score, item.Subject)
		r.Items = append(r.Items, RegradedItem{item.ID, g.State, g.Score, g.Extracted})
	}
	r.N, r.Score, r.StdErr = tally.N, tally.Mean(), t.stdErr(&tally)
	if len(items) > 0 {
		r.Coverage = float64(r.N) / float64(len(items))
	}
	return r, nil
}

// stdErr is the standard error that the task's items call for.
func (t Task) stdErr(tally *Tally) float64 {
	if t.Clustered {
		return tally.ClusteredStdErr()
	}
	return tally.StdErr()
}
