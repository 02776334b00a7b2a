package success

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// world makes outcomes whose probabilities are known: two kinds of prompts on
// two sides of the first axis, difficulty along the second, four models with
// strengths of their own in each kind.
func world(n int, seed uint64) (d Data, truth [][]float64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	d.Models = []string{"weak", "code", "prose", "strong"}
	strength := [][2]float64{{-1, -1}, {1.5, -1}, {-1, 1.5}, {2, 2}}
	for range n {
		kind := rng.IntN(2)
		hard := rng.NormFloat64()
		e := []float32{float32(3 * (2*kind - 1)), float32(hard), float32(rng.NormFloat64() / 3), float32(rng.NormFloat64() / 3)}
		score, p, cost := make([]float64, 4), make([]float64, 4), make([]float64, 4)
		tokens := 50 + rng.Float64()*500
		for m := range score {
			p[m] = logistic(strength[m][kind] - 1.5*hard)
			if rng.Float64() < p[m] {
				score[m] = 1
			}
			cost[m] = float64(m+1) * (1000 + 20*tokens) * math.Exp(rng.NormFloat64()/10)
		}
		d.Prompts, d.Scores = append(d.Prompts, Prompt{Embedding: e}), append(d.Scores, score)
		d.Costs, d.Tokens = append(d.Costs, cost), append(d.Tokens, tokens)
		truth = append(truth, p)
	}
	return d, truth
}

// distance is the mean absolute difference from the true probabilities.
func distance(m *Model, d Data, truth [][]float64) float64 {
	sum := 0.0
	for i, p := range d.Prompts {
		at := m.At(p)
		for j, want := range truth[i] {
			sum += math.Abs(m.P(j, at)-want) / float64(len(truth)*len(truth[i]))
		}
	}
	return sum
}

