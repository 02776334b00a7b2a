package evals

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Status is the state of a run.
type Status string

// The states of a run. Complete and Partial ones are finished: every item was
// asked. A Partial one has failures that are worth asking again.
const (
	Running  Status = "running"
	Stopped  Status = "stopped" // interrupted, out of budget, too many errors
	Partial  Status = "partial"
	Complete Status = "complete"
)

// Run is one measurement: what was asked of whom, and how far it got.
type Run struct {
	ID         string
	ParamsHash string // see Params.Hash
	Params     Params
	Status     Status
	Note       string // why it stopped
	Kind       EndpointKind
	StartedAt  time.Time
	UpdatedAt  time.Time
	FinishedAt time.Time // zero until every item was asked
	Planned    int       // questions in all
	SpentNano  int64     // nano-dollars, doubtful attempts at their worst case
}

// Night is the date under which analysts find a run: that of its start, UTC.
func (r Run) Night() string { return r.StartedAt.UTC().Format(time.DateOnly) }

// Params are the things that make two runs the same measurement. Concurrency,
// rate limits, budget and keys are not among them.
type Params struct {
	BaseURL    string        `json:"base_url"`
	Benchmarks []BenchParams `json:"benchmarks"` // by name
	Models     []ModelParams `json:"models"`     // by ID
	Limit      int           `json:"limit"`      // items per benchmark; 0 all
	Seed       int64         `json:"seed"`
}

// BenchParams say which items are asked and how the prompt is made of them.
type BenchParams struct {
	Name        string `json:"name"`
	Template    string `json:"template"` // "gsm8k-cot/1"
	Origin      string `json:"origin"`   // of the data set: "folder" or "starter"
	DatasetHash string `json:"dataset_hash"`
	Items       int    `json:"items"` // asked, after the limit
}

// ModelParams say how one model is asked.
type ModelParams struct {
	ID string `json:"id"`
	// Catalog is the catalogue's ID of the model, where it is not ID.
	Catalog  string   `json:"catalog,omitempty"`
	Sampling Sampling `json:"sampling"`
}

// CatalogID is the name under which the catalogue knows the model.
func (m ModelParams) CatalogID() string { return cmp.Or(m.Catalog, m.ID) }

// Sampling is everything beside the messages that can change an answer.
type Sampling struct {
	// System is put before the messages; empty sends none.
	System string `json:"system,omitempty"`
	// MaxTokens bounds the answer; 0 takes the task's own bound.
	MaxTokens int `json:"max_tokens,omitempty"`
	// MaxTokensField is the name under which the bound is sent: "max_tokens"
	// unless the endpoint wants "max_completion_tokens".
	MaxTokensField string `json:"max_tokens_field,omitempty"`
	// Temperature is sent unless nil.
	Temperature *float64 `json:"temperature,omitempty"`
	// Extra are further fields of the request body, sent as they are.
	Extra map[string]any `json:"extra,omitempty"`
}

// normal gives the parameters in the one order in which they are hashed.
func (p Params) normal() Params {
	p.BaseURL = strings.TrimRight(p.BaseURL, "/")
	p.Benchmarks = slices.SortedFunc(slices.Values(p.Benchmarks), func(a, b BenchParams) int { return cmp.Compare(a.Name, b.Name) })
	p.Models = slices.SortedFunc(slices.Values(p.Models), func(a, b ModelParams) int { return cmp.Compare(a.ID, b.ID) })
	return p
}

// Hash is the identity of a measurement: hex SHA-256 of the parameters in
// normal order. Runs of the same hash continue each other.
func (p Params) Hash() string { return hashJSON(p.normal()) }

// NewRunID names a run by the second it starts and its parameters.
func NewRunID(now time.Time, paramsHash string) string {
	return now.UTC().Format("20060102-150405-") + paramsHash[:8]
}

// CompletionHash names one question completely: endpoint, model, messages,
// sampling, sample number and data set. Two completions with the same hash
// answer the same question.
func CompletionHash(baseURL string, req Request, datasetHash string) string {
	return hashJSON(struct {
		BaseURL  string
		Model    string
		Messages []Message
		Sampling Sampling
		Sample   int
		Dataset  string
	}{strings.TrimRight(baseURL, "/"), req.Model, req.Messages, req.Sampling, req.Item.Sample, datasetHash})
}

// hashJSON is the hex SHA-256 of v as JSON; encoding/json sorts map keys.
func hashJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // plain structs and decoded YAML always encode
		panic(fmt.Sprintf("evals: encode for hash: %v", err))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Equal reports whether two samplings ask alike.
func (s Sampling) Equal(o Sampling) bool { return hashJSON(s) == hashJSON(o) }

// With gives the sampling with the fields of over that are set.
func (s Sampling) With(over Sampling) Sampling {
	s.System = cmp.Or(over.System, s.System)
	s.MaxTokens = cmp.Or(over.MaxTokens, s.MaxTokens)
	s.MaxTokensField = cmp.Or(over.MaxTokensField, s.MaxTokensField)
	if over.Temperature != nil {
		s.Temperature = over.Temperature
	}
	if len(over.Extra) > 0 {
		extra := maps.Clone(s.Extra)
		if extra == nil {
			extra = map[string]any{}
		}
		maps.Copy(extra, over.Extra)
		s.Extra = extra
	}
	return s
}

// Difference says in words where two sets of parameters differ.
func (p Params) Difference(o Params) string {
	p, o = p.normal(), o.normal()
	var parts []string
	add := func(name string, a, b any) {
		if hashJSON(a) != hashJSON(b) {
			parts = append(parts, fmt.Sprintf("%s: %v, now %v", name, a, b))
		}
	}
	add("base URL", p.BaseURL, o.BaseURL)
	add("limit", p.Limit, o.Limit)
	add("seed", p.Seed, o.Seed)
	names := func(ms []ModelParams) (out []string) {
		for _, m := range ms {
			out = append(out, m.ID)
		}
		return
	}
	add("models", names(p.Models), names(o.Models))
	if hashJSON(names(p.Models)) == hashJSON(names(o.Models)) && hashJSON(p.Models) != hashJSON(o.Models) {
		parts = append(parts, "sampling of the models")
	}
	add("benchmarks", p.Benchmarks, o.Benchmarks)
	return strings.Join(parts, "; ")
}
