package models

import (
	"math"
	"strings"
)

// model reads a row of models.csv; prices come from their own file.
func (r row) model() Model {
	id := r.matching("id", idForm, "provider/name of letters, digits and ._:/@+-, the provider in lower case")
	provider, name, ok := strings.Cut(id, "/")
	if !ok {
		provider = "" // already reported
	}
	m := Model{
		ID: id, Provider: provider, Name: name,
		Family:    r.text("family"),
		Kind:      Kind(r.oneOf("kind", kinds)),
		Context:   r.count("context"),
		MaxInput:  r.count("max_input"),
		MaxOutput: r.count("max_output"),
		Caps: Capabilities{
			Vision: r.flag("vision"), Tools: r.flag("tools"), ParallelTools: r.flag("parallel_tools"),
			JSONSchema: r.flag("json_schema"), AudioIn: r.flag("audio_in"), AudioOut: r.flag("audio_out"),
			PDF: r.flag("pdf"), WebSearch: r.flag("web_search"), PromptCaching: r.flag("prompt_caching"),
			SystemMessage: r.flag("system_message"), Sampling: r.flag("sampling"),
			Logprobs: r.flag("logprobs"), MultipleN: r.flag("n"),
		},
		Reasoning:      r.flag("reasoning"),
		OpenWeights:    r.flag("open_weights"),
		CacheMinTokens: r.count("cache_min_tokens"),
		VectorSize:     r.count("vector_size"),
		Free:           r.flag("free").Ok(),
		Deprecation:    r.day("deprecation"),
		Sources: Sources{
			Price: r.text("price_source"), Capability: r.text("capability_source"), Flags: r.text("flags_source"),
		},
	}
	for _, e := range strings.Fields(r.text("endpoints")) {
		if !endpointForm.MatchString(e) {
			r.bad("endpoints", "%q is not allowed; allowed: paths such as /v1/chat/completions, separated by spaces", e)
		}
		m.Endpoints = append(m.Endpoints, e)
	}
	if m.Kind == Chat {
		r.needed("family")
		m.Region = r.matching("region", regionForm, "global, or two lower-case letters such as cn, eu, in")
	} else if m.Region = r.text("region"); m.Region != "" {
		r.matching("region", regionForm, "global, or two lower-case letters such as cn, eu, in; blank for unknown")
	}
	return m
}

// price reads a row of prices.csv.
func (r row) price() Price {
	return Price{
		Unit:              r.oneOf("unit", units),
		Direction:         Direction(r.oneOf("direction", directions)),
		ServiceClass:      r.oneOf("service_class", classes),
		FromTokens:        r.fromZero("from_tokens"),
		NanoUSDPerMillion: r.usd("usd_per_million_units"),
		ValidFrom:         r.day("valid_from"),
		Source:            r.needed("source"),
	}
}

// provider reads a row of providers.csv.
func (r row) provider() Provider {
	p := Provider{
		Name:       r.matching("name", providerForm, "lower-case letters, digits, _ and -"),
		FirstParty: r.oneOf("kind", providerKinds) == "first_party",
		BaseURL:    strings.TrimSuffix(r.link("base_url"), "/"),
		KeyEnv:     r.text("api_key_env"),
		Note:       r.text("note"),
		Source:     r.text("source"),
		Logprobs:   r.flag("logprobs"),
		MultipleN:  r.flag("n"),
		JSONSchema: r.flag("json_schema"),

		Trains:        r.yesNo("trains"),
		RetentionDays: r.retention("retention_days"),
		TermsSource:   r.text("terms_source"),
		TermsNote:     r.text("terms_note"),
	}
	if p.KeyEnv != "" {
		r.matching("api_key_env", envForm, "the name of an environment variable in capitals, or blank for none")
	}
	if p.BaseURL == "" && p.Note == "" {
		r.bad("note", "is blank; a provider without base_url must say why")
	}
	// Data terms decide where an organisation's prompts may go, so none is
	// taken on trust.
	if p.TermsSource == "" && (r.text("trains") != "" || r.text("retention_days") != "" || p.TermsNote != "") {
		r.bad("terms_source", "is blank; trains, retention_days and terms_note need the page they were read on")
	}
	return p
}

// score reads a row of scores.csv.
func (r row) score() Score {
	s := Score{
		Family:    r.needed("family"),
		Benchmark: r.needed("benchmark"),
		Unit:      r.oneOf("unit", scoreUnits),
		Setting:   r.text("setting"),
		Reporter:  r.oneOf("reporter", reporters),
		Source:    r.needed("source"),
		Date:      r.day("source_date"),
		Variant:   r.text("variant"),
	}
	if top, ok := scoreMax[s.Unit]; ok {
		s.Value = r.number("score", 0, top)
	}
	return s
}

// placement reads a row of tiers.csv.
func (r row) placement() Placement {
	return Placement{
		ModelID:       r.needed("id"),
		Tier:          r.oneOf("tier", tierNames),
		Position:      r.count("position"),
		CheapestToday: r.flag("cheapest_today").Ok(),
	}
}

// anchor reads a row of anchors.csv.
func (r row) anchor() Anchor {
	return Anchor{
		Outcome: r.needed("outcome"),
		Family:  r.text("family"),
		Theta:   r.number("theta", -maxLogit, maxLogit),
		SE:      r.number("se", 0, math.MaxFloat64),
		Sources: r.text("sources"),
	}
}

// maxLogit bounds abilities: 30 logits are a certainty of one in 10¹³.
const maxLogit = 30
