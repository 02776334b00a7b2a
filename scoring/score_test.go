package scoring

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mat"

	"assay/models"
)

func TestModeAndItemAreReadFromTheSetting(t *testing.T) {
	for _, c := range []struct {
		benchmark, setting string
		mode               Mode
		item               Item
	}{
		{"GPQA", "diamond; Artificial Analysis; non-reasoning", Direct, Item{"GPQA", ""}},
		{"GPQA", "diamond; Artificial Analysis; reasoning-high", Thinking, Item{"GPQA", ""}},
		{"GPQA", "diamond; Artificial Analysis; reasoning-low", Brief, Item{"GPQA", ""}},
		{"GPQA", "Challenging science questions requiring chain-of-thought reasoning", Unstated, Item{"GPQA", ""}},
		{"GPQA", "GPT-4o - Diamond no thinking no tools", Direct, Item{"GPQA", ""}},
		{"GPQA", "GPT-5 - Diamond thinking no tools", Thinking, Item{"GPQA", ""}},
		{"MMLU", "MMLU (acc); non-thinking comparison by Meituan", Direct, Item{"MMLU", ""}},
		{"SuperCLUE", "edition 2026-H1 total (24 models); secondary copy; reasoning", Thinking, Item{"SuperCLUE", "2026-H1"}},
		{"OpenCompass", "edition 2024-02, bilingual objective average", Unstated, Item{"OpenCompass", "2024-02"}},
		{"CMMLU", "5-shot", Unstated, Item{"CMMLU", "5-shot"}},
		{"CMMLU", "CMMLU(0-shot)", Unstated, Item{"CMMLU", "0-shot"}},
		{"MATH", "0-shot CoT, simple-evals; MATH-500 for newer models (README note); reasoning-high", Thinking, Item{"MATH-500", ""}},
		{"Arena-Hard", "v2", Unstated, Item{"Arena-Hard-v2", ""}},
		{"LiveCodeBench", "Artificial Analysis; reasoning", Thinking, Item{"LiveCodeBench", "Artificial Analysis"}},
	} {
		if got := modeOf(c.setting); got != c.mode {
			t.Errorf("modeOf(%q) = %q, want %q", c.setting, got, c.mode)
		}
		if got := itemOf(c.benchmark, c.setting); got != c.item {
			t.Errorf("itemOf(%q, %q) = %q, want %q", c.benchmark, c.setting, got, c.item)
		}
	}
}

func row(family, benchmark string, value float64, setting, reporter string) models.Score {
	return models.Score{Family: family, Benchmark: benchmark, Value: value, Unit: "percent", Setting: setting, Reporter: reporter, Source: reporter}
}

func TestCellRules(t *testing.T) {
	for _, c := range []struct {
		rule   string
		rows   []models.Score
		score  float64
		weight float64
	}{
		{"an independent number drops the vendor's own", []models.Score{
			row("a", "MMLU", 90, "", "vendor"), row("a", "MMLU", 80, "", "independent")}, 80, 1},
		{"also when the independent number is a copy", []models.Score{
			row("a", "MMLU", 90, "", "vendor"), row("a", "MMLU", 80, "secondary compilation", "independent")}, 80, 0.3},
		{"duplicates by median", []models.Score{
			row("a", "MMLU", 70, "", "vendor"), row("a", "MMLU", 80, "", "vendor"), row("a", "MMLU", 81, "", "vendor")}, 80, 0.5},
		{"a base checkpoint says nothing of the chat model", []models.Score{
			row("a", "MMLU", 60, "5-shot EM BASE MODEL", "vendor"), row("a", "MMLU", 80, "", "vendor")}, 80, 0.5},
		{"clipped to 99 %", []models.Score{row("a", "MMLU", 100, "", "independent")}, 99, 1},
	} {
		got, err := cells(c.rows, Weights{}.withDefaults())
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: %d cells, error %v, want one cell", c.rule, len(got), err)
		}
		if math.Abs(got[0].Score-c.score) > 1e-9 || got[0].Weight != c.weight {
			t.Errorf("%s: score %v weight %v, want %v and %v", c.rule, got[0].Score, got[0].Weight, c.score, c.weight)
		}
	}
}

