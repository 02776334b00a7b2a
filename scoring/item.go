package scoring

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"assay/models"
)

// Mode is the way a model was run when it was scored.
type Mode string

// The modes. A family that was scored both ways has an ability for each.
const (
	Unstated Mode = ""              // the source does not say
	Direct   Mode = "non-reasoning" // answers at once
	Thinking Mode = "reasoning"     // thinks first, at its usual effort or more
	Brief    Mode = "reasoning-low" // thinks first, at reduced effort
)

// Item is one test on one scale: a benchmark in one edition. The mode belongs
// to the model that took the test, not to the test, so it is part of a Cell.
type Item struct {
	Benchmark string
	Edition   string // "" where a benchmark has only one scale
}

// String gives "SuperCLUE 2026-H1".
func (i Item) String() string {
	if i.Edition == "" {
		return i.Benchmark
	}
	return i.Benchmark + " " + i.Edition
}

func compareItems(a, b Item) int {
	return cmp.Or(cmp.Compare(a.Benchmark, b.Benchmark), cmp.Compare(a.Edition, b.Edition))
}

// chineseBenchmarks are set in Chinese; every other one counts as overseas.
var chineseBenchmarks = map[string]bool{
	"OpenCompass": true, "OpenCompass-Subjective": true, "SuperCLUE": true,
	"CMMLU": true, "C-Eval": true, "AlignBench": true, "C-SimpleQA": true,
	"ReLE": true, "LMArena-Chinese": true,
}

// Chinese reports whether the item is a test in Chinese.
func (i Item) Chinese() bool { return chineseBenchmarks[i.Benchmark] }

// reading is one row of published scores, understood.
type reading struct {
	family      string
	item        Item
	mode        Mode
	x           float64 // transformed score, see transform
	elo         bool
	weight      float64
	independent bool
	source      string
	value       float64 // as published, in the row's unit
	date        float64 // of the source, in years; 0 unknown
}

// Weights are how far one reading is trusted; 1 is an independent measurement.
type Weights struct {
	Independent float64 // default 1
	Vendor      float64 // default 0.5
	Secondary   float64 // default 0.3: copied by a third party, original unread
}

func (w Weights) withDefaults() Weights {
	return Weights{
		Independent: cmp.Or(w.Independent, 1),
		Vendor:      cmp.Or(w.Vendor, 0.5),
		Secondary:   cmp.Or(w.Secondary, 0.3),
	}
}

var (
	editionRE  = regexp.MustCompile(`edition ([^\s,;]+)`)
	thinkingRE = regexp.MustCompile(`reasoning-(high|max|xhigh)|;\s*reasoning$|, reasoning$|^reasoning$|reasoning on\b|reasoning mode|thinking mode|diamond thinking|extended thinking \(|;\s*reasonin`)
	directRE   = regexp.MustCompile(`non-reasoning|non-thinking|no thinking|no extended thinking|reasoning off`)
	briefRE    = regexp.MustCompile(`reasoning-(low|minimal)`)
)

// modeOf reads the reasoning mode from a row's setting.
func modeOf(setting string) Mode {
	s := strings.ToLower(setting)
	switch {
	case directRE.MatchString(s):
		return Direct
	case briefRE.MatchString(s):
		return Brief
	case strings.Contains(s, "reasoning-medium") || thinkingRE.MatchString(s):
		return Thinking
	}
	return Unstated
}

// itemOf separates what must not be pooled: editions, judge versions, question
// windows and shot counts that move scores by more than models differ.
func itemOf(benchmark, setting string) Item {
	s := strings.ToLower(setting)
	it := Item{Benchmark: benchmark}
	switch benchmark {
	case "MATH":
		if strings.Contains(s, "math-500") {
			it.Benchmark = "MATH-500"
		}
	case "Arena-Hard":
		switch {
		case s == "v2":
			it.Benchmark = "Arena-Hard-v2"
		case strings.Contains(s, "not stated"):
			it.Edition = "version not stated"
		}
	case "CMMLU":
		if strings.Contains(s, "0-shot") {
			it.Edition = "0-shot"
		} else if strings.Contains(s, "5-shot") {
			it.Edition = "5-shot"
		}
	case "AlignBench":
		if strings.Contains(s, "v1.1") {
			it.Edition = "v1.1"
		}
	case "LiveCodeBench":
		if strings.Contains(s, "artificial analysis") {
			it.Edition = "Artificial Analysis"
		}
	default:
		if m := editionRE.FindStringSubmatch(setting); m != nil {
			it.Edition = m[1]
		}
	}
	return it
}

// transform maps a score to the line on which the model is linear: logits of
// the share of points, clipped to 1..99 %, or the Elo itself.
func transform(value float64, unit string) (x float64, elo bool, err error) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, false, fmt.Errorf("score %v: want a finite number", value)
	}
	switch unit {
	case "percent":
		if value < 0 || value > 100 {
			return 0, false, fmt.Errorf("score %v percent: want 0..100", value)
		}
		return logit(value / 100), false, nil
	case "0-10":
		if value < 0 || value > 10 {
			return 0, false, fmt.Errorf("score %v on a 0-10 scale: want 0..10", value)
		}
		return logit(value / 10), false, nil
	case "elo":
		return value, true, nil
	}
	return 0, false, fmt.Errorf("unit %q: want percent, 0-10 or elo", unit)
}

// logit of p after clipping to 1..99 %, beyond which a test says nothing more.
func logit(p float64) float64 {
	p = min(max(p, 0.01), 0.99)
	return math.Log(p / (1 - p))
}

// logistic is the inverse of the logit.
func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// years writes a date as a fractional year, 0 if it is unknown.
func years(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Year()) + float64(t.YearDay()-1)/365.25
}

// read understands one row. The second result is false for rows that say
// nothing about a served chat model: base checkpoints.
func read(s models.Score, w Weights) (reading, bool, error) {
	if strings.Contains(s.Setting, "BASE MODEL") {
		return reading{}, false, nil
	}
	x, elo, err := transform(s.Value, s.Unit)
	if err != nil {
		return reading{}, false, fmt.Errorf("score of family %q on %q: %w", s.Family, s.Benchmark, err)
	}
	if s.Family == "" || s.Benchmark == "" {
		return reading{}, false, fmt.Errorf("score %v from %q: family and benchmark must be set", s.Value, s.Source)
	}
	r := reading{
		family: s.Family, item: itemOf(s.Benchmark, s.Setting), mode: modeOf(s.Setting),
		x: x, elo: elo, value: s.Value, source: s.Source,
		independent: s.Reporter == "independent", date: years(s.Date),
	}
	setting := strings.ToLower(s.Setting)
	switch {
	// A web application is not the model behind the API: as good as a copy.
	case strings.Contains(setting, "secondary") || strings.Contains(setting, "web app"):
		r.weight = w.Secondary
	case r.independent:
		r.weight = w.Independent
	case s.Reporter == "vendor":
		r.weight = w.Vendor
	default:
		return reading{}, false, fmt.Errorf("score of family %q on %q: reporter %q: want vendor or independent",
			s.Family, s.Benchmark, s.Reporter)
	}
	return r, true, nil
}
