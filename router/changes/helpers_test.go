package changes

import (
	"maps"
	"sync"
	"testing"
	"time"

	"assay/models"
	"assay/router"
	"assay/scoring"
)

var testNow = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// realParts are the embedded catalogue and the tiers published from it.
var realParts = sync.OnceValues(func() (*models.Catalog, scoring.Tiers) {
	c, err := models.Embedded()
	if err != nil {
		panic(err)
	}
	cards, err := scoring.ScoreCatalog(c)
	if err != nil {
		panic(err)
	}
	return c, scoring.Publish(cards, c.Models(), c.Placements(), testNow)
})

// shifted are the real tiers with some families' abilities moved, in logits.
func shifted(id string, by map[string]float64) scoring.Tiers {
	_, t := realParts()
	t.ID, t.Families = id, maps.Clone(t.Families)
	for family, d := range by {
		f := t.Families[family]
		f.Abilities = maps.Clone(f.Abilities)
		for k, a := range f.Abilities {
			a.Theta += d
			f.Abilities[k] = a
		}
		t.Families[family] = f
	}
	return t
}

// routing is the table of tiers with every provider there.
func routing(t testing.TB, tiers scoring.Tiers, p router.Policy) *router.Table {
	t.Helper()
	c, _ := realParts()
	available := map[string]router.Availability{}
	for _, pr := range c.Providers() {
		available[pr.Name] = router.Availability{OK: true}
	}
	table, err := router.NewTable(router.TableOptions{Catalog: c, Tiers: tiers, Policy: p, Available: available, Now: testNow})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// familyOf is the family of a model of the catalogue.
func familyOf(t testing.TB, id string) string {
	t.Helper()
	c, _ := realParts()
	m, ok := c.Model(id)
	if !ok {
		t.Fatalf("no model %q", id)
	}
	return m.Family
}
