package scoring

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestStandingsInWords(t *testing.T) {
	for want, s := range map[string]standing{
		"MMLU 85.0 (independent), 2.2 below the anchor 87.2, within the 3 allowed":                                                           {benchmark: "MMLU", figure: 85, observed: true, reporter: "independent", anchor: 87.2, tolerance: 3},
		"MMLU 84.1 (vendor), 3.1 below the anchor 87.2, outside the 3 allowed":                                                               {benchmark: "MMLU", figure: 84.1, observed: true, reporter: "vendor", anchor: 87.2, tolerance: 3},
		"GPQA 60.0 (vendor), 7.9 above the anchor 52.1":                                                                                      {benchmark: "GPQA", figure: 60, observed: true, reporter: "vendor", anchor: 52.1, tolerance: 5},
		"GPQA not published, imputed 50.0 (95 % interval 40.0 to 60.0), 2.1 below the anchor 52.1; at most 5 below it with probability 0.71": {benchmark: "GPQA", figure: 50, lo: 40, hi: 60, anchor: 52.1, tolerance: 5, p: 0.71},
	} {
		if got := s.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// Every hand placement that the numbers do not share says so, with every
// figure of the band in which the hand put it.
func TestEveryDifferenceIsExplained(t *testing.T) {
	table, in := published(t)
	s := scored(t)
	family := map[string]string{}
	for _, m := range in.Models {
		family[m.ID] = m.Family
	}
	differences := 0
	for _, p := range in.Placements {
		f, hand := table.Families[family[p.ModelID]], Tier(p.Tier)
		all := strings.Join(f.Reasons, "\n")
		if hand == f.ComputedTier {
			continue
		}
		differences++
		if !strings.Contains(all, fmt.Sprintf("placed by hand as %s", hand)) || !strings.Contains(all, "the numbers say "+name(f.ComputedTier)) {
			t.Errorf("%s: by hand %s, computed %s, unexplained:\n%s", p.ModelID, hand, name(f.ComputedTier), all)
		}
		standings := s.standings(s.Cards[family[p.ModelID]], hand)
		if len(standings) != len(table.Bands[hand].Anchors) {
			t.Errorf("%s: %d standings for %d anchors", p.ModelID, len(standings), len(table.Bands[hand].Anchors))
		}
		for _, x := range standings {
			if !strings.Contains(all, x.String()) {
				t.Errorf("%s: the reasons lack %q", p.ModelID, x)
			}
			if !x.observed && !(x.lo < x.figure && x.figure < x.hi && x.p >= 0 && x.p <= 1) {
				t.Errorf("%s: %+v", p.ModelID, x)
			}
		}
	}
	if differences == 0 {
		t.Fatal("hand and numbers agree everywhere: the test proves nothing")
	}
}

// The bands do not overlap but for reasoning, so their probabilities and that
// of lying below are those of one capability.
func TestTierProbabilitiesAreOfOneCapability(t *testing.T) {
	table, _ := published(t)
	for family, f := range table.Families {
		logit := func(x float64) float64 { return math.Log(x / (100 - x)) }
		sd := (logit(f.Hi) - logit(f.Lo)) / (2 * 1.96)
		reach := func(t Tier) float64 {
			return normalCDF((logit(f.Capability) - logit(table.Bands[t].MinCapability)) / sd)
		}
		if p := f.PTier[Flagship]; math.Abs(p-reach(Flagship)) > 1e-4 {
			t.Errorf("%s: flagship with probability %.5f, interval and bound give %.5f", family, p, reach(Flagship))
		}
		if p := f.PTier[CheapFast]; math.Abs(p-(reach(CheapFast)-reach(Flagship))) > 1e-4 {
			t.Errorf("%s: cheap-fast with probability %.5f, interval and bounds give %.5f", family, p, reach(CheapFast)-reach(Flagship))
		}
	}
}
