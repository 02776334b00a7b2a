// Package router decides which model answers a request, and gets the answer.
//
// A Table is everything that decisions rest on, immutable and replaced whole:
// catalogue, tiers, policy, and which providers can be called. Decide is pure:
// table and query in, ordered candidates with reasons out. Router.Complete is
// the only loop that touches the network. Start with Router.
package router

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"assay/models"
	"assay/router/assess"
	"assay/router/policy"
	"assay/scoring"
	"assay/scoring/success"
)

// Availability says whether a provider can be called, and if not why.
type Availability struct {
	Provider string `json:"provider"`
	OK       bool   `json:"ok"`
	Why      string `json:"why,omitempty"`
	Models   int    `json:"models"` // chat rows of the catalogue at this provider
	// Keys are the provider's keys.
	Keys []ProviderKey `json:"-"`
}

// TableOptions are the parts of a table.
type TableOptions struct {
	Catalog *models.Catalog
	Tiers   scoring.Tiers
	Policy  Policy
	// Available says of each provider whether it can be called. A provider that
	// is missing here cannot.
	Available map[string]Availability
	// Simulated: every answer comes from simulated providers.
	Simulated bool
	// Now is when the table was made: prices and deprecations are as of then.
	Now time.Time

	// Success predicts from outcomes of real prompts; its models are families of
	// the catalogue. nil: abilities alone predict.
	Success *success.Model
	// TransferVariance is that of the outcomes' log odds on prompts which come from
	// elsewhere than the outcomes; default 1. Near 0, outcomes decide alone, also
	// on prompts unlike those that they were measured on.
	TransferVariance float64
	// MeasuredCosts expects of a call what the outcomes' calls cost, where they
	// say so, whether or not the catalogue has a price.
	MeasuredCosts bool
}

// defaultTransfer is one logit, squared: outcomes are of benchmarks, whose
// success rates differ by about as much from those of everyday requests that
// look alike. certain is the variance up to which outcomes decide alone.
const defaultTransfer, certain = 1, 1e-3

// Table is an immutable routing table.
type Table struct {
	ID        string
	Tiers     scoring.Tiers
	Policy    Policy
	Simulated bool
	Made      time.Time
	Providers []Availability

	catalog    *models.Catalog
	vocabulary policy.Vocabulary
	views      sync.Map               // policy.View -> []string: see refusals
	around     atomic.Pointer[Tables] // that decide beside it; nil: none
	rows       []row                  // every chat model, by ID
	byID       map[string]int
	names      *names
	success    *success.Model
	transfer   float64

	// What Decide reads for every query, by row: abilities in the columns of
	// column, and the rows that selectors may pick, by tier ("" for all).
	figures   []figures
	abilities [][]ability
	pools     map[scoring.Tier][]int32
	assessor  *assess.Assessor
	shadows   []int32 // rows that get copies of requests
	given     []int32 // rows of providers with a free allowance
}

// NewTable builds a table. It fails if the parts do not fit together: a
// simulated tier table must never steer real traffic.
func NewTable(o TableOptions) (*Table, error) {
	if o.Tiers.Evidence == scoring.Sim && !o.Simulated {
		return nil, fmt.Errorf("tier table %s rests on simulated evidence and real providers are configured: publish a table from measured or published evidence", o.Tiers.ID)
	}
	t := &Table{Tiers: o.Tiers, Policy: o.Policy.WithDefaults(), Simulated: o.Simulated, Made: o.Now, catalog: o.Catalog, byID: map[string]int{},
		success: o.Success, transfer: cmp.Or(o.TransferVariance, defaultTransfer), abilities: make([][]ability, 2*len(capabilities)), pools: map[scoring.Tier][]int32{}}
	counts, thinks := map[string]int{}, thinkingFamilies(o.Catalog)
	for _, m := range o.Catalog.Models() {
		if m.Kind != models.Chat {
			continue
		}
		counts[m.Provider]++
		if thinks[m.Family] && !scoring.NamedDirect(m) {
			m.Reasoning = models.Yes
		}
		t.add(m, o)
	}
	for _, p := range o.Catalog.Providers() {
		a := o.Available[p.Name]
		a.Provider, a.Models = p.Name, counts[p.Name]
		if !a.OK && a.Why == "" {
			a.Why = "not configured"
		}
		t.Providers = append(t.Providers, a)
	}
	sort.Slice(t.Providers, func(i, j int) bool { return t.Providers[i].Provider < t.Providers[j].Provider })
	t.assessor = assess.New(assess.Checks{Off: defects(t.Policy.Assess.Off)})
	t.vocabulary = KnownTo(o.Catalog).Vocabulary
	t.names = indexNames(o.Catalog.Models(), t.makerFirst)
	t.ID = t.identity(o)
	return t, nil
}

// thinkingFamilies are the families that some host states to reason, that are
// named after it, or that were scored thinking and never without. All their
// hosts are taken to reason: the same weights think as long, and a price
// compared without the thinking would flatter them. A host named
// "non-reasoning" is not.
func thinkingFamilies(c *models.Catalog) map[string]bool {
	thinks := map[string]bool{}
	for _, m := range c.Models() {
		if m.Reasoning.Ok() || scoring.NamedThinking(m) || scoring.OnlyThinking(c.ScoresOf(m.Family)) {
			thinks[m.Family] = true
		}
	}
	return thinks
}

// makerFirst sorts IDs of rows that mean the same model: the maker's own row
// first, then by price, then by ID.
func (t *Table) makerFirst(ids []string) {
	price := func(id string) int64 {
		in, out, ok := t.rows[t.byID[id]].BasePrice(t.Made)
		if !ok {
			return 1 << 62
		}
		return 3*in + out // input usually outweighs output three to one
	}
	maker := func(id string) bool {
		p, _ := t.catalog.Provider(t.rows[t.byID[id]].Provider)
		return p.FirstParty
	}
	sort.Slice(ids, func(i, j int) bool {
		a, b := ids[i], ids[j]
		if maker(a) != maker(b) {
			return maker(a)
		}
		if price(a) != price(b) {
			return price(a) < price(b)
		}
		return a < b
	})
}

// identity names a table by its content, so that the same parts make the same
// ID on every replica.
func (t *Table) identity(o TableOptions) string {
	h := sha256.New()
	fmt.Fprintln(h, o.Catalog.Version(), o.Tiers.ID, o.Tiers.SHA256, string(policyIdentity(t.Policy)), o.Simulated)
	if t.success != nil { // by what can be told of it: its models and how it is used
		fmt.Fprintln(h, t.success.Names(), t.transfer, o.MeasuredCosts)
	}
	for _, p := range t.Providers {
		fmt.Fprintln(h, p.Provider, p.OK, p.Keys)
	}
	return "t-" + hex.EncodeToString(h.Sum(nil))[:12]
}

// Catalog gives the catalogue the table was made from.
func (t *Table) Catalog() *models.Catalog { return t.catalog }

// Callable counts the chat models that can be called.
func (t *Table) Callable() int {
	n := 0
	for _, r := range t.rows {
		if r.barred == "" {
			n++
		}
	}
	return n
}

// Chat counts the chat models of the catalogue.
func (t *Table) Chat() int { return len(t.rows) }

// Model gives a chat model with its tier and whether it can be called.
func (t *Table) Model(id string) (m models.Model, tier scoring.Tier, barred string, ok bool) {
	i, ok := t.byID[id]
	if !ok {
		return models.Model{}, "", "", false
	}
	return t.rows[i].Model, t.rows[i].tier, t.rows[i].barred, true
}
