package success

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
)

// Config of Fit; the zero value works.
type Config struct {
	// Kinds is the number of kinds; 0 chooses by predictions for prompts left
	// out. Without embeddings it is one.
	Kinds int
	// NoDifficulty and NoText leave out a part of the model, to see what it adds.
	NoDifficulty, NoText bool
	Seed                 uint64
}

// kindsTried are the numbers of kinds from which Fit chooses.
var kindsTried = []int{3, 6, 12}

// Fit fits a model. It is deterministic.
func Fit(d Data, cfg Config) (*Model, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	s := newSpace(d.Prompts)
	rows := make([]vector, len(d.Prompts))
	for i, p := range d.Prompts {
		rows[i] = s.vector(p)
	}
	switch {
	case s.embedding == 0:
		cfg.Kinds = 1
	case cfg.Kinds == 0:
		cfg.Kinds = chooseKinds(d, s, rows, cfg)
	}
	return fit(d, s, rows, cfg), nil
}

// chooseKinds predicts every fifth of the prompts from the others with each
// number of kinds and takes the one that does best (log loss). Texts are left
// out of it: they are what takes the time and add about the same to each.
func chooseKinds(d Data, s space, rows []vector, cfg Config) int {
	cfg.NoText = true
	fold := folds(len(rows), rand.New(rand.NewPCG(cfg.Seed, 2)))
	best, least := 1, math.Inf(1)
	for _, k := range kindsTried {
		if len(rows) < minPerKind*k {
			break
		}
		cfg.Kinds = k
		loss := 0.0
		for f := range innerFolds {
			loss += lossOutside(d, s, rows, fold, f, cfg)
		}
		if loss < least {
			best, least = k, loss
		}
	}
	return best
}

// minPerKind is the mean number of prompts that a kind must have.
const minPerKind = 60

// lossOutside fits to all folds but one and gives the log loss on that one.
func lossOutside(d Data, s space, rows []vector, fold []int, f int, cfg Config) float64 {
	train := Data{Models: d.Models}
	var trainRows []vector
	for i := range rows {
		if fold[i] != f {
			train.Scores, trainRows = append(train.Scores, d.Scores[i]), append(trainRows, rows[i])
		}
	}
	m := fit(train, s, trainRows, cfg)
	loss := 0.0
	for i, row := range d.Scores {
		if fold[i] != f {
			continue
		}
		at := m.place(rows[i])
		for j, y := range row {
			if !math.IsNaN(y) {
				p := min(max(m.P(j, at), 1e-6), 1-1e-6)
				loss -= y*math.Log(p) + (1-y)*math.Log(1-p)
			}
		}
	}
	return loss
}

// fit fits with a given number of kinds.
func fit(d Data, s space, rows []vector, cfg Config) *Model {
	rng := rand.New(rand.NewPCG(cfg.Seed, 1))
	m := &Model{names: d.Models, index: map[string]int{}, space: s}
	for i, name := range d.Models {
		m.index[name] = i
	}
	points := make([][]float64, len(rows))
	for i, v := range rows {
		points[i] = s.dense(v)
	}
	m.kinds = cluster(points, cfg.Kinds, rng)
	kind := make([]int, len(rows))
	for i, p := range points {
		kind[i] = nearest(m.kinds, p)
	}
	m.reach = reach(points, kind, m.kinds)
	difficulty := make([]float64, len(rows))
	m.pooled = make([]float64, s.size())
	if !cfg.NoDifficulty {
		difficulty = m.fitDifficulty(d, rows, kind, rng)
	}
	trials, of := trialsOf(d, kind, difficulty)
	m.models = fitModels(trials, len(m.kinds))
	if !cfg.NoText {
		m.fitText(rows, trials, of, rng)
		m.models = fitModels(trials, len(m.kinds))
	}
	if d.Costs != nil {
		m.costs, m.costOfMean = fitCosts(d, kind, len(m.kinds))
	}
	return m
}

// familiar is the share of training prompts that lie within reach.
const familiar = 0.95

// reach gives, for each kind, the squared distance from its centre within which
// most of its training prompts lie.
func reach(points [][]float64, kind []int, centres [][]float64) []float64 {
	far := make([][]float64, len(centres))
	for i, p := range points {
		far[kind[i]] = append(far[kind[i]], squared(p, centres[kind[i]]))
	}
	out := make([]float64, len(centres))
	for k, ds := range far {
		if slices.Sort(ds); len(ds) > 0 {
			out[k] = ds[int(familiar*float64(len(ds)-1))]
		}
	}
	return out
}

