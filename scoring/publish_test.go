package scoring

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/models"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// now is the moment at which the tests' tables are made.
var now = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)

// catalogue gives copies of the embedded tables.
func catalogue(t testing.TB) ([]models.Score, []models.Model, []models.Placement) {
	t.Helper()
	c, err := models.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(c.Scores()), slices.Clone(c.Models()), slices.Clone(c.Placements())
}

// estimates are the scores of the embedded catalogue, made once.
var estimates = sync.OnceValues(func() (*Scorecards, error) {
	c, err := models.Embedded()
	if err != nil {
		return nil, err
	}
	return Score(c.Scores(), nil, Config{Models: c.Models()})
})

func scored(t testing.TB) *Scorecards {
	t.Helper()
	s, err := estimates()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// published gives the default table and what it was made from.
func published(t testing.TB) (Tiers, Inputs) {
	t.Helper()
	scores, ms, ps := catalogue(t)
	return Publish(scored(t), ms, ps, now), Inputs{Scores: scores, Models: ms, Placements: ps}
}

// Tiers and capabilities do not depend on the link to the scale of difficulty,
// so the golden table holds whichever anchors the catalogue has.
func TestPublishedTableIsGolden(t *testing.T) {
	table, _ := published(t)
	var b strings.Builder
	for _, tier := range AllTiers {
		fmt.Fprintf(&b, "band %s from %.1f to %.1f\n", tier, table.Bands[tier].MinCapability, table.Bands[tier].MaxCapability)
	}
	count := map[Tier]int{}
	names := slices.SortedFunc(maps.Keys(table.Families), func(a, b string) int {
		fa, fb := table.Families[a], table.Families[b]
		if d := fb.Capability - fa.Capability; d != 0 {
			return int(d * 1e6)
		}
		return strings.Compare(a, b)
	})
	for _, n := range names {
		f := table.Families[n]
		count[f.Tier]++
		fmt.Fprintf(&b, "%-28s %-10s by %-8s numbers say %-10s %5.1f [%5.1f %5.1f]\n", n, name(f.Tier), f.Placement,
			name(f.ComputedTier), f.Capability, f.Lo, f.Hi)
	}
	fmt.Fprintf(&b, "flagship %d, cheap-fast %d, reasoning %d, no tier %d\n", count[Flagship], count[CheapFast], count[Reasoning], count[""])
	path := filepath.Join("testdata", "published.golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("published tiers changed; review, then run go test ./scoring -run Golden -update:\n%s", diff)
	}
}

func TestHandPlacementIsTheDefaultWithComputedBeside(t *testing.T) {
	table, in := published(t)
	family := map[string]string{}
	for _, m := range in.Models {
		family[m.ID] = m.Family
	}
	for _, p := range in.Placements {
		f := table.Families[family[p.ModelID]]
		if got := table.TierOf(family[p.ModelID], p.ModelID); got != Tier(p.Tier) {
			t.Errorf("%s: tier %q, published as %q", p.ModelID, got, p.Tier)
		}
		if f.Hosts[p.ModelID].HandTier != Tier(p.Tier) {
			t.Errorf("%s: hand tier %q, want %q", p.ModelID, f.Hosts[p.ModelID].HandTier, p.Tier)
		}
	}
	for name, f := range table.Families {
		want := f.ComputedTier
		if f.Placement == ByHand {
			want = f.HandTier
		}
		if f.Tier != want || len(f.Reasons) < 2 {
			t.Errorf("%s: %s by %s, hand %q, computed %q, %d reasons", name, f.Tier, f.Placement, f.HandTier, f.ComputedTier, len(f.Reasons))
		}
	}
	// One name, two tiers in the published table: the family follows neither.
	if f := table.Families["moonshot-v1"]; f.HandTier != "" || f.Placement != Computed {
		t.Errorf("moonshot-v1: hand tier %q by %s although its rows disagree", f.HandTier, f.Placement)
	}
}

func TestPublishDoesNotDependOnOrderOrTime(t *testing.T) {
	want, in := published(t)
	rng := rand.New(rand.NewPCG(5, 6))
	rng.Shuffle(len(in.Models), func(i, j int) { in.Models[i], in.Models[j] = in.Models[j], in.Models[i] })
	rng.Shuffle(len(in.Placements), func(i, j int) { in.Placements[i], in.Placements[j] = in.Placements[j], in.Placements[i] })
	s, err := Score(in.Scores, nil, Config{Models: in.Models})
	if err != nil {
		t.Fatal(err)
	}
	if got := Publish(s, in.Models, in.Placements, now.Add(time.Hour)); got.ID != want.ID {
		t.Errorf("id %s, want %s", got.ID, want.ID)
	}
}

func TestBandsAreConfiguration(t *testing.T) {
	scores, ms, ps := catalogue(t)
	bands := DefaultBands()
	bands[Flagship] = Band{MinCapability: 85, MaxCapability: 100}
	s, err := Score(scores, nil, Config{Models: ms, Bands: bands})
	if err != nil {
		t.Fatal(err)
	}
	if f := Publish(s, ms, ps, now).Families["gpt-4.1"]; f.ComputedTier != CheapFast {
		t.Errorf("gpt-4.1 at %.1f is %q under a flagship bound of 85", f.Capability, f.ComputedTier)
	}
	bands[Flagship] = Band{MinCapability: 10}
	if _, err := Score(scores, nil, Config{Models: ms, Bands: bands}); err == nil || !strings.Contains(err.Error(), "not below flagship") {
		t.Errorf("upside-down bands: error %v", err)
	}
	delete(bands, Reasoning)
	if _, err := Score(scores, nil, Config{Models: ms, Bands: bands}); err == nil || !strings.Contains(err.Error(), `no band for tier "reasoning"`) {
		t.Errorf("missing band: error %v", err)
	}
}

func TestClassIsReadFromNamesModesAndPrice(t *testing.T) {
	table, _ := published(t)
	for family, want := range map[string]Tier{
		"o3": Reasoning, "deepseek-r1": Reasoning, "qwq-32b": Reasoning, "kimi-k2-thinking": Reasoning,
		"gpt-4.1": Flagship, "claude-opus-4.5": Flagship, "gpt-5": Flagship,
		"gpt-5-mini": CheapFast, "gemini-2.5-flash-lite": CheapFast, "qwen3-8b": CheapFast, "llama-3.1-8b-instruct": CheapFast,
	} {
		if f := table.Families[family]; f.ComputedTier != want {
			t.Errorf("%s: computed %q, want %q (%s)", family, f.ComputedTier, want, strings.Join(f.Reasons, "; "))
		}
	}
}

func TestAFamilyThatWasNotScoredIsStillValid(t *testing.T) {
	scores, ms, ps := catalogue(t)
	s, err := Score(scores, nil, Config{}) // no catalogue: no priors for families without scores
	if err != nil {
		t.Fatal(err)
	}
	table := Publish(s, ms, ps, now)
	if _, err := Encode(table); err != nil {
		t.Error(err)
	}
	if got := table.TierOf("krutrim-spectre-v2", "krutrim/krutrim-spectre-v2"); got != Flagship {
		t.Errorf("hand placement of an unscored family: %q", got)
	}
}
