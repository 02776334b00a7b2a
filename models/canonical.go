package models

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// field is one named value of a row in canonical text.
type field struct{ name, value string }

// fields gives everything a row of models.csv says, in a fixed order. The
// digest and Diff rest on it, so what is missing here changes unnoticed.
func (m Model) fields() []field {
	c := m.Caps
	return []field{
		{"kind", string(m.Kind)}, {"family", m.Family}, {"region", m.Region},
		{"context", number(m.Context)}, {"max_input", number(m.MaxInput)}, {"max_output", number(m.MaxOutput)},
		{"vision", c.Vision.String()}, {"tools", c.Tools.String()}, {"parallel_tools", c.ParallelTools.String()},
		{"json_schema", c.JSONSchema.String()}, {"audio_in", c.AudioIn.String()}, {"audio_out", c.AudioOut.String()},
		{"pdf", c.PDF.String()}, {"web_search", c.WebSearch.String()}, {"prompt_caching", c.PromptCaching.String()},
		{"cache_min_tokens", number(m.CacheMinTokens)},
		{"system_message", c.SystemMessage.String()}, {"sampling", c.Sampling.String()},
		{"logprobs", c.Logprobs.String()}, {"n", c.MultipleN.String()},
		{"reasoning", m.Reasoning.String()}, {"open_weights", m.OpenWeights.String()},
		{"vector_size", number(m.VectorSize)}, {"endpoints", strings.Join(m.Endpoints, " ")},
		{"free", strconv.FormatBool(m.Free)}, {"deprecation", date(m.Deprecation)},
		{"price_source", m.Sources.Price}, {"capability_source", m.Sources.Capability}, {"flags_source", m.Sources.Flags},
	}
}

func (p Provider) fields() []field {
	return []field{
		{"first_party", strconv.FormatBool(p.FirstParty)}, {"base_url", p.BaseURL}, {"api_key_env", p.KeyEnv},
		{"logprobs", p.Logprobs.String()}, {"n", p.MultipleN.String()}, {"json_schema", p.JSONSchema.String()},
		{"note", p.Note}, {"source", p.Source},
		{"trains", p.Trains.yesNo()}, {"retention_days", days(p.RetentionDays)},
		{"terms_source", p.TermsSource}, {"terms_note", p.TermsNote},
	}
}

// label names a price line for a reader: "token in standard since 2026-11-01".
func (p Price) label() string {
	s := p.Unit + " " + string(p.Direction) + " " + p.ServiceClass
	if p.FromTokens > 0 {
		s += fmt.Sprintf(" from %d tokens", p.FromTokens)
	}
	if p.ValidFrom.IsZero() {
		return s + " undated"
	}
	return s + " since " + date(p.ValidFrom)
}

// usd is the price with its unit, exact.
func (p Price) usd() string { return "$" + FormatUSD(p.NanoUSDPerMillion) + "/M" }

func (s Score) line() string {
	return strings.Join([]string{s.Family, s.Benchmark, strconv.FormatFloat(s.Value, 'g', -1, 64),
		s.Unit, s.Setting, s.Reporter, s.Source, date(s.Date), s.Variant}, "\x00")
}

// number writes 0, which stands for unknown, as "".
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// days writes a retention as providers.csv does: here 0 is a statement and
// only a negative number is unknown.
func days(n int) string {
	if n < 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// yesNo writes a flag as the column trains does.
func (f Flag) yesNo() string {
	switch f {
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return ""
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// digestLength is the number of hex digits of a version: 48 bits tell the
// states of one catalogue apart.
const digestLength = 12

// digest is the version: SHA-256 over one line per fact, sorted, so that
// neither the order of rows nor their distribution over layers matters.
func (c *Catalog) digest() string {
	var lines []string
	add := func(parts ...string) { lines = append(lines, strings.Join(parts, "\x00")) }
	for _, m := range c.models {
		for _, f := range m.fields() {
			add("model", m.ID, f.name, f.value)
		}
		for _, p := range m.Prices {
			add("price", m.ID, p.label(), p.usd(), p.Source)
		}
	}
	for _, p := range c.providers {
		for _, f := range p.fields() {
			add("provider", p.Name, f.name, f.value)
		}
	}
	for _, s := range c.scores {
		add("score", s.line())
	}
	for _, p := range c.placements {
		add("placement", p.ModelID, p.Tier, strconv.Itoa(p.Position), strconv.FormatBool(p.CheapestToday))
	}
	for _, a := range c.anchors {
		add("anchor", a.Outcome, a.Family, fmt.Sprint(a.Theta), fmt.Sprint(a.SE), a.Sources)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])[:digestLength]
}
