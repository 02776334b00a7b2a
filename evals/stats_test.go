package evals

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/datasets"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func TestStandardErrors(t *testing.T) {
	var plain Tally
	for i := range 10 {
		plain.Add(truth(i < 7), "")
	}
	if want := math.Sqrt(0.7 * 0.3 / 10); !near(plain.StdErr(), want) {
		t.Errorf("binomial %v, want %v", plain.StdErr(), want)
	}
	if plain.ClusteredStdErr() != plain.StdErr() {
		t.Error("one cluster: want the plain error")
	}
	// Four clusters of five equal items: the items say no more than four do.
	// By hand: mean 1/2, cluster sums of deviations ±2.5, so
	// sqrt(4/3 · 4 · 6.25)/20 = 0.28867...
	var same Tally
	for g, v := range []float64{1, 1, 0, 0} {
		for range 5 {
			same.Add(v, string(rune('a'+g)))
		}
	}
	if want := math.Sqrt(4.0/3*4*6.25) / 20; !near(same.ClusteredStdErr(), want) {
		t.Errorf("clustered %v, want %v", same.ClusteredStdErr(), want)
	}
	// Clusters of one item: the cluster-robust error is the plain one times sqrt(n/(n-1)).
	var single Tally
	for i := range 10 {
		single.Add(truth(i < 7), string(rune('a'+i)))
	}
	if want := single.StdErr() * math.Sqrt(10.0/9); !near(single.ClusteredStdErr(), want) {
		t.Errorf("clusters of one: %v, want %v", single.ClusteredStdErr(), want)
	}
	var empty Tally
	if empty.Mean() != 0 || empty.StdErr() != 0 || empty.ClusteredStdErr() != 0 {
		t.Error("an empty tally must give zeros, not NaN")
	}
}

func TestPairingUsesCommonItemsOnly(t *testing.T) {
	g := func(id string, score float64, state State) Grade {
		return Grade{Key: Key{ItemID: id}, Subject: "s" + id, Score: score, State: state}
	}
	a := []Grade{g("1", 1, OK), g("2", 0, Unparsed), g("3", 1, OK), g("4", 0, Failed), g("5", 1, OK)}
	b := []Grade{g("1", 0, OK), g("2", 1, OK), g("3", 0, Length), g("4", 1, OK), g("5", 1, OK)}
	p := Pair(a, b, false)
	if p.N != 3 || p.Gained != 1 || p.Lost != 1 || p.Diff != 0 || !near(p.MeanA, 2.0/3) || !near(p.MeanB, 2.0/3) {
		t.Errorf("%+v", p)
	}
	if want := math.Sqrt(2.0 / 3 / 3); !near(p.StdErr, want) {
		t.Errorf("standard error %v, want %v", p.StdErr, want)
	}
	if same := Pair(a, a, true); same.Diff != 0 || same.StdErr != 0 || same.N != 4 {
		t.Errorf("a run against itself: %+v", same)
	}
}

