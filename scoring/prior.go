package scoring

import "math"

// Shrinkage towards kin, in families: a maker's or a line's mean counts as
// much as the mean above it when it rests on this many families.
const (
	makerShrink = 3
	lineShrink  = 1
)

// sums collects reliability-weighted abilities of a group of families.
type sums struct{ weight, total float64 }

func (s sums) without(weight, total float64) sums {
	return sums{s.weight - weight, s.total - total}
}

// shrunk gives the group's mean pulled towards above.
func (s sums) shrunk(above, strength float64) float64 {
	return (s.total + strength*above) / (math.Max(s.weight, 0) + strength)
}

// While the curves are fitted the priors are simple; kin.go replaces them by
// better ones at the end.

// priorStep re-estimates what is known of a family before its own scores: the
// mean of its maker, of its line within the maker's families, and its price
// among its line. Each family is left out of its own prior. Then the spread
// around these priors and the mean effect of thinking are updated.
func (l *latent) priorStep() {
	l.shiftStep()
	level, weight := l.levels()
	makers, lines := map[string]sums{}, map[string]sums{}
	var all sums
	for i := range l.families {
		name := l.families[i].name
		w, t := weight[i], weight[i]*(level[i]-l.priced(name))
		all = sums{all.weight + w, all.total + t}
		makers[makerOf(name)] = sums{makers[makerOf(name)].weight + w, makers[makerOf(name)].total + t}
		lines[lineOf(name)] = sums{lines[lineOf(name)].weight + w, lines[lineOf(name)].total + t}
	}
	for i := range l.families {
		f := &l.families[i]
		w := weight[i]
		t := w * (level[i] - l.priced(f.name))
		above := all.without(w, t).shrunk(0, 1)
		maker := makers[makerOf(f.name)].without(w, t).shrunk(above, makerShrink)
		f.prior = lines[lineOf(f.name)].without(w, t).shrunk(maker, lineShrink) + l.priced(f.name)
	}
	l.priceStep(level, weight)
	l.spreadStep(level, weight)
}

// levels gives each family's ability without the effect of its modes, and its
// reliability 1 - posterior variance / prior variance.
func (l *latent) levels() (level, weight []float64) {
	for i := range l.families {
		f := &l.families[i]
		var t, v float64
		for m, mode := range f.modes {
			t += f.theta[m] - l.shift[mode]
			v += f.cov.At(m, m)
		}
		n := float64(len(f.modes))
		level = append(level, t/n)
		weight = append(weight, math.Max(0, 1-v/n/(f.priorVar+l.upsilon2)))
	}
	return level, weight
}

// priced is the part of the prior that the list price tells.
func (l *latent) priced(family string) float64 { return l.slope * l.price[family] }

// priceStep regresses abilities on centred log price, with a ridge worth ten
// families: price says something among siblings, little across years.
func (l *latent) priceStep(level, weight []float64) {
	xx, xy := 10.0, 0.0
	for i := range l.families {
		f := &l.families[i]
		x, ok := l.price[f.name]
		if !ok {
			continue
		}
		xx += weight[i] * x * x
		xy += weight[i] * x * (level[i] - (f.prior - l.priced(f.name)))
	}
	l.slope = xy / xx
}

// spreadStep updates τ²: the mean squared distance of families from their
// priors. It is kept within bounds that the data never reach unless they are
// too few to tell.
func (l *latent) spreadStep(level, weight []float64) {
	sum, n := 4*0.5, 4.0
	for i := range l.families {
		f := &l.families[i]
		d := level[i] - f.prior
		sum += weight[i] * (d*d + f.cov.At(0, 0))
		n += weight[i]
	}
	l.tau2 = min(max(sum/n, 0.05), 1)
	for i := range l.families {
		l.families[i].priorVar = l.tau2
	}
}

// shiftStep estimates what thinking adds on average: the mean difference of
// the two modes over families scored in both, shrunk as by three families
// without a difference. Brief thinking is taken as half of it.
func (l *latent) shiftStep() {
	var sum, n float64
	for i := range l.families {
		f := &l.families[i]
		var t, d float64
		both := 0
		for m, mode := range f.modes {
			switch mode {
			case Thinking:
				t, both = f.theta[m], both|1
			case Direct:
				d, both = f.theta[m], both|2
			}
		}
		if both == 3 {
			sum, n = sum+t-d, n+1
		}
	}
	d := sum / (n + 3)
	l.shift = map[Mode]float64{Thinking: d, Brief: d / 2}
}
