package models

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// check validates what spans rows and files.
func (d *draft) check() {
	if len(d.models) == 0 && len(d.problems) == 0 {
		d.problems.at(origin{modelsTable.file, 0}, "", "is missing or has no rows; a catalogue needs models")
	}
	for _, e := range inOrder(d.models) {
		d.checkModel(e)
	}
	for _, id := range slices.Sorted(maps.Keys(d.prices)) {
		d.checkPrices(id, d.prices[id])
	}
	places := map[Placement]origin{}
	for _, e := range inOrder(d.placements) {
		d.checkPlacement(e, places)
	}
	families := d.families()
	for _, e := range inOrder(d.anchors) {
		if e.v.Family != "" && !families[e.v.Family] {
			d.problems.at(e.origin, "family", "%q is no family of models.csv or scores.csv; leave it blank where none matches", e.v.Family)
		}
	}
}

func (d *draft) checkModel(e entry[Model]) {
	m := e.v
	if _, ok := d.providers[m.Provider]; !ok && m.Provider != "" {
		d.problems.at(e.origin, "id", "provider %q is not in %s; allowed: %s", m.Provider, providersTable.file,
			strings.Join(slices.Sorted(maps.Keys(d.providers)), ", "))
	}
	if m.Context > 0 && m.MaxInput > m.Context {
		d.problems.at(e.origin, "max_input", "%d is more than the context of %d", m.MaxInput, m.Context)
	}
	if m.Free && len(d.prices[m.ID]) == 0 {
		d.problems.at(e.origin, "free", "is true and %s has no line for the row; add lines of 0 for what is free", pricesTable.file)
	}
}

func (d *draft) checkPrices(id string, lines []entry[Price]) {
	if _, ok := d.models[id]; !ok {
		d.problems.at(lines[0].origin, "id", "%q is no id of %s", id, modelsTable.file)
	}
	// A tier needs a first step, or short prompts would have no price.
	starts := map[lineKey]bool{}
	for _, e := range lines {
		starts[e.v.key()] = true
	}
	for _, e := range lines {
		k := e.v.key()
		k.fromTokens = 0
		if !starts[k] {
			d.problems.at(e.origin, "from_tokens", "%d has no line from 0 of the same unit, direction, service_class and valid_from below it", e.v.FromTokens)
		}
	}
}

func (d *draft) checkPlacement(e entry[Placement], places map[Placement]origin) {
	p := e.v
	if m, ok := d.models[p.ModelID]; !ok {
		d.problems.at(e.origin, "id", "%q is no id of %s", p.ModelID, modelsTable.file)
	} else if m.v.Kind != Chat {
		d.problems.at(e.origin, "id", "%q is of kind %s; allowed: chat", p.ModelID, m.v.Kind)
	}
	if p.Position == 0 {
		d.problems.at(e.origin, "position", "is blank; allowed: a whole number from 1")
	}
	place := Placement{Tier: p.Tier, Position: p.Position}
	if first, taken := places[place]; taken {
		d.problems.at(e.origin, "position", "%d of %s is taken by row %d", p.Position, p.Tier, first.line)
	}
	places[place] = e.origin
}

// families gives every family that a model or a score belongs to.
func (d *draft) families() map[string]bool {
	families := map[string]bool{}
	for _, e := range d.models {
		families[e.v.Family] = true
	}
	for _, e := range d.scores {
		families[e.v.Family] = true
	}
	return families
}

// inOrder gives the entries of a table as they stand in the files, so that
// problems come out the same way every time.
func inOrder[T any](entries map[string]entry[T]) []entry[T] {
	return slices.SortedFunc(maps.Values(entries), func(a, b entry[T]) int {
		return cmp.Or(strings.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
	})
}
