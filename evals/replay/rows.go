package replay

import (
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"assay/datasets"
)

// Outcome is what one model made of one prompt. Fields that the publication
// does not have are nil.
type Outcome struct {
	Score     float64  `json:"score"` // 0..1
	CostUSD   *float64 `json:"cost_usd"`
	InTokens  *float64 `json:"in_tokens"`
	OutTokens *float64 `json:"out_tokens"`
	OutChars  *float64 `json:"out_chars"`
}

// Row is one prompt with the outcomes of the models that were asked.
type Row struct {
	ID       string             `json:"id"`
	Source   string             `json:"source"`
	License  string             `json:"license"`
	Lang     string             `json:"lang"` // "en" or "zh"
	Task     string             `json:"task"`
	Prompt   string             `json:"prompt"`
	Outcomes map[string]Outcome `json:"outcomes"`
}

// restricted matches licences that keep a row from shaping what ships: none,
// share-alike or non-commercial.
var restricted = regexp.MustCompile(`^no licence file|\bNC\b|\bSA\b`)

// OpenLicence reports whether rows under a licence may shape what ships.
func OpenLicence(licence string) bool { return licence != "" && !restricted.MatchString(licence) }

// ErrData is wrapped by every error about the content of a data folder.
var ErrData = errors.New("outcome data")

// maxLine bounds one row: 64 MiB.
const maxLine = 64 << 20

// ReadDir reads every *.jsonl and *.jsonl.gz of a folder, in the order of
// their names. With sources, only rows of these are kept. Errors name the file
// and the line and wrap ErrData.
func ReadDir(dir string, sources []string) ([]Row, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrData, err)
	}
	var rows []Row
	files, seen := 0, map[[2]string]string{}
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(strings.TrimSuffix(e.Name(), ".gz"), ".jsonl") {
			continue
		}
		files++
		path := filepath.Join(dir, e.Name())
		err := readFile(path, func(r Row, line int) error {
			if len(sources) > 0 && !slices.Contains(sources, r.Source) {
				return nil
			}
			key := [2]string{r.Source, r.ID}
			if first, dup := seen[key]; dup {
				return fmt.Errorf("id %q of source %q was seen before, at %s", r.ID, r.Source, first)
			}
			seen[key] = fmt.Sprintf("%s:%d", path, line)
			rows = append(rows, r)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrData, err)
		}
	}
	switch {
	case files == 0:
		return nil, fmt.Errorf("%w: %s has no *.jsonl or *.jsonl.gz", ErrData, dir)
	case len(rows) == 0 && len(sources) > 0:
		return nil, fmt.Errorf("%w: %s has no row of source %s", ErrData, dir, strings.Join(sources, ", "))
	case len(rows) == 0:
		return nil, fmt.Errorf("%w: %s has no rows", ErrData, dir)
	}
	return rows, nil
}

func readFile(path string, each func(r Row, line int) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			return fmt.Errorf("%s: not a gzip file: %w", path, err)
		}
	}
	return read(in, path, each)
}

// read takes JSON lines; blank ones are skipped.
func read(in io.Reader, path string, each func(r Row, line int) error) error {
	return datasets.EachLine(in, path, maxLine, func(line int, text []byte) error {
		r, err := parseRow(text)
		if err != nil {
			return err
		}
		return each(r, line)
	})
}

// parseRow decodes and checks one line.
func parseRow(text []byte) (Row, error) {
	var r struct {
		Row
		Outcomes map[string]*struct {
			Outcome
			Score *float64 `json:"score"`
		} `json:"outcomes"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return Row{}, fmt.Errorf("not a row of outcomes: %w", err)
	}
	for _, f := range []struct{ name, value string }{{"id", r.ID}, {"source", r.Source}, {"prompt", r.Prompt}} {
		if f.value == "" {
			return Row{}, fmt.Errorf("field %q is missing or empty", f.name)
		}
	}
	if len(r.Outcomes) == 0 {
		return Row{}, errors.New(`field "outcomes" is missing or empty`)
	}
	row := r.Row
	row.Outcomes = make(map[string]Outcome, len(r.Outcomes))
	for model, o := range r.Outcomes {
		if model == "" || o == nil || o.Score == nil {
			return Row{}, fmt.Errorf("outcome of model %q has no score", model)
		}
		o.Outcome.Score = *o.Score
		if err := o.Outcome.check(); err != nil {
			return Row{}, fmt.Errorf("outcome of model %q: %w", model, err)
		}
		row.Outcomes[model] = o.Outcome
	}
	row.Lang = cmp.Or(row.Lang, "en")
	return row, nil
}

// check refuses numbers that no outcome can have. JSON itself has no NaN and
// no infinity, and the decoder refuses what overflows.
func (o Outcome) check() error {
	if !(o.Score >= 0 && o.Score <= 1) {
		return fmt.Errorf("score %v; want 0 to 1", o.Score)
	}
	for _, f := range []struct {
		name  string
		value *float64
	}{{"cost_usd", o.CostUSD}, {"in_tokens", o.InTokens}, {"out_tokens", o.OutTokens}, {"out_chars", o.OutChars}} {
		if f.value != nil && (!(*f.value >= 0) || math.IsInf(*f.value, 0) || *f.value > 1e12) {
			return fmt.Errorf("%s %v; want a finite number from 0", f.name, *f.value)
		}
	}
	return nil
}
