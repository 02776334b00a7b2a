// Package savings compares what an organisation paid for its models, and what
// it would pay if a flagship answered everything, with what the same traffic
// costs under Assay's plans: the flat price, and pass-through at provider
// rates with a fee on deposits. Losses are shown as plainly as savings.
//
// It is pure: Compute takes a catalogue, a time, parameters and the text of a
// usage export, and gives a Report that holds every multiplication. Start with
// Compute; usage.go reads exports, traffic.go makes the former mix, bills.go
// multiplies, promise.go solves for the mixes that keep the promised saving.
// Formulas and defaults are in docs/savings.md.
package savings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"assay/models"
)

// DefaultFlagship is the catalogue model that "always flagship" means unless
// another is named.
const DefaultFlagship = "openai/gpt-5.5"

// DefaultAlias is the selector whose choices answer unless another is named.
const DefaultAlias = "assay/balanced"

// Basis is what a calculation rests on beside its parameters.
type Basis struct {
	Catalog *models.Catalog
	Now     time.Time
	// Resolve gives the catalogue ID that a model's bare name means; nil: only
	// IDs are known.
	Resolve func(name string) (id string, err error)
	// Choose says which model routing would send such requests to. nil, or an
	// error that is no InputError: not known; the report says so.
	Choose func(Ask) (Choice, error)
	// Thinking are the thinking tokens to expect of a reasoning model per
	// request of each class.
	Thinking [2]int64
	// Note says what is particular about the choices, such as simulated
	// providers; "" nothing.
	Note string
}

// Ask describes requests of one class.
type Ask struct {
	Alias  string // alias or tier selector
	Class  Class
	Prompt int64 // mean tokens of a prompt
}

// Choice is the model that answers them.
type Choice struct{ Model, Reason string }

// Report is a finished comparison. Its JSON form is stable: fields are added,
// not changed, while Schema stays 1.
type Report struct {
	Object    string     `json:"object"` // "savings"
	Schema    int        `json:"schema"`
	At        string     `json:"at"`      // the day whose prices hold
	Catalog   string     `json:"catalog"` // its version
	Traffic   Traffic    `json:"traffic"`
	Baselines []Baseline `json:"baselines"` // former_mix, always_flagship
	Answering []Answer   `json:"answering"` // the models that answer what was not asked for by name
	Plans     []Plan     `json:"plans"`     // flat, pass_through
	Promise   Promise    `json:"promise"`
	Notes     []string   `json:"notes"`
}

// Traffic is what the comparison is about.
type Traffic struct {
	Source    string `json:"source"` // "assumed" or "imported"
	Requests  int64  `json:"requests"`
	Input     int64  `json:"input_tokens"`
	Cached    int64  `json:"cached_tokens"` // part of input
	Output    int64  `json:"output_tokens"`
	HardShare string `json:"hard_share"`       // of requests
	InPerOut  string `json:"input_per_output"` // "" if there is no output
}

// Bill is a sum with its entries; each entry was rounded once, half up.
type Bill struct {
	Entries []Entry `json:"entries"`
	Total   Money   `json:"total"`
}

// Entry is one multiplication: tokens · share · price per million.
type Entry struct {
	What   string `json:"what"`
	Model  string `json:"model,omitempty"`
	Kind   string `json:"kind"` // input, cached_input, output, thinking, as_billed, fee, list_price_cap
	Tokens int64  `json:"tokens,omitempty"`
	Share  string `json:"share,omitempty"` // of the tokens; "" all
	Price  *Money `json:"price_per_million,omitempty"`
	Source string `json:"price_source,omitempty"` // "catalogue" or "given"
	Amount Money  `json:"amount"`
}

// Baseline is what a plan is compared with.
type Baseline struct {
	Name  string `json:"name"` // former_mix or always_flagship
	Model string `json:"model,omitempty"`
	Bill
}

// Answer is a model that answers a share of a class.
type Answer struct {
	Class    string `json:"class"`
	Model    string `json:"model"`
	Share    string `json:"share"`
	Thinking int64  `json:"thinking_tokens_per_request"`
	Reason   string `json:"reason"`
	Price    string `json:"price,omitempty"` // IN/OUT/CACHED in dollars per million tokens
	Unknown  string `json:"unknown,omitempty"`
}

// Plan is one of Assay's plans over the same traffic.
type Plan struct {
	Name        string       `json:"name"` // flat or pass_through
	Known       bool         `json:"known"`
	Why         string       `json:"why,omitempty"` // if it is not known
	Bill        *Bill        `json:"bill"`
	Comparisons []Comparison `json:"comparisons"` // with former_mix first, then always_flagship
	Margin      Margin       `json:"margin"`
}

