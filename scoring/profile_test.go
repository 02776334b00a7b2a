package scoring

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func TestTraitsAreReadFromNames(t *testing.T) {
	for name, want := range map[string]string{
		"gemini-2.5-flash-preview-09-2025": "gemini-2.5-flash", "claude-3.5-sonnet-20241022": "claude-3.5-sonnet",
		"qwen3-235b-a22b-2507": "qwen3-235b-a22b", "kimi-k2-thinking": "kimi-k2", "llama-3-70b-instruct": "llama-3-70b",
		"gpt-4o": "gpt-4o", "deepseek-r1-0528": "deepseek-r1", "ernie-4.0": "ernie-4.0",
	} {
		if got := stemOf(name); got != want {
			t.Errorf("stem of %s is %s, want %s", name, got, want)
		}
	}
	if s, ok := logSize("qwen2.5-7b-instruct"); !ok || math.Abs(s-(math.Log(7)-3)/1.5) > 1e-12 {
		t.Errorf("size %v, %v", s, ok)
	}
	if _, ok := logSize("gpt-4o"); ok {
		t.Error("gpt-4o states no size")
	}
}

// One cell of a family, one prediction: kriging by hand. With prior variance A
// of both, covariance C and noise N the mean moves by C/(A+N) of the distance
// and the variance of a new reading falls by C²/(A+N).
func TestOneNeighbourAgainstHandComputation(t *testing.T) {
	l := &latent{
		cells: []Cell{{Family: "x-1", Item: Item{"GPQA", ""}, Weight: 0.5}}, z: []float64{1.2},
		itemOf: []int{0}, famOf: []int{0}, modeAt: []int{0}, shift: map[Mode]float64{}, tau2: 0.5, upsilon2: 0.06,
		items: []latentItem{
			{item: Item{"GPQA", ""}, sd: 1, a: 0.1, b: 0.8, s2: 0.2, cells: []int{0}},
			{item: Item{"MMLU", ""}, sd: 1, a: 0.2, b: 0.9, s2: 0.3},
		},
		families: []latentFamily{{name: "x-1", origin: -0.5, modes: []Mode{Unstated}, theta: []float64{0}, cells: [][]int{{0}}, cov: mat.NewSymDense(1, []float64{1})}},
	}
	p := &profiles{l: l, first: map[string]float64{}, blocks: map[string]*block{}, level: make([]float64, 7)}
	p.shape = [][]float64{make([]float64, 7), make([]float64, 7)}
	p.like = p.likenesses()
	p.blocks["x"] = p.block([]int{0})
	mean, cov := p.predict("x-1", Unstated, []int{1}, 1)
	// All kinds of kin are shared: ability 1.39, profile 1. GPQA and MMLU are
	// of one group: likeness 0.05 + 0.17.
	a := 0.8*0.8*1.39 + 1.8*0.2*0.86
	c := 0.8*0.9*1.39 + 1.8*math.Sqrt(0.2*0.3)*0.86*0.22
	n := 1.8 * 0.14 * 0.2 / 0.5
	wantMean := 0.2 + c/(a+n)*(1.2-0.1)
	wantVar := 0.9*0.9*1.39 + 1.8*0.3*0.86 - c*c/(a+n) + 1.8*0.14*0.3
	if math.Abs(mean[0]-wantMean) > 1e-9 || math.Abs(cov.At(0, 0)-wantVar) > 1e-9 {
		t.Errorf("mean %.9f variance %.9f, want %.9f and %.9f", mean[0], cov.At(0, 0), wantMean, wantVar)
	}
	if strange, wide := p.predict("y-1", Unstated, []int{1}, 1); strange[0] != 0.2 || wide.At(0, 0) <= cov.At(0, 0) {
		t.Errorf("a maker without cells: mean %.3f variance %.3f", strange[0], wide.At(0, 0))
	}
}

