package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"assay/models"
	"assay/scoring"
)

// holdout measures how well the capability scores predict published figures
// that they have not seen, and prints it.
func holdout(w world, c *models.Catalog, asJSON bool) error {
	r, err := scoring.Holdout(c.Scores(), scoring.Config{Models: c.Models()}, scoring.HoldoutConfig{})
	if err != nil {
		return fmt.Errorf("hold out scores: %w", err)
	}
	if asJSON {
		e := json.NewEncoder(w.stdout)
		e.SetIndent("", " ")
		return e.Encode(r)
	}
	printHoldout(w, r)
	return nil
}

func printHoldout(w world, r scoring.HoldoutReport) {
	seeds := strings.Trim(fmt.Sprint(r.Seeds), "[]")
	fmt.Fprintf(w.stdout, "%.0f %% held out of %d cells, seeds %s together; errors in points of 100, Elo items apart\n", 100*r.Share, r.Cells, seeds)
	for _, p := range r.Parts {
		fmt.Fprintf(w.stdout, "\n%s\n  %s\n", p.Name, p.How)
		fmt.Fprintf(w.stdout, "  by seed:")
		for _, s := range p.Seeds {
			fmt.Fprintf(w.stdout, " %.2f (%.1f %% of %d inside)", s.MedianError, 100*s.Coverage90, s.N)
		}
		fmt.Fprintf(w.stdout, "\n  Elo: %d cells, median error %.0f, %.1f %% inside; without a scale once held out: %d cells\n",
			p.Elo.N, p.Elo.MedianError, 100*p.Elo.Coverage90, p.NoScale)
		t := newTable("benchmark", "n", "median error", "mean error", "in 90 % interval", "ability alone", "mean + maker", "item mean")
		t.right = map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 7: true}
		add := func(name string, l scoring.HoldoutLine) {
			t.add(name, fmt.Sprint(l.Model.N), fmt.Sprintf("%.2f", l.Model.MedianError), fmt.Sprintf("%.2f", l.Model.MeanError),
				fmt.Sprintf("%.1f %%", 100*l.Model.Coverage90), fmt.Sprintf("%.2f", l.Ability), fmt.Sprintf("%.2f", l.MakerMean), fmt.Sprintf("%.2f", l.ItemMean))
		}
		for _, l := range p.Tests {
			add(l.Benchmark, l)
		}
		if p.Chinese != nil {
			add("ALL IN CHINESE", *p.Chinese)
		}
		if p.Lone > 0 {
			add("ALL OF FAMILIES WITH ANOTHER SCORE", p.Known)
		}
		add("ALL", p.All)
		t.print(w.stdout)
	}
}
