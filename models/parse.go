package models

import (
	"cmp"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// Parse reads a catalogue from directories of CSV files, later ones laid over
// earlier ones, and validates the result as a whole. The error is Problems,
// which lists everything that is wrong, unless a file cannot be read at all.
//
// What a row of a later directory does, by file:
//
//   - models.csv, providers.csv, tiers.csv, anchors.csv: it replaces the row
//     with the same id, name, id or outcome as a whole (blank cells too), or
//     is added.
//   - prices.csv: an id that has rows in the later file gets those and no
//     others; its former history goes. Copy the lines worth keeping.
//   - scores.csv: rows of one family, benchmark and source replace those rows
//     of the earlier file, others are added.
//   - With remove=true it takes the row away (its id, name or outcome; in
//     prices.csv all lines of an id; in scores.csv all of a family and
//     benchmark, of one source if given). A removed model takes its prices
//     and its placement along.
func Parse(dirs ...fs.FS) (*Catalog, error) {
	layers := make([]layer, len(dirs))
	for i, d := range dirs {
		var err error
		if layers[i], err = readLayer("", d); err != nil {
			return nil, err
		}
	}
	return parse(layers...)
}

func parse(layers ...layer) (*Catalog, error) {
	d := newDraft()
	for _, l := range layers {
		d.add(l)
	}
	return d.catalogue()
}

// entry is a value with the place it was read from.
type entry[T any] struct {
	origin
	v T
}

// draft is a catalogue under construction.
type draft struct {
	providers  map[string]entry[Provider]
	models     map[string]entry[Model]
	prices     map[string][]entry[Price] // by model ID
	scores     []entry[Score]
	placements map[string]entry[Placement]
	anchors    map[string]entry[Anchor]
	problems   Problems
}

func newDraft() *draft {
	return &draft{
		providers:  map[string]entry[Provider]{},
		models:     map[string]entry[Model]{},
		prices:     map[string][]entry[Price]{},
		placements: map[string]entry[Placement]{},
		anchors:    map[string]entry[Anchor]{},
	}
}

// clone gives a draft that can be added to without touching this one.
func (d *draft) clone() *draft {
	return &draft{
		maps.Clone(d.providers), maps.Clone(d.models), maps.Clone(d.prices), slices.Clone(d.scores),
		maps.Clone(d.placements), maps.Clone(d.anchors), slices.Clone(d.problems),
	}
}

// add lays one directory over what was added so far.
func (d *draft) add(l layer) {
	d.noStrays(l)
	d.overlay(l)
}

// catalogue validates the draft as a whole and builds it, or says everything
// that is wrong.
func (d *draft) catalogue() (*Catalog, error) {
	d.check()
	if len(d.problems) > 0 {
		slices.SortStableFunc(d.problems, func(a, b Problem) int {
			return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Row, b.Row))
		})
		return nil, d.problems
	}
	return d.build(), nil
}

// noStrays refuses CSV files that nobody reads: a misspelt name would
// otherwise change nothing, silently.
func (d *draft) noStrays(l layer) {
	for _, f := range slices.Sorted(maps.Keys(l.files)) {
		if !slices.Contains(fileNames, f) && !slices.Contains(documentFiles, f) {
			d.problems.at(origin{path.Join(l.label, f), 0}, "",
				"is no file of a catalogue; allowed: %s", strings.Join(fileNames, ", "))
		}
	}
}

// overlay reads the files of one directory.
func (d *draft) overlay(l layer) {
	replaceRows(d, l, providersTable, "name", d.providers, row.provider)
	before := maps.Clone(d.models)
	replaceRows(d, l, modelsTable, "id", d.models, row.model)
	for id := range before {
		if _, still := d.models[id]; !still {
			delete(d.prices, id)
			delete(d.placements, id)
		}
	}
	d.overlayPrices(l)
	d.overlayScores(l)
	replaceRows(d, l, tiersTable, "id", d.placements, row.placement)
	replaceRows(d, l, anchorsTable, "outcome", d.anchors, row.anchor)
}

// replaceRows reads a table whose rows have a key of their own.
func replaceRows[T any](d *draft, l layer, t table, key string, into map[string]entry[T], parse func(row) T) {
	seen := map[string]int{}
	t.read(l, &d.problems, func(r row) {
		k := r.text(key)
		if first, twice := seen[k]; twice && k != "" {
			r.bad(key, "%q is there twice, first in row %d", k, first)
			return
		}
		seen[k] = r.line
		if r.flag(removeColumn).Ok() {
			if _, ok := into[k]; !ok {
				r.bad(key, "%q is to be removed and is not there", k)
			}
			delete(into, k)
			return
		}
		into[k] = entry[T]{r.origin, parse(r)}
	})
}

// lineKey is what may appear once in the prices of a model.
type lineKey struct {
	unit, class string
	direction   Direction
	fromTokens  int64
	validFrom   time.Time
}

func (p Price) key() lineKey {
	return lineKey{p.Unit, p.ServiceClass, p.Direction, p.FromTokens, p.ValidFrom}
}

func (d *draft) overlayPrices(l layer) {
	lists := map[string][]entry[Price]{}
	seen := map[string]map[lineKey]int{}
	pricesTable.read(l, &d.problems, func(r row) {
		id := r.needed("id")
		if r.flag(removeColumn).Ok() {
			if len(d.prices[id]) == 0 {
				r.bad("id", "%q is to lose its prices and has none", id)
			}
			delete(d.prices, id)
			return
		}
		p := r.price()
		if seen[id] == nil {
			seen[id] = map[lineKey]int{}
		}
		if first, twice := seen[id][p.key()]; twice {
			r.bad("id", "%q has this unit, direction, service_class, from_tokens and valid_from twice, first in row %d", id, first)
			return
		}
		seen[id][p.key()] = r.line
		lists[id] = append(lists[id], entry[Price]{r.origin, p})
	})
	maps.Copy(d.prices, lists)
}

func (d *draft) overlayScores(l layer) {
	type group struct{ family, benchmark, source string }
	of := func(s Score) group { return group{s.Family, s.Benchmark, s.Source} }
	gone := map[group]bool{} // source "" stands for every source
	seen := map[Score]int{}
	var added []entry[Score]
	scoresTable.read(l, &d.problems, func(r row) {
		if r.flag(removeColumn).Ok() {
			g := group{r.needed("family"), r.needed("benchmark"), r.text("source")}
			if !slices.ContainsFunc(d.scores, func(e entry[Score]) bool {
				return e.v.Family == g.family && e.v.Benchmark == g.benchmark && (g.source == "" || e.v.Source == g.source)
			}) {
				r.bad("family", "%q is to lose its scores in %q and has none", g.family, g.benchmark)
			}
			gone[g] = true
			return
		}
		s := r.score()
		if first, twice := seen[s]; twice {
			r.bad("family", "%q has exactly this score twice, first in row %d", s.Family, first)
			return
		}
		seen[s] = r.line
		gone[of(s)] = true
		added = append(added, entry[Score]{r.origin, s})
	})
	d.scores = slices.DeleteFunc(d.scores, func(e entry[Score]) bool {
		return gone[of(e.v)] || gone[group{e.v.Family, e.v.Benchmark, ""}]
	})
	d.scores = append(d.scores, added...)
}