func fitted(t testing.TB, d Data, cfg Config) *Model {
	t.Helper()
	m, err := Fit(d, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestProbabilitiesOfAKnownWorldAreFound(t *testing.T) {
	train, _ := world(1500, 1)
	test, truth := world(500, 2)
	for _, c := range []struct {
		what string
		cfg  Config
		most float64
		less float64 // the distance must exceed this: the part left out matters
	}{
		{"all parts", Config{}, 0.06, 0},
		{"without difficulty", Config{NoDifficulty: true, NoText: true, Kinds: 3}, 0.25, 0.1},
		{"without kinds", Config{Kinds: 1, NoText: true}, 0.25, 0.08},
	} {
		if got := distance(fitted(t, train, c.cfg), test, truth); got > c.most || got < c.less {
			t.Errorf("%s: mean distance from the true probability %.3f, want %v to %v", c.what, got, c.less, c.most)
		}
	}
}

func TestUnknownOutcomesAreLeftOut(t *testing.T) {
	train, _ := world(2000, 1)
	rng := rand.New(rand.NewPCG(9, 9))
	for i := range train.Scores {
		for j := range train.Scores[i] {
			if rng.Float64() < 0.5 {
				train.Scores[i][j] = math.NaN()
			}
		}
	}
	test, truth := world(500, 2)
	if got := distance(fitted(t, train, Config{}), test, truth); got > 0.08 {
		t.Errorf("half of the outcomes unknown: mean distance %.3f, want 0.08 at most", got)
	}
}

func TestSharesOfSuccessCount(t *testing.T) {
	train, truth := world(800, 1)
	train.Scores = truth // every score is the probability itself
	if got := distance(fitted(t, train, Config{}), train, truth); got > 0.05 {
		t.Errorf("mean distance %.3f", got)
	}
}

func TestFittingTwiceIsTheSame(t *testing.T) {
	train, _ := world(300, 1)
	a, b := fitted(t, train, Config{Seed: 5}), fitted(t, train, Config{Seed: 5})
	if diff := cmp.Diff(a, b, cmp.AllowUnexported(Model{}, space{}, coefficients{}, line{})); diff != "" {
		t.Error(diff)
	}
}

func TestChanceOutcomesGiveTheBaseRate(t *testing.T) {
	d, _ := world(1000, 1)
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range d.Scores {
		for j := range d.Scores[i] {
			d.Scores[i][j] = 0
			if rng.Float64() < 0.7 {
				d.Scores[i][j] = 1
			}
		}
	}
	m := fitted(t, d, Config{})
	for i, p := range d.Prompts[:200] {
		for j := range d.Models {
			if got := m.P(j, m.At(p)); math.Abs(got-0.7) > 0.12 {
				t.Fatalf("prompt %d, model %d: %.3f where texts say nothing; want about 0.7", i, j, got)
			}
		}
	}
}

func TestWordsTellWhatOneModelCannotDo(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	topics := []string{"poem about the sea", "integral of the function"}
	var d Data
	d.Models = []string{"poet", "reckoner"}
	for range 600 {
		topic := rng.IntN(2)
		text := fmt.Sprintf("write the %s number %d please", topics[topic], rng.IntN(1000))
		s := []float64{0, 0}
		for m := range s {
			if p := []float64{0.2, 0.9}[b2i(m == topic)]; rng.Float64() < p {
				s[m] = 1
			}
		}
		d.Prompts, d.Scores = append(d.Prompts, Prompt{Words: WordsOf(text)}), append(d.Scores, s)
	}
	m := fitted(t, d, Config{})
	for topic, text := range topics {
		at := m.At(Prompt{Words: WordsOf("write the " + text + " please")})
		if can, cannot := m.P(topic, at), m.P(1-topic, at); can < cannot+0.3 {
			t.Errorf("%s: %s %.2f, %s %.2f", text, d.Models[topic], can, d.Models[1-topic], cannot)
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestCostsAreExpectedByLength(t *testing.T) {
	d, _ := world(600, 1)
	m := fitted(t, d, Config{})
	for j := range d.Models {
		got, ok := m.Cost(j, m.At(d.Prompts[0]), 300)
		if want := float64(j+1) * 7000; !ok || math.Abs(got/want-1) > 0.05 {
			t.Errorf("%s: %v, want about %v", d.Models[j], got, want)
		}
	}
	d.Costs = nil
	if _, ok := fitted(t, d, Config{Kinds: 3}).Cost(0, Point{}, 300); ok {
		t.Error("a cost is known without any")
	}
}

func TestLine(t *testing.T) {
	for _, c := range []struct {
		rule         string
		tokens, cost []float64
		want         line
	}{
		{"an exact line is found", []float64{1, 2, 3, 4}, []float64{12, 14, 16, 18}, line{10, 2, 4}},
		{"a falling cost counts as constant", []float64{1, 2, 3}, []float64{3, 3, 3}, line{3, 0, 3}},
		{"costs of nothing and unknown ones are left out", []float64{1, 2, 3}, []float64{0, math.NaN(), -1}, line{}},
		{"no base below zero", []float64{10, 20, 40}, []float64{1, 3, 7}, line{0, 0, 3}},
	} {
		got := fitLine(c.tokens, c.cost)
		if c.rule == "no base below zero" {
			if got.base != 0 || got.perToken <= 0 {
				t.Errorf("%s: %+v", c.rule, got)
			}
			continue
		}
		if math.Abs(got.base-c.want.base) > 1e-6 || math.Abs(got.perToken-c.want.perToken) > 1e-6 || got.n != c.want.n {
			t.Errorf("%s: %+v, want %+v", c.rule, got, c.want)
		}
	}
}

func TestRaschOrdersPromptsByTheirFailures(t *testing.T) {
	nan := math.NaN()
	rows := [][]float64{{1, 1, 1}, {1, 1, 0}, {1, 0, 0}, {0, 0, 0}, {nan, nan, nan}}
	b, reliability := rasch(rows, 3)
	if !slices.IsSorted(b[:4]) {
		t.Errorf("difficulties %v of prompts with ever more failures", b[:4])
	}
	if b[4] != 0 || reliability[4] > 1e-9 || reliability[0] <= 0 || reliability[1] <= reliability[4] {
		t.Errorf("an unknown prompt: b %v, reliabilities %v", b[4], reliability)
	}
}

func TestBadDataIsRefused(t *testing.T) {
	good := func() Data { d, _ := world(10, 1); return d }
	for rule, c := range map[string]struct {
		change func(*Data)
		want   string
	}{
		"no prompts":            {func(d *Data) { *d = Data{Models: []string{"a"}} }, ErrNoData.Error()},
		"no models":             {func(d *Data) { d.Models = nil }, ErrNoData.Error()},
		"score above one":       {func(d *Data) { d.Scores[3][1] = 1.5 }, "1.5"},
		"a row too short":       {func(d *Data) { d.Scores[3] = d.Scores[3][:2] }, "prompt 3"},
		"fewer rows":            {func(d *Data) { d.Scores = d.Scores[:4] }, "as many"},
		"unlike embeddings":     {func(d *Data) { d.Prompts[2].Embedding = nil }, "prompt 2"},
		"a model twice":         {func(d *Data) { d.Models[1] = d.Models[0] }, "twice"},
		"costs without lengths": {func(d *Data) { d.Tokens = nil }, "tokens"},
	} {
		d := good()
		c.change(&d)
		if _, err := Fit(d, Config{Kinds: 1}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", rule, err, c.want)
		}
	}
	if _, err := Fit(Data{}, Config{}); !errors.Is(err, ErrNoData) {
		t.Error(err)
	}
}

func TestPromptsUnlikeTheTrainingOnesAreHarmless(t *testing.T) {
	d, _ := world(200, 1)
	m := fitted(t, d, Config{})
	for _, p := range []Prompt{{}, {Embedding: make([]float32, 4)}, {Embedding: make([]float32, 9)}, {Words: WordsOf("words that nobody fitted")}} {
		if got := m.P(0, m.At(p)); !(got > 0 && got < 1) {
			t.Errorf("%v: p %v", p, got)
		}
	}
}

func TestOnlyPromptsNearTheTrainingOnesAreFamiliar(t *testing.T) {
	d, _ := world(400, 1)
	m := fitted(t, d, Config{})
	near := 0
	for _, p := range d.Prompts {
		if m.At(p).Familiar {
			near++
		}
	}
	if near < 370 || near > 390 {
		t.Errorf("%d of 400 training prompts are familiar; want about 380", near)
	}
	if at := m.At(Prompt{Embedding: []float32{0, 0, -1, 5}}); at.Familiar {
		t.Error("a prompt from another direction is familiar")
	}
}

func TestStoredModelsPredictTheSame(t *testing.T) {
	d, _ := world(400, 1)
	for what, cfg := range map[string]Config{"whole": {}, "of one kind": {Kinds: 1}, "without text": {NoText: true}, "without difficulty": {NoDifficulty: true, Kinds: 3}} {
		m := fitted(t, d, cfg)
		var file bytes.Buffer
		if err := m.Encode(&file, Origin{Encoder: "e"}); err != nil {
			t.Fatal(err)
		}
		raw := slices.Clone(file.Bytes())
		again, from, err := Decode(&file)
		if err != nil || from.Encoder != "e" {
			t.Fatal(what, err, from)
		}
		for _, p := range d.Prompts[:50] {
			for j := range d.Models {
				if a, b := m.P(j, m.At(p)), again.P(j, again.At(p)); math.Abs(a-b) > 1e-3 {
					t.Fatalf("%s: %v before, %v after", what, a, b)
				}
			}
		}
		if _, _, err := Decode(bytes.NewReader(raw[:len(raw)/2])); err == nil {
			t.Error("half a file was read")
		}
	}
	d.Prompts[0].Words = WordsOf("a b")
	if err := fitted(t, d, Config{Kinds: 3}).Encode(io.Discard, Origin{}); err == nil {
		t.Error("a model that reads words was stored")
	}
}

func TestTheShippedModelIsWhole(t *testing.T) {
	m, from, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Names()) < 50 || len(from.Abilities) == 0 || len(from.Encoder) != 64 {
		t.Errorf("%d families, %d abilities, encoder %q", len(m.Names()), len(from.Abilities), from.Encoder)
	}
	for _, licence := range from.Licences {
		if strings.HasPrefix(licence, "no licence") || strings.Contains(licence, "NC") || strings.Contains(licence, "SA") {
			t.Errorf("rows under %q shaped what ships", licence)
		}
	}
}

func TestWordsOf(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int // words and pairs
	}{
		{"", 0}, {"  \n", 0}, {"one", 1}, {"One two", 3}, {"one ONE", 2}, {"你好", 3}, {"a+b", 5}, {"日本 x1", 5},
	} {
		if got := WordsOf(c.text); len(got) != c.n {
			t.Errorf("%q: %d hashed words, want %d", c.text, len(got), c.n)
		}
	}
	if diff := cmp.Diff(WordsOf("Hello, World"), WordsOf("hello , world")); diff != "" {
		t.Errorf("case and spaces count:\n%s", diff)
	}
	if n := len(WordsOf(strings.Repeat("a b c d e f g h i j ", 100000))); n == 0 || n > 200 {
		t.Errorf("a long text has %d words", n)
	}
}

func FuzzWordsOf(f *testing.F) {
	f.Add("def f(x): return x+1 你好 \xff\xfe")
	f.Fuzz(func(t *testing.T, text string) {
		words := WordsOf(text)
		for i, w := range words {
			if w.ID >= WordSpace || !(w.Weight >= 1) || i > 0 && words[i-1].ID >= w.ID {
				t.Fatalf("word %d of %q: %v after %v", i, text, w, words[max(i-1, 0)])
			}
		}
	})
}

func BenchmarkAt(b *testing.B) {
	d, _ := world(500, 1)
	for i := range d.Prompts {
		d.Prompts[i].Embedding = append(d.Prompts[i].Embedding, make([]float32, 124)...)
	}
	m := fitted(b, d, Config{})
	b.ReportAllocs()
	for b.Loop() {
		at := m.At(d.Prompts[0])
		for j := range d.Models {
			m.P(j, at)
		}
	}
}
