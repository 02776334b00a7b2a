package models

import (
	"errors"
	"testing"
)

func TestWithPricesChangesOneRowOfACopy(t *testing.T) {
	c := mustParse(t, small())
	before, _ := c.Model("acme/one")
	doubled := make([]Price, len(before.Prices))
	for i, p := range before.Prices {
		p.NanoUSDPerMillion *= 2
		doubled[i] = p
	}
	changed, err := c.WithPrices("acme/one", doubled)
	if err != nil {
		t.Fatal(err)
	}
	u := Usage{Input: 1000, Output: 1000}
	at := before.Prices[len(before.Prices)-1].ValidFrom
	was, _ := before.Cost(u, ClassStandard, at)
	for name, got := range map[string][]Model{"Models": changed.Models(), "ByFamily": changed.ByFamily("one")} {
		for _, m := range got {
			want := was
			if m.ID == "acme/one" {
				want = 2 * was
			} else {
				old, _ := c.Model(m.ID)
				want, _ = old.Cost(u, ClassStandard, at)
			}
			if cost, _ := m.Cost(u, ClassStandard, at); cost != want {
				t.Errorf("%s: %s costs %d, want %d", name, m.ID, cost, want)
			}
		}
	}
	if again, _ := c.Model("acme/one"); again.Prices[0] != before.Prices[0] || c.Version() == changed.Version() {
		t.Error("the original changed, or the copy's version did not")
	}
	if _, err := c.WithPrices("acme/none", nil); !errors.Is(err, ErrUnknownModel) {
		t.Errorf("unknown row: %v", err)
	}
}
