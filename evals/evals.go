// Package evals measures models: it asks them the items of benchmarks, keeps
// every answer, grades the answers and says how sure the score is.
//
// A Task is one benchmark (one file each: gsm8k.go, mmlu.go, cmmlu.go): it
// turns an item into a prompt and names the extractors that grade an answer.
// A Sampler gets one answer (Endpoint is the real one, over HTTP). The Runner
// asks everything a Plan holds, within a Budget, and writes to a Store; a
// Journal beside the store makes each answer durable before it counts as done.
// Package evals/duckdb holds the real store, evals/evalstest its conformance
// tests and fakes.
//
// The way of one answer: Plan -> Runner.Run -> Sampler.Sample -> Journal.Append
// -> Task.Grade -> Store.Put -> Scorecard.
package evals

import (
	"context"
	"errors"
	"iter"
	"time"

	"assay/models"
)

// Errors a caller branches on.
var (
	ErrUnknownBenchmark = errors.New("unknown benchmark")
	ErrUnknownRun       = errors.New("unknown run")
	ErrLocked           = errors.New("the store is in use by another process")
	ErrBudget           = errors.New("budget reached")
	ErrUnpriced         = errors.New("no price is known")
	ErrTooManyErrors    = errors.New("too many errors")
	ErrUnreachable      = errors.New("endpoint cannot be reached")
	ErrIncomparable     = errors.New("runs do not compare")
)

// Message is one turn of a prompt.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Request is one question to one model.
type Request struct {
	Model    string
	Messages []Message
	Sampling Sampling
	// Item says which item is asked; it is not sent.
	Item Key
	// MayRetry, if set, is asked before a second attempt after one that may be
	// charged though it gave no answer; false ends the attempts.
	MayRetry func() bool
}

// Sampler gets one answer. It retries what is worth retrying; an error it
// returns is final for this pass and, where possible, a *CallError.
type Sampler interface {
	Sample(ctx context.Context, req Request) (Answer, error)
}

// Answer is what a model said and what the call was like.
type Answer struct {
	Output       string
	Reasoning    string // text of the model's thinking, where the endpoint shows it
	FinishReason string // "stop", "length", ... as the endpoint wrote it
	Usage        models.Usage
	HasUsage     bool // the endpoint reported usage

	EndpointKind EndpointKind
	RoutedModel  string // X-Model-Router-Model: the model that really answered
	Provider     string // X-Model-Router-Provider
	RequestID    string
	CostNano     int64 // nano-dollars, if HasCost
	HasCost      bool  // the endpoint stated the cost
	Latency      time.Duration
	Attempts     int // calls made, this one included
	// Doubtful counts earlier attempts that ended without a reply, for which
	// the provider may charge all the same.
	Doubtful int
}

// EndpointKind says what kind of thing answered. The kinds never mix in one table.
type EndpointKind string

// The kinds of endpoints of the contract.
const (
	KindReal    EndpointKind = "real"    // a provider, directly
	KindGateway EndpointKind = "gateway" // a provider, through a gateway
	KindSim     EndpointKind = "sim"     // a simulated model
)

// State says how a completion, or its grading, ended.
type State string

// The states of an item. Only OK and Unparsed enter a score; Unparsed is wrong.
const (
	Pending  State = "pending"  // not asked yet; never stored
	OK       State = "ok"       // answered; as a grade: an answer was found in it
	Unparsed State = "unparsed" // answered, but no answer was found in the text
	Length   State = "length"   // cut off at the token limit: neither right nor wrong
	Failed   State = "error"    // no answer came: neither right nor wrong
)

// Key names one question within a run.
type Key struct {
	Benchmark string `json:"benchmark"`
	Model     string `json:"model"`
	ItemID    string `json:"item_id"`
	Sample    int    `json:"sample"` // 0 unless an item is asked several times
}

// Completion is one stored answer, or the failure to get one.
type Completion struct {
	RunID string `json:"run_id"`
	Key
	// Hash names what was asked of whom: see CompletionHash.
	Hash        string       `json:"hash"`
	DatasetHash string       `json:"dataset_hash"`
	State       State        `json:"state"` // OK, Length or Failed
	Kind        EndpointKind `json:"endpoint_kind"`

	Output       string `json:"output"`
	Reasoning    string `json:"reasoning,omitempty"`
	FinishReason string `json:"finish_reason,omitempty"`
	RoutedModel  string `json:"routed_model,omitempty"`
	Provider     string `json:"provider,omitempty"`
	RequestID    string `json:"request_id,omitempty"`

	Usage    models.Usage  `json:"usage"`
	HasUsage bool          `json:"has_usage,omitempty"`
	CostNano int64         `json:"cost_nano"` // nano-dollars; see HasCost
	HasCost  bool          `json:"has_cost,omitempty"`
	Doubtful int64         `json:"doubtful_nano,omitempty"` // worst case of attempts without a reply
	Latency  time.Duration `json:"latency"`
	Attempts int           `json:"attempts"`

	HTTPStatus int    `json:"http_status,omitempty"` // of a failure
	Error      string `json:"error,omitempty"`
	// Permanent marks a failure that asking again will not mend.
	Permanent bool      `json:"permanent,omitempty"`
	At        time.Time `json:"at"`
}

// Done reports whether the question need not be asked again.
func (c Completion) Done() bool { return c.State == OK || c.State == Length }

// Grade is the verdict of one extractor on one completion.
type Grade struct {
	RunID string
	Key
	Subject   string  // of the item: the cluster for standard errors
	Extractor string  // "choice/1"
	State     State   // OK, Unparsed, Length or Failed
	Score     float64 // 0..1; 0 unless State is OK
	Extracted string  // what was found in the text
	Expected  string
	At        time.Time
}

// Item is one question as it is kept beside the answers.
type Item struct {
	Benchmark   string
	DatasetHash string
	ID          string
	Subject     string
	Lang        string
	Question    string
	Choices     []string
	Answer      string
}

// Batch is what goes into a store in one step, whole or not at all. Rows
// replace rows with the same key; storing a batch twice changes nothing.
type Batch struct {
	Runs        []Run
	Items       []Item
	Completions []Completion
	Grades      []Grade
	Scorecards  []Scorecard
}

// Store keeps runs. Its conformance tests are evalstest.TestStore.
type Store interface {
	// Put stores a batch durably before it returns.
	Put(ctx context.Context, b Batch) error
	// Runs lists all runs, newest first.
	Runs(ctx context.Context) ([]Run, error)
	// Completions gives what a run has, by benchmark, model, item and sample.
	Completions(ctx context.Context, runID string) iter.Seq2[Completion, error]
}

// Reader gives back what has been graded. A store for later analysis is one.
type Reader interface {
	// Grades of a run, in the order of its completions, then by extractor.
	Grades(ctx context.Context, runID string) ([]Grade, error)
	// Scorecards of a run by benchmark, model and extractor.
	Scorecards(ctx context.Context, runID string) ([]Scorecard, error)
}
