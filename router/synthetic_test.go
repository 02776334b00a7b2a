package router

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"assay/classifier"
	"assay/models"
	"assay/scoring"
	"assay/scoring/success"
)

// synthetic makes a table of n random models, each of a family of its own:
// some without a price, an ability, a score or a limit, some free, some with a
// price that grows with the prompt, some that think. With outcomes, a model of
// success knows every second family and what calls of them cost.
func synthetic(t testing.TB, n int, seed uint64, outcomes bool, with ...func(*TableOptions)) *Table {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 7))
	o := TableOptions{Catalog: syntheticCatalog(t, n, rng), Now: testNow, MeasuredCosts: outcomes,
		Available: map[string]Availability{"acme": {OK: true}, "host": {OK: true}, "gone": {Why: "no provider key"}}}
	o.Tiers = scoring.Tiers{ID: "synthetic", Evidence: scoring.Published, Families: map[string]scoring.Family{}}
	for i := range n {
		if rng.IntN(20) == 0 {
			continue // of this one nothing is known
		}
		ability := func() scoring.Ability {
			return scoring.Ability{Theta: 2 * rng.NormFloat64(), SD: 0.1 + rng.Float64()}
		}
		f := scoring.Family{Tier: scoring.AllTiers[rng.IntN(3)], Abilities: map[string]scoring.Ability{scoring.General: ability()}}
		if rng.IntN(2) == 0 {
			f.Abilities["math"], f.Abilities["code"], f.Abilities[scoring.ChineseLanguage] = ability(), ability(), ability()
		}
		if rng.IntN(10) > 0 {
			f.ObservedShare = 1
		}
		o.Tiers.Families[family(i)] = f
	}
	if outcomes {
		o.Success = outcomeModel(t, n, rng)
	}
	for _, change := range with {
		change(&o)
	}
	table, err := NewTable(o)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func family(i int) string { return fmt.Sprintf("f%05d", i) }

