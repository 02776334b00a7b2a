// Package models is the catalogue: which models are served where, at what
// price, with which capabilities, and which benchmark scores were published
// for the weights behind them. It is data with a validator around it; a new
// model is a row, not code.
//
// Start with Catalog, then Model; Embedded gives the catalogue that is
// compiled in, LoadDir the same with an operator's files laid over it. Price
// arithmetic is in price.go, the files' columns in schema.go, where the data
// comes from in data/README.md. Diff, Apply and Watcher change a running
// gateway's catalogue as a whole or not at all.
package models

import (
	"errors"
	"slices"
	"time"
)

// ErrUnknownModel is returned for a model ID that no row of the catalogue has.
var ErrUnknownModel = errors.New("unknown model")

// Kind says what a row serves.
type Kind string

// The kinds of rows. Only Chat rows are candidates for chat completions.
const (
	Chat          Kind = "chat"
	Embedding     Kind = "embedding"
	Rerank        Kind = "rerank"
	Moderation    Kind = "moderation"
	Image         Kind = "image"
	ImageEdit     Kind = "image_edit"
	Video         Kind = "video"
	Music         Kind = "music"
	Speech        Kind = "speech"
	Transcription Kind = "transcription"
	OCR           Kind = "ocr"
)

// Flag is a capability that a source states, denies or does not mention.
// Unknown counts as no wherever a request depends on it.
type Flag int8

// The three values of a Flag.
const (
	Unknown Flag = iota
	No
	Yes
)

// Ok reports whether the capability is known to be there.
func (f Flag) Ok() bool { return f == Yes }

// String gives "true", "false" or "".
func (f Flag) String() string {
	switch f {
	case Yes:
		return "true"
	case No:
		return "false"
	}
	return ""
}

// Capabilities are the things a request may need from a model. Where sources
// contradict each other the denial stands; see data/README.md.
//
// SystemMessage and Sampling are different from the rest: nearly every chat
// model takes a system message and a temperature and sources name only some
// of those that do, so here only a stated No should exclude a model.
type Capabilities struct {
	Vision        Flag
	Tools         Flag
	ParallelTools Flag
	JSONSchema    Flag // strict structured output
	AudioIn       Flag
	AudioOut      Flag
	PDF           Flag
	WebSearch     Flag
	PromptCaching Flag
	SystemMessage Flag
	Sampling      Flag // accepts temperature and top_p; No on some reasoning models
	Logprobs      Flag
	MultipleN     Flag // accepts n > 1
}

// Model is one served model: exact version at one provider.
type Model struct {
	ID       string // "provider/name", unique
	Provider string
	Name     string // what the provider calls it: the ID without "provider/"
	Family   string // the weights behind it; scores belong to families; "" for most media rows
	Kind     Kind
	Region   string // "global", "cn", "eu", "in"; "" unknown (media rows)

	Context   int // tokens of input and output together; 0 unknown
	MaxInput  int // tokens of input alone where a source states it; 0 unknown
	MaxOutput int // tokens; 0 unknown
	Caps      Capabilities
	// Reasoning is Yes for models that think before they answer.
	Reasoning   Flag
	OpenWeights Flag
	// CacheMinTokens is the shortest prefix the provider caches; 0 unknown.
	CacheMinTokens int
	VectorSize     int // embeddings: dimensions; 0 unknown
	// Endpoints are the API paths the provider serves the row on, such as
	// "/v1/chat/completions"; nil where no source says.
	Endpoints []string

	// Free marks a row whose zero price is meant: without it an unknown or
	// zero price never counts as cheap.
	Free        bool
	Deprecation time.Time // zero if none was announced
	Prices      []Price   // history included, oldest first
	Sources     Sources
}

// Retired reports whether the announced last day of the model lies before at.
func (m Model) Retired(at time.Time) bool {
	return !m.Deprecation.IsZero() && !at.Before(m.Deprecation.AddDate(0, 0, 1))
}

// PromptLimit is the largest prompt in tokens that the row is known to take:
// the smaller of Context and MaxInput, or whichever is known; 0 unknown.
func (m Model) PromptLimit() int {
	if m.Context == 0 || (m.MaxInput > 0 && m.MaxInput < m.Context) {
		return m.MaxInput
	}
	return m.Context
}

// SpeaksChat reports whether the row can be called through its provider's
// OpenAI-compatible chat completions: it is a chat row, and no source lists
// endpoints without that one. Bedrock's Claude, Nova and Llama do not.
func (m Model) SpeaksChat() bool {
	return m.Kind == Chat && (len(m.Endpoints) == 0 || slices.Contains(m.Endpoints, "/v1/chat/completions"))
}

