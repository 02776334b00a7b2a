package changes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"

	"assay/router"
)

// Move is how far the newest tier table has taken over. It is a plain value
// that a small file keeps; Next is pure, so that replicas which know the same do
// the same.
type Move struct {
	Schema int `json:"schema"` // 1
	// Layers are the tables that decide, the oldest first. There are several only
	// while a newer one takes over in steps.
	Layers []router.Layer `json:"layers"`
	// Day (UTC, 2006-01-02) is that of the last step, and Spent the share of the
	// traffic that was moved on it, of at most Limit.
	Day   string  `json:"day"`
	Spent float64 `json:"spent"`
	Limit float64 `json:"limit"`
}

// Step is what Next rests on.
type Step struct {
	Target string // tiers that are to take over
	Day    string // today, UTC
	Limit  float64
	// Moved is the share of the traffic that would move if all conversations went
	// from one table to another.
	Moved func(from, to string) float64
	// Known tells whether a table is still there to be served.
	Known func(tiers string) bool
}

// maxLayers bounds how many tables decide at once. With that many, the newest
// waits until the one before it has taken over.
const maxLayers = 8

// Next gives the state after looking at the target. A target that decided
// before, under layers of newer ones, is taken back to at once: undoing a table
// is never held up. A new one is laid on top with as many conversations as
// today's limit allows, and gets more on each day that follows:
//
//	share' = share + (limit - spent) / moved
//
// moved is the share of the traffic that would move if all went over from what
// decides for the rest. What is left of a day's limit is not saved up.
func (m Move) Next(s Step) Move {
	n := Move{Schema: 1, Layers: m.Among(s.Known).Layers, Day: m.Day, Spent: m.Spent, Limit: s.Limit}
	due := s.Limit != m.Limit
	if s.Day > m.Day {
		n.Day, n.Spent, due = s.Day, 0, true
	}
	at := slices.IndexFunc(n.Layers, func(l router.Layer) bool { return l.Tiers == s.Target })
	switch top := len(n.Layers) - 1; {
	case top < 0:
		n.Layers = []router.Layer{{Tiers: s.Target, Share: 1}}
	case at >= 0 && at < top:
		n.Layers, due = n.Layers[:at+1], true
	case at < 0 && top > 0 && n.Layers[top].Share == 0: // nobody has seen it
		n.Layers[top], due = router.Layer{Tiers: s.Target}, true
	case at < 0 && (len(n.Layers) < maxLayers || s.Limit >= 1):
		n.Layers, due = append(n.Layers, router.Layer{Tiers: s.Target}), true
	}
	if due {
		n.step(s)
	}
	if top := n.Layers[len(n.Layers)-1]; top.Share >= 1 || len(n.Layers) == 1 {
		n.Layers = []router.Layer{{Tiers: top.Tiers, Share: 1}}
	}
	return n
}

// Among gives the state without the layers whose tables are not known. What
// they decided falls to the next older one.
func (m Move) Among(known func(tiers string) bool) Move {
	m.Layers = slices.DeleteFunc(slices.Clone(m.Layers), func(l router.Layer) bool { return !known(l.Tiers) })
	return m
}

// step gives the newest layer what the day's limit still allows.
func (n *Move) step(s Step) {
	top := &n.Layers[len(n.Layers)-1]
	if s.Limit >= 1 || len(n.Layers) == 1 {
		top.Share = 1
		return
	}
	moved := 0.0
	for tiers, weight := range Weights(n.Layers[:len(n.Layers)-1]) {
		moved += weight * s.Moved(tiers, top.Tiers)
	}
	left := s.Limit - n.Spent
	switch rest := (1 - top.Share) * moved; {
	case rest <= left || rest == 0:
		top.Share = 1
		n.Spent += rest
	case left > 0:
		by := min(down(left/moved), 1-top.Share)
		top.Share += by
		n.Spent += by * moved
	}
}

// down cuts a number to two digits that count: replicas that have seen somewhat
// different traffic mostly do the same.
func down(x float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	return math.Floor(x/unit*(1+1e-12)) * unit
}

// Weights gives the share of the conversations that each layer decides for.
func Weights(layers []router.Layer) map[string]float64 {
	out := map[string]float64{}
	rest := 1.0
	for i, l := range slices.Backward(layers) {
		share := l.Share
		if i == 0 {
			share = 1
		}
		out[l.Tiers] += rest * share
		rest *= 1 - share
	}
	return out
}

// Newest gives the tiers that take over or have taken over, and their share.
func (m Move) Newest() router.Layer {
	if len(m.Layers) == 0 {
		return router.Layer{}
	}
	return m.Layers[len(m.Layers)-1]
}

// Equal reports whether two states are the same.
func (m Move) Equal(o Move) bool {
	return slices.Equal(m.Layers, o.Layers) && m.Day == o.Day && m.Spent == o.Spent && m.Limit == o.Limit
}

// Handover is conversations that go from one table's tiers to another's.
type Handover struct {
	From, To      string
	Conversations float64 // their share of all, 0..1
}

// Handovers lists which conversations go where between two states. A step draws
// from all older tables in proportion; taken back, conversations fall to where
// they were.
func Handovers(before, after Move) []Handover {
	old, now := Weights(before.Layers), Weights(after.Layers)
	lost, gained, total := map[string]float64{}, map[string]float64{}, 0.0
	for tiers, w := range old {
		if d := w - now[tiers]; d > 1e-12 {
			lost[tiers] = d
			total += d
		}
	}
	for tiers, w := range now {
		if d := w - old[tiers]; d > 1e-12 {
			gained[tiers] = d
		}
	}
	var out []Handover
	for _, from := range sorted(lost) {
		for _, to := range sorted(gained) {
			out = append(out, Handover{from, to, lost[from] * gained[to] / total})
		}
	}
	return out
}

func sorted(m map[string]float64) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// LoadMove reads the state; none at all is the zero value.
func LoadMove(path string) (Move, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Move{}, nil
	}
	var m Move
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err == nil {
		err = m.check()
	}
	if err != nil {
		return Move{}, fmt.Errorf("state of the move between tables, %s: %w", path, err)
	}
	return m, nil
}

func (m Move) check() error {
	if m.Schema != 1 {
		return fmt.Errorf("schema %d; want 1", m.Schema)
	}
	for _, l := range m.Layers {
		if !(l.Share >= 0 && l.Share <= 1) || l.Tiers == "" {
			return fmt.Errorf("layer %q with share %v", l.Tiers, l.Share)
		}
	}
	return nil
}

// Save writes the state, whole or not at all.
func (m Move) Save(path string) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return replaceFile(path, append(b, '\n'))
}
