package replay

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/models"
)

func TestReadPrices(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"good", "note,output_usd_per_million,model,input_usd_per_million\nx,2.5,m,0.5\n", ""},
		{"no column", "model,input_usd_per_million\nm,1\n", `"output_usd_per_million" is missing`},
		{"no number", "model,input_usd_per_million,output_usd_per_million\nm,1,much\n", ":2:"},
		{"not a number", "model,input_usd_per_million,output_usd_per_million\nm,1,NaN\n", ":2:"},
		{"below zero", "model,input_usd_per_million,output_usd_per_million\na,1,1\nm,-1,1\n", ":3:"},
		{"twice", "model,input_usd_per_million,output_usd_per_million\nm,1,1\nm,1,1\n", "twice"},
		{"ragged", "model,input_usd_per_million,output_usd_per_million\nm,1\n", "wrong number of fields"},
	} {
		path := filepath.Join(t.TempDir(), "prices.csv")
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := ReadPrices(path)
		if c.want == "" {
			if err != nil || got["m"] != (TokenPrice{0.5, 2.5, "prices file"}) {
				t.Errorf("%s: %+v, %v", c.name, got, err)
			}
		} else if !errors.Is(err, ErrData) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v; want %s", c.name, err, c.want)
		}
	}
}

func f(x float64) *float64 { return &x }

// Costs are the data's where every model has them, else prices times tokens,
// else none; and never a mixture.
func TestWhereCostsComeFrom(t *testing.T) {
	catalog, err := models.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	book := newPriceBook(map[string]TokenPrice{"ours": {In: 2, Out: 10}, "theirs": {In: 1, Out: 1}}, catalog, time.Unix(1.8e9, 0))
	one := func(lang string, outcomes map[string]Outcome) *arena {
		it := &item{Row: Row{ID: "a", Source: "s", Lang: lang, Outcomes: outcomes}, train: true, test: true, tokens: 100}
		a := arenas([]*item{it})[0]
		a.value(book)
		return a
	}
	for _, c := range []struct {
		name, lang string
		outcomes   map[string]Outcome
		kind       MoneyKind
		ours       float64 // nano-dollars
	}{
		{"measured", "en", map[string]Outcome{"ours": {CostUSD: f(0.25)}, "theirs": {CostUSD: f(1)}}, Measured, 0.25e9},
		{"counted tokens", "en", map[string]Outcome{"ours": {InTokens: f(50), OutTokens: f(20)}, "theirs": {}}, Estimated, 1e3 * (50*2 + 20*10)},
		{"characters of English", "en", map[string]Outcome{"ours": {OutChars: f(81)}, "theirs": {}}, Estimated, 1e3 * (100*2 + 21*10)},
		{"characters of Chinese", "zh", map[string]Outcome{"ours": {OutChars: f(30)}, "theirs": {}}, Estimated, 1e3 * (100*2 + 20*10)},
		{"nothing counted", "en", map[string]Outcome{"ours": {}, "theirs": {}}, Estimated, 1e3 * (100*2 + 200*10)},
		{"one model has no cost", "en", map[string]Outcome{"ours": {CostUSD: f(0.25), OutTokens: f(20)}, "theirs": {}}, Estimated, 1e3 * (100*2 + 20*10)},
		{"one model has no price", "en", map[string]Outcome{"ours": {}, "nobody's": {}}, NoMoney, 0},
	} {
		a := one(c.lang, c.outcomes)
		if a.money.Kind != c.kind {
			t.Errorf("%s: money %+v; want %s", c.name, a.money, c.kind)
		}
		if c.kind == NoMoney {
			if a.cost != nil || !strings.Contains(a.money.Why, "nobody's") {
				t.Errorf("%s: costs %v, why %q", c.name, a.cost, a.money.Why)
			}
		} else if k := len(a.models) - 2; a.models[k] != "ours" || !same(a.cost[0][k], c.ours) {
			t.Errorf("%s: %v; want %v", c.name, a.cost[0], c.ours)
		}
	}
	if p, ok := book.of("gpt-4-1106-preview"); !ok || p.In <= 0 || !strings.Contains(p.From, "/") {
		t.Errorf("the catalogue's price by alias: %+v, %v", p, ok)
	}
}
