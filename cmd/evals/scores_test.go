package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"assay/scoring"
)

func TestScoresSayWhatTheyRestOn(t *testing.T) {
	var lines []scoreLine
	if err := json.Unmarshal([]byte(must(t, exitClean, cli(t, "scores", "--json")).out), &lines); err != nil {
		t.Fatal(err)
	}
	served := 0
	for i, l := range lines {
		served += len(l.Models)
		if i > 0 && l.Capability > lines[i-1].Capability {
			t.Errorf("%s is listed after a weaker family", l.Family)
		}
		if len(l.Components) != 7 || len(l.Abilities) != 1+len(scoring.Capabilities) || len(l.Reasons) == 0 {
			t.Errorf("%s: %d components, %d abilities, %d reasons", l.Family, len(l.Components), len(l.Abilities), len(l.Reasons))
		}
		share := 0.0
		for _, c := range l.Components {
			if c.Observed != (len(c.Sources) > 0 && c.Reporter != "" && c.Item != "") {
				t.Errorf("%s: %s observed %v with %d sources by %q", l.Family, c.Benchmark, c.Observed, len(c.Sources), c.Reporter)
			}
			if c.Observed && c.Chinese {
				share += 0.4 / 3
			} else if c.Observed {
				share += 0.6 / 4
			}
		}
		if math.Abs(share-l.ObservedShare) > 1e-5 {
			t.Errorf("%s: observed share %.3f, its components say %.3f", l.Family, l.ObservedShare, share)
		}
	}
	if served != 284 {
		t.Errorf("%d served models are listed, the catalogue has 284 chat models", served)
	}
	one := must(t, exitClean, cli(t, "scores", "--family", "gpt-4o")).out
	for _, want := range []string{"served as", "openai/gpt-4o", "MMLU-Pro", "independent", "ability in", "tools"} {
		if !strings.Contains(one, want) {
			t.Errorf("one family's page lacks %q:\n%s", want, one)
		}
	}
	must(t, exitUsage, cli(t, "scores", "--family", "gpt-9"))
}

func TestHoldoutIsPrintedBothWays(t *testing.T) {
	var r scoring.HoldoutReport
	if err := json.Unmarshal([]byte(must(t, exitClean, cli(t, "scores", "--holdout", "--json")).out), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Parts) != 3 || r.Share != 0.15 || len(r.Seeds) != 5 {
		t.Fatalf("%d parts, share %v, seeds %v", len(r.Parts), r.Share, r.Seeds)
	}
	var text strings.Builder
	printHoldout(world{stdout: &text}, r)
	for _, p := range r.Parts {
		if !strings.Contains(text.String(), p.Name) || len(p.Tests) == 0 || p.All.Model.N == 0 {
			t.Errorf("%s: %d benchmarks, %d cells", p.Name, len(p.Tests), p.All.Model.N)
		}
	}
}
