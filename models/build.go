package models

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// build turns a draft without problems into a catalogue.
func (d *draft) build() *Catalog {
	c := &Catalog{
		byID:     make(map[string]int, len(d.models)),
		byFamily: map[string][]Model{},
		scoresOf: map[string][]Score{},
	}
	c.providers = byKey(d.providers)
	c.anchors = byKey(d.anchors)
	for i, id := range slices.Sorted(maps.Keys(d.models)) {
		m := d.finish(d.models[id].v)
		c.models = append(c.models, m)
		c.byID[id] = i
		if m.Family != "" {
			c.byFamily[m.Family] = append(c.byFamily[m.Family], m)
		}
	}
	for _, e := range d.scores {
		c.scores = append(c.scores, e.v)
		c.scoresOf[e.v.Family] = append(c.scoresOf[e.v.Family], e.v)
	}
	c.placements = byKey(d.placements)
	slices.SortFunc(c.placements, func(a, b Placement) int {
		return cmp.Or(
			cmp.Compare(slices.Index(tierNames, a.Tier), slices.Index(tierNames, b.Tier)),
			cmp.Compare(a.Position, b.Position))
	})
	c.version = c.digest()
	return c
}

// finish adds to a row what other files say about it: its prices, oldest
// list first, and what its provider's endpoint lets through.
func (d *draft) finish(m Model) Model {
	for _, e := range d.prices[m.ID] {
		m.Prices = append(m.Prices, e.v)
	}
	slices.SortStableFunc(m.Prices, func(a, b Price) int {
		return cmp.Or(a.ValidFrom.Compare(b.ValidFrom),
			cmp.Compare(slices.Index(classes, a.ServiceClass), slices.Index(classes, b.ServiceClass)),
			strings.Compare(a.Unit, b.Unit),
			cmp.Compare(slices.Index(directions, string(a.Direction)), slices.Index(directions, string(b.Direction))),
			cmp.Compare(a.FromTokens, b.FromTokens))
	})
	if m.Kind != Chat {
		return m
	}
	p := d.providers[m.Provider].v
	// Most models that think before they answer refuse logprobs and n > 1
	// even where their provider's other models take them.
	if m.Reasoning != Yes {
		if m.Caps.Logprobs == Unknown {
			m.Caps.Logprobs = p.Logprobs
		}
		if m.Caps.MultipleN == Unknown {
			m.Caps.MultipleN = p.MultipleN
		}
	}
	if p.JSONSchema == No {
		m.Caps.JSONSchema = No
	}
	return m
}

// byKey gives the values of a table in the order of its keys.
func byKey[T any](entries map[string]entry[T]) []T {
	values := make([]T, 0, len(entries))
	for _, k := range slices.Sorted(maps.Keys(entries)) {
		values = append(values, entries[k].v)
	}
	return values
}
