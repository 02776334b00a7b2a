package scoring

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The published validation: every command and document quotes it.
func TestHoldoutReachesItsTargets(t *testing.T) {
	if raceEnabled {
		t.Skip("minutes of arithmetic under the race detector; `make test` runs it without as well")
	}
	scores, ms, _ := catalogue(t)
	r, err := Holdout(scores, Config{Models: ms}, HoldoutConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for i, most := range []float64{3.8, 4.0, 4.2} {
		p := r.Parts[i]
		m := p.All
		t.Logf("%s: n %d, median error %.2f, coverage %.3f; item mean %.2f, maker mean %.2f, ability alone %.2f",
			p.Name, m.Model.N, m.Model.MedianError, m.Model.Coverage90, m.ItemMean, m.MakerMean, m.Ability)
		if m.Model.MedianError > most {
			t.Errorf("%s: median absolute error %.2f points, want at most %.1f", p.Name, m.Model.MedianError, most)
		}
		if m.Model.Coverage90 < 0.87 || m.Model.Coverage90 > 0.93 {
			t.Errorf("%s: 90 %% intervals hold %.1f %%", p.Name, 100*m.Model.Coverage90)
		}
		if !(m.Model.MedianError < m.Ability && m.Ability < m.MakerMean && m.MakerMean < m.ItemMean) {
			t.Errorf("%s: the baselines are out of order: %+v", p.Name, m)
		}
		n := 0
		for _, b := range p.Tests {
			n += b.Model.N
		}
		if len(p.Seeds) != 5 || n != m.Model.N || p.Known.Model.N+p.Lone != n {
			t.Errorf("%s: %d seeds, %d cells by benchmark, %d in all", p.Name, len(p.Seeds), n, m.Model.N)
		}
	}
}

func TestHoldoutDoesNotDependOnOrder(t *testing.T) {
	if raceEnabled {
		t.Skip("minutes of arithmetic under the race detector; `make test` runs it without as well")
	}
	scores, ms, _ := catalogue(t)
	h := HoldoutConfig{Seeds: []uint64{9}}
	want, err := Holdout(scores, Config{Models: ms}, h)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	rng.Shuffle(len(scores), func(i, j int) { scores[i], scores[j] = scores[j], scores[i] })
	rng.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
	got, err := Holdout(scores, Config{Models: ms}, h)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shuffled input gives another report:\n%s", diff)
	}
}

// A held-out cell takes everything of its family and benchmark with it.
func TestHoldoutLeaksNothing(t *testing.T) {
	scores, _, _ := catalogue(t)
	all, err := cells(scores, Weights{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range drawings(all) {
		train, test := d.split(all, 0.15, 3)
		if len(train)+len(test) != len(all) || len(test) == 0 {
			t.Fatalf("%s: %d and %d cells of %d", d.name, len(train), len(test), len(all))
		}
		held, zh := map[[2]string]bool{}, map[string]bool{}
		for _, c := range test {
			held[[2]string{c.Family, c.Item.Benchmark}] = true
			zh[c.Family] = true
		}
		for _, c := range train {
			if held[[2]string{c.Family, c.Item.Benchmark}] {
				t.Errorf("%s: %s on %s is held out and seen", d.name, c.Family, c.Item)
			}
			if d.name == "chinese from overseas" && zh[c.Family] && c.Item.Chinese() {
				t.Errorf("%s: %s keeps %s", d.name, c.Family, c.Item)
			}
		}
		if share := float64(len(test)) / float64(len(all)); d.byCells && math.Abs(share-0.15) > 0.005 {
			t.Errorf("%s: %.3f of the cells", d.name, share)
		}
		slices.Reverse(all)
		if _, again := d.split(all, 0.15, 3); len(again) != len(test) {
			t.Errorf("%s: order matters: %d and %d cells", d.name, len(test), len(again))
		}
		slices.Reverse(all)
	}
}
