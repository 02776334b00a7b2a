package models

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Change is what differs between two catalogues.
type Change struct {
	Added   []string // model IDs
	Removed []string
	Fields  []FieldChange // of models and providers that are in both
	Prices  []PriceChange // of models that are in both

	ProvidersAdded, ProvidersRemoved []string
	ScoresAdded, ScoresRemoved       int
	Placements                       []FieldChange // of the published tier table
	AnchorsChanged                   int
}

// FieldChange is one value of a row that changed; "" stands for unknown.
type FieldChange struct {
	ID       string // model ID, or "provider NAME"
	Field    string
	Old, New string
}

// PriceChange is one line of a price history that appeared, went or changed.
type PriceChange struct {
	ID       string
	Line     string // "token in standard since 2026-11-01"
	Old, New string // "$0.3/M"; "" where the line is not there
}

// Diff says what changed from one catalogue to another, in the order of IDs.
func Diff(before, after *Catalog) Change {
	var c Change
	for _, m := range before.models {
		n, ok := after.Model(m.ID)
		if !ok {
			c.Removed = append(c.Removed, m.ID)
			continue
		}
		c.Fields = append(c.Fields, diffFields(m.ID, m.fields(), n.fields())...)
		c.Prices = append(c.Prices, diffPrices(m, n)...)
	}
	for _, m := range after.models {
		if _, ok := before.byID[m.ID]; !ok {
			c.Added = append(c.Added, m.ID)
		}
	}
	c.diffProviders(before, after)
	c.diffPlacements(before, after)
	c.ScoresAdded = missing(before.scores, after.scores)
	c.ScoresRemoved = missing(after.scores, before.scores)
	c.AnchorsChanged = max(missing(before.anchors, after.anchors), missing(after.anchors, before.anchors))
	return c
}

func diffFields(id string, before, after []field) []FieldChange {
	var changes []FieldChange
	for i, f := range before {
		if g := after[i]; f.value != g.value {
			changes = append(changes, FieldChange{id, f.name, f.value, g.value})
		}
	}
	return changes
}

func diffPrices(before, after Model) []PriceChange {
	old, now := priceTable(before), priceTable(after)
	told := map[string]bool{}
	var changes []PriceChange
	for _, p := range slices.Concat(before.Prices, after.Prices) {
		l := p.label()
		a, b := old[l], now[l]
		if a == b || told[l] {
			continue
		}
		told[l] = true
		change := PriceChange{before.ID, l, a.usd, b.usd}
		if a.usd == b.usd {
			change = PriceChange{before.ID, l + " source", a.source, b.source}
		}
		changes = append(changes, change)
	}
	return changes
}

// priced is what a price line says.
type priced struct{ usd, source string }

func priceTable(m Model) map[string]priced {
	t := make(map[string]priced, len(m.Prices))
	for _, p := range m.Prices {
		t[p.label()] = priced{p.usd(), p.Source}
	}
	return t
}

func (c *Change) diffProviders(before, after *Catalog) {
	for _, p := range before.providers {
		q, ok := after.Provider(p.Name)
		if !ok {
			c.ProvidersRemoved = append(c.ProvidersRemoved, p.Name)
			continue
		}
		c.Fields = append(c.Fields, diffFields("provider "+p.Name, p.fields(), q.fields())...)
	}
	for _, p := range after.providers {
		if _, ok := before.Provider(p.Name); !ok {
			c.ProvidersAdded = append(c.ProvidersAdded, p.Name)
		}
	}
}

func (c *Change) diffPlacements(before, after *Catalog) {
	old, now := placementTable(before), placementTable(after)
	ids := maps.Clone(old)
	maps.Copy(ids, now)
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if old[id] != now[id] {
			c.Placements = append(c.Placements, FieldChange{id, "placement", old[id], now[id]})
		}
	}
}

func placementTable(c *Catalog) map[string]string {
	t := make(map[string]string, len(c.placements))
	for _, p := range c.placements {
		t[p.ModelID] = fmt.Sprintf("%s %d", p.Tier, p.Position)
		if p.CheapestToday {
			t[p.ModelID] += " cheapest today"
		}
	}
	return t
}

// missing counts the values of after that before does not have.
func missing[T comparable](before, after []T) int {
	have := make(map[T]bool, len(before))
	for _, v := range before {
		have[v] = true
	}
	n := 0
	for _, v := range after {
		if !have[v] {
			n++
		}
	}
	return n
}

// Empty reports whether nothing differs.
func (c Change) Empty() bool { return c.String() == "" }

// String is the change for a reader, a line each; "" if there is none.
func (c Change) String() string {
	var b strings.Builder
	list := func(mark, what string, ids []string) {
		for _, id := range ids {
			fmt.Fprintf(&b, "%s %s%s\n", mark, what, id)
		}
	}
	list("+", "", c.Added)
	list("-", "", c.Removed)
	list("+", "provider ", c.ProvidersAdded)
	list("-", "provider ", c.ProvidersRemoved)
	for _, f := range slices.Concat(c.Fields, c.Placements) {
		fmt.Fprintf(&b, "~ %s: %s %s -> %s\n", f.ID, f.Field, orNone(f.Old), orNone(f.New))
	}
	for _, p := range c.Prices {
		fmt.Fprintf(&b, "$ %s: %s %s -> %s\n", p.ID, p.Line, orNone(p.Old), orNone(p.New))
	}
	if c.ScoresAdded+c.ScoresRemoved > 0 {
		fmt.Fprintf(&b, "~ scores: %d added, %d removed\n", c.ScoresAdded, c.ScoresRemoved)
	}
	if c.AnchorsChanged > 0 {
		fmt.Fprintf(&b, "~ anchors: %d changed\n", c.AnchorsChanged)
	}
	return b.String()
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