// trialsOf lists each model's outcomes, and of which prompt each is.
func trialsOf(d Data, kind []int, difficulty []float64) (trials [][]trial, of [][]int) {
	trials, of = make([][]trial, len(d.Models)), make([][]int, len(d.Models))
	for i, row := range d.Scores {
		for m, y := range row {
			if !math.IsNaN(y) {
				trials[m] = append(trials[m], trial{kind: kind[i], difficulty: difficulty[i], y: y})
				of[m] = append(of[m], i)
			}
		}
	}
	return trials, of
}

// fitDifficulty learns what texts say about difficulty: over all kinds, and
// inside each kind what that leaves over. It returns the predictions for the
// training prompts, each made without its own outcomes.
func (m *Model) fitDifficulty(d Data, rows []vector, kind []int, rng *rand.Rand) []float64 {
	b, reliability := make([]float64, len(rows)), make([]float64, len(rows))
	members := make([][]int, len(m.kinds))
	for i, k := range kind {
		members[k] = append(members[k], i)
	}
	for _, of := range members {
		scores := make([][]float64, len(of))
		for j, i := range of {
			scores[j] = d.Scores[i]
		}
		bs, rs := rasch(scores, len(d.Models))
		for j, i := range of {
			b[i], reliability[i] = bs[j], rs[j]
		}
	}
	all := sample{rows, b, reliability}
	fold := folds(len(rows), rng)
	penalty, outside := all.choose(fold, m.space.size())
	if w := all.ridge(penalty, m.space.size(), nil); w != nil {
		m.pooled = w
	}
	if len(m.kinds) > 1 {
		m.byKind = make([][]float64, len(m.kinds))
		for k, of := range members {
			var part sample
			var foldOf []int
			for _, i := range of {
				part.rows, part.y, part.w = append(part.rows, rows[i]), append(part.y, b[i]-outside[i]), append(part.w, reliability[i])
				foldOf = append(foldOf, fold[i])
			}
			penalty, extra := part.choose(foldOf, m.space.size())
			m.byKind[k] = part.ridge(penalty, m.space.size(), nil)
			for j, i := range of {
				outside[i] += extra[j]
			}
		}
	}
	return outside
}

// minForText is the number of outcomes from which a model's own residuals are
// looked at.
const minForText = 100

// logitPerPoint carries a difference of probabilities to logits, at p = 0.7:
// 1/(p(1-p)).
const logitPerPoint = 1 / (0.7 * 0.3)

// fitText learns what texts say about each model alone: ridge regression of
// what the rest of the model leaves unexplained. It writes the predictions,
// each made without the prompt's own outcome, into the trials.
func (m *Model) fitText(rows []vector, trials [][]trial, of [][]int, rng *rand.Rand) {
	m.text = make([][]float64, len(trials))
	seeds := make([]uint64, len(trials))
	for i := range seeds {
		seeds[i] = rng.Uint64()
	}
	type result struct{ weights, outside []float64 }
	parallel(len(trials), func(i int) result {
		if len(trials[i]) < minForText {
			return result{}
		}
		var s sample
		for j, t := range trials[i] {
			p := m.P(i, Point{Kind: t.kind, Difficulty: t.difficulty})
			s.rows, s.y, s.w = append(s.rows, rows[of[i][j]]), append(s.y, t.y-p), append(s.w, 1)
		}
		fold := folds(len(s.rows), rand.New(rand.NewPCG(seeds[i], 3)))
		penalty, outside := s.choose(fold, m.space.size())
		return result{s.ridge(penalty, m.space.size(), nil), outside}
	}, func(i int, r result) {
		if m.text[i] = r.weights; r.weights == nil {
			return
		}
		for j := range r.weights {
			r.weights[j] *= logitPerPoint
		}
		for j := range trials[i] {
			trials[i][j].text = r.outside[j] * logitPerPoint
		}
	})
}

// parallel computes work for 0..n-1 on all cores and takes the results in order.
func parallel[T any](n int, work func(int) T, take func(int, T)) {
	results := make([]T, n)
	var group sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := range next {
				results[i] = work(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
	for i, r := range results {
		take(i, r)
	}
}
