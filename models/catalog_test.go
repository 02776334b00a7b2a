package models

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEmbeddedIsWhole pins the sizes of the embedded catalogue: every row of
// the sources is there and none is there twice.
func TestEmbeddedIsWhole(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, m := range c.Models() {
		if m.Kind == Chat {
			got["chat rows"]++
		} else {
			got["media rows"]++
			if len(m.Prices) > 0 {
				got["priced media rows"]++
			}
		}
		got["price lines"] += len(m.Prices)
		if m.Free {
			got["free rows"]++
		}
	}
	got["scores"], got["providers"], got["placements"] = len(c.Scores()), len(c.Providers()), len(c.Placements())
	for _, p := range c.Providers() {
		switch p.Trains {
		case Yes:
			got["providers that train"]++
		case No:
			got["providers that do not train"]++
		}
		if p.RetentionDays != UnknownRetention {
			got["providers with a known retention"]++
		}
	}
	families := map[string]bool{}
	for _, s := range c.Scores() {
		families[s.Family] = true
	}
	got["score families"] = len(families)
	want := map[string]int{
		"chat rows": 284, "media rows": 239, "priced media rows": 227, "price lines": 2148,
		"scores": 4992, "score families": 796, "providers": 23, "placements": 37,
		"providers that train": 1, "providers that do not train": 12, "providers with a known retention": 12,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("embedded catalogue (-want +got):\n%s", d)
	}
}

// TestEmbeddedRowsCanBeCalled: every chat row belongs to a provider with an
// endpoint and a key, names its price source and has a region.
func TestEmbeddedRowsCanBeCalled(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.Providers() {
		if !strings.HasPrefix(p.BaseURL, "https://") || p.KeyEnv == "" || p.Source == "" {
			t.Errorf("provider %s: base URL %q, key %q, source %q", p.Name, p.BaseURL, p.KeyEnv, p.Source)
		}
	}
	for _, m := range c.Models() {
		if m.ID != m.Provider+"/"+m.Name {
			t.Errorf("%s: provider %q and name %q do not make the ID", m.ID, m.Provider, m.Name)
		}
		if m.Kind == Chat && (m.Region == "" || m.Sources.Price == "" || m.Family == "") {
			t.Errorf("%s: region %q, family %q, price source %q", m.ID, m.Region, m.Family, m.Sources.Price)
		}
	}
	for _, id := range []string{"bedrock/amazon.nova-pro-v1:0", "openai/text-embedding-3-small"} {
		if m := mustModel(t, c, id); m.SpeaksChat() {
			t.Errorf("%s: is said to speak chat completions", id)
		}
	}
}

// TestZeroPriceIsNotFree: the one chat row listed at 0 has no known price, so
// that a cost router cannot pick it as the cheapest.
func TestZeroPriceIsNotFree(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	at := day("2026-11-24")
	for _, m := range c.Models() {
		in, out, ok := m.BasePrice(at)
		if ok && m.Kind == Chat && (in == 0 || out == 0) {
			t.Errorf("%s: base price %d in, %d out counts as known", m.ID, in, out)
		}
		if !ok && m.Kind == Chat && m.ID != "glm/glm-4.7-flash" {
			t.Errorf("%s: has no base price", m.ID)
		}
	}
	m := mustModel(t, c, "glm/glm-4.7-flash")
	if len(m.Prices) == 0 {
		t.Error("glm-4.7-flash: its published zeros are gone")
	}
	if n, ok := m.Cost(Usage{Input: 1000, Output: 1000}, "", at); ok {
		t.Errorf("glm-4.7-flash: a call costs %d, want unknown", n)
	}
}

// TestNewestPriceServes: of the rows whose price differs between the sources
// the newest dated one is in force, and the published table's own price,
// undated, is still there as the oldest.
func TestNewestPriceServes(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		id, at, in, out string
	}{
		{"deepseek/deepseek-v4-flash", "2026-11-24", "0.3", "1.2"},
		{"deepseek/deepseek-v4-flash", "2026-10-31", "0.09", "0.18"},
		{"deepseek/deepseek-v4-pro", "2026-11-01", "1.32", "3.96"},
		{"deepseek/deepseek-v4-pro", "2026-07-01", "0.435", "0.87"},
		{"qwen/qwen-plus", "2026-11-24", "0.4", "1.2"},
		{"xai/grok-4.20-0309-reasoning", "2026-11-24", "1.25", "2.5"},
		{"xai/grok-4.20-0309-reasoning", "2026-08-01", "2", "6"},
		{"sarvam/sarvam-30b", "2026-11-24", "0.03", "0.12"},
	}
	for _, tt := range tests {
		in, out, ok := mustModel(t, c, tt.id).BasePrice(day(tt.at))
		if !ok || FormatUSD(in) != tt.in || FormatUSD(out) != tt.out {
			t.Errorf("%s at %s: %s in, %s out, %v; want %s, %s", tt.id, tt.at, FormatUSD(in), FormatUSD(out), ok, tt.in, tt.out)
		}
	}
	if _, _, ok := mustModel(t, c, "deepseek/deepseek-v4-pro").BasePrice(day("2026-06-30")); ok {
		t.Error("a price is known before the first dated list")
	}
}

