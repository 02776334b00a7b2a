package router

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/gjson"

	"assay/classifier"
	"assay/models"
	"assay/models/openai"
	"assay/router/allowance"
	"assay/router/health"
	"assay/router/policy"
	"assay/scoring/success"
)

// Classifier reads a prompt. It never fails: one that cannot run its model
// falls back to heuristics and says so in the classification.
type Classifier interface {
	Classify(ctx context.Context, in classifier.Input) classifier.Classification
}

// Call is one request to one upstream.
type Call struct {
	Model  models.Model
	Body   []byte // complete request body, "model" already the provider's name for it
	Stream bool
	ID     string // request id, for the upstream's logs
}

// Response is an upstream's answer. Body must be closed.
type Response struct {
	Status    int
	Header    http.Header
	Body      Body
	Simulated bool
}

// Body is the unread part of a response.
type Body interface {
	Read(p []byte) (int, error)
	Close() error
}

// Upstream sends a call to a provider. An error means that no HTTP answer
// came; a provider's refusal is a Response with its status.
type Upstream interface {
	Do(ctx context.Context, c Call) (*Response, error)
}

// Options are the parts of a Router.
type Options struct {
	Classifier Classifier
	Tokens     *Tokens
	// Upstream finds the door to a provider, for the key of that label ("" where
	// the provider has none in particular); nil means there is none.
	Upstream func(provider, key string) Upstream
	// Allowances count what keys give away; nil: nobody counts, as where nothing
	// is called.
	Allowances *allowance.Book
	Meter      Meter          // default NoMeter
	Health     *health.Health // what is known of upstreams; default a new one
	OnShadow   func(*Record)  // hears of every copy of a request; may be nil
	// Judge says how good sampled answers are; default: a model, asked through the
	// router. OnVerdict hears what it says; may be nil.
	Judge     Judge
	OnVerdict func(*Record, Verdict)
	Now       func() time.Time // default time.Now
	Log       *slog.Logger     // default: discard
}

// Router answers requests. Its table can be swapped while requests run: each
// request uses the one table it started with.
type Router struct {
	o       Options
	table   atomic.Pointer[Table]
	speeds  Speeds
	outputs Outputs
	sticky  *Sticky

	work      sync.WaitGroup // after answers: shadows
	shadowing chan struct{}
	judging   chan struct{}
}

// New makes a router that decides by the given table.
func New(t *Table, o Options) *Router {
	if o.Meter == nil {
		o.Meter = NoMeter{}
	}
	if o.Health == nil {
		o.Health = health.New(health.Config{})
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Router{o: o, sticky: newSticky(), shadowing: make(chan struct{}, shadowsAtOnce), judging: make(chan struct{}, judgesAtOnce)}
	if r.o.Judge == nil {
		r.o.Judge = modelJudge{r}
	}
	r.table.Store(t)
	return r
}

// Table gives the table that decides now.
func (r *Router) Table() *Table { return r.table.Load() }

// Outputs gives what answers have shown of the models' use of tokens.
func (r *Router) Outputs() *Outputs { return &r.outputs }

// Swap makes t decide all requests that start from now on.
func (r *Router) Swap(t *Table) { r.table.Store(t) }

// Route decides which models may answer, in which order, without calling any,
// and explains it in full. It is deterministic but for the classifier's
// deadline and what traffic has shown. On error the decision still holds what
// is known.
func (r *Router) Route(ctx context.Context, ask Ask) (Decision, error) {
	d, _, err := r.route(ctx, ask, true)
	return d, err
}

// plan is what a request is answered by.
type plan struct {
	table        *Table
	policy       policy.Effective
	conversation Conversation
	continues    bool // the conversation may have been seen before
	freeOnly     bool // nothing may be paid for
}

func (r *Router) route(ctx context.Context, ask Ask, explain bool) (Decision, plan, error) {
	p := plan{}
	p.conversation, p.continues = conversationOf(ask)
	t, err := r.tableOf(ask, p.conversation)
	if err != nil {
		return Decision{Requested: ask.Request.Model, Candidates: []Candidate{}, LeftOut: []LeftOut{}}, p, err
	}
	req := ask.Request
	p.table = t
	nothing := Decision{Requested: req.Model, Table: t.ID, Policy: t.Policy.ID, Candidates: []Candidate{}, LeftOut: []LeftOut{}}
	if p.policy, err = t.policyFor(ask, p.conversation); err != nil {
		return nothing, p, err
	}
	target, err := t.resolveUnder(&p.policy)
	if err != nil {
		return nothing, p, err
	}
	p.freeOnly = target.Objective == Free
	q := Query{Target: target, Explicit: p.policy.Explicit, Policy: &p.policy, Refused: t.refusals(p.policy.View()), Explain: explain,
		Learned: r.outputs.Of(t), Class: r.o.Classifier.Classify(ctx, req.Input()), Fixed: fixed(req), Stay: r.stayOf(&p, &ask)}
	tools := gjson.GetBytes(req.Raw, "tools").Raw + gjson.GetBytes(req.Raw, "functions").Raw
	q.Needs = NeedsOf(req, r.o.Tokens.Prompt(req.Text(), len(req.Messages), req.Images(), tools))
	if target.Objective == Fast || target.Objective == Speed {
		q.Speeds = r.speeds.Snapshot()
	}
	if t.success != nil && len(q.Class.Embedding) > 0 { // where the deep stage read the text
		q.Prompt = &success.Prompt{Embedding: q.Class.Embedding}
	}
	q.Free, q.Shut = r.doors(t, &p.policy, q.Needs.PromptTokens)
	d, err := Decide(t, q)
	d.Requested = req.Model
	if err != nil && target.Objective == Free {
		err = r.noneFree(t, &p.policy, err)
	}
	t.observe(q, &d)
	if explain {
		d.Rules = p.policy.Describe()
	}
	return d, p, err
}

// Sink receives the answer for the client. Start is called once, when the
// first upstream byte has come and headers can name what really ran; after it
// either Body once, or Event any number of times, each with the data of one
// server-sent event. An error of Body or Event means the client is gone.
type Sink interface {
	Start(rec *Record)
	Body(status int, body []byte) error
	Event(data []byte) error
}

// Ask is one client request.
type Ask struct {
	Request openai.Request
	ID      string         // request id
	Key     string         // label of the client's key
	Org     string         // that the key belongs to; "" none
	Session string         // X-Session-Id
	Policy  policy.Request // what its headers say
}

// ErrBroken is returned by Complete when the upstream failed after the client
// had been sent the first byte: the stream must end as an error.
var ErrBroken = errors.New("the upstream broke off")

// selector reports whether the client left the choice to the router.
func (r *Record) selector() bool {
	return r.Decision.Rule == "alias" || r.Decision.Rule == "tier and direction"
}
