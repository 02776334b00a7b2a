// Package changes lets routing tables change without surprises. It keeps every
// tier table that was served (archive.go), says of each new one which models it
// puts first for which traffic and what that costs (traffic.go, compare.go),
// lets it take over in daily steps where a step may move only so much traffic
// (move.go), and tells operators: in a log (log.go) that GET /v1/changes reads
// and a webhook delivers (webhook.go). docs/changes.md explains it by example.
//
// Nothing here is on the path of a request but Traffic.Observe.
package changes

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"assay/classifier"
)

// Basis says which traffic shares and costs are weighted by.
type Basis string

// The bases. Assumed: nothing was seen yet, every kind of request counts alike.
const (
	FromTraffic Basis = "seen"
	Assumed     Basis = "assumed"
)

// Entry is one change of what a selector resolves to: what it means for the
// conversations that go from one table to another.
type Entry struct {
	Seq int64     `json:"seq"` // counts the entries of one gateway
	ID  string    `json:"id"`  // the same on every replica for the same change
	At  time.Time `json:"at"`

	FromTable string `json:"from_table"`
	ToTable   string `json:"to_table"`
	FromTiers string `json:"from_tiers"`
	ToTiers   string `json:"to_tiers"`
	Selector  string `json:"selector"`
	// Conversations is the share of all conversations that go over, 0..1; 1 unless
	// max_moved_share lets a table take over in steps.
	Conversations float64 `json:"conversations"`
	// SelectorShare is the selector's share of the requests that were seen.
	SelectorShare float64 `json:"selector_share"`
	// ShareMoved is the share of all requests that another model answers now:
	// Conversations times SelectorShare times the sum of the cells' shares.
	ShareMoved float64 `json:"share_moved"`
	// CostBefore and CostAfter are expected dollars for 1,000 requests to the
	// selector in these conversations; nil: no model has a known cost.
	CostBefore *float64 `json:"cost_before_usd"`
	CostAfter  *float64 `json:"cost_after_usd"`
	Basis      Basis    `json:"basis"`
	// Cells are the kinds of requests whose model changes, the most frequent
	// first; CellsChanged counts them all, of which at most maxCells are listed.
	Cells        []Cell `json:"cells"`
	CellsChanged int    `json:"cells_changed"`
}

// Cell is a kind of request whose model changes.
type Cell struct {
	Intent   classifier.Intent `json:"intent"`
	Level    classifier.Level  `json:"level"`
	Language string            `json:"language"`
	From     string            `json:"from"`  // "": no model could serve it
	To       string            `json:"to"`    // "": no model can serve it now
	Share    float64           `json:"share"` // of the selector's requests
}

// maxCells bounds the cells that an entry lists.
const maxCells = 40

// identify names a change by what it is and its day, not by what one replica
// has seen of the traffic.
func (e *Entry) identify() {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%.6f\n%s", e.FromTable, e.ToTable, e.Selector, e.Conversations, e.At.UTC().Format(time.DateOnly)))
	e.ID = "chg_" + hex.EncodeToString(sum[:12])
}
