package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay/models"
	"assay/scoring"
)

// scoreLine is one family as `evals scores` prints it.
type scoreLine struct {
	Family        string                     `json:"family"`
	Capability    float64                    `json:"capability"`
	Lo            float64                    `json:"lo"`
	Hi            float64                    `json:"hi"`
	Overseas      float64                    `json:"overseas"`
	Chinese       float64                    `json:"chinese"`
	ObservedShare float64                    `json:"observed_share"`
	Theta         float64                    `json:"theta"`
	ThetaSD       float64                    `json:"theta_sd"`
	Abilities     map[string]scoring.Ability `json:"abilities"`
	Tier          scoring.Tier               `json:"tier"`
	HandTier      scoring.Tier               `json:"hand_tier"`
	ComputedTier  scoring.Tier               `json:"computed_tier"`
	Models        []string                   `json:"models"`
	Components    []component                `json:"components"` // the parts of capability
	Evidence      []figure                   `json:"evidence"`   // every published figure that abilities rest on
	Reasons       []string                   `json:"reasons"`
}

// component is one core benchmark's part in a capability score, in percent.
type component struct {
	Benchmark string  `json:"benchmark"`
	Chinese   bool    `json:"chinese"`
	Score     float64 `json:"score"`
	SD        float64 `json:"sd"`
	Observed  bool    `json:"observed"`
	// Of an observed one: what it rests on.
	Item     string   `json:"item,omitempty"`
	Raw      float64  `json:"raw,omitempty"`
	Reporter string   `json:"reporter,omitempty"`
	Sources  []string `json:"sources,omitempty"`
}

// figure is what all sources together say about one benchmark.
type figure struct {
	Item     string       `json:"item"`
	Mode     scoring.Mode `json:"mode,omitempty"`
	Score    float64      `json:"score"` // percent or Elo
	Reporter string       `json:"reporter"`
	Readings int          `json:"readings"`
	Sources  []string     `json:"sources"`
}

func scoresCommand(w world) *cobra.Command {
	var asJSON, held bool
	var dir, family string
	c := &cobra.Command{
		Use:   "scores",
		Short: "Print the capability scores, abilities and tiers that published benchmarks give the catalogue",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			catalog, err := loadCatalog(dir)
			if err != nil {
				return err
			}
			if held {
				return holdout(w, catalog, asJSON)
			}
			cards, err := scoring.ScoreCatalog(catalog)
			if err != nil {
				return err
			}
			table := scoring.Publish(cards, catalog.Models(), catalog.Placements(), time.Now())
			lines := scoreLines(table, cards.Cards)
			if family != "" {
				lines = slices.DeleteFunc(lines, func(l scoreLine) bool { return l.Family != family })
				if len(lines) == 0 {
					return usagef("family %q is not served in the catalogue; evals scores lists all", family)
				}
			}
			switch {
			case asJSON:
				e := json.NewEncoder(w.stdout)
				e.SetIndent("", " ")
				return e.Encode(lines)
			case family != "":
				printFamily(w, lines[0])
			default:
				printScores(w, lines, cards.Link)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&held, "holdout", false, "hold out 15 % of the published scores and print how well the rest predicts them")
	c.Flags().StringVar(&family, "family", "", "one family with everything its score rests on")
	c.Flags().StringVar(&dir, "catalog", "", "folder of a catalogue that overrides the built-in one")
	return c
}

// publishedTiers is the table that published evidence alone gives.
func publishedTiers(c *models.Catalog, now time.Time) (scoring.Tiers, error) {
	cards, err := scoring.ScoreCatalog(c)
	if err != nil {
		return scoring.Tiers{}, err
	}
	return scoring.Publish(cards, c.Models(), c.Placements(), now), nil
}

// scoreLines lists the table's families, the strongest first.
func scoreLines(t scoring.Tiers, cards map[string]scoring.Scorecard) []scoreLine {
	var out []scoreLine
	for name, f := range t.Families {
		a := f.Abilities[scoring.General]
		l := scoreLine{Family: name, Capability: f.Capability, Lo: f.Lo, Hi: f.Hi, Overseas: f.Overseas, Chinese: f.Chinese,
			ObservedShare: f.ObservedShare, Theta: a.Theta, ThetaSD: a.SD, Abilities: f.Abilities,
			Tier: f.Tier, HandTier: f.HandTier, ComputedTier: f.ComputedTier, Models: slices.Sorted(maps.Keys(f.Hosts)),
			Components: []component{}, Evidence: []figure{}, Reasons: f.Reasons}
		for _, c := range cards[name].Components {
			p := component{Benchmark: c.Benchmark, Chinese: c.Chinese, Score: round2(c.Score), SD: round2(c.SD), Observed: c.Observed}
			if c.Observed {
				p.Item, p.Raw, p.Reporter, p.Sources = c.Item.String(), round2(c.Raw), reporter(c.Independent), c.Sources
			}
			l.Components = append(l.Components, p)
		}
		for _, c := range cards[name].Evidence {
			l.Evidence = append(l.Evidence, figure{c.Item.String(), c.Mode, round2(c.Score), reporter(c.Independent), c.Readings, c.Sources})
		}
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b scoreLine) int {
		return cmp.Or(cmp.Compare(b.Capability, a.Capability), cmp.Compare(a.Family, b.Family))
	})
	return out
}

