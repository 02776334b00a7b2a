package scoring

import (
	"maps"
	"math"
	"slices"
)

// HoldoutReport is the outcome of Holdout. Errors are absolute differences of
// the predicted and the published score, in points of a hundred.
type HoldoutReport struct {
	Share float64       `json:"share"`
	Seeds []uint64      `json:"seeds"`
	Cells int           `json:"cells"` // in all
	Parts []HoldoutPart `json:"parts"`
}

// HoldoutPart is one way of holding out, over all seeds.
type HoldoutPart struct {
	Name    string         `json:"name"`
	How     string         `json:"how"`
	All     HoldoutLine    `json:"all"`
	Chinese *HoldoutLine   `json:"chinese,omitempty"` // its Chinese cells, where there are others too
	Lone    int            `json:"lone"`              // cells of families that had no other: known by kin, price and name only
	Known   HoldoutLine    `json:"known"`             // without these
	Elo     EloLine        `json:"elo"`               // not part of the above
	NoScale int            `json:"no_scale"`          // cells of items with too few others to have a scale; not part of the above
	Seeds   []HoldoutScore `json:"seeds"`             // All.Model by seed
	Tests   []HoldoutLine  `json:"benchmarks"`
}

// HoldoutLine compares the model with baselines on the same cells.
type HoldoutLine struct {
	Benchmark string       `json:"benchmark,omitempty"`
	Model     HoldoutScore `json:"model"`
	// Median absolute errors of the baselines: the item's mean; that plus the
	// mean distance of the maker's cells from their items' means; ability alone,
	// without traits and profiles.
	ItemMean  float64 `json:"item_mean"`
	MakerMean float64 `json:"maker_mean"`
	Ability   float64 `json:"ability_alone"`
}

// HoldoutScore is the model's own result.
type HoldoutScore struct {
	N           int     `json:"n"`
	MedianError float64 `json:"median_error"`
	MeanError   float64 `json:"mean_error"`
	Coverage90  float64 `json:"coverage_90"` // share of cells inside their 90 % interval
}

// EloLine is the result on Elo items, whose errors are not points.
type EloLine struct {
	N           int     `json:"n"`
	MedianError float64 `json:"median_error_elo"`
	Coverage90  float64 `json:"coverage_90"`
}

// fill summarises the guesses of all seeds.
func (p *HoldoutPart) fill(guesses []guess) {
	p.All = summarise(guesses, "")
	p.Known = summarise(slices.DeleteFunc(slices.Clone(guesses), func(g guess) bool { return g.lone }), "")
	p.Lone = p.All.Model.N - p.Known.Model.N
	chinese := slices.DeleteFunc(slices.Clone(guesses), func(g guess) bool { return !chineseBenchmarks[g.benchmark] })
	if len(chinese) < len(guesses) {
		line := summarise(chinese, "")
		p.Chinese = &line
	}
	names := map[string]bool{}
	var elo []float64
	inside := 0.0
	for _, g := range guesses {
		if !g.elo {
			names[g.benchmark] = true
			continue
		}
		elo = append(elo, g.err)
		inside += indicator(g.inside)
	}
	if len(elo) > 0 {
		p.Elo = EloLine{len(elo), round6(median(elo)), round6(inside / float64(len(elo)))}
	}
	for _, b := range slices.Sorted(maps.Keys(names)) {
		p.Tests = append(p.Tests, summarise(guesses, b))
	}
}

// summarise gives the line of one benchmark, or of all (""), Elo left out.
func summarise(guesses []guess, benchmark string) HoldoutLine {
	var e, item, maker, ability []float64
	sum, inside := 0.0, 0.0
	for _, g := range guesses {
		if g.elo || benchmark != "" && g.benchmark != benchmark {
			continue
		}
		e, item, maker, ability = append(e, g.err), append(item, g.itemMean), append(maker, g.makerMean), append(ability, g.ability)
		sum += g.err
		inside += indicator(g.inside)
	}
	line := HoldoutLine{Benchmark: benchmark}
	if n := float64(len(e)); n > 0 {
		line.Model = HoldoutScore{len(e), round6(median(e)), round6(sum / n), round6(inside / n)}
		line.ItemMean, line.MakerMean, line.Ability = round6(median(item)), round6(median(maker)), round6(median(ability))
	}
	return line
}

// inside90 reports whether an error lies in the central 90 % of N(0, variance).
func inside90(err, variance float64) bool { return math.Abs(err) <= 1.6449*math.Sqrt(variance) }

// miss is the distance of a predicted z from a cell, in points or Elo.
func (it *latentItem) miss(z float64, c Cell) float64 {
	x := it.mean + it.sd*z
	if it.elo {
		return math.Abs(x - c.x)
	}
	return math.Abs(100*logistic(x) - c.Score)
}
