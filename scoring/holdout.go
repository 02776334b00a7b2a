package scoring

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"

	"assay/models"
)

// HoldoutConfig says how scores are held out. The zero value is the published
// validation: 15 % of the cells under five seeds.
type HoldoutConfig struct {
	Share float64  // default 0.15
	Seeds []uint64 // default 1 to 5
}

func (c HoldoutConfig) withDefaults() HoldoutConfig {
	c.Share = cmp.Or(c.Share, 0.15)
	if len(c.Seeds) == 0 {
		c.Seeds = []uint64{1, 2, 3, 4, 5}
	}
	return c
}

// drawing chooses under a seed what is held out.
type drawing struct {
	name, how string
	// unit names what is held out together with a cell, "" if the cell never is.
	unit func(Cell) string
	// byCells: units are drawn until share of the cells is reached; else share
	// of the units.
	byCells bool
}

// sameQuestions joins benchmarks that share questions with another one.
var sameQuestions = map[string]string{
	"HumanEval+": "HumanEval", "MATH-500": "MATH", "Arena-Hard-v2": "Arena-Hard",
	"OpenCompass-Subjective": "OpenCompass", "LMArena-Chinese": "LMArena-Text",
}

func drawings(all []Cell) []drawing {
	overseas := map[string]bool{}
	for _, c := range all {
		overseas[c.Family] = overseas[c.Family] || !c.Item.Chinese()
	}
	return []drawing{
		{name: "overall", byCells: true,
			how:  "pairs of family and benchmark, drawn until the share of all cells is reached; a pair takes every reporter, edition and mode with it",
			unit: func(c Cell) string { return c.Family + "\x00" + c.Item.Benchmark }},
		{name: "chinese from overseas",
			how: "the share of the families that have Chinese and overseas cells; all Chinese cells of such a family are held out, its overseas cells and other families' Chinese cells stay",
			unit: func(c Cell) string {
				if !c.Item.Chinese() || !overseas[c.Family] {
					return ""
				}
				return c.Family
			}},
		{name: "related benchmarks held out together", byCells: true,
			how: "as overall, but HumanEval and HumanEval+, MATH and MATH-500, both Arena-Hards, both OpenCompasses and both LMArenas count as one benchmark each",
			unit: func(c Cell) string {
				return c.Family + "\x00" + cmp.Or(sameQuestions[c.Item.Benchmark], c.Item.Benchmark)
			}},
	}
}

// split divides the cells. It depends on the set of cells and the seed only.
func (d drawing) split(all []Cell, share float64, seed uint64) (train, test []Cell) {
	size, total := map[string]int{}, 0
	for _, c := range all {
		if u := d.unit(c); u != "" {
			size[u]++
			total++
		}
	}
	units := slices.Sorted(maps.Keys(size))
	rng := rand.New(rand.NewPCG(seed, 0))
	rng.Shuffle(len(units), func(i, j int) { units[i], units[j] = units[j], units[i] })
	held, cells := map[string]bool{}, 0
	for i, u := range units {
		if d.byCells && float64(cells) >= share*float64(total) || !d.byCells && float64(i) >= share*float64(len(units)) {
			break
		}
		held[u] = true
		cells += size[u]
	}
	for _, c := range all {
		if u := d.unit(c); u != "" && held[u] {
			test = append(test, c)
		} else {
			train = append(train, c)
		}
	}
	return train, test
}

// guess is one held-out cell with what was predicted for it.
type guess struct {
	benchmark string
	elo       bool
	lone      bool // the family has no other cell
	inside    bool // the 90 % interval
	err       float64
	itemMean  float64 // errors of the baselines
	makerMean float64
	ability   float64
}

// Holdout measures how well scores that were not seen are predicted: the same
// model as Score's, refitted without them. It is deterministic and does not
// depend on the order of its arguments.
func Holdout(scores []models.Score, cfg Config, h HoldoutConfig) (HoldoutReport, error) {
	h = h.withDefaults()
	all, err := cells(scores, cfg.Weights.withDefaults())
	if err != nil {
		return HoldoutReport{}, err
	}
	out := HoldoutReport{Share: h.Share, Seeds: h.Seeds, Cells: len(all)}
	for _, d := range drawings(all) {
		part := HoldoutPart{Name: d.name, How: d.how}
		var guesses []guess
		for _, seed := range h.Seeds {
			train, test := d.split(all, h.Share, seed)
			l, _ := newLatent(train, cfg)
			if len(l.items) == 0 {
				return HoldoutReport{}, ErrNoScores
			}
			l.settle(cfg)
			g, unscaled := l.guess(test)
			guesses = append(guesses, g...)
			part.NoScale += unscaled
			part.Seeds = append(part.Seeds, summarise(g, "").Model)
		}
		part.fill(guesses)
		out.Parts = append(out.Parts, part)
	}
	return out, nil
}

// guess predicts cells that the fit has not seen. Cells of items that have no
// scale without them are only counted.
func (l *latent) guess(test []Cell) (out []guess, noScale int) {
	maker := l.makerMeans()
	for _, c := range test {
		j := l.itemIndex(c.Item)
		if j < 0 {
			noScale++
			continue
		}
		it := &l.items[j]
		mean, cov := l.profiles.predict(c.Family, c.Mode, []int{j}, c.Weight)
		f := l.family(c.Family)
		g := guess{benchmark: c.Item.Benchmark, elo: c.elo, lone: f == nil || f.evidence() == 0}
		g.inside = inside90((c.x-it.mean)/it.sd-mean[0], cov.At(0, 0))
		g.err = it.miss(mean[0], c)
		g.itemMean = it.miss(0, c)
		g.makerMean = it.miss(maker[makerOf(c.Family)], c)
		alone := it.at(0, 0)
		if f != nil {
			alone = it.at(f.theta[f.servedAs(c.Mode)], f.origin)
		}
		g.ability = it.miss(alone, c)
		out = append(out, g)
	}
	return out, noScale
}

// makerMeans gives the mean z of each maker's cells, shrunk as by one cell at 0.
func (l *latent) makerMeans() map[string]float64 {
	sum, n := map[string]float64{}, map[string]float64{}
	for c, cell := range l.cells {
		sum[makerOf(cell.Family)] += l.z[c]
		n[makerOf(cell.Family)]++
	}
	for m := range sum {
		sum[m] /= n[m] + 1
	}
	return sum
}
