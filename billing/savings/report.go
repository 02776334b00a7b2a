package savings

import (
	"math/big"
	"time"

	"assay/models"
)

// report works everything out.
func (c *calculation) report() (*Report, error) {
	r := &Report{Object: "savings", Schema: 1, At: c.prices.at.Format(time.DateOnly), Catalog: c.basis.Catalog.Version(), Traffic: c.traffic.view(), Answering: c.answers(), Notes: c.notes()}
	former, err := c.former()
	if err != nil {
		return nil, err
	}
	always, err := c.always()
	if err != nil {
		return nil, err
	}
	r.Baselines = []Baseline{{Name: "former_mix", Bill: former}, {Name: "always_flagship", Model: c.flagship.ID, Bill: always}}
	flat, err := c.flatBill()
	if err != nil {
		return nil, err
	}
	plans := []Plan{{Name: "flat", Known: true, Bill: &flat}, {Name: "pass_through"}}
	if why := c.unknownRoute(); why != "" {
		why = "the provider cost of the models that answer is not known: " + why
		plans[0].Margin = Margin{Why: why, Revenue: &flat.Total}
		plans[1].Why, plans[1].Margin.Why = why, why
		if c.flatThinks {
			plans[0].Known, plans[0].Bill, plans[0].Why, plans[0].Margin.Revenue = false, nil, why+", and with it the thinking that the flat price is to be charged for", nil
		}
	} else if err := c.fillKnown(plans); err != nil {
		return nil, err
	}
	for i := range plans {
		plans[i].Comparisons = []Comparison{}
		if !plans[i].Known {
			continue
		}
		for _, b := range r.Baselines {
			plans[i].Comparisons = append(plans[i].Comparisons, compare(b.Name, b.Total, plans[i].Bill.Total))
		}
	}
	r.Plans, r.Promise = plans, c.promise()
	for _, note := range []func() (string, error){c.flatThinkingNote, c.flagshipThinkingNote} {
		n, err := note()
		if err != nil {
			return nil, err
		}
		if n != "" {
			r.Notes = append(r.Notes, n)
		}
	}
	return r, nil
}

// fillKnown works out pass-through and both margins, all prices being known.
func (c *calculation) fillKnown(plans []Plan) error {
	provider, withFee, err := c.provider()
	if err != nil {
		return err
	}
	pass, err := c.passThrough(provider, withFee)
	if err != nil {
		return err
	}
	plans[1].Known, plans[1].Bill = true, &pass
	for i := range plans {
		revenue := plans[i].Bill.Total
		margin := revenue - provider.Total // both from 0
		plans[i].Margin = Margin{Known: true, Revenue: &revenue, Provider: &provider, Margin: &margin, Percent: percent(margin, revenue)}
	}
	return nil
}

// flatThinkingNote says what the flat plan would be if it billed thinking as
// well, where it does not.
func (c *calculation) flatThinkingNote() (string, error) {
	with := *c
	with.flatThinks = true
	more, err := with.flatBill()
	if err != nil {
		return "", err
	}
	plain, err := c.flatBill()
	if err != nil || more.Total == plain.Total {
		return "", err
	}
	former, err := c.former()
	return "The flat price is charged on the tokens of the traffic; thinking of a model that Assay chose is the operator's cost, as retries are. Were it billed as output (flat_bills_thinking), the flat plan would come to $" +
		usd(more.Total) + ": it " + compare("former_mix", former.Total, more.Total).Words + " against the former mix.", err
}

// flagshipThinkingNote says what always-flagship would be if the thinking that
// is expected of a reasoning flagship were added, which it never is.
func (c *calculation) flagshipThinkingNote() (string, error) {
	if !thinks(c.basis.Catalog, c.flagship) {
		return "", nil
	}
	b := newLedger()
	b.volume("", "", c.traffic.all, whole, c.flagshipRates)
	plain := b.Total
	for _, class := range classes {
		tokens, fits := times(c.traffic.byClass[class].unthought, c.thinking[class])
		if !fits {
			return "", errTooLarge
		}
		b.tokens("", "", "thinking", tokens, whole, c.flagshipRates.thinking, "")
	}
	if b.err != nil || b.Total == plain {
		return "", b.err
	}
	return "Always flagship is shown without thinking tokens, which makes it look cheaper than it is: with those expected of " + c.flagship.ID + " it would come to $" + usd(b.Total) + ".", nil
}

func (t *traffic) view() Traffic {
	v := Traffic{Source: "assumed", Requests: t.all.requests, Input: t.all.input, Cached: t.all.cached, Output: t.all.output,
		HardShare: decimals(big.NewRat(t.byClass[Hard].requests, t.all.requests), 4)}
	if t.imported {
		v.Source = "imported"
	}
	if t.all.output > 0 {
		v.InPerOut = decimals(big.NewRat(t.all.input, t.all.output), 2)
	}
	return v
}

// compare sets a plan beside a baseline, in numbers and in words.
func compare(with string, theirs, ours Money) Comparison {
	c := Comparison{With: with, Theirs: theirs, Ours: ours, Saving: theirs - ours, Percent: percent(theirs-ours, theirs)}
	dollars := models.FormatUSD(int64(max(c.Saving, -c.Saving)))
	if theirs > 0 {
		c.Times = decimals(big.NewRat(int64(ours), int64(theirs)), 2)
	}
	switch {
	case c.Saving == 0:
		c.Words = "costs the same"
	case c.Saving > 0:
		c.Words = "saves " + c.Percent + " % ($" + dollars + ")"
	case theirs == 0:
		c.Words = "costs $" + dollars + " where nothing was paid"
	default:
		c.Words = "costs " + c.Times + " times as much ($" + dollars + " more)"
	}
	return c
}

// percent is 100·part/of with two decimals; "" if of is 0.
func percent(part, of Money) string {
	if of == 0 {
		return ""
	}
	return decimals(new(big.Rat).Mul(big.NewRat(int64(part), int64(of)), big.NewRat(100, 1)), 2)
}
