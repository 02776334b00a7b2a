package replay

import (
	"cmp"
	"fmt"
	"slices"
)

// innerFolds part the training rows where train and test are given apart.
const innerFolds = 5

// plan says which outcomes each prediction may rest on. Items are in groups;
// an item of group g that is tested is predicted without the outcomes of g.
// What is chosen on training rows (margins, for example) rests on predictions
// of the same kind: for the test group g, an item of another group j is
// predicted without g and j.
type plan struct {
	items  []*item
	groups int
	tested []int // the groups that are tested
	folds  int   // 0: train and test are apart
	// leftOut counts training rows whose question is in the test rows as well.
	leftOut int
}

// pair names a fit by the two groups that it does not know; both may be one.
type pair struct{ a, b int }

func pairOf(a, b int) pair { return pair{min(a, b), max(a, b)} }

// knows reports whether a fit may use an item.
func (p pair) knows(it *item) bool { return it.train && it.group != p.a && it.group != p.b }

// pairs lists the fits that the plan needs, each once.
func (p *plan) pairs() []pair {
	var all []pair
	for _, g := range p.tested {
		for j := range p.groups {
			all = append(all, pairOf(g, j))
		}
	}
	slices.SortFunc(all, func(x, y pair) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b)) })
	return slices.Compact(all)
}

// newPlan sorts rows into groups: by fold, or the test rows into group 0 and
// the training rows into the others. same says that train and test are one folder.
func newPlan(train, test []Row, same bool, folds int) (*plan, error) {
	p := &plan{folds: folds}
	add := func(rows []Row, train, test bool) {
		for _, r := range rows {
			it := &item{Row: r, train: train, test: test, bucket: Bucket(Key(r.Prompt))}
			p.items = append(p.items, it)
		}
	}
	switch {
	case folds > 0:
		if add(test, same, true); !same {
			add(train, true, false)
		}
		p.groups = folds
		for _, it := range p.items {
			it.group = Fold(it.bucket, folds)
		}
		for g := range folds {
			p.tested = append(p.tested, g)
		}
	default:
		add(test, false, true)
		tested := map[uint64]bool{}
		for _, it := range p.items {
			tested[it.bucket] = true
		}
		var keep []Row
		for _, r := range train {
			if tested[Bucket(Key(r.Prompt))] {
				p.leftOut++
			} else {
				keep = append(keep, r)
			}
		}
		if len(keep) == 0 {
			return nil, fmt.Errorf("%w: every training row is also a test row; use --folds to test on the rows that are trained on", ErrData)
		}
		n := len(p.items)
		add(keep, true, false)
		for _, it := range p.items[n:] {
			it.group = 1 + Fold(it.bucket, innerFolds)
		}
		p.groups, p.tested = 1+innerFolds, []int{0}
	}
	slices.SortStableFunc(p.items, func(x, y *item) int {
		return cmp.Or(cmp.Compare(x.Source, y.Source), cmp.Compare(x.ID, y.ID), cmp.Compare(x.Prompt, y.Prompt))
	})
	return p, nil
}
