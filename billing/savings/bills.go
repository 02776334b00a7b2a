package savings

import (
	"fmt"
	"math/big"

	"assay/models"
)

// ledger collects entries; after the first that does not fit it stays broken.
type ledger struct {
	Bill
	err error
}

func newLedger() *ledger { return &ledger{Bill: Bill{Entries: []Entry{}}} }

func (b *ledger) put(e Entry) {
	if b.err != nil {
		return
	}
	sum, fits := add(b.Total, e.Amount)
	if !fits {
		b.err = errTooLarge
		return
	}
	b.Entries, b.Total = append(b.Entries, e), sum
}

// tokens books tokens · s · perMillion; no tokens, no entry.
func (b *ledger) tokens(what, model, kind string, tokens int64, s share, perMillion int64, source string) {
	if tokens == 0 || s == 0 || b.err != nil {
		return
	}
	amount, err := charge(tokens, s, perMillion)
	if err != nil {
		b.err = err
		return
	}
	price := Money(perMillion)
	e := Entry{What: what, Model: model, Kind: kind, Tokens: tokens, Price: &price, Source: source, Amount: amount}
	if s != whole {
		e.Share = s.String()
	}
	b.put(e)
}

// volume books the three kinds of tokens at a model's prices.
func (b *ledger) volume(what, model string, v volume, s share, r rates) {
	b.tokens(what, model, "input", v.input-v.cached, s, r.in, r.source)
	b.tokens(what, model, "cached_input", v.cached, s, r.cached, r.source)
	b.tokens(what, model, "output", v.output, s, r.out, r.source)
}

// title is what a line is called in entries.
func (l *line) title() string {
	s := l.class.String() + " requests"
	if l.named {
		s += ", asked for by name"
	}
	if l.serviceClass != models.ClassStandard {
		s += ", " + l.serviceClass
	}
	return s
}

// former is what the former mix costs: what was billed where an export says
// so, else tokens at list prices.
func (c *calculation) former() (Bill, error) {
	b := newLedger()
	for i := range c.traffic.lines {
		l := &c.traffic.lines[i]
		if l.billed {
			b.put(Entry{What: l.title(), Model: l.name, Kind: "as_billed", Amount: l.cost})
			continue
		}
		b.volume(l.title(), l.name, l.volume, whole, l.rates)
	}
	return b.Bill, b.err
}

// always is what the flagship costs if it answers everything.
func (c *calculation) always() (Bill, error) {
	b := newLedger()
	b.volume("all requests", c.flagship.ID, c.traffic.all, whole, c.flagshipRates)
	return b.Bill, b.err
}

// flatBill charges the flat price, capped at list price for every line that was
// asked for by name.
func (c *calculation) flatBill() (Bill, error) {
	b := newLedger()
	for _, class := range classes {
		what := class.String() + " requests"
		v := c.traffic.routed[class]
		b.volume(what, "", v, whole, c.flat)
		if !c.flatThinks {
			continue
		}
		for _, r := range c.routes[class] {
			tokens, fits := times(v.unthought, r.thinking)
			if !fits {
				return b.Bill, errTooLarge
			}
			b.tokens(what, r.model, "thinking", tokens, r.share, c.flat.out, c.flat.source)
		}
	}
	for i := range c.traffic.lines {
		l := &c.traffic.lines[i]
		if !l.named {
			continue
		}
		flat, list := newLedger(), newLedger()
		flat.volume(l.title(), l.name, l.volume, whole, c.flat)
		list.volume(l.title(), l.name, l.volume, whole, l.rates)
		if flat.err != nil || list.err != nil {
			return b.Bill, errTooLarge
		}
		for _, e := range flat.Entries {
			b.put(e)
		}
		if list.Total < flat.Total {
			b.put(Entry{What: l.title(), Model: l.name, Kind: "list_price_cap", Amount: list.Total - flat.Total})
		}
	}
	return b.Bill, b.err
}

// provider is what the models that answer cost the operator; only part of it,
// what was not asked for by name, carries a fee. It needs every price.
func (c *calculation) provider() (b Bill, withFee Money, err error) {
	p := newLedger()
	for _, class := range classes {
		what := class.String() + " requests"
		v := c.traffic.routed[class]
		for _, r := range c.routes[class] {
			p.volume(what, r.model, v, r.share, r.rates)
			tokens, fits := times(v.unthought, r.thinking)
			if !fits {
				return b, 0, errTooLarge
			}
			p.tokens(what, r.model, "thinking", tokens, r.share, r.rates.thinking, r.rates.source)
		}
	}
	withFee = p.Total
	for i := range c.traffic.lines {
		if l := &c.traffic.lines[i]; l.named {
			p.volume(l.title(), l.name, l.volume, whole, l.rates)
		}
	}
	return p.Bill, withFee, p.err
}

// passThrough is the provider cost and the fee on what was not asked for by
// name: with a fee a named model would cost more than its list price.
func (c *calculation) passThrough(provider Bill, withFee Money) (Bill, error) {
	b := ledger{Bill: Bill{Entries: append([]Entry{}, provider.Entries...), Total: provider.Total}}
	x := new(big.Int).Mul(big.NewInt(int64(withFee)), big.NewInt(int64(c.fee)))
	fee, err := roundedQuotient(x, int64(whole))
	if err != nil {
		return b.Bill, err
	}
	if withFee > 0 {
		b.put(Entry{What: fmt.Sprintf("fee on deposits of $%s", models.FormatUSD(int64(withFee))), Kind: "fee", Share: c.fee.String(), Amount: fee})
	}
	return b.Bill, b.err
}
