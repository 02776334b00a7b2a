package scoring

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"assay/models"
)

// newLatent lays out cells, items and families in sorted order.
func newLatent(cs []Cell, cfg Config) (*latent, []Item) {
	count := map[Item]int{}
	for _, c := range cs {
		count[c.Item]++
	}
	l := &latent{shift: map[Mode]float64{}, tau2: 0.5, upsilon2: 0.06, price: centredPrices(cfg.Models)}
	var leftOut []Item
	at := map[Item]int{}
	for _, it := range slices.SortedFunc(maps.Keys(count), compareItems) {
		if count[it] < cmp.Or(cfg.MinCells, 5) {
			leftOut = append(leftOut, it)
			continue
		}
		at[it] = len(l.items)
		l.items = append(l.items, latentItem{item: it, b: 0.8, s2: residualPrior})
	}
	for _, c := range cs {
		if _, ok := at[c.Item]; ok {
			l.cells = append(l.cells, c)
		}
	}
	l.addFamilies(cfg.Models)
	l.addCells(at)
	l.start()
	return l, leftOut
}

// addFamilies lays out the families of cells and catalogue with their modes.
func (l *latent) addFamilies(catalogue []models.Model) {
	modes := map[string]map[Mode]bool{}
	boards := map[string]bool{} // family: appears on an overseas board
	for _, c := range l.cells {
		if modes[c.Family] == nil {
			modes[c.Family] = map[Mode]bool{}
		}
		modes[c.Family][c.Mode] = true
		boards[c.Family] = boards[c.Family] || !c.Item.Chinese()
	}
	for _, m := range catalogue {
		if m.Kind == models.Chat && m.Family != "" && modes[m.Family] == nil {
			modes[m.Family] = map[Mode]bool{Unstated: true}
			boards[m.Family] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(modes)) {
		f := latentFamily{name: name, origin: origin(name, !boards[name]), priorVar: l.tau2}
		f.modes = slices.Sorted(maps.Keys(modes[name]))
		f.theta = make([]float64, len(f.modes))
		f.cells = make([][]int, len(f.modes))
		f.cov = l.priorCov(&f)
		l.families = append(l.families, f)
	}
}

// addCells joins cells to items and families and standardises within items.
func (l *latent) addCells(at map[Item]int) {
	index := map[string]int{}
	for i, f := range l.families {
		index[f.name] = i
	}
	for c, cell := range l.cells {
		j, i := at[cell.Item], index[cell.Family]
		m := slices.Index(l.families[i].modes, cell.Mode)
		l.itemOf, l.famOf, l.modeAt = append(l.itemOf, j), append(l.famOf, i), append(l.modeAt, m)
		l.items[j].cells = append(l.items[j].cells, c)
		l.items[j].elo = cell.elo
		l.families[i].cells[m] = append(l.families[i].cells[m], c)
	}
	l.z = make([]float64, len(l.cells))
	for j := range l.items {
		it := &l.items[j]
		it.mean, it.sd = l.moments(it)
		for _, c := range it.cells {
			l.z[c] = (l.cells[c].x - it.mean) / it.sd
		}
	}
}

// moments gives weighted mean and standard deviation of an item's transformed
// scores. An item on which everybody scores the same keeps a small width.
func (l *latent) moments(it *latentItem) (mean, sd float64) {
	var w, s float64
	for _, c := range it.cells {
		w, s = w+l.cells[c].Weight, s+l.cells[c].Weight*l.cells[c].x
	}
	mean = s / w
	var q float64
	for _, c := range it.cells {
		d := l.cells[c].x - mean
		q += l.cells[c].Weight * d * d
	}
	return mean, math.Max(math.Sqrt(q/w), 0.05)
}

// start gives every variant the mean z of its cells, half believed.
func (l *latent) start() {
	for i := range l.families {
		f := &l.families[i]
		for m := range f.modes {
			s, n := 0.0, 1.0
			for _, c := range f.cells[m] {
				s, n = s+l.z[c], n+1
			}
			f.theta[m] = s / n
		}
		f.cov = mat.NewSymDense(len(f.modes), nil)
	}
}
