package changes

import (
	"cmp"
	"math"
	"slices"
	"time"

	"assay/classifier"
	"assay/router"
)

// assumedPrompt is the length of prompts while none was seen, in tokens.
const assumedPrompt = 500

// Flow is conversations that go from one table to another.
type Flow struct {
	From, To      *router.Chooser
	Conversations float64 // their share of all, 0..1
}

// Compare says what a flow changes: an entry for every selector for which
// another model comes first for some kind of request.
func Compare(f Flow, seen Seen, at time.Time) []Entry {
	if f.Conversations <= 0 {
		return nil
	}
	var out []Entry
	from, to := f.From.Table(), f.To.Table()
	for _, s := range selectors {
		e := Entry{At: at.UTC(), Selector: s, Conversations: f.Conversations,
			FromTable: from.ID, ToTable: to.ID, FromTiers: from.Tiers.ID, ToTiers: to.Tiers.ID}
		e.compare(f, mixOf(s, seen))
		if e.CellsChanged == 0 {
			continue
		}
		e.identify()
		out = append(out, e)
	}
	return out
}

// mix is one selector's traffic: every kind of request with its weight.
type mix struct {
	selector float64 // its share of all requests
	basis    Basis
	kinds    []weighed
}

type weighed struct {
	router.Kind
	share  float64 // of the selector's requests
	prompt int64   // tokens
}

// mixOf gives a selector's traffic, every kind alike if it has had none. Kinds
// that were not seen are in it with share 0.
func mixOf(selector string, seen Seen) mix {
	m := mix{basis: Assumed}
	requests, prompt, n := 0.0, float64(assumedPrompt), 0.0
	for _, k := range kindsOf(selector) {
		if c := seen.Kinds[k]; c.Requests > 0 {
			requests += c.Requests
			n += c.Requests * c.PromptTokens
		}
	}
	if requests > 0 {
		m.basis, prompt = FromTraffic, n/requests
	}
	switch {
	case seen.Requests > 0:
		m.selector = requests / seen.Requests
	default:
		m.selector = 1 / float64(len(selectors))
	}
	kinds := kindsOf(selector)
	for _, k := range kinds {
		w := weighed{Kind: k, share: 1 / float64(len(kinds)), prompt: int64(math.Round(prompt))}
		if c := seen.Kinds[k]; m.basis == FromTraffic {
			if w.share = c.Requests / requests; c.Requests > 0 {
				w.prompt = int64(math.Round(c.PromptTokens))
			}
		}
		m.kinds = append(m.kinds, w)
	}
	return m
}

// kindsOf lists the kinds of requests to a selector.
func kindsOf(selector string) []router.Kind {
	var out []router.Kind
	for _, i := range classifier.Intents {
		for l := classifier.L1; l <= classifier.L5; l++ {
			for _, language := range languages {
				out = append(out, router.Kind{Selector: selector, Intent: i, Level: l, Language: language})
			}
		}
	}
	return out
}

// compare fills in what changes for a selector.
func (e *Entry) compare(f Flow, m mix) {
	e.Basis, e.SelectorShare = m.basis, round(m.selector)
	var before, after mean
	moved := 0.0
	for _, k := range m.kinds {
		a, b := f.From.Choose(k.Kind, k.prompt), f.To.Choose(k.Kind, k.prompt)
		if a.CostNano >= 0 && b.CostNano >= 0 { // where one is unknown, both are left out
			before.add(k.share, a.CostNano)
			after.add(k.share, b.CostNano)
		}
		if a.Model != b.Model {
			moved += k.share
			e.Cells = append(e.Cells, Cell{Intent: k.Intent, Level: k.Level, Language: k.Language, From: a.Model, To: b.Model, Share: round(k.share)})
		}
	}
	e.ShareMoved = round(f.Conversations * m.selector * moved)
	e.CostBefore, e.CostAfter = before.perThousand(), after.perThousand()
	e.CellsChanged = len(e.Cells)
	slices.SortStableFunc(e.Cells, func(a, b Cell) int { return cmp.Compare(b.Share, a.Share) })
	e.Cells = e.Cells[:min(len(e.Cells), maxCells)]
}

// mean of costs in nano-dollars, weighed by traffic.
type mean struct{ weight, sum float64 }

func (m *mean) add(w float64, nano int64) {
	m.weight += w
	m.sum += w * float64(nano)
}

// perThousand is dollars for 1,000 requests; nil: no cost is known.
func (m *mean) perThousand() *float64 {
	if m.weight == 0 {
		return nil
	}
	usd := round(1000 * m.sum / m.weight / 1e9)
	return &usd
}

// trusted is how many requests say more about the traffic than an assumption.
const trusted = 200

// Moved is the share of all requests that another model would answer if every
// conversation went from one table to the other, 0..1. While little was seen,
// it is at least what it would be if every kind of request came alike.
func Moved(from, to *router.Chooser, seen Seen) float64 {
	moved := 0.0
	for k, c := range seen.Kinds {
		if p := int64(math.Round(c.PromptTokens)); from.Choose(k, p).Model != to.Choose(k, p).Model {
			moved += c.Requests / seen.Requests
		}
	}
	if seen.Requests >= trusted {
		return min(moved, 1)
	}
	changed, all := 0.0, 0.0
	for _, s := range selectors {
		for _, k := range kindsOf(s) {
			all++
			if from.Choose(k, assumedPrompt).Model != to.Choose(k, assumedPrompt).Model {
				changed++
			}
		}
	}
	return min(max(moved, changed/all), 1)
}

// round keeps decimals short, so that entries can be read.
func round(x float64) float64 { return math.Round(x*1e6) / 1e6 }
