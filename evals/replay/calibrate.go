package replay

import (
	"cmp"
	"math"
	"slices"
)

// bins of a calibration diagram, of equal mass.
const bins = 15

// forecast is a predicted probability and what came of it.
type forecast struct{ p, y float64 }

// calibrate gives the expected calibration error: the mean distance between
// predicted and observed success over bins of equal mass.
func calibrate(fs []forecast) Calibration {
	slices.SortFunc(fs, func(a, b forecast) int { return cmp.Or(cmp.Compare(a.p, b.p), cmp.Compare(a.y, b.y)) })
	c := Calibration{N: len(fs)}
	for b := range bins {
		part := fs[len(fs)*b/bins : len(fs)*(b+1)/bins]
		if len(part) == 0 {
			continue
		}
		bin := Bin{N: len(part)}
		for _, f := range part {
			bin.Predicted += f.p / float64(len(part))
			bin.Observed += f.y / float64(len(part))
		}
		c.ECE += math.Abs(bin.Predicted-bin.Observed) * float64(len(part)) / float64(len(fs))
		c.Bins = append(c.Bins, bin)
	}
	return c
}

// forecasts collects the product's predictions for tested outcomes, by language.
func (c *contest) forecasts(into map[string][]forecast) {
	e := c.entrants[0]
	for _, i := range c.cells {
		it := c.items[i]
		p, _ := e.of(it.group, i)
		for m, y := range c.score[i] {
			if p[m] == p[m] {
				into[it.Lang] = append(into[it.Lang], forecast{float64(p[m]), y})
			}
		}
	}
}

// loss is the log loss of a prediction.
func loss(p, y float64) float64 {
	p = min(max(p, 1e-6), 1-1e-6)
	return -y*math.Log(p) - (1-y)*math.Log(1-p)
}

// logLoss compares an entrant's predictions with the models' base rates: their
// shares of success on the training rows, (s + 1) / (n + 2).
func (c *contest) logLoss(e *entrant) *LogLoss {
	k := len(c.models)
	own, base, diffs := make([]float64, k), make([]float64, k), make([][]float64, k)
	var byPrompt []float64
	var sumOwn, sumBase, n float64
	for _, i := range c.cells {
		g := c.items[i].group
		st := c.standing[g]
		p, _ := e.of(g, i)
		prompt, asked := 0.0, 0.0
		for m, y := range c.score[i] {
			if p[m] != p[m] {
				continue
			}
			a := loss(float64(p[m]), y)
			b := loss((st.score[m]*st.n[m]+1)/(st.n[m]+2), y)
			own[m], base[m], diffs[m] = own[m]+a, base[m]+b, append(diffs[m], a-b)
			sumOwn, sumBase, n, prompt, asked = sumOwn+a, sumBase+b, n+1, prompt+a-b, asked+1
		}
		byPrompt = append(byPrompt, prompt/asked)
	}
	l := &LogLoss{Model: sumOwn / n, BaseRate: sumBase / n, Diff: difference(byPrompt)}
	for m, name := range c.models {
		l.ByModel = append(l.ByModel, LogLossOfModel{Name: name, N: len(diffs[m]), Model: Figure(own[m] / float64(len(diffs[m]))),
			BaseRate: Figure(base[m] / float64(len(diffs[m]))), Diff: difference(diffs[m])})
	}
	return l
}

// difference gives the mean and its standard error.
func difference(xs []float64) Difference {
	m, q := mean(xs), 0.0
	for _, x := range xs {
		q += (x - m) * (x - m)
	}
	n := float64(len(xs))
	return Difference{Figure(m), Figure(math.Sqrt(q / (n - 1) / n))}
}

// costErrors compares expected with real costs, for the source and each task.
func (c *contest) costErrors() []CostError {
	if c.cost == nil {
		return []CostError{}
	}
	byTask := map[string][]float64{}
	var all []float64
	for _, i := range c.cells {
		it := c.items[i]
		p, expected := c.entrants[0].of(it.group, i)
		for m, real := range c.arena.cost[i] {
			if p[m] == p[m] && real > 0 {
				err := math.Abs(float64(expected[m])-real) / real
				all, byTask[it.Task] = append(all, err), append(byTask[it.Task], err)
			}
		}
	}
	out := []CostError{{"", len(all), Figure(median(all))}}
	for task, errs := range byTask {
		out = append(out, CostError{task, len(errs), Figure(median(errs))})
	}
	slices.SortFunc(out[1:], func(a, b CostError) int { return cmp.Compare(a.Task, b.Task) })
	return out
}

func median(xs []float64) float64 {
	if len(xs) == 0 {
		return nan
	}
	slices.Sort(xs)
	return (xs[(len(xs)-1)/2] + xs[len(xs)/2]) / 2
}
