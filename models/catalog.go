package models

import (
	"slices"
	"strings"
)

// Catalog is one validated state of the catalogue. It never changes after it
// was built, so any number of goroutines may read it; a newer state is a new
// Catalog. Slices inside returned values are shared and must not be written.
type Catalog struct {
	models     []Model // by ID
	byID       map[string]int
	byFamily   map[string][]Model
	providers  []Provider // by name
	scores     []Score    // in the order of the files
	scoresOf   map[string][]Score
	placements []Placement // by tier and position
	anchors    []Anchor    // by outcome
	version    string
}

// Model looks a row up by its ID, "provider/name".
func (c *Catalog) Model(id string) (Model, bool) {
	i, ok := c.byID[id]
	if !ok {
		return Model{}, false
	}
	return c.models[i], true
}

// Models gives all rows of every kind, sorted by ID.
func (c *Catalog) Models() []Model { return slices.Clone(c.models) }

// ByFamily gives the rows that serve one family of weights, sorted by ID.
func (c *Catalog) ByFamily(family string) []Model {
	if family == "" {
		return nil
	}
	return slices.Clone(c.byFamily[family])
}

// Provider looks a provider up by its name. Of one that is not there nothing
// is known, its retention included.
func (c *Catalog) Provider(name string) (Provider, bool) {
	i, ok := slices.BinarySearchFunc(c.providers, name, func(p Provider, n string) int {
		return strings.Compare(p.Name, n)
	})
	if !ok {
		return Provider{RetentionDays: UnknownRetention}, false
	}
	return c.providers[i], true
}

// Providers gives all providers, sorted by name.
func (c *Catalog) Providers() []Provider { return slices.Clone(c.providers) }

// Scores gives every published score, of families inside and outside the
// catalogue, in the order of the files.
func (c *Catalog) Scores() []Score { return slices.Clone(c.scores) }

// ScoresOf gives the published scores of one family.
func (c *Catalog) ScoresOf(family string) []Score { return slices.Clone(c.scoresOf[family]) }

// Placements gives the published hand-made tier table, by tier and position.
func (c *Catalog) Placements() []Placement { return slices.Clone(c.placements) }

// Anchors gives the fitted abilities, by outcome; empty before any were fitted.
func (c *Catalog) Anchors() []Anchor { return slices.Clone(c.anchors) }

// Version is a short digest of the content: equal content, however its files
// are laid out, has an equal version.
func (c *Catalog) Version() string { return c.version }