func TestIncomparableRunsAreNamedWithTheReason(t *testing.T) {
	a := Scorecard{Benchmark: "mmlu", DatasetHash: "d1", Template: "t", Extractor: "e", Kind: KindReal}
	for field, change := range map[string]func(*Scorecard){
		"data set":         func(s *Scorecard) { s.DatasetHash = "d2" },
		"prompt template":  func(s *Scorecard) { s.Template = "u" },
		"extractor":        func(s *Scorecard) { s.Extractor = "f" },
		"kind of endpoint": func(s *Scorecard) { s.Kind = KindSim },
	} {
		b := a
		change(&b)
		if err := Comparable(a, b, Sampling{}, Sampling{}); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := Comparable(a, a, Sampling{MaxTokens: 1}, Sampling{}); err == nil {
		t.Error("other sampling compared")
	}
	if err := Comparable(a, a, Sampling{}, Sampling{}); err != nil {
		t.Error(err)
	}
}

func TestPromptsAreComplete(t *testing.T) {
	for _, task := range Tasks() {
		set, err := datasets.Starter(task.Name, task.Kind)
		if err != nil {
			t.Fatal(err)
		}
		item := set.Items[0]
		prompt := task.Prompt(item, set.Dev)[0].Content
		if strings.Count(prompt, item.Question) != 1 {
			t.Errorf("%s: the question is not in the prompt once:\n%s", task.Name, prompt)
		}
		for _, d := range set.Dev {
			if !strings.Contains(prompt, d.Question) {
				t.Errorf("%s: exemplar %s is not shown", task.Name, d.ID)
			}
		}
		for _, c := range item.Choices {
			if !strings.Contains(prompt, c) {
				t.Errorf("%s: choice %q is not shown", task.Name, c)
			}
		}
		if item.Solution != "" && strings.Contains(prompt, item.Solution) {
			t.Errorf("%s: the prompt gives the solution away", task.Name)
		}
		t.Logf("%s:\n%s", task.Name, prompt)
		// The reference answer, said in the form asked for, must score 1.
		for _, said := range []string{"Answer: " + item.Answer, "答案：" + item.Answer} {
			if g := Grading(task.Scorers[0], item, Completion{State: OK, Output: said}); g.Score != 1 {
				t.Errorf("%s: %q scores %v", task.Name, said, g.Score)
			}
		}
	}
	if got := stripCalculator("48/2 = <<48/2=24>>24"); got != "48/2 = 24" {
		t.Errorf("calculator marks: %q", got)
	}
}

func TestExemplarsAreOfTheSubject(t *testing.T) {
	dev := []datasets.Sample{{ID: "1", Subject: "a"}, {ID: "2", Subject: "b"}, {ID: "3", Subject: "a"}, {ID: "4", Subject: "a"}}
	ids := func(s []datasets.Sample) (out []string) {
		for _, x := range s {
			out = append(out, x.ID)
		}
		return
	}
	if diff := cmp.Diff([]string{"1", "3"}, ids(exemplars(datasets.Sample{Subject: "a"}, dev, 2))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1", "2"}, ids(exemplars(datasets.Sample{Subject: "none"}, dev, 2))); diff != "" {
		t.Error(diff)
	}
}

func TestParamsHashIgnoresOrderOnly(t *testing.T) {
	base := Params{BaseURL: "http://x/v1", Limit: 5, Seed: 1,
		Benchmarks: []BenchParams{{Name: "a"}, {Name: "b"}}, Models: []ModelParams{{ID: "m"}, {ID: "n"}}}
	other := base
	other.BaseURL += "/"
	other.Benchmarks = []BenchParams{{Name: "b"}, {Name: "a"}}
	other.Models = []ModelParams{{ID: "n"}, {ID: "m"}}
	if base.Hash() != other.Hash() {
		t.Error("order of models or benchmarks made another measurement")
	}
	for name, change := range map[string]func(*Params){
		"seed":     func(p *Params) { p.Seed = 2 },
		"limit":    func(p *Params) { p.Limit = 6 },
		"url":      func(p *Params) { p.BaseURL = "http://y/v1" },
		"data set": func(p *Params) { p.Benchmarks = []BenchParams{{Name: "a", DatasetHash: "z"}, {Name: "b"}} },
		"sampling": func(p *Params) { p.Models = []ModelParams{{ID: "m", Sampling: Sampling{MaxTokens: 1}}, {ID: "n"}} },
	} {
		p := base
		change(&p)
		if p.Hash() == base.Hash() {
			t.Errorf("another %s kept the hash", name)
		}
		if p.Difference(base) == "" {
			t.Errorf("another %s is not named", name)
		}
	}
}

func TestDollars(t *testing.T) {
	for nano, want := range map[int64]string{0: "$0.00", 1: "$0.000000001", 1_500_000_000: "$1.50", -20_000_000: "-$0.02", 123_456_789: "$0.123456789", 10_000_000_000: "$10.00"} {
		if got := Dollars(nano); got != want {
			t.Errorf("%d: %s, want %s", nano, got, want)
		}
	}
}
