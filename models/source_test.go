package models

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// sources reads a table of the catalogue's sources, which lie outside the
// project and are absent on most machines.
func sources(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "shared", "data", "catalog", name))
	if os.IsNotExist(err) {
		t.Skip("the catalogue's source tables are not beside the project")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, c := range cells {
			row[all[0][i]] = c
		}
		rows = append(rows, row)
	}
	return rows
}

func sourcesByID(t *testing.T, name string) map[string]map[string]string {
	rows := map[string]map[string]string{}
	for _, r := range sources(t, name) {
		rows[r["id"]] = r
	}
	return rows
}

// whole reads a count as the sources write it, "2000000.0" included.
func whole(t *testing.T, s string) int {
	t.Helper()
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSuffix(s, ".0"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNoChatFigureLost compares every cell of the two tables of chat rows with
// the catalogue, by the merge rules of data/README.md.
func TestNoChatFigureLost(t *testing.T) {
	rows, flags := sources(t, "models.csv"), sourcesByID(t, "flags.csv")
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	denial := func(a, b string) string { // a capability that one source denies is denied
		if a == "false" || b == "false" {
			return "false"
		}
		return a + strings.TrimPrefix(b, a)
	}
	affirmation := func(a, b string) string { // reasoning calls for care, so a yes stands
		if a == "true" || b == "true" {
			return "true"
		}
		return a + strings.TrimPrefix(b, a)
	}
	smaller := func(a, b int) int {
		if a == 0 || (b > 0 && b < a) {
			return b
		}
		return a
	}
	for _, s := range rows {
		m := mustModel(t, c, s["id"])
		f := flags[s["id"]]
		delete(flags, s["id"])
		same := func(what, got, want string) {
			if got != want {
				t.Errorf("%s: %s is %q, the sources make it %q", s["id"], what, got, want)
			}
		}
		equal := func(what string, got, want int) { same(what, strconv.Itoa(got), strconv.Itoa(want)) }
		same("kind", string(m.Kind), "chat")
		same("provider", m.Provider, s["provider"])
		same("family", m.Family, s["model_family"])
		same("region", m.Region, s["region"])
		same("open_weights", m.OpenWeights.String(), s["open_weights"])
		same("price source", m.Sources.Price, s["price_source"])
		same("capability source", m.Sources.Capability, s["capability_source"])
		same("vision", m.Caps.Vision.String(), denial(s["vision"], f["vision"]))
		same("tools", m.Caps.Tools.String(), denial(s["tools"], f["tools"]))
		if p, _ := c.Provider(m.Provider); p.JSONSchema == No {
			same("json_schema", m.Caps.JSONSchema.String(), "false")
		} else {
			same("json_schema", m.Caps.JSONSchema.String(), denial(s["json_schema"], f["json_schema"]))
		}
		same("reasoning", m.Reasoning.String(), affirmation(s["reasoning"], f["reasoning"]))
		equal("max_output", m.MaxOutput, smaller(whole(t, s["max_output"]), whole(t, f["max_output_tokens"])))
		context, input := whole(t, s["context_window"]), whole(t, f["max_input_tokens"])
		if context == 0 {
			context = input
		}
		equal("context", m.Context, context)
		equal("max_input", m.MaxInput, min(input, context))

		same("parallel_tools", m.Caps.ParallelTools.String(), f["parallel_tools"])
		same("audio_in", m.Caps.AudioIn.String(), f["audio_in"])
		same("audio_out", m.Caps.AudioOut.String(), f["audio_out"])
		same("pdf", m.Caps.PDF.String(), f["pdf"])
		same("web_search", m.Caps.WebSearch.String(), f["web_search"])
		same("prompt_caching", m.Caps.PromptCaching.String(), f["prompt_caching"])
		equal("cache_min_tokens", m.CacheMinTokens, whole(t, f["prompt_cache_min_tokens"]))
		same("system_message", m.Caps.SystemMessage.String(), f["system_messages"])
		same("sampling", m.Caps.Sampling.String(), f["sampling_params"])
		same("deprecation", date(m.Deprecation), f["deprecation_date"])
		if f["endpoints"] != "" {
			same("endpoints", strings.Join(m.Endpoints, " "), f["endpoints"])
		}
		if f != nil && !strings.HasSuffix(m.Sources.Flags, " "+f["litellm_key"]) {
			t.Errorf("%s: flags source %q does not name %q", s["id"], m.Sources.Flags, f["litellm_key"])
		}
	}
	for id := range flags {
		t.Errorf("%s: has flags and no row", id)
	}
}

// TestNoContradictionHidden: where the two tables disagree, conflicts.csv
// shows both figures and the one that is served.
func TestNoContradictionHidden(t *testing.T) {
	flags := sourcesByID(t, "flags.csv")
	var want []string
	for _, s := range sources(t, "models.csv") {
		f := flags[s["id"]]
		for _, col := range [][3]string{{"vision", "vision", "vision"}, {"tools", "tools", "tools"},
			{"json_schema", "json_schema", "json_schema"}, {"reasoning", "reasoning", "reasoning"}, {"max_output", "max_output", "max_output_tokens"}} {
			a, b := strings.TrimSuffix(s[col[1]], ".0"), strings.TrimSuffix(f[col[2]], ".0")
			if a != "" && b != "" && a != b {
				want = append(want, s["id"]+" "+col[0]+" "+a+" "+b)
			}
		}
		if a, b := whole(t, s["context_window"]), whole(t, f["max_input_tokens"]); a > 0 && b > a {
			want = append(want, s["id"]+" max_input "+strconv.Itoa(a)+" "+strconv.Itoa(b))
		}
	}
	data, err := embedded.ReadFile("data/conflicts.csv")
	if err != nil {
		t.Fatal(err)
	}
	shown, err := csv.NewReader(strings.NewReader(string(data))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, r := range shown[1:] {
		got[r[0]+" "+r[1]+" "+r[3]+" "+r[4]] = true
		if r[2] != r[3] && r[2] != r[4] {
			t.Errorf("%s %s: %q is served, which no source says", r[0], r[1], r[2])
		}
	}
	for _, w := range want {
		if !got[w] {
			t.Errorf("conflicts.csv does not show %q", w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("conflicts.csv shows %d contradictions, the sources have %d", len(got), len(want))
	}
}

// TestNoMediaRowLost compares every cell of the media table.
func TestNoMediaRowLost(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sources(t, "media.csv") {
		m := mustModel(t, c, s["id"])
		got := []string{m.Provider, string(m.Kind), strconv.FormatBool(len(m.Prices) > 0), number(m.MaxInput), number(m.VectorSize), date(m.Deprecation), m.Sources.Capability}
		for i, column := range []string{"provider", "kind", "priced", "max_input_tokens", "vector_size", "deprecation_date", "source"} {
			if got[i] != s[column] {
				t.Errorf("%s: %s is %q, the source says %q", s["id"], column, got[i], s[column])
			}
		}
	}
}

// TestNoPriceLost compares every price of both tables, exactly, and that there
// is no other.
func TestNoPriceLost(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]map[lineKey]Price{}
	have := 0
	for _, m := range c.Models() {
		lines[m.ID] = map[lineKey]Price{}
		for _, p := range m.Prices {
			lines[m.ID][p.key()] = p
			have++
		}
	}
	want := 0
	expect := func(id string, k lineKey, usd, source string) {
		want++
		nano, err := ParseUSD(usd)
		if err != nil {
			t.Fatal(err)
		}
		p, ok := lines[id][k]
		if !ok || p.NanoUSDPerMillion != nano || p.Source != source {
			t.Errorf("%s %+v: %+v, the source says %s (%s)", id, k, p, usd, source)
		}
	}
	for _, s := range sources(t, "models.csv") {
		k := lineKey{unit: UnitToken, class: ClassStandard}
		if s["price_date"] != "undated" {
			k.validFrom = day(s["price_date"])
		}
		for column, d := range map[string]Direction{"input_usd_per_m": In, "output_usd_per_m": Out, "cached_input_usd_per_m": CacheRead} {
			if k.direction = d; s[column] != "" {
				expect(s["id"], k, s[column], s["price_source"])
			}
		}
	}
	for _, s := range sources(t, "prices.csv") {
		k := lineKey{s["unit"], s["service_class"], Direction(s["direction"]), int64(whole(t, s["from_tokens"])), day("2026-11-01")}
		expect(s["id"], k, s["usd_per_million_units"], s["source"])
	}
	if have != want {
		t.Errorf("%d price lines, the sources have %d", have, want)
	}
}

// TestNoScoreLost compares every score, in order.
func TestNoScoreLost(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	rows, scores := sources(t, "scores.csv"), c.Scores()
	if len(rows) != len(scores) {
		t.Fatalf("%d scores, the source has %d", len(scores), len(rows))
	}
	for i, s := range rows {
		v, err := strconv.ParseFloat(s["score"], 64)
		if err != nil {
			t.Fatal(err)
		}
		want := Score{s["model_family"], s["benchmark"], v, s["unit"], strings.TrimSpace(s["setting"]), s["reporter"],
			strings.TrimSpace(s["source"]), day(s["source_date"]), strings.TrimSpace(s["variant"])}
		if scores[i] != want {
			t.Errorf("score %d is %+v, the source says %+v", i, scores[i], want)
		}
	}
}

// TestNoPlacementLost compares every row of the hand placement.
func TestNoPlacementLost(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	got := map[Placement]bool{}
	for _, p := range c.Placements() {
		got[p] = true
	}
	for _, s := range sources(t, "tiers.csv") {
		if p := (Placement{s["id"], s["tier"], whole(t, s["position"]), s["cheapest_today"] == "true"}); !got[p] {
			t.Errorf("placement %+v is missing", p)
		}
	}
}