func TestModesAndEditionsAreNeverPooled(t *testing.T) {
	got, err := cells([]models.Score{
		row("a", "GPQA", 50, "non-reasoning", "independent"),
		row("a", "GPQA", 80, "x; reasoning", "independent"),
		row("a", "SuperCLUE", 70, "edition 2024-02 total", "independent"),
		row("a", "SuperCLUE", 40, "edition 2026-H1 total", "independent"),
	}, Weights{}.withDefaults())
	if err != nil || len(got) != 4 {
		t.Fatalf("%d cells (error %v), want 4", len(got), err)
	}
}

func TestUnreadableRowsAreNamed(t *testing.T) {
	for want, r := range map[string]models.Score{
		"score 120 percent: want 0..100": row("a", "MMLU", 120, "", "vendor"),
		"want a finite number":           row("a", "MMLU", math.NaN(), "", "vendor"),
		`unit "points"`:                  {Family: "a", Benchmark: "MMLU", Unit: "points", Reporter: "vendor"},
		`reporter "friend"`:              row("a", "MMLU", 50, "", "friend"),
		"family and benchmark":           row("", "MMLU", 50, "", "vendor"),
	} {
		if _, err := Score([]models.Score{r}, nil, Config{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
	if _, err := Score(nil, nil, Config{}); !errors.Is(err, ErrNoScores) {
		t.Errorf("no rows: error %v, want ErrNoScores", err)
	}
}

// Two modes with prior N((0, 0.3), [[0.51, 0.45], [0.45, 0.51]]) and one
// observation of the first with precision 4 and mean 1. By hand, as a Kalman
// update: gain = (0.51, 0.45)/(0.51+1/4); means 0.51/0.76 and 0.3+0.45/0.76;
// variances 0.51-0.51²/0.76 and 0.51-0.45²/0.76.
func TestPosteriorAgainstKalmanUpdate(t *testing.T) {
	prior := mat.NewSymDense(2, []float64{0.51, 0.45, 0.45, 0.51})
	m, cov := posterior([]float64{0, 0.3}, prior, []float64{4, 0}, []float64{4, 0})
	for name, pair := range map[string][2]float64{
		"mean 0": {m[0], 0.671052632}, "mean 1": {m[1], 0.892105263},
		"var 0": {cov.At(0, 0), 0.167763158}, "var 1": {cov.At(1, 1), 0.243552632},
		"cov": {cov.At(0, 1), 0.148026316},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-8 {
			t.Errorf("%s = %.9f, want %.9f", name, pair[0], pair[1])
		}
	}
}

// synthetic draws a world with known abilities: n families on ten benchmarks.
func synthetic(rng *rand.Rand, n int) (scores []models.Score, truth map[string]float64) {
	truth = map[string]float64{}
	benchmarks := []string{"HumanEval", "MMLU-Pro", "MATH", "MT-Bench", "MMLU", "GPQA", "OpenCompass", "SuperCLUE", "CMMLU", "C-Eval"}
	for i := range n {
		family := "fam" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		theta := rng.NormFloat64()
		truth[family] = theta
		for j, b := range benchmarks {
			if rng.Float64() < 0.4 {
				continue // holes
			}
			x := 0.3*float64(j)/5 + (0.8+0.05*float64(j))*theta + 0.25*rng.NormFloat64()
			scores = append(scores, row(family, b, 100*logistic(x), "", "independent"))
		}
	}
	return scores, truth
}

func TestScoreRecoversKnownAbilities(t *testing.T) {
	scores, truth := synthetic(rand.New(rand.NewPCG(1, 2)), 150)
	s, err := Score(scores, nil, Config{})
	if err != nil {
		t.Fatal(err)
	}
	var sxy, sx, sy, sxx, syy, n float64
	inside := 0.0
	for f, want := range truth {
		lf := s.fit.family(f)
		if lf == nil {
			continue
		}
		x := lf.theta[0]
		n, sx, sy, sxx, syy, sxy = n+1, sx+x, sy+want, sxx+x*x, syy+want*want, sxy+x*want
	}
	slope := (sxy - sx*sy/n) / (sxx - sx*sx/n)
	for f, want := range truth {
		if lf := s.fit.family(f); lf != nil {
			got := sy/n + slope*(lf.theta[0]-sx/n)
			if math.Abs(got-want) < 1.96*slope*math.Sqrt(lf.cov.At(0, 0)) {
				inside++
			}
		}
	}
	if r := (sxy - sx*sy/n) / math.Sqrt((sxx-sx*sx/n)*(syy-sy*sy/n)); r < 0.97 {
		t.Errorf("correlation of estimated and true ability %.3f, want at least 0.97", r)
	}
	if share := inside / n; share < 0.88 || share > 0.995 {
		t.Errorf("95 %% intervals hold the truth for %.1f %% of families", 100*share)
	}
}

func TestScoreDoesNotDependOnOrder(t *testing.T) {
	scores, ms, _ := catalogue(t)
	want := scored(t)
	rng := rand.New(rand.NewPCG(3, 4))
	rng.Shuffle(len(scores), func(i, j int) { scores[i], scores[j] = scores[j], scores[i] })
	rng.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
	got, err := Score(scores, nil, Config{Models: ms})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Cards, got.Cards, cmp.AllowUnexported(Scorecard{}, Cell{})); diff != "" {
		t.Errorf("shuffled input gives other cards:\n%s", diff)
	}
}

func TestEveryBenchmarkSeparatesStrongFromWeak(t *testing.T) {
	s := scored(t)
	for _, it := range s.Items {
		if it.Slope < 0.2 {
			t.Errorf("%s: slope %.2f: it does not measure what the others measure", it.Item, it.Slope)
		}
	}
	order := []string{"gemini-3.1-pro", "gpt-5", "gpt-4o", "gpt-4o-mini", "gpt-3.5-turbo", "mixtral-8x7b"}
	for i := 1; i < len(order); i++ {
		a, b := s.Cards[order[i-1]], s.Cards[order[i]]
		if !(a.Capability > b.Capability && a.Ability.Theta > b.Ability.Theta) {
			t.Errorf("%s (%.1f) is not above %s (%.1f)", a.Family, a.Capability, b.Family, b.Capability)
		}
	}
}

func TestSparseFamiliesShrinkAndWiden(t *testing.T) {
	s := scored(t)
	none, rich := s.Cards["doubao-seed-2.1-pro"], s.Cards["gpt-4o"]
	if none.Ability.SD < 2*rich.Ability.SD || none.ObservedShare != 0 || none.Hi-none.Lo < 15 {
		t.Errorf("a family without scores claims to be known: %+v", none.Ability)
	}
	if kin := s.Cards["doubao-seed-2.0-pro"]; math.Abs(none.Ability.Theta-kin.Ability.Theta) > 1 {
		t.Errorf("a family without scores is at %.2f, its sibling at %.2f", none.Ability.Theta, kin.Ability.Theta)
	}
}

// The 60/40 blend of a card is arithmetic anybody can redo from its parts.
func TestBlendIsSixtyFortyOfItsComponents(t *testing.T) {
	s := scored(t)
	for _, c := range s.Cards {
		var overseas, chinese, observed float64
		for _, k := range c.Components {
			w := 0.60 / 4
			if k.Chinese {
				w = 0.40 / 3
				chinese += k.Score / 3
			} else {
				overseas += k.Score / 4
			}
			if k.Observed {
				observed += w
			}
		}
		want := []float64{0.6*overseas + 0.4*chinese, overseas, chinese, observed}
		got := []float64{c.Capability, c.Overseas, c.Chinese, c.ObservedShare}
		for i := range want {
			if math.Abs(want[i]-got[i]) > 1e-9 {
				t.Fatalf("%s: capability, overseas, Chinese, observed = %v, components give %v", c.Family, got, want)
			}
		}
		if len(c.Components) != 7 || !(c.Lo <= c.Capability && c.Capability <= c.Hi) {
			t.Fatalf("%s: %d components, %.1f in [%.1f, %.1f]", c.Family, len(c.Components), c.Capability, c.Lo, c.Hi)
		}
	}
}
