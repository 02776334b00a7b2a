package evals

import (
	"fmt"
	"slices"
	"strings"

	"assay/datasets"
)

// Task is one benchmark.
type Task struct {
	Name   string        // "gsm8k": also the name of its data set
	Title  string        // "GSM8K": as published scores call it
	Kind   datasets.Kind // of its items
	Source string        // where benchmark and prompt come from

	// Template names the prompt's wording; a changed prompt gets a new number.
	Template string
	// Shots is how many exemplars the prompt shows, if there are so many.
	Shots int
	// MaxTokens bounds an answer unless the model's configuration says otherwise.
	MaxTokens int
	// Clustered says that items of one subject resemble each other, so that
	// the standard error is taken over subjects.
	Clustered bool
	// Chance is the score of blind guessing.
	Chance float64

	// Prompt makes the messages of one item; dev are exemplars of its subject.
	Prompt func(item datasets.Sample, dev []datasets.Sample) []Message
	// Scorers grade an answer; the first is the one used unless another is named.
	Scorers []Scorer
}

// Scorer grades an answer. Scorers are pure: the same text gets the same grade.
type Scorer interface {
	// Version names the rule, "choice/1". A changed rule gets a new number.
	Version() string
	// Score finds the answer in the text; found is false if there is none.
	Score(item datasets.Sample, output string) (v Verdict, found bool)
}

// Verdict is what a scorer found.
type Verdict struct {
	Extracted string
	Score     float64 // 0..1
}

// Tasks lists every benchmark by name.
func Tasks() []Task { return []Task{CMMLU(), GSM8K(), MMLU()} }

// Lookup finds benchmarks by name, in the order given and without repeats.
// An unknown name is ErrUnknownBenchmark with the names there are.
func Lookup(names []string) ([]Task, error) {
	all := Tasks()
	var out []Task
	for _, name := range names {
		name = strings.TrimSpace(name)
		if name == "" || slices.ContainsFunc(out, func(t Task) bool { return t.Name == name }) {
			continue
		}
		i := slices.IndexFunc(all, func(t Task) bool { return t.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w %q: there are %s", ErrUnknownBenchmark, name, taskNames(all))
		}
		out = append(out, all[i])
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: none was named; there are %s", ErrUnknownBenchmark, taskNames(all))
	}
	return out, nil
}

func taskNames(tasks []Task) string {
	names := make([]string, len(tasks))
	for i, t := range tasks {
		names[i] = t.Name
	}
	return strings.Join(names, ", ")
}

// Scorer finds a scorer by version; "" gives the default.
func (t Task) Scorer(version string) (Scorer, error) {
	var have []string
	for _, s := range t.Scorers {
		if version == "" || s.Version() == version {
			return s, nil
		}
		have = append(have, s.Version())
	}
	return nil, fmt.Errorf("benchmark %s has no extractor %q: there are %s", t.Name, version, strings.Join(have, ", "))
}

// Grading judges one completion. A completion without a whole answer keeps its
// own state and no score: it is neither right nor wrong.
func Grading(s Scorer, item datasets.Sample, c Completion) Grade {
	g := Grade{RunID: c.RunID, Key: c.Key, Subject: item.Subject, Extractor: s.Version(), State: c.State, Expected: item.Answer}
	if c.State != OK {
		return g
	}
	v, found := s.Score(item, c.Output)
	if !found {
		g.State = Unparsed
		return g
	}
	g.Extracted, g.Score = v.Extracted, v.Score
	return g
}

// exemplars picks n exemplars for an item: those of its subject if the set has
// any for it, else the first of the set. Their order is that of the file.
func exemplars(item datasets.Sample, dev []datasets.Sample, n int) []datasets.Sample {
	var own []datasets.Sample
	for _, d := range dev {
		if d.Subject == item.Subject {
			own = append(own, d)
		}
	}
	if len(own) == 0 {
		own = dev
	}
	return own[:min(n, len(own))]
}
