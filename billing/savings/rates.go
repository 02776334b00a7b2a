package savings

import (
	"fmt"
	"strings"
	"time"

	"assay/models"
)

// rates are the prices of one model's tokens in nano-dollars per million.
type rates struct {
	in, cached, out, thinking int64
	source                    string
}

// parseRates reads "IN/OUT" or "IN/OUT/CACHED" in dollars per million tokens.
// Without a price of their own cached tokens cost what input costs.
func parseRates(field, s string) (rates, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 2 && len(parts) != 3 {
		return rates{}, Errorf(field, "%q is no price; write IN/OUT or IN/OUT/CACHED in dollars per million tokens, such as 0.40/1.60", s)
	}
	var v [3]int64
	for i, p := range parts {
		n, err := models.ParseUSD(strings.TrimSpace(p))
		if err != nil {
			return rates{}, Errorf(field, "%v", err)
		}
		v[i] = n
	}
	if len(parts) == 2 {
		v[2] = v[0]
	}
	return rates{in: v[0], out: v[1], cached: v[2], thinking: v[1], source: "given"}, nil
}

// catalogRates gives the prices in force at a time for a service class and a
// prompt length, by the rules of models.Model.Cost: a zero counts as known on
// free rows only, and there is no fallback to another class. The error says
// what is missing.
func catalogRates(m models.Model, at time.Time, class string, promptTokens int64) (rates, error) {
	published := map[models.Direction]int64{}
	var thinking int64
	for _, p := range m.PriceLines(at, class, promptTokens) {
		if p.NanoUSDPerMillion == 0 && !m.Free {
			continue
		}
		switch {
		case p.Unit == models.UnitToken:
			published[p.Direction] = p.NanoUSDPerMillion
		case p.Unit == models.UnitReasoningToken && p.Direction == models.Out:
			thinking = p.NanoUSDPerMillion
		}
	}
	in, okIn := published[models.In]
	out, okOut := published[models.Out]
	if !okIn || !okOut {
		return rates{}, fmt.Errorf("the catalogue knows no %s price of input and output of %s on %s", class, m.ID, at.Format(time.DateOnly))
	}
	r := rates{in: in, out: out, cached: in, thinking: out, source: "catalogue"}
	if c, ok := published[models.CacheRead]; ok {
		r.cached = c
	}
	if thinking > 0 {
		r.thinking = thinking
	}
	return r, nil
}

// thinks reports whether a row's model is known to reason before it answers,
// by its own row or, where that does not say, by another host of its weights.
func thinks(c *models.Catalog, m models.Model) bool {
	if m.Reasoning != models.Unknown {
		return m.Reasoning.Ok()
	}
	for _, other := range c.ByFamily(m.Family) {
		if other.Reasoning.Ok() {
			return true
		}
	}
	return false
}

// prices finds prices: those that the caller gave first, then the catalogue's.
type prices struct {
	basis Basis
	at    time.Time
	given map[string]rates // by the name as given and by catalogue ID
}

// model gives the catalogue row that a name means; ok is false if none.
func (p *prices) model(name string) (models.Model, bool) {
	if m, ok := p.basis.Catalog.Model(name); ok {
		return m, true
	}
	if p.basis.Resolve == nil {
		return models.Model{}, false
	}
	id, err := p.basis.Resolve(name)
	if err != nil {
		return models.Model{}, false
	}
	return p.basis.Catalog.Model(id)
}

// of gives the prices of a name, and the catalogue row it means if there is one.
func (p *prices) of(name, class string, promptTokens int64) (rates, models.Model, error) {
	m, known := p.model(name)
	for _, key := range []string{name, m.ID} {
		if r, ok := p.given[key]; ok && key != "" {
			return r, m, nil
		}
	}
	if !known {
		return rates{}, m, fmt.Errorf("%q is not in the catalogue", name)
	}
	r, err := catalogRates(m, p.at, class, promptTokens)
	return r, m, err
}
