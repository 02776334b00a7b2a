package replay

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/models"
	"assay/router"
)

// MoneyKind says where the costs of a source come from.
type MoneyKind string

// The kinds of money.
const (
	Measured  MoneyKind = "measured"  // cost_usd of the outcomes
	Estimated MoneyKind = "estimated" // prices times counted or expected tokens
	NoMoney   MoneyKind = "none"
)

// Money says how the costs of a source are known.
type Money struct {
	Kind MoneyKind `json:"kind"`
	// Why explains NoMoney.
	Why string `json:"why,omitempty"`
	// Prices are those behind Estimated, by model.
	Prices map[string]TokenPrice `json:"prices,omitempty"`
	// Filled counts tested outcomes without a cost that got their model's mean.
	Filled int `json:"filled,omitempty"`
}

// TokenPrice is what a model's tokens cost.
type TokenPrice struct {
	In   float64 `json:"input_usd_per_million"`
	Out  float64 `json:"output_usd_per_million"`
	From string  `json:"from"` // "prices file" or the catalogue's ID
}

// ReadPrices reads a CSV with the columns model, input_usd_per_million and
// output_usd_per_million, in any order, among others.
func ReadPrices(path string) (map[string]TokenPrice, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: no header: %w", ErrData, path, err)
	}
	var at [3]int
	for i, name := range []string{"model", "input_usd_per_million", "output_usd_per_million"} {
		if at[i] = slices.Index(head, name); at[i] < 0 {
			return nil, fmt.Errorf("%w: %s: column %q is missing", ErrData, path, name)
		}
	}
	out := map[string]TokenPrice{}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrData, path, err)
		}
		line, _ := r.FieldPos(0)
		p := TokenPrice{From: "prices file"}
		for i, to := range []*float64{&p.In, &p.Out} {
			cell := strings.TrimSpace(cells[at[i+1]])
			if *to, err = strconv.ParseFloat(cell, 64); err != nil || !(*to >= 0) || *to > 1e6 {
				return nil, fmt.Errorf("%w: %s:%d: %q is no price in dollars per million tokens", ErrData, path, line, cell)
			}
		}
		name := cells[at[0]]
		if _, twice := out[name]; name == "" || twice {
			return nil, fmt.Errorf("%w: %s:%d: model %q is empty or there twice", ErrData, path, line, name)
		}
		out[name] = p
	}
}

// priceBook finds prices: in the operator's file, else the cheapest host's in
// the catalogue, through the anchors' table from outcome names to families.
type priceBook struct {
	file    map[string]TokenPrice
	catalog *models.Catalog
	family  map[string]string
	now     time.Time
}

func newPriceBook(file map[string]TokenPrice, catalog *models.Catalog, now time.Time) *priceBook {
	b := &priceBook{file: file, catalog: catalog, family: map[string]string{}, now: now}
	for _, a := range catalog.Anchors() {
		b.family[a.Outcome] = a.Family
	}
	return b
}

func (b *priceBook) of(model string) (TokenPrice, bool) {
	if p, ok := b.file[model]; ok {
		return p, true
	}
	family := cmp.Or(b.family[model], model)
	var best TokenPrice
	found := false
	for _, m := range b.catalog.ByFamily(family) {
		in, out, ok := m.BasePrice(b.now)
		if !ok || m.Kind != models.Chat {
			continue
		}
		p := TokenPrice{In: float64(in) / 1e9, Out: float64(out) / 1e9, From: m.ID}
		if !found || 3*p.In+p.Out < 3*best.In+best.Out {
			best, found = p, true
		}
	}
	return best, found
}

// value works out the costs of a source: its own where it has them of every
// model, else estimates where every model has a price, else none.
func (a *arena) value(b *priceBook) {
	kind, prices := Measured, map[string]TokenPrice{}
	if !a.costsKnown(func(it *item) bool { return it.Source == a.source }) || !a.costsKnown(func(it *item) bool { return it.train }) {
		kind = Estimated
	}
	var without []string
	for _, name := range a.models {
		if p, ok := b.of(name); ok {
			prices[name] = p
		} else {
			without = append(without, name)
		}
	}
	switch {
	case kind == Measured:
		a.money = Money{Kind: Measured}
	case len(without) == 0:
		a.money = Money{Kind: Estimated, Prices: prices}
	default:
		shown := without[:min(len(without), 5)]
		a.money = Money{Kind: NoMoney, Why: fmt.Sprintf("not every model has costs in the data, and there is no price of %d of %d models (%s%s)",
			len(without), len(a.models), strings.Join(shown, ", "), map[bool]string{true: ", ..."}[len(without) > len(shown)])}
		return
	}
	for _, it := range a.items {
		row := make([]float64, len(a.models))
		for m, name := range a.models {
			row[m] = nan
			if o, ok := it.Outcomes[name]; ok {
				row[m] = a.money.nano(it, o, prices[name])
			}
		}
		a.cost = append(a.cost, row)
	}
}

// costsKnown reports whether half at least of each model's outcomes on the
// wanted rows have a cost.
func (a *arena) costsKnown(want func(*item) bool) bool {
	for _, name := range a.models {
		asked, costed := 0, 0
		for _, it := range a.items {
			if o, ok := it.Outcomes[name]; ok && want(it) {
				if asked++; o.CostUSD != nil {
					costed++
				}
			}
		}
		if costed*2 < asked {
			return false
		}
	}
	return true
}

// nano is the cost of one outcome in nano-dollars, or NaN.
func (m Money) nano(it *item, o Outcome, p TokenPrice) float64 {
	if m.Kind == Measured {
		if o.CostUSD == nil {
			return nan
		}
		return *o.CostUSD * 1e9
	}
	in := float64(it.tokens)
	if o.InTokens != nil {
		in = *o.InTokens
	}
	// A dollar per million tokens is 1,000 nano-dollars a token.
	return 1e3 * (in*p.In + outTokens(it, o)*p.Out)
}

// Characters per token of answers whose tokens nobody counted.
const charsPerToken, charsPerTokenZH = 4, 1.5

// outTokens is the length of an answer: counted, else from its characters,
// else what the router expects of the prompt's intent.
func outTokens(it *item, o Outcome) float64 {
	switch {
	case o.OutTokens != nil:
		return *o.OutTokens
	case o.OutChars != nil && it.Lang == "zh":
		return math.Ceil(*o.OutChars / charsPerTokenZH)
	case o.OutChars != nil:
		return math.Ceil(*o.OutChars / charsPerToken)
	}
	return float64(router.ExpectedUsage(it.tokens, it.class, models.Unknown, 0, 1).Output)
}