// Comparison is a plan beside a baseline.
type Comparison struct {
	With    string `json:"with"`
	Theirs  Money  `json:"baseline"`
	Ours    Money  `json:"plan"`
	Saving  Money  `json:"saving"`         // negative: the plan costs more
	Percent string `json:"saving_percent"` // "" if the baseline costs nothing
	Times   string `json:"times"`          // plan over baseline
	Words   string `json:"words"`
}

// Margin is what a plan leaves to the operator.
type Margin struct {
	Known    bool   `json:"known"`
	Why      string `json:"why,omitempty"`
	Revenue  *Money `json:"revenue"`
	Provider *Bill  `json:"provider_cost"`
	Margin   *Money `json:"margin"`
	Percent  string `json:"margin_percent"` // of revenue
}

// Compute makes the comparison. Errors that the caller can mend are
// InputErrors.
func Compute(b Basis, p Params) (*Report, error) {
	at, err := p.date(b.Now)
	if err != nil {
		return nil, err
	}
	given, err := p.givenPrices()
	if err != nil {
		return nil, err
	}
	c := calculation{basis: b, prices: &prices{basis: b, at: at, given: given}}
	if err := c.readPlans(&p); err != nil {
		return nil, err
	}
	if c.traffic, err = readTraffic(&p, c.prices); err != nil {
		return nil, err
	}
	if err := c.findFlagship(&p); err != nil {
		return nil, err
	}
	if err := c.findRoutes(&p); err != nil {
		return nil, err
	}
	return c.report()
}

// readTraffic gives the former mix: the import's, else the assumed one.
func readTraffic(p *Params, find *prices) (traffic, error) {
	if p.Import == nil && p.Usage == nil {
		if p.Format != "" || p.HardAbove != "" {
			return traffic{}, Errorf("import", "format and hard_above are about an import, and there is none")
		}
		return assumed(p)
	}
	for _, f := range p.Fields()[:mixFields] {
		if *f.Value != "" {
			return traffic{}, Errorf(f.Name, "comes from the import; give one or the other")
		}
	}
	rows, err := p.usageRows()
	if err != nil {
		return traffic{}, err
	}
	return imported(rows, p, find)
}

// usageRows reads whichever form of usage there is.
func (p *Params) usageRows() ([]usageRow, error) {
	switch {
	case p.Usage == nil:
		return readUsage(strings.NewReader(*p.Import), p.Format.or(""))
	case p.Import != nil:
		return nil, Errorf("usage", "there is an import as well; give one or the other")
	case p.Format != "":
		return nil, Errorf("format", "usage is JSON; a format is for an import")
	}
	var lines bytes.Buffer
	for i, u := range p.Usage {
		if err := json.Compact(&lines, u); err != nil {
			return nil, Errorf("usage", "item %d: %v", i+1, err)
		}
		lines.WriteByte('\n')
	}
	return readUsage(&lines, "jsonl")
}

// notes says what a reader must know to judge the numbers.
func (c *calculation) notes() []string {
	notes := []string{
		"This compares money alone; how good the models' answers are is in GET /v1/tiers.",
		"Each plan is charged for the same tokens as the former mix. Another model may answer in more or fewer words; no one knows before it has run.",
	}
	if c.chosen && c.basis.Note != "" {
		notes = append(notes, c.basis.Note)
	}
	if today := c.basis.Now.UTC().Format(time.DateOnly); c.chosen && c.prices.at.Format(time.DateOnly) != today {
		notes = append(notes, "The prices are those of another day; the choice of models is today's.")
	}
	if c.traffic.imported {
		notes = append(notes, "Lines without a class count as hard where the input's list price is above $"+models.FormatUSD(c.hardAbove)+" per million tokens, or unknown.")
	}
	if c.traffic.all.cached > 0 {
		notes = append(notes, "Cached tokens are taken to be cached wherever the traffic goes. Pass-through hands a chosen model's cache price on; the flat price has none of its own unless one is given.")
	}
	for _, l := range c.traffic.lines {
		if l.named {
			notes = append(notes, "A model that was asked for by name answers itself and never costs more than its list price: the flat price is capped there line by line, and pass-through adds no fee to it.")
			break
		}
	}
	for _, l := range c.traffic.lines {
		if l.serviceClass != models.ClassStandard {
			notes = append(notes, fmt.Sprintf("Lines of class %s are compared with immediate answers at standard prices.", l.serviceClass))
			break
		}
	}
	return notes
}
