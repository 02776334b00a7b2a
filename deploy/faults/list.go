package faults

import (
	"cmp"
	"slices"
)

// Fault is one way to fail.
type Fault struct {
	Name  string `json:"name"`
	Does  string `json:"does"`
	serve func(*exchange)
}

var byName = func() map[string]Fault {
	m := map[string]Fault{}
	for _, f := range slices.Concat(refusals, silences, breaks, nonsense, quirks) {
		m[f.Name] = f
	}
	return m
}()

// List gives all faults, by name.
func List() []Fault {
	var out []Fault
	for _, f := range byName {
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b Fault) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
