package evals

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
)

// Memory is a Store in memory, for tests and for runs that leave nothing behind.
type Memory struct {
	mu          sync.Mutex
	runs        map[string]Run
	items       map[itemKey]Item
	completions map[runKey]Completion
	grades      map[gradeKey]Grade
	scorecards  map[cardKey]Scorecard
}

type (
	itemKey struct{ benchmark, hash, id string }
	runKey  struct {
		run string
		Key
	}
	gradeKey struct {
		runKey
		extractor string
	}
	cardKey struct{ run, benchmark, model, extractor string }
)

// NewMemory makes an empty store.
func NewMemory() *Memory {
	return &Memory{runs: map[string]Run{}, items: map[itemKey]Item{}, completions: map[runKey]Completion{},
		grades: map[gradeKey]Grade{}, scorecards: map[cardKey]Scorecard{}}
}

// Put stores a batch.
func (m *Memory) Put(ctx context.Context, b Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range b.Runs {
		m.runs[r.ID] = r
	}
	for _, i := range b.Items {
		m.items[itemKey{i.Benchmark, i.DatasetHash, i.ID}] = i
	}
	for _, c := range b.Completions {
		m.completions[runKey{c.RunID, c.Key}] = c
	}
	for _, g := range b.Grades {
		m.grades[gradeKey{runKey{g.RunID, g.Key}, g.Extractor}] = g
	}
	for _, s := range b.Scorecards {
		m.scorecards[cardKey{s.RunID, s.Benchmark, s.Model, s.Extractor}] = s
	}
	return nil
}

// Runs lists all runs, newest first.
func (m *Memory) Runs(context.Context) ([]Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.runs), func(a, b Run) int {
		return cmp.Or(b.StartedAt.Compare(a.StartedAt), cmp.Compare(b.ID, a.ID))
	}), nil
}

// Completions gives a copy of what the run has, ordered.
func (m *Memory) Completions(_ context.Context, runID string) iter.Seq2[Completion, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Completion
	for k, c := range m.completions {
		if k.run == runID {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b Completion) int { return a.Key.compare(b.Key) })
	return func(yield func(Completion, error) bool) {
		for _, c := range all {
			if !yield(c, nil) {
				return
			}
		}
	}
}

// Grades lists the grades of a run in the order of its completions.
func (m *Memory) Grades(_ context.Context, runID string) ([]Grade, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Grade
	for k, g := range m.grades {
		if k.run == runID {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(a, b Grade) int {
		return cmp.Or(a.Key.compare(b.Key), cmp.Compare(a.Extractor, b.Extractor))
	})
	return all, nil
}

// Scorecards lists the scorecards of a run by benchmark, model and extractor.
func (m *Memory) Scorecards(_ context.Context, runID string) ([]Scorecard, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Scorecard
	for k, s := range m.scorecards {
		if k.run == runID {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b Scorecard) int {
		return cmp.Or(cmp.Compare(a.Benchmark, b.Benchmark), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Extractor, b.Extractor))
	})
	return all, nil
}

func (k Key) compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Benchmark, o.Benchmark), cmp.Compare(k.Model, o.Model),
		cmp.Compare(k.ItemID, o.ItemID), cmp.Compare(k.Sample, o.Sample))
}
