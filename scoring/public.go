package scoring

import (
	"fmt"

	"assay/models"
	"assay/scoring/success"
)

// PublicConfig is the configuration of Score under which all public evidence
// about a catalogue counts: its models, and the abilities that outcomes on
// public prompts show, which ship with package success.
func PublicConfig(c *models.Catalog) (Config, error) {
	_, from, err := success.Default()
	if err != nil {
		return Config{}, err
	}
	cfg := Config{Models: c.Models()}
	for _, a := range from.Abilities {
		cfg.Outcomes = append(cfg.Outcomes, OutcomeAbility{Family: a.Model, Capability: a.Capability, Theta: a.Theta, SE: a.SE})
	}
	return cfg, nil
}

// ScoreCatalog estimates the families of a catalogue from all public evidence.
func ScoreCatalog(c *models.Catalog) (*Scorecards, error) {
	cfg, err := PublicConfig(c)
	if err != nil {
		return nil, err
	}
	cards, err := Score(c.Scores(), c.Anchors(), cfg)
	if err != nil {
		return nil, fmt.Errorf("score the catalogue: %w", err)
	}
	return cards, nil
}
