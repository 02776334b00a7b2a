package models

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
)

// WithPrices gives a copy of the catalogue in which one row has other prices:
// a catalogue to ask "what if" of, never one to bill by. Nothing is validated.
// Its version differs from the original's and is no digest of its content.
func (c *Catalog) WithPrices(id string, prices []Price) (*Catalog, error) {
	i, ok := c.byID[id]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrUnknownModel, id)
	}
	out := *c
	m := c.models[i]
	m.Prices = slices.Clone(prices)
	out.models = slices.Clone(c.models)
	out.models[i] = m
	if m.Family != "" {
		out.byFamily = maps.Clone(c.byFamily)
		hosts := slices.Clone(c.byFamily[m.Family])
		for j := range hosts {
			if hosts[j].ID == id {
				hosts[j] = m
			}
		}
		out.byFamily[m.Family] = hosts
	}
	sum := sha256.Sum256(fmt.Append(nil, c.version, id, m.Prices))
	out.version = hex.EncodeToString(sum[:])[:digestLength]
	return &out, nil
}
