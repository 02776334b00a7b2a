package replay

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"assay/scoring/success"
)

// scope is what one model of success is fitted to: one source, or all of them.
type scope struct {
	name   string
	models []string
	arenas []*arena // whose rows are trained on
	tested []*arena // whose rows it predicts
}

// scopes parts the arenas for fitting. A tested source without training rows
// of its own is predicted from all.
func scopes(all []*arena, bySource bool) []*scope {
	everything := &scope{name: "all sources"}
	var out []*scope
	for _, a := range all {
		if !a.borrowed {
			everything.arenas = append(everything.arenas, a)
		}
		if !a.tests() {
			continue
		}
		if bySource && !a.borrowed {
			out = append(out, &scope{name: a.source, arenas: []*arena{a}, tested: []*arena{a}})
		} else {
			everything.tested = append(everything.tested, a)
		}
	}
	if len(everything.tested) > 0 {
		out = append(out, everything)
	}
	for _, s := range out {
		for _, a := range slices.Concat(s.arenas, s.tested) {
			s.models = append(s.models, a.models...)
		}
		slices.Sort(s.models)
		s.models = slices.Compact(s.models)
		for _, a := range s.tested {
			a.labels = nil
			for _, m := range a.models {
				at, _ := slices.BinarySearch(s.models, m)
				a.labels = append(a.labels, label(at))
			}
		}
	}
	return out
}

// label names a model of a scope where names may not hold any character. Labels
// sort as the models' names do.
func label(at int) string { return fmt.Sprintf("m%05d", at) }

// data collects what a fit may know. Models without any outcome there are left
// out.
func (s *scope) data(p pair) success.Data {
	at := map[string]int{}
	for i, m := range s.models {
		at[m] = i
	}
	var d success.Data
	seen := make([]bool, len(s.models))
	money := false
	for _, a := range s.arenas {
		money = money || a.cost != nil
		for i, it := range a.items {
			if !p.knows(it) {
				continue
			}
			score, cost := nans(len(s.models)), nans(len(s.models))
			for m, y := range a.score[i] {
				j := at[a.models[m]]
				if score[j] = y; !math.IsNaN(y) {
					seen[j] = true
				}
				if a.cost != nil {
					cost[j] = a.cost[i][m]
				}
			}
			d.Prompts = append(d.Prompts, it.prompt)
			d.Scores, d.Costs, d.Tokens = append(d.Scores, score), append(d.Costs, cost), append(d.Tokens, float64(it.tokens))
		}
	}
	if !money {
		d.Costs, d.Tokens = nil, nil
	}
	var keep []int
	for j, ok := range seen {
		if ok {
			keep, d.Models = append(keep, j), append(d.Models, label(j))
		}
	}
	if len(keep) < len(s.models) {
		for i := range d.Scores {
			d.Scores[i] = pick(d.Scores[i], keep)
			if d.Costs != nil {
				d.Costs[i] = pick(d.Costs[i], keep)
			}
		}
	}
	return d
}

func nans(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = nan
	}
	return out
}

func pick(row []float64, keep []int) []float64 {
	out := make([]float64, len(keep))
	for i, j := range keep {
		out[i] = row[j]
	}
	return out
}

// fitted are the expectations that fitted models lead to, by arena.
type fitted struct {
	whole     map[*arena]*expectations
	parts     []map[*arena]*expectations // as parts; nil if they are not wanted
	decisions map[*arena]*choices        // of the router, for tested rows
}

// fitAll fits every model that the plan needs, one after the other, and keeps
// only what they expect: the models themselves are large.
func fitAll(ctx context.Context, pl *plan, all []*scope, o Options, margins []float64, progress io.Writer) (*fitted, error) {
	f := &fitted{whole: map[*arena]*expectations{}, decisions: map[*arena]*choices{}}
	for range parts {
		if !o.NoAblation {
			f.parts = append(f.parts, map[*arena]*expectations{})
		}
	}
	for _, s := range all {
		for _, a := range s.tested {
			f.whole[a] = newExpectations(pl.groups, len(a.items))
			f.decisions[a] = newChoices(len(margins), len(a.items))
			for _, of := range f.parts {
				of[a] = newExpectations(pl.groups, len(a.items))
			}
		}
		start := time.Now()
		pairs := pl.pairs()
		for k, p := range pairs {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := f.fit(pl, s, p, o, margins); err != nil {
				return nil, fmt.Errorf("fit to %s: %w", s.name, err)
			}
			fmt.Fprintf(progress, "%s: fit %d of %d, %.0f s\n", s.name, k+1, len(pairs), time.Since(start).Seconds())
		}
	}
	return f, nil
}

// fit fits to what a pair may know, with all variants.
func (f *fitted) fit(pl *plan, s *scope, p pair, o Options, margins []float64) error {
	d := s.data(p)
	if len(d.Prompts) < 2 {
		return fmt.Errorf("%w: %d training rows are left when folds are set aside; two at least are needed", ErrData, len(d.Prompts))
	}
	whole, err := success.Fit(d, success.Config{Seed: o.Seed})
	if err != nil {
		return err
	}
	for _, a := range s.tested {
		if err := f.decide(pl, a, p, whole, margins); err != nil {
			return err
		}
	}
	if o.NoAblation {
		return nil
	}
	for k, v := range parts {
		m, err := success.Fit(d, v.config(whole, o.Seed))
		if err != nil {
			return err
		}
		for _, a := range s.tested {
			st := a.standing(p)
			e := f.parts[k][a]
			sights := a.sights(pl, p)
			each(len(sights), func(n int) {
				s := sights[n]
				ps, costs := a.predict(m, st, s.i)
				e.set(s.g, s.i, ps, costs)
			})
		}
	}
	return nil
}

// predict reads the probabilities and costs off a fitted model.
func (a *arena) predict(m *success.Model, st standing, i int) (p, cost []float32) {
	p, cost = make([]float32, len(a.models)), a.notional(st)
	at := m.At(a.items[i].prompt)
	if cost == nil {
		cost = make([]float32, len(a.models))
	}
	for k, label := range a.labels {
		j, ok := m.Index(label)
		if !ok || math.IsNaN(a.score[i][k]) {
			p[k] = float32(nan)
			continue
		}
		p[k] = float32(m.P(j, at))
		if a.cost != nil {
			c, ok := m.Cost(j, at, float64(a.items[i].tokens))
			if !ok {
				c = math.MaxFloat32
			}
			cost[k] = float32(c)
		}
	}
	return p, cost
}
