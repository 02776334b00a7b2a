package router

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"assay/models/openai"
)

// Tables are the tables that decide beside the newest one: those that requests
// and orgs pin, those that an org waits for, and those that a new one has not
// replaced yet for every conversation. They differ in their tiers alone:
// catalogue, prices, policy and providers are today's in each, so that no model
// is barred in one and served by another. Immutable, replaced whole.
type Tables struct {
	editions []*Edition          // the oldest first
	by       map[string]*Edition // by the id of their tiers
	layers   []Layer
	named    func(string) (string, bool)
}

// Edition is one tier table that can decide.
type Edition struct {
	Tiers     string // its id
	CreatedAt time.Time
	// Build makes the routing table of these tiers and today's other parts. It is
	// called once, when a request first needs it.
	Build func() (*Table, error)

	once  sync.Once
	table *Table
	err   error
}

// Layer is a tier table that takes over from those before it: a conversation
// belongs to the last layer whose share it falls in. The first layer's share is
// 1, whatever it says.
type Layer struct {
	Tiers string  `json:"tiers"`
	Share float64 `json:"share"` // of all conversations, 0..1
}

// NewTables puts editions together. named gives the tiers that a routing table
// (t-...) was made of, as far as this gateway knows; nil: it knows none. Layers
// name editions; none at all: the newest table decides.
func NewTables(editions []*Edition, layers []Layer, named func(table string) (tiers string, ok bool)) *Tables {
	s := &Tables{editions: slices.Clone(editions), by: map[string]*Edition{}, layers: slices.Clone(layers), named: named}
	slices.SortStableFunc(s.editions, func(a, b *Edition) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.Tiers, b.Tiers))
	})
	for _, e := range s.editions {
		s.by[e.Tiers] = e
	}
	return s
}

// Arrange sets which tables decide beside t, from now on.
func (t *Table) Arrange(s *Tables) { t.around.Store(s) }

// tableOf is the table that decides about a request: the one that it or its org
// pins, else the newest that is as old as its org wants, else the one whose
// layer its conversation falls in. The error is an *openai.Error.
func (r *Router) tableOf(a Ask, c Conversation) (*Table, error) {
	newest := r.table.Load()
	wish := newest.Policy.TableFor(a.Org, a.Policy)
	s := newest.around.Load()
	switch {
	case s == nil && wish.Pin == "", wish.Pin == newest.ID, wish.Pin == newest.Tiers.ID:
		return newest, nil
	case s == nil:
		return nil, unknownTable(wish.Pin, wish.By, []string{newest.Tiers.ID})
	}
	e := s.edition(wish.Pin)
	switch {
	case wish.Pin != "" && e == nil:
		return nil, unknownTable(wish.Pin, wish.By, s.IDs())
	case wish.Pin != "":
	case wish.DelayDays > 0:
		e = s.aged(r.o.Now().AddDate(0, 0, -wish.DelayDays))
	default:
		e = s.by[layerOf(s.layers, c)]
	}
	if e == nil || e.Tiers == newest.Tiers.ID {
		return newest, nil
	}
	t, err := e.Table()
	switch {
	case err == nil:
		return t, nil
	case wish.Pin == "": // better a newer table than no answer
		return newest, nil
	}
	return nil, &openai.Error{Status: http.StatusServiceUnavailable, Type: "server_error", Code: "table_unavailable", Param: "X-Gateway-Table",
		Message: fmt.Sprintf("table %q (%s) is known, but what was kept of it can't be used", wish.Pin, wish.By)}
}

// edition finds what a pin names: tiers, or a routing table made of them.
func (s *Tables) edition(pin string) *Edition {
	if pin == "" {
		return nil
	}
	if e := s.by[pin]; e != nil {
		return e
	}
	if s.named == nil {
		return nil
	}
	tiers, ok := s.named(pin)
	if !ok {
		return nil
	}
	return s.by[tiers]
}

// aged is the newest edition that was made by then; the oldest if none was.
func (s *Tables) aged(by time.Time) *Edition {
	for _, e := range slices.Backward(s.editions) {
		if !e.CreatedAt.After(by) {
			return e
		}
	}
	if len(s.editions) == 0 {
		return nil
	}
	return s.editions[0]
}

// layerOf gives the tiers of the layer that a conversation falls in; "" where
// there are no layers. Each table draws its share anew.
func layerOf(layers []Layer, c Conversation) string {
	for i, l := range slices.Backward(layers) {
		if i == 0 || c.Share("table "+l.Tiers) < l.Share {
			return l.Tiers
		}
	}
	return ""
}

// IDs lists the tiers that can be pinned, the oldest first.
func (s *Tables) IDs() []string {
	ids := make([]string, len(s.editions))
	for i, e := range s.editions {
		ids[i] = e.Tiers
	}
	return ids
}

// Table gives the edition's routing table.
func (e *Edition) Table() (*Table, error) {
	e.once.Do(func() {
		if e.table, e.err = e.Build(); e.err != nil {
			e.err = fmt.Errorf("table of tiers %s: %w", e.Tiers, e.err)
		}
	})
	return e.table, e.err
}

// listedTables is how many tables an error names, the newest ones.
const listedTables = 20

func unknownTable(pin, by string, known []string) error {
	if len(pin) > 80 {
		pin = pin[:80] + "..."
	}
	list := slices.Clone(known[max(0, len(known)-listedTables):])
	slices.Reverse(list)
	return &openai.Error{Status: http.StatusNotFound, Type: "invalid_request_error", Code: "unknown_table", Param: "X-Gateway-Table",
		Message: fmt.Sprintf("table %q (%s) is not known here; known tier tables, the newest first: %s", pin, by, quoted(list))}
}
