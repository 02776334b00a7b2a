package models

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest gives the n model IDs that look most like a name, best first, for
// error messages. A name is compared with the whole ID, with the part after
// the provider and with the part after the last slash, ignoring case.
func (c *Catalog) Nearest(name string, n int) []string {
	type candidate struct {
		cost int
		m    *Model
	}
	name = strings.ToLower(strings.TrimSpace(name))
	all := make([]candidate, len(c.models))
	for i := range c.models {
		m := &c.models[i]
		last := m.Name[strings.LastIndexByte(m.Name, '/')+1:]
		all[i] = candidate{min(unlike(name, m.ID), unlike(name, m.Name), unlike(name, last)), m}
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(
			cmp.Compare(a.cost, b.cost),
			cmp.Compare(kindRank(a.m.Kind), kindRank(b.m.Kind)),
			strings.Compare(a.m.ID, b.m.ID))
	})
	ids := make([]string, 0, min(max(n, 0), len(all)))
	for _, a := range all[:cap(ids)] {
		ids = append(ids, a.m.ID)
	}
	return ids
}

// kindRank puts chat rows first: they are what is asked for by name most.
func kindRank(k Kind) int {
	if k == Chat {
		return 0
	}
	return 1
}

// Cost of one edit, of a character that only has to be added at the end, and
// the longest name that is compared at all: names come from strangers.
const (
	editCost   = 1000
	suffixCost = 1
	maxName    = 128
)

// unlike is the edit distance between a name and an ID, times editCost. If
// the ID goes on where the name ends ("gpt-4" and "gpt-4o") it is much lower,
// because a family name or a missing date is the usual mistake.
func unlike(name, id string) int {
	id = strings.ToLower(id)
	if name != "" && strings.HasPrefix(id, name) {
		return suffixCost * (len(id) - len(name))
	}
	return editCost * editDistance(name[:min(len(name), maxName)], id)
}

// editDistance is Levenshtein's: the least number of bytes to add, remove or
// replace. IDs are ASCII, so bytes are characters.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 0; i < len(a); i++ {
		diagonal := row[0]
		row[0] = i + 1
		for j := 0; j < len(b); j++ {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j]+1, row[j+1]+1, replace)
		}
	}
	return row[len(b)]
}