// TestLookUps: each accessor finds what is there and says so when it is not.
func TestLookUps(t *testing.T) {
	c := mustParse(t, small())
	if _, ok := c.Model("acme/none"); ok {
		t.Error("a model that is not there was found")
	}
	if _, ok := c.Provider("none"); ok {
		t.Error("a provider that is not there was found")
	}
	p, ok := c.Provider("host")
	want := Provider{Name: "host", BaseURL: "https://host.example/v1", KeyEnv: "HOST_KEY", Source: "docs", Logprobs: No, JSONSchema: No, RetentionDays: UnknownRetention}
	if d := cmp.Diff(want, p); !ok || d != "" {
		t.Errorf("provider host (-want +got):\n%s", d)
	}
	var ids []string
	for _, m := range c.ByFamily("one") {
		ids = append(ids, m.ID)
	}
	if d := cmp.Diff([]string{"acme/one", "host/org/one"}, ids); d != "" {
		t.Errorf("family one (-want +got):\n%s", d)
	}
	if got := c.ByFamily(""); got != nil {
		t.Errorf("the empty family has %d models", len(got))
	}
	if got := len(c.ScoresOf("one")); got != 2 {
		t.Errorf("family one has %d scores, want 2", got)
	}
	if got := c.Anchors(); len(got) != 2 || got[0] != (Anchor{"One-2026", "one", 0.75, 0.1, "outcomes"}) {
		t.Errorf("anchors are %v", got)
	}
	if got := c.Placements(); len(got) != 2 || got[0] != (Placement{"acme/one", "flagship", 1, true}) {
		t.Errorf("placements are %v", got)
	}
	if !slices.IsSortedFunc(c.Models(), func(a, b Model) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("models are not sorted by ID")
	}
}

// TestCatalogueCannotBeChanged: what an accessor returned belongs to the caller.
func TestCatalogueCannotBeChanged(t *testing.T) {
	c := mustParse(t, small())
	version := c.Version()
	c.Models()[0].Family = "changed"
	c.ByFamily("one")[0].Family = "changed"
	c.Providers()[0].BaseURL = "changed"
	c.Scores()[0].Value = -1
	c.ScoresOf("one")[0].Value = -1
	c.Placements()[0].Tier = "changed"
	c.Anchors()[0].Theta = 99
	if got := c.digest(); got != version {
		t.Errorf("content %s became %s", version, got)
	}
	if c.ByFamily("one")[0].Family != "one" || c.ScoresOf("one")[0].Value < 0 {
		t.Error("an index was changed from outside")
	}
}

// TestProviderFlagsReachModels: what a provider's endpoint takes holds for its
// chat rows that do not reason, and what it ignores for all of them.
func TestProviderFlagsReachModels(t *testing.T) {
	files := with(map[string]string{"models.csv": `id,kind,family,region,json_schema,reasoning,logprobs
acme/plain,chat,f,global,true,false,
acme/unsure,chat,f,global,true,,
acme/think,chat,f,global,true,true,
acme/stated,chat,f,global,true,false,false
host/plain,chat,f,global,true,false,
acme/embed,embedding,,,,,
`, "prices.csv": "id\n", "tiers.csv": "id\n", "anchors.csv": "outcome\n"})
	c := mustParse(t, files)
	tests := []struct {
		id                string
		logprobs, n, json Flag
	}{
		{"acme/plain", Yes, Yes, Yes},
		{"acme/unsure", Yes, Yes, Yes},
		{"acme/think", Unknown, Unknown, Yes},
		{"acme/stated", No, Yes, Yes},
		{"host/plain", No, Unknown, No},
		{"acme/embed", Unknown, Unknown, Unknown},
	}
	for _, tt := range tests {
		caps := mustModel(t, c, tt.id).Caps
		if caps.Logprobs != tt.logprobs || caps.MultipleN != tt.n || caps.JSONSchema != tt.json {
			t.Errorf("%s: logprobs %q, n %q, json_schema %q", tt.id, caps.Logprobs, caps.MultipleN, caps.JSONSchema)
		}
	}
}

// TestUnknownIsNo: only a stated yes is a capability.
func TestUnknownIsNo(t *testing.T) {
	for f, want := range map[Flag]bool{Unknown: false, No: false, Yes: true} {
		if f.Ok() != want {
			t.Errorf("%q counts as %v", f, f.Ok())
		}
	}
}

// TestLimitsAndLastDay: the tighter limit holds; a model is retired from the
// day after its last one.
func TestLimitsAndLastDay(t *testing.T) {
	c := mustParse(t, small())
	if got := mustModel(t, c, "acme/think").PromptLimit(); got != 150000 {
		t.Errorf("prompt limit %d, want the input's 150000", got)
	}
	m := mustModel(t, c, "acme/one")
	if got := m.PromptLimit(); got != 128000 {
		t.Errorf("prompt limit %d, want the context's 128000", got)
	}
	if got := (Model{MaxInput: 7}).PromptLimit(); got != 7 {
		t.Errorf("prompt limit %d with an unknown context, want 7", got)
	}
	if m.Retired(day("2026-12-31")) || !m.Retired(day("2027-01-01")) {
		t.Error("the row is not retired from 2027-01-01 on exactly")
	}
	if (Model{}).Retired(day("2099-01-01")) {
		t.Error("a row without an announced end is retired")
	}
}
