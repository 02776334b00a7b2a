package api

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"assay/scoring"
)

func TestCheapestOfEachTierAndRegion(t *testing.T) {
	row := func(id, region string, tier scoring.Tier, blended int64, capability float64, available bool) tierRow {
		return tierRow{ID: id, Region: region, Tier: tier, blended: blended, Capability: capability, Available: available}
	}
	rows := []tierRow{
		row("a/dear", "global", scoring.Flagship, 5e9, 90, true),
		row("a/cheap", "global", scoring.Flagship, 2e9, 80, true),
		row("a/same-price-stronger", "global", scoring.Flagship, 2e9, 85, true),
		row("b/cn", "cn", scoring.Flagship, 1e9, 75, true),
		row("b/no-key", "cn", scoring.Flagship, 1e8, 75, false),
		row("b/unknown-price", "cn", scoring.Flagship, -1, 75, true),
		row("c/free", "eu", scoring.CheapFast, 0, 50, true),
		row("c/no-tier", "eu", "", 1, 50, true),
	}
	want := map[string]string{
		"flagship any": "b/cn", "flagship cn": "b/cn", "flagship global": "a/same-price-stronger",
		"cheap-fast any": "c/free", "cheap-fast eu": "c/free",
	}
	first := cheapest(rows)
	got := map[string]string{}
	for _, c := range first {
		got[string(c.Tier)+" "+c.Region] = c.ID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cheapest:\n%s", diff)
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	if diff := cmp.Diff(first, cheapest(rows)); diff != "" {
		t.Errorf("order of rows matters:\n%s", diff)
	}
}

func TestCheapestIsServedAsDataAndOnThePage(t *testing.T) {
	s := serve(t, echo, Options{})
	doc := send(t, "GET", s.URL+"/v1/tiers", "").body
	byID := map[string]gjson.Result{}
	for _, m := range gjson.Get(doc, "models").Array() {
		byID[m.Get("id").Str] = m
	}
	blended := func(m gjson.Result) float64 {
		return (3*m.Get("input_usd_per_million").Float() + m.Get("output_usd_per_million").Float()) / 4
	}
	cheapest := gjson.Get(doc, "cheapest").Array()
	if len(cheapest) < 3 {
		t.Fatalf("%d cheapest models: %s", len(cheapest), gjson.Get(doc, "cheapest").Raw)
	}
	page := send(t, "GET", s.URL+"/tiers", "")
	if csp := page.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") {
		t.Errorf("content security policy %q", csp)
	}
	for _, c := range cheapest {
		own := byID[c.Get("id").Str]
		if !own.Get("available").Bool() || own.Get("tier").Str != c.Get("tier").Str {
			t.Errorf("%s: available %v in tier %s", c.Raw, own.Get("available").Bool(), own.Get("tier").Str)
		}
		for id, m := range byID {
			same := m.Get("tier").Str == c.Get("tier").Str && (c.Get("region").Str == "any" || m.Get("region").Str == c.Get("region").Str)
			priced := m.Get("input_usd_per_million").Type == gjson.String && blended(m) > 0
			if same && priced && m.Get("available").Bool() && blended(m) < blended(own)-1e-9 {
				t.Errorf("%s at %f is cheaper than %s", id, blended(m), c.Raw)
			}
		}
		if !strings.Contains(page.body, c.Get("id").Str) {
			t.Errorf("the page lacks %s", c.Get("id").Str)
		}
	}
	family := send(t, "GET", s.URL+"/tiers?family=gpt-4o", "").body
	for _, want := range []string{"<h2>Abilities</h2>", "<td>tools</td>", "Probability of lying in each band"} {
		if !strings.Contains(family, want) {
			t.Errorf("the family's page lacks %q", want)
		}
	}
}
