package router

import (
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"

	"assay/models"
	"assay/router/policy"
)

const (
	// stickyFor is how long a conversation's model is remembered after its last
	// answer, stickyMax how many conversations are.
	stickyFor, stickyMax = time.Hour, 100_000
	// warmFor is how long an upstream's prompt cache is expected to live: the
	// shortest lifetime that large providers state is five minutes, refreshed on
	// use.
	warmFor = 5 * time.Minute
)

// lastTurn is what is remembered of a conversation: no text.
type lastTurn struct {
	model  string
	tokens int64 // prompt and answer of that turn, as the provider counted
	at     time.Time
}

// Sticky remembers which model answered a conversation last. It is safe for
// concurrent use; each replica has its own.
type Sticky struct {
	turns *otter.Cache[Conversation, lastTurn]
}

func newSticky() *Sticky {
	return &Sticky{otter.Must(&otter.Options[Conversation, lastTurn]{MaximumSize: stickyMax})}
}

// Stay is the model that answered a conversation last.
type Stay struct {
	Row int // of the table
	// Cached is how much of the prompt its provider has probably cached, in tokens.
	Cached int64
	// ToolResult: the request answers that model's tool call, and nobody else may
	// go on from there.
	ToolResult bool
}

// stayOf finds what keeps a request on a model; nil if nothing does.
func (r *Router) stayOf(p *plan, ask *Ask) *Stay {
	if !p.continues || p.policy.Workload == policy.Eval || p.policy.Explicit {
		return nil
	}
	turn, ok := r.sticky.turns.GetIfPresent(p.conversation)
	if !ok || r.o.Now().Sub(turn.at) > stickyFor {
		return nil
	}
	row, ok := p.table.byID[turn.model]
	if !ok {
		return nil
	}
	s := &Stay{Row: row}
	if ms := ask.Request.Messages; len(ms) > 0 {
		last := ms[len(ms)-1].Role
		s.ToolResult = last == "tool" || last == "function"
	}
	if r.o.Now().Sub(turn.at) < warmFor && p.table.rows[row].Caps.PromptCaching == models.Yes && turn.tokens >= int64(p.table.rows[row].CacheMinTokens) {
		s.Cached = turn.tokens
	}
	return s
}

// remember notes who answered.
func (r *Router) remember(p *plan, a *Attempt) {
	if a.Outcome == Success && p.policy.Workload != policy.Eval {
		r.sticky.turns.Set(p.conversation, lastTurn{a.Model, a.Usage.Input + a.Usage.Output, r.o.Now()})
	}
}

// stays decides whether a conversation stays on the model that answered it
// last, although best would be chosen for a new one: between a tool call and
// its result always; else if that model is still good enough and, with what
// its provider has cached, no dearer. The reason is "" if it moves.
func (e *estimator) stays(s *Stay, kept, best *scored, o order) string {
	id := e.table.rows[kept.row].ID
	switch {
	case s.ToolResult:
		return fmt.Sprintf("stays on %s: the request holds the result of its tool call", id)
	case !kept.clears:
		return ""
	case o != byCost:
		return fmt.Sprintf("stays on %s, which answered the conversation so far and is still good enough", id)
	}
	cost := e.cachedCost(int(kept.row), s.Cached)
	if cost < 0 || cost > best.cost {
		return ""
	}
	return fmt.Sprintf("stays on %s: with %d tokens of the prompt cached it costs $%s, %s $%s", id, min(s.Cached, e.prompt), models.FormatUSD(cost), e.table.rows[best.row].ID, models.FormatUSD(best.cost))
}

// cachedCost is what an answer of a row is expected to cost if its provider has
// read tokens of the prompt before; -1 if that is unknown.
func (e *estimator) cachedCost(i int, cached int64) int64 {
	if e.free != nil && e.free[i] {
		return 0
	}
	u := e.usage(i)
	u.CacheRead = min(cached, u.Input)
	if nano, ok := e.table.rows[i].Cost(u, models.ClassStandard, e.table.Made); ok {
		return nano
	}
	return e.cost(i)
}

// find gives the place of a row among candidates, -1 if it is not there.
func find(cs []scored, row int) int {
	for i := range cs {
		if int(cs[i].row) == row {
			return i
		}
	}
	return -1
}