func syntheticCatalog(t testing.TB, n int, rng *rand.Rand) *models.Catalog {
	t.Helper()
	flag := func() string { return []string{"true", "true", "true", "false", ""}[rng.IntN(5)] }
	var rows, prices strings.Builder
	rows.WriteString("id,kind,family,region,context,max_input,max_output,vision,tools,json_schema,system_message,sampling,logprobs,n,reasoning,free\n")
	prices.WriteString("id,unit,direction,service_class,from_tokens,usd_per_million_units,valid_from,source\n")
	for i := range n {
		id := []string{"acme", "host", "host", "gone"}[rng.IntN(4)] + "/" + family(i)
		free := rng.IntN(40) == 0
		fmt.Fprintf(&rows, "%s,chat,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%t\n", id, family(i), []string{"global", "global", "cn", "eu", "global"}[i%5],
			[]string{"", "8192", "128000", "1000000"}[rng.IntN(4)], []string{"", "", "6000"}[rng.IntN(3)], []string{"", "2048", "65536"}[rng.IntN(3)],
			flag(), flag(), flag(), flag(), flag(), flag(), flag(), flag(), free)
		in := math.Exp(2 * rng.NormFloat64()) // around a dollar, half of them within 0.26 and 3.9
		if rng.IntN(15) == 0 || free {
			in = 0
		}
		line := func(direction string, from int, usd float64) {
			fmt.Fprintf(&prices, "%s,token,%s,standard,%d,%.6f,,list\n", id, direction, from, usd)
		}
		line("in", 0, in)
		line("out", 0, 4*in)
		if rng.IntN(8) == 0 && in > 0 {
			line("in", 1000, 2*in)
			line("out", 1000, 6*in)
		}
	}
	c, err := models.Parse(fstest.MapFS{
		"providers.csv": {Data: []byte("name,kind,base_url,api_key_env\nacme,first_party,https://a.example/v1,A\nhost,host,https://h.example/v1,H\ngone,host,https://g.example/v1,G\n")},
		"models.csv":    {Data: []byte(rows.String())}, "prices.csv": {Data: []byte(prices.String())},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// outcomeModel fits a model of success to made-up outcomes of every second family.
func outcomeModel(t testing.TB, n int, rng *rand.Rand) *success.Model {
	t.Helper()
	var d success.Data
	for i := 0; i < n; i += 2 {
		d.Models = append(d.Models, family(i))
	}
	strength := make([]float64, len(d.Models))
	for i := range strength {
		strength[i] = rng.NormFloat64()
	}
	for range 60 {
		p := success.Prompt{Embedding: make([]float32, 8)}
		for i := range p.Embedding {
			p.Embedding[i] = float32(rng.NormFloat64())
		}
		scores, costs := make([]float64, len(d.Models)), make([]float64, len(d.Models))
		for i := range scores {
			scores[i], costs[i] = 0, 1000*math.Exp(rng.NormFloat64())
			if rng.Float64() < scoring.Success(strength[i], float64(p.Embedding[0])) {
				scores[i] = 1
			}
		}
		d.Prompts, d.Scores, d.Costs, d.Tokens = append(d.Prompts, p), append(d.Scores, scores), append(d.Costs, costs), append(d.Tokens, 100)
	}
	m, err := success.Fit(d, success.Config{Kinds: 2, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// aPrompt is one that the models of outcomeModel can read.
var aPrompt = &success.Prompt{Embedding: []float32{0, 0, 0, -1, 0, 0, 0, 0}}

// randomQuery asks for anything that a selector may ask for.
func randomQuery(rng *rand.Rand, t *Table) Query {
	q := Query{Class: class(classifier.Intents[rng.IntN(16)], 2*rng.NormFloat64())}
	q.Class.DifficultySD = rng.Float64()
	q.Class.Language = []string{"en", "zh"}[rng.IntN(2)]
	q.Target.Objective = []Objective{Cost, Balanced, Quality, Fast}[rng.IntN(4)]
	if rng.IntN(3) == 0 {
		q.Target.Tier = scoring.AllTiers[rng.IntN(3)]
		q.Target.Objective = []Objective{Cost, Balanced, Quality, Speed}[rng.IntN(4)]
	}
	some := func() bool { return rng.IntN(6) == 0 }
	q.Needs = Needs{Vision: some(), Tools: some(), JSONSchema: some(), Logprobs: some(), MultipleN: some(), Sampling: some(), System: some(),
		PromptTokens: int64(math.Exp(3 + 3*rng.Float64()*rng.Float64()*3)), N: 1 + rng.IntN(2)}
	if rng.IntN(3) == 0 {
		q.Needs.MaxTokens = 1 + rng.IntN(4000)
	}
	if some() {
		q.Speeds = map[string]SpeedEstimate{}
		for i := range t.rows {
			if rng.IntN(3) == 0 {
				q.Speeds[t.rows[i].ID] = SpeedEstimate{FirstByte: rng.Float64(), TokensPerSecond: 100 * rng.Float64(), Samples: 1}
			}
		}
	}
	if rng.IntN(2) == 0 {
		q.Prompt = aPrompt
	}
	if rng.IntN(2) == 0 {
		q.Learned = randomTraffic(rng, t)
	}
	return q
}

// randomTraffic is what a few answers of a third of the models teach.
func randomTraffic(rng *rand.Rand, t *Table) Expectations {
	var o Outputs
	for i := range t.rows {
		if rng.IntN(3) > 0 {
			continue
		}
		for range 1 + rng.IntN(5) {
			c := class(classifier.Intents[rng.IntN(16)], 2*rng.NormFloat64())
			o.Observe(t.rows[i].ID, Observation{Class: c, Reasoning: t.rows[i].Reasoning, Prompt: 100,
				Got: models.Usage{Input: 50 + rng.Int64N(200), Output: 1000 + rng.Int64N(500), Reasoning: rng.Int64N(1000)}})
		}
	}
	return o.Of(t)
}
