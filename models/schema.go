package models

import (
	"regexp"
)

// The files of a catalogue directory. All are optional in an override.
var (
	modelsTable = table{
		file:     "models.csv",
		required: []string{"id", "kind"},
		optional: []string{"family", "region", "context", "max_input", "max_output",
			"vision", "tools", "parallel_tools", "json_schema", "audio_in", "audio_out", "pdf",
			"web_search", "prompt_caching", "cache_min_tokens", "system_message", "sampling",
			"logprobs", "n", "reasoning", "open_weights", "vector_size", "endpoints", "free",
			"deprecation", "price_source", "capability_source", "flags_source"},
	}
	pricesTable = table{
		file:     "prices.csv",
		required: []string{"id"},
		optional: []string{"unit", "direction", "service_class", "from_tokens", "usd_per_million_units", "valid_from", "source"},
	}
	providersTable = table{
		file:     "providers.csv",
		required: []string{"name"},
		optional: []string{"kind", "base_url", "api_key_env", "logprobs", "n", "json_schema", "note", "source",
			"trains", "retention_days", "terms_source", "terms_note"},
	}
	scoresTable = table{
		file:     "scores.csv",
		required: []string{"family", "benchmark"},
		optional: []string{"score", "unit", "setting", "reporter", "source", "source_date", "variant"},
	}
	tiersTable = table{
		file:     "tiers.csv",
		required: []string{"id"},
		optional: []string{"tier", "position", "cheapest_today"},
	}
	anchorsTable = table{
		file:     "anchors.csv",
		required: []string{"outcome"},
		optional: []string{"family", "theta", "se", "sources"},
	}
)

// fileNames are the files that a catalogue is read from.
var fileNames = []string{
	modelsTable.file, pricesTable.file, providersTable.file,
	scoresTable.file, tiersTable.file, anchorsTable.file,
}

// documentFiles are CSV files that may lie beside them and are not read here:
// the record of contradictions between sources and the training pipeline's
// table of names.
var documentFiles = []string{"conflicts.csv", "aliases.csv"}

// The closed vocabularies of the columns.
var (
	kinds = []string{string(Chat), string(Embedding), string(Rerank), string(Moderation),
		string(Image), string(ImageEdit), string(Video), string(Music), string(Speech),
		string(Transcription), string(OCR)}
	units = []string{UnitToken, UnitReasoningToken, "audio_token", "image_token", "image", "pixel",
		"second", "second_480p", "second_720p", "second_1080p", "second_4k",
		"character", "query", "page", "task"}
	directions = []string{string(In), string(Out), string(CacheRead), string(CacheWrite), string(CacheWrite1h)}
	classes    = []string{ClassStandard, ClassBatch, ClassFlex, ClassPriority}
	// tierNames repeats the public tiers, whose type lies in a higher package.
	tierNames     = []string{"flagship", "cheap-fast", "reasoning"}
	providerKinds = []string{"first_party", "host"}
	reporters     = []string{"vendor", "independent"}
	scoreUnits    = []string{"percent", "0-10", "elo"}
	// scoreMax is the top of each scale; no Elo scale in use comes near 5000.
	scoreMax = map[string]float64{"percent": 100, "0-10": 10, "elo": 5000}
)

// The forms of the names.
var (
	idForm       = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*/[A-Za-z0-9._:/@+-]+$`)
	providerForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)
	regionForm   = regexp.MustCompile(`^(global|[a-z]{2})$`)
	envForm      = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)
	endpointForm = regexp.MustCompile(`^/[A-Za-z0-9._:/{}-]+$`)
)