// Sources name where a row's figures come from.
type Sources struct {
	Price      string // of the base price; each Price names its own as well
	Capability string // limits and flags
	Flags      string // further flags, deprecation, endpoints
}

// Provider is a company that serves models: their maker, or a host of weights
// that others made.
type Provider struct {
	Name       string
	FirstParty bool   // serves its own models; false for hosts and resellers
	BaseURL    string // OpenAI-compatible endpoint; "" where none is known
	KeyEnv     string // environment variable that usually holds the key
	Note       string // what is particular about the endpoint
	Source     string // where the endpoint and the flags below were read

	// Logprobs and MultipleN are what the endpoint passes on for chat models
	// that do not reason; a model's own row overrides them.
	Logprobs  Flag
	MultipleN Flag
	// JSONSchema No means that the endpoint ignores a JSON schema even for
	// models whose own API honours one.
	JSONSchema Flag

	// Trains is Yes where the provider by default trains its models on what
	// goes through its paid API, No where it says that it does not.
	Trains Flag
	// RetentionDays is how many days prompts and answers are kept at most by
	// default, checks for abuse included; 0 is a stated "not kept",
	// UnknownRetention where no source gives a period.
	RetentionDays int
	TermsSource   string // where the two above were read, and when
	TermsNote     string // exceptions, and what stayed open
}

// UnknownRetention is the RetentionDays of a provider whose sources give no
// period: nothing may conclude from it that prompts are soon forgotten.
const UnknownRetention = -1

// Direction is the way a priced unit flows.
type Direction string

// The directions of the price contract.
const (
	In           Direction = "in"
	Out          Direction = "out"
	CacheRead    Direction = "cache_read"
	CacheWrite   Direction = "cache_write"
	CacheWrite1h Direction = "cache_write_1h"
)

// The service classes of the price contract.
const (
	ClassStandard = "standard"
	ClassBatch    = "batch"
	ClassFlex     = "flex"
	ClassPriority = "priority"
)

// The units that chat prices use. Units of media rows are listed in units.
const (
	UnitToken          = "token"
	UnitReasoningToken = "reasoning_token"
)

// Price is one line of a price list. Money is integer nano-dollars throughout:
// $1 = 1_000_000_000. A zero here is a published zero; unknown is no line.
type Price struct {
	Unit              string    `json:"unit"` // "token", "image", "second", "task", ...
	Direction         Direction `json:"direction"`
	ServiceClass      string    `json:"service_class"` // "standard", "batch", "flex", "priority"
	FromTokens        int64     `json:"from_tokens"`   // prompt length from which this line applies
	NanoUSDPerMillion int64     `json:"nano_usd_per_million"`
	ValidFrom         time.Time `json:"valid_from"` // zero: undated
	Source            string    `json:"source,omitempty"`
}

// Usage is what one call consumed, in tokens. Cached and written tokens are
// parts of Input, reasoning tokens a part of Output.
type Usage struct {
	Input      int64 `json:"input_tokens"`
	CacheRead  int64 `json:"cache_read_tokens,omitempty"`
	CacheWrite int64 `json:"cache_write_tokens,omitempty"`
	Output     int64 `json:"output_tokens"`
	Reasoning  int64 `json:"reasoning_tokens,omitempty"`
	// Estimated marks counts that the provider did not report.
	Estimated bool `json:"estimated,omitempty"`
}

// Score is one published benchmark figure of one family.
type Score struct {
	Family    string
	Benchmark string  // "MMLU-Pro", "CMMLU", ...
	Value     float64 // in Unit
	Unit      string  // "percent", "0-10" or "elo"
	Setting   string  // shots, edition, judge, reasoning mode, as the source wrote it
	Reporter  string  // "vendor" or "independent"
	Source    string
	Date      time.Time
	Variant   string // the model's name as the source wrote it
}

// Placement is one row of the published hand-made tier table.
type Placement struct {
	ModelID       string
	Tier          string // "flagship" or "cheap-fast"
	Position      int
	CheapestToday bool
}

// Anchor is a family's ability as fitted to outcomes on real prompts; anchors
// tie published scores to the scale of prompt difficulty.
type Anchor struct {
	Outcome string // the model's name in the outcome data
	Family  string // catalogue or score family; "" where none matches
	Theta   float64
	SE      float64
	Sources string
}
