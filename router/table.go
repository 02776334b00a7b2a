// Package router decides which model answers a request, and gets the answer.
//
// A Table is everything that decisions rest on, immutable and replaced whole:
// catalogue, tiers, policy, and which providers can be called. Decide is pure:
// table and query in, ordered candidates with reasons out. Router.Complete is
// the only loop that touches the network. Start with Router.
package router

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"assay/models"
	"assay/scoring"
)

// Availability says whether a provider can be called, and if not why.
type Availability struct {
	Provider string `json:"provider"`
	OK       bool   `json:"ok"`
	Why      string `json:"why,omitempty"`
	Models   int    `json:"models"` // chat rows of the catalogue at this provider
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
}

// Table is an immutable routing table.
type Table struct {
	ID        string
	Tiers     scoring.Tiers
	Policy    Policy
	Simulated bool
	Made      time.Time
	Providers []Availability

	catalog *models.Catalog
	rows    []row // every chat model, by ID
	byID    map[string]int
	names   *names
}

// row is one chat model with what decisions need, worked out in advance.
type row struct {
	models.Model // Prices hold only what is in force for standard service
	tier         scoring.Tier
	ability      scoring.Ability
	hasAbility   bool
	// scored: the ability rests on at least one published or measured number,
	// not only on the price and the maker's other models.
	scored bool
	priced bool
	// barred says why the row can never be chosen while this table stands:
	// no key, denied by policy. "" if it can.
	barred string
	// retired says why no selector picks the row although it can be named.
	retired string
}

// NewTable builds a table. It fails if the parts do not fit together: a
// simulated tier table must never steer real traffic.
func NewTable(o TableOptions) (*Table, error) {
	if o.Tiers.Evidence == scoring.Sim && !o.Simulated {
		return nil, fmt.Errorf("tier table %s rests on simulated evidence and real providers are configured: publish a table from measured or published evidence", o.Tiers.ID)
	}
	t := &Table{Tiers: o.Tiers, Policy: o.Policy.withDefaults(), Simulated: o.Simulated, Made: o.Now, catalog: o.Catalog, byID: map[string]int{}}
	counts, thinks := map[string]int{}, thinkingFamilies(o.Catalog)
	for _, m := range o.Catalog.Models() {
		if m.Kind != models.Chat {
			continue
		}
		counts[m.Provider]++
		t.byID[m.ID] = len(t.rows)
		if m.Reasoning == models.Unknown && thinks[m.Family] {
			m.Reasoning = models.Yes
		}
		t.rows = append(t.rows, newRow(m, o))
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
	t.names = indexNames(o.Catalog.Models(), t.makerFirst)
	t.ID = t.identity(o)
	return t, nil
}

// thinkingFamilies are the families that some host states to reason. A host of
// one that does not say is taken to reason as well: the same weights think as
// long, and a price compared without the thinking would flatter it.
func thinkingFamilies(c *models.Catalog) map[string]bool {
	thinks := map[string]bool{}
	for _, m := range c.Models() {
		if m.Reasoning.Ok() {
			thinks[m.Family] = true
		}
	}
	return thinks
}

func newRow(m models.Model, o TableOptions) row {
	r := row{Model: m, tier: o.Tiers.TierAt(m.Family, m.ID, o.Now)}
	r.ability, r.hasAbility = o.Tiers.Ability(m.Family, m.ID, scoring.General)
	r.scored = len(o.Catalog.ScoresOf(m.Family)) > 0 || o.Tiers.Families[m.Family].ObservedShare > 0
	_, r.priced = m.Cost(models.Usage{Input: 1000, Output: 1000}, models.ClassStandard, o.Now)
	r.barred = barred(m, o)
	if m.Retired(o.Now) {
		r.retired = "deprecated since " + m.Deprecation.Format(time.DateOnly)
	}
	return r
}

// barred says why a model can't be called under these options, or "".
func barred(m models.Model, o TableOptions) string {
	if ok, why := o.Policy.Providers.permits("provider", m.Provider); !ok {
		return why
	}
	if ok, why := o.Policy.Models.permits("model", m.ID); !ok {
		return why
	}
	if len(o.Policy.Regions) > 0 && !slices.Contains(o.Policy.Regions, m.Region) {
		return fmt.Sprintf("region %q not allowed by policy", m.Region)
	}
	if !o.Simulated && !m.SpeaksChat() {
		return "its provider serves it only on " + strings.Join(m.Endpoints, ", ")
	}
	a, known := o.Available[m.Provider]
	switch {
	case !known:
		return "provider not configured"
	case !a.OK:
		return a.Why
	}
	return ""
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
	fmt.Fprintln(h, o.Catalog.Version(), o.Tiers.ID, o.Tiers.SHA256, t.Policy, o.Simulated)
	for _, p := range t.Providers {
		fmt.Fprintln(h, p.Provider, p.OK)
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

// KnownTo gives the vocabulary for policies over this catalogue.
func KnownTo(c *models.Catalog) Known {
	var k Known
	regions := map[string]bool{}
	for _, m := range c.Models() {
		k.Models = append(k.Models, m.ID)
		if m.Region != "" {
			regions[m.Region] = true
		}
	}
	for r := range regions {
		k.Regions = append(k.Regions, r)
	}
	for _, p := range c.Providers() {
		k.Providers = append(k.Providers, p.Name)
	}
	sort.Strings(k.Regions)
	return k
}