// Leave-one-out in closed form against leaving the family out and solving anew.
func TestKinPriorAgainstLeavingOut(t *testing.T) {
	s := scored(t)
	p, l := s.fit.profiles, s.fit
	for _, name := range []string{"glm-4.5", "grok-4", "command-r-plus"} {
		f := l.family(name)
		own := site{traits: l.traitsOf(name, p.first[name]), family: name}
		mean, variance := dot(p.level, own.traits.level()), abilityKin.of(&own, &own)
		var kin []site
		var rest, noise []float64
		for i := range l.families {
			o := &l.families[i]
			if o.name == name || makerOf(o.name) != own.maker {
				continue
			}
			if y, v, ok := l.ownLevel(o); ok {
				k := site{traits: l.traitsOf(o.name, p.first[o.name]), family: o.name}
				kin, rest, noise = append(kin, k), append(rest, y-dot(p.level, k.traits.level())), append(noise, v)
			}
		}
		k, c := mat.NewDense(len(kin), len(kin), nil), mat.NewVecDense(len(kin), nil)
		for i := range kin {
			c.SetVec(i, abilityKin.of(&own, &kin[i]))
			for j := range kin {
				k.Set(i, j, abilityKin.of(&kin[i], &kin[j]))
			}
			k.Set(i, i, k.At(i, i)+noise[i])
		}
		var w mat.VecDense
		if err := w.SolveVec(k, c); err != nil {
			t.Fatal(err)
		}
		mean += mat.Dot(&w, mat.NewVecDense(len(rest), rest))
		variance -= mat.Dot(&w, c)
		if math.Abs(mean-f.prior) > 1e-8 || math.Abs(variance-f.priorVar) > 1e-8 {
			t.Errorf("%s: prior %.6f, variance %.6f; left out and solved: %.6f, %.6f", name, f.prior, f.priorVar, mean, variance)
		}
	}
}

// No own score counts against a predicted one, so a better score never lowers
// another: exactly at fixed curves, and in a refit as a whole.
func TestABetterScoreNeverLowersAnother(t *testing.T) {
	s := scored(t)
	p := s.fit.profiles
	for _, family := range []string{"phi-4-mini", "qwen3-30b-a3b-2507", "gpt-4o", "deepseek-v4-pro", "claude-sonnet-4", "glm-4.5"} {
		b := p.blocks[makerOf(family)]
		k := mat.NewDense(len(b.sites), len(p.l.items), nil)
		for j := range p.l.items {
			target := p.site(family, Unstated, j)
			for r := range b.sites {
				k.Set(r, j, p.cov(&target, &b.sites[r]))
			}
		}
		w := b.weights(family, k)
		for r, site := range b.sites {
			for j, it := range p.l.items {
				if site.family == family && w.At(r, j) < -1e-9 {
					t.Errorf("%s: %s has weight %.4f in the prediction of %s", family, p.l.items[site.item].item, w.At(r, j), it.item)
				}
			}
		}
	}
	scores, ms, _ := catalogue(t)
	for _, raised := range [][2]string{{"phi-4-mini", "GPQA"}, {"qwen3-30b-a3b-2507", "GPQA"}, {"gpt-4o", "MMLU"}} {
		better := slices.Clone(scores)
		for i := range better {
			if better[i].Family == raised[0] && better[i].Benchmark == raised[1] {
				better[i].Value += 8
			}
		}
		got, err := Score(better, nil, Config{Models: ms})
		if err != nil {
			t.Fatal(err)
		}
		was, is := s.Cards[raised[0]], got.Cards[raised[0]]
		if is.Capability < was.Capability || is.Ability.Theta < was.Ability.Theta {
			t.Errorf("%s with 8 points more on %s: capability %.3f after %.3f, ability %.3f after %.3f",
				raised[0], raised[1], is.Capability, was.Capability, is.Ability.Theta, was.Ability.Theta)
		}
	}
}
