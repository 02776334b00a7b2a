package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"assay/models"
	"assay/scoring"
)

// scoreLine is one family as `evals scores` prints it.
type scoreLine struct {
	Family        string       `json:"family"`
	Capability    float64      `json:"capability"`
	Lo            float64      `json:"lo"`
	Hi            float64      `json:"hi"`
	Overseas      float64      `json:"overseas"`
	Chinese       float64      `json:"chinese"`
	ObservedShare float64      `json:"observed_share"`
	Theta         float64      `json:"theta"`
	ThetaSD       float64      `json:"theta_sd"`
	Tier          scoring.Tier `json:"tier"`
	HandTier      scoring.Tier `json:"hand_tier"`
	ComputedTier  scoring.Tier `json:"computed_tier"`
	Models        []string     `json:"models"`
}

func scoresCommand(w world) *cobra.Command {
	var asJSON, held bool
	var dir string
	c := &cobra.Command{
		Use:   "scores",
		Short: "Print the capability scores and tiers that published benchmarks give the catalogue",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			catalog, err := loadCatalog(dir)
			if err != nil {
				return err
			}
			if held {
				return holdout(w, catalog, asJSON)
			}
			table, err := publishedTiers(catalog, time.Now())
			if err != nil {
				return err
			}
			lines := scoreLines(table)
			if asJSON {
				e := json.NewEncoder(w.stdout)
				e.SetIndent("", " ")
				return e.Encode(lines)
			}
			printScores(w, lines)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&held, "holdout", false, "hold out 15 % of the published scores and print how well the rest predicts them")
	c.Flags().StringVar(&dir, "catalog", "", "folder of a catalogue that overrides the built-in one")
	return c
}

// publishedTiers is the table that published evidence alone gives.
func publishedTiers(c *models.Catalog, now time.Time) (scoring.Tiers, error) {
	cards, err := scoring.Score(c.Scores(), c.Anchors(), scoring.Config{Models: c.Models()})
	if err != nil {
		return scoring.Tiers{}, fmt.Errorf("score the catalogue: %w", err)
	}
	return scoring.Publish(cards, c.Models(), c.Placements(), now), nil
}

func scoreLines(t scoring.Tiers) []scoreLine {
	var out []scoreLine
	for name, f := range t.Families {
		a := f.Abilities[scoring.General]
		out = append(out, scoreLine{name, f.Capability, f.Lo, f.Hi, f.Overseas, f.Chinese, f.ObservedShare, a.Theta, a.SD,
			f.Tier, f.HandTier, f.ComputedTier, slices.Sorted(maps.Keys(f.Hosts))})
	}
	slices.SortFunc(out, func(a, b scoreLine) int {
		switch {
		case a.Capability > b.Capability:
			return -1
		case a.Capability < b.Capability:
			return 1
		case a.Family < b.Family:
			return -1
		}
		return 1
	})
	return out
}

func printScores(w world, lines []scoreLine) {
	t := newTable("family", "capability", "95 % interval", "overseas", "chinese", "observed", "tier", "by hand", "computed", "models")
	t.right = map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true, 9: true}
	for _, l := range lines {
		t.add(l.Family, fmt.Sprintf("%.1f", l.Capability), fmt.Sprintf("%.1f to %.1f", l.Lo, l.Hi), fmt.Sprintf("%.1f", l.Overseas),
			fmt.Sprintf("%.1f", l.Chinese), fmt.Sprintf("%.0f %%", 100*l.ObservedShare), string(l.Tier), string(l.HandTier), string(l.ComputedTier),
			fmt.Sprint(len(l.Models)))
	}
	t.print(w.stdout)
}
