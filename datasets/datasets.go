// Package datasets holds benchmark items: what one looks like (Sample), how a
// folder of them is read and checked (Load), which of them a limited run asks
// (Select), and by which hash a score says what exactly it was measured on.
//
// A folder holds NAME.jsonl or NAME.jsonl.gz for each set and, where a set has
// few-shot exemplars, NAME.dev.jsonl or NAME.dev.jsonl.gz. The package also
// embeds a few items of the project's own (Starter) so that a first run needs
// no download. Benchmarks themselves live in package evals.
package datasets

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// ErrNoSet is returned when a folder has no file for a set.
var ErrNoSet = errors.New("no such data set")

// Kind is the shape of the items of a set.
type Kind string

// The kinds of items. Which fields each needs is what Validate checks.
const (
	MC     Kind = "mc"     // multiple choice, one right letter
	Math   Kind = "math"   // a question with a number or formula as answer
	QA     Kind = "qa"     // a question with a short text as answer
	Code   Kind = "code"   // a program that must pass a test
	Open   Kind = "open"   // conversation turns judged by a model or a checker
	IFEval Kind = "ifeval" // a prompt with instructions that rules can check
)

// Kinds lists every kind.
var Kinds = []Kind{MC, Math, QA, Code, Open, IFEval}

// Sample is one item. Only the fields that the project acts on are decoded;
// every field of the line, known or not, stays in Fields.
type Sample struct {
	ID       string
	Subject  string // also the cluster of the item, for standard errors
	Lang     string // "en", "zh" or "" where the set does not say
	Question string
	Choices  []string // mc: Choices[0] is answer A
	Answer   string   // mc: a letter; math, qa: the reference
	Solution string   // a worked solution, where upstream has one

	// Fields is the whole line by field name.
	Fields map[string]json.RawMessage
}

// Field decodes a field that Sample itself does not carry into v, and reports
// whether the item has it. A field that is null counts as absent.
func (s Sample) Field(name string, v any) (bool, error) {
	raw, ok := s.Fields[name]
	if !ok || string(raw) == "null" {
		return false, nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return false, fmt.Errorf("item %q: field %q: %w", s.ID, name, err)
	}
	return true, nil
}

// UnmarshalJSON reads one line of a set.
func (s *Sample) UnmarshalJSON(line []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		return err
	}
	if fields == nil {
		return errors.New("null is not an item")
	}
	*s = Sample{Fields: fields}
	for name, to := range map[string]any{
		"id": &s.ID, "subject": &s.Subject, "lang": &s.Lang, "question": &s.Question,
		"choices": &s.Choices, "answer": &s.Answer, "solution": &s.Solution,
	} {
		if _, err := s.Field(name, to); err != nil {
			return fmt.Errorf("field %q: want %s", name, wanted(name))
		}
	}
	return nil
}

func wanted(field string) string {
	if field == "choices" {
		return "a list of strings"
	}
	return "a string"
}

// MarshalJSON writes the line back with its fields in the order of their names.
func (s Sample) MarshalJSON() ([]byte, error) { return json.Marshal(s.Fields) }

// Letters are the names of choices, Letters[i] for Choices[i].
const Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// AnswerIndex is the place of the right choice of an mc item, or -1.
func (s Sample) AnswerIndex() int {
	if len(s.Answer) != 1 || s.Answer[0] < 'A' || s.Answer[0] > 'Z' {
		return -1
	}
	if i := int(s.Answer[0] - 'A'); i < len(s.Choices) {
		return i
	}
	return -1
}

// Set is one loaded data set.
type Set struct {
	Name   string // "gsm8k"
	Origin string // "folder" or "starter": scores of the two never compare
	Path   string // the file of the items; "" for starter items
	Kind   Kind
	Items  []Sample // in file order
	Dev    []Sample // few-shot exemplars, never scored; may be empty
	// Hash names the content: items and exemplars, whatever their order,
	// compression or spacing in the file. Hex, 64 characters.
	Hash string
}

// Select gives the first limit items in the order of SHA-256 over seed and id,
// so that a smaller run is always a part of a larger one with the same seed.
// A limit of 0 or less, or above the number of items, gives all of them.
func Select(items []Sample, limit int, seed int64) []Sample {
	type ranked struct {
		rank [sha256.Size]byte
		item Sample
	}
	all := make([]ranked, len(items))
	for i, s := range items {
		all[i] = ranked{sha256.Sum256([]byte(strconv.FormatInt(seed, 10) + "\x00" + s.ID)), s}
	}
	slices.SortStableFunc(all, func(a, b ranked) int {
		return cmp.Or(slices.Compare(a.rank[:], b.rank[:]), cmp.Compare(a.item.ID, b.item.ID))
	})
	if limit > 0 && limit < len(all) {
		all = all[:limit]
	}
	out := make([]Sample, len(all))
	for i, r := range all {
		out[i] = r.item
	}
	return out
}

// Hash names the content of a set: SHA-256 over the canonical lines (compact
// JSON, fields by name) of items and exemplars, each group ordered by id.
func Hash(items, dev []Sample) string {
	h := sha256.New()
	for _, group := range []struct {
		name  string
		items []Sample
	}{{"items", items}, {"dev", dev}} {
		fmt.Fprintf(h, "%s %d\n", group.name, len(group.items))
		sorted := slices.SortedFunc(slices.Values(group.items), func(a, b Sample) int { return cmp.Compare(a.ID, b.ID) })
		for _, s := range sorted {
			h.Write(canonical(s))
			h.Write([]byte{'\n'})
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// canonical decodes and encodes again, so that spacing and escapes do not count.
func canonical(s Sample) []byte {
	plain := make(map[string]any, len(s.Fields))
	for name, raw := range s.Fields {
		var v any
		if json.Unmarshal(raw, &v) != nil {
			v = string(raw)
		}
		plain[name] = v
	}
	b, err := json.Marshal(plain)
	if err != nil { // a map of decoded JSON always encodes
		panic(err)
	}
	return b
}