func round2(x float64) float64 { return math.Round(100*x) / 100 }

func reporter(independent bool) string {
	if independent {
		return "independent"
	}
	return "vendor"
}

func printScores(w world, lines []scoreLine, link scoring.Link) {
	t := newTable("family", "capability", "95 % interval", "overseas", "chinese", "observed", "ability", "stronger, weaker in", "tier", "by hand", "computed", "rests on", "figures", "models")
	t.right = map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 12: true, 13: true}
	for _, l := range lines {
		t.add(l.Family, fmt.Sprintf("%.1f", l.Capability), fmt.Sprintf("%.1f to %.1f", l.Lo, l.Hi), fmt.Sprintf("%.1f", l.Overseas),
			fmt.Sprintf("%.1f", l.Chinese), fmt.Sprintf("%.0f %%", 100*l.ObservedShare), fmt.Sprintf("%.2f ± %.2f", l.Theta, l.ThetaSD),
			l.profile(0.15), string(l.Tier), string(l.HandTier), string(l.ComputedTier), l.restsOn(), fmt.Sprint(len(l.Evidence)), fmt.Sprint(len(l.Models)))
	}
	t.print(w.stdout)
	fmt.Fprintln(w.stdout, "\ncapability: 60 % overseas and 40 % Chinese; rests on: the observed parts, v by the vendor itself, the rest is imputed")
	fmt.Fprintln(w.stdout, "ability, with its standard deviation, in logits on the scale of prompt difficulty; stronger, weaker: by 0.15 or more against it")
	fmt.Fprintf(w.stdout, "scale: %d families with outcomes on real prompts, %.2f logits per standard deviation of benchmark ability, RMSE %.2f, which every ability's error holds\n",
		link.N, link.Slope, link.RMSE)
	fmt.Fprintln(w.stdout, "evals scores --family F shows every figure and source, --json everything, --holdout how well unseen scores are predicted")
}

// profile lists the capabilities that differ from the general ability by least
// or more.
func (l scoreLine) profile(least float64) string {
	var parts []string
	for _, c := range scoring.Capabilities {
		if d := l.Abilities[c].Theta - l.Theta; l.Abilities[c].SD > 0 && math.Abs(d) >= least {
			parts = append(parts, fmt.Sprintf("%s %+.2f", c, d))
		}
	}
	return strings.Join(parts, ", ")
}

// restsOn names the core benchmarks that were observed.
func (l scoreLine) restsOn() string {
	var parts []string
	for _, c := range l.Components {
		switch {
		case !c.Observed:
		case c.Reporter == "vendor":
			parts = append(parts, c.Benchmark+" v")
		default:
			parts = append(parts, c.Benchmark)
		}
	}
	return strings.Join(parts, ", ")
}

// printFamily shows one family with everything its numbers rest on.
func printFamily(w world, l scoreLine) {
	fmt.Fprintf(w.stdout, "%s: capability %.1f (%.1f to %.1f), overseas %.1f, Chinese %.1f, %.0f %% observed\n", l.Family, l.Capability, l.Lo, l.Hi,
		l.Overseas, l.Chinese, 100*l.ObservedShare)
	fmt.Fprintf(w.stdout, "served as %s\n\n", strings.Join(l.Models, ", "))
	for _, r := range l.Reasons {
		fmt.Fprintln(w.stdout, "-", r)
	}
	fmt.Fprintln(w.stdout)
	t := newTable("capability of 0 to 100 from", "score", "sd", "rests on")
	t.right = map[int]bool{1: true, 2: true}
	for _, c := range l.Components {
		from := "imputed"
		if c.Observed {
			from = fmt.Sprintf("%s %.1f, %s: %s", c.Item, c.Raw, c.Reporter, strings.Join(c.Sources, "; "))
		}
		t.add(c.Benchmark, fmt.Sprintf("%.1f", c.Score), fmt.Sprintf("%.1f", c.SD), from)
	}
	t.print(w.stdout)
	fmt.Fprintln(w.stdout)
	t = newTable("ability in", "logits", "sd", "against general")
	t.right = map[int]bool{1: true, 2: true, 3: true}
	for _, c := range append([]string{scoring.General}, scoring.Capabilities...) {
		if a, ok := l.Abilities[c]; ok {
			t.add(c, fmt.Sprintf("%.2f", a.Theta), fmt.Sprintf("%.2f", a.SD), fmt.Sprintf("%+.2f", a.Theta-l.Theta))
		}
	}
	t.print(w.stdout)
	fmt.Fprintln(w.stdout)
	t = newTable("published", "mode", "figure", "reporter", "readings", "sources")
	t.right = map[int]bool{2: true, 4: true}
	for _, f := range l.Evidence {
		t.add(f.Item, string(f.Mode), fmt.Sprintf("%.1f", f.Score), f.Reporter, fmt.Sprint(f.Readings), strings.Join(f.Sources, "; "))
	}
	t.print(w.stdout)
}
