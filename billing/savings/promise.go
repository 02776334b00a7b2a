package savings

import "math/big"

// The saving that Assay promises against the former mix: 40 to 56 %.
var (
	promiseLow  = big.NewRat(40, 100)
	promiseHigh = big.NewRat(56, 100)
)

// Promise says for which mixes the promised saving against the former mix
// holds. Every row varies the share of hard requests at one ratio of input to
// output tokens; rows of other ratios scale the output of every request.
type Promise struct {
	Low  string       `json:"low"`  // "0.40"
	High string       `json:"high"` // "0.56"
	Rows []PromiseRow `json:"rows"`
}

// PromiseRow is one plan at one ratio.
type PromiseRow struct {
	Plan     string `json:"plan"`
	InPerOut string `json:"input_per_output"`
	Own      bool   `json:"own"` // the ratio of the traffic itself
	// Saving is the saving in percent at the traffic's own share of hard requests.
	Saving string `json:"saving_percent"`
	// AtLeastLow and AtLeastHigh are the shares of hard requests that save at
	// least 40 and 56 %; null: none does.
	AtLeastLow  *Interval `json:"at_least_low"`
	AtLeastHigh *Interval `json:"at_least_high"`
	Why         string    `json:"why,omitempty"` // why there are no intervals
}

// Interval is a closed interval of the share of hard requests. From and To are
// rounded inwards to four decimals; the exact bounds are fractions.
type Interval struct {
	From      string `json:"from"`
	To        string `json:"to"`
	FromExact string `json:"from_exact"`
	ToExact   string `json:"to_exact"`
}

// ratios are the input:output ratios of the rows beside the traffic's own.
var ratios = []int64{1, 2, 4, 10, 30}

// promise solves for the mixes. The cost of a mix is linear in the share h of
// hard requests, cost(h) = (1-h)·everyday + h·hard with the costs of one mean
// request of each class, so "saves at least s", plan(h) <= (1-s)·former(h),
// holds on an interval whose ends are found exactly.
func (c *calculation) promise() Promise {
	p := Promise{Low: "0.40", High: "0.56", Rows: []PromiseRow{}}
	plans := []string{"flat", "pass_through"}
	if c.unknownRoute() != "" {
		plans = plans[:1]
		if c.flatThinks {
			plans = nil
		}
	}
	for _, plan := range plans {
		p.Rows = append(p.Rows, c.promiseRow(plan, big.NewRat(1, 1), true))
		if !c.scalable() {
			continue
		}
		own := big.NewRat(c.traffic.all.input, c.traffic.all.output)
		for _, r := range ratios {
			if ratio := big.NewRat(r, 1); ratio.Cmp(own) != 0 {
				p.Rows = append(p.Rows, c.promiseRow(plan, new(big.Rat).Quo(own, ratio), false))
			}
		}
	}
	return p
}

// scalable reports whether output can be scaled: what was billed as a whole
// cannot be split, and without input or output there is no ratio.
func (c *calculation) scalable() bool {
	for _, l := range c.traffic.lines {
		if l.billed {
			return false
		}
	}
	return c.traffic.all.output > 0 && c.traffic.all.input > 0
}

// promiseRow solves one row; output is scaled by k.
func (c *calculation) promiseRow(plan string, k *big.Rat, own bool) PromiseRow {
	row := PromiseRow{Plan: plan, Own: own}
	if c.traffic.all.output > 0 {
		row.InPerOut = decimals(new(big.Rat).Quo(big.NewRat(c.traffic.all.input, c.traffic.all.output), k), 2)
	}
	var former, ours [2]*big.Rat
	for _, class := range classes {
		former[class], ours[class] = c.classCost("former", class, k), c.classCost(plan, class, k)
	}
	base := new(big.Rat).Add(former[0], former[1])
	if base.Sign() == 0 {
		row.Why = "the former mix costs nothing"
		return row
	}
	saving := new(big.Rat).Sub(base, new(big.Rat).Add(ours[0], ours[1]))
	row.Saving = decimals(saving.Quo(saving, base).Mul(saving, big.NewRat(100, 1)), 2)
	for _, class := range classes {
		n := c.traffic.byClass[class].requests
		if n == 0 {
			row.Why = "no " + class.String() + " requests: there is no share to vary"
			return row
		}
		one := big.NewRat(1, n)
		former[class].Mul(former[class], one)
		ours[class].Mul(ours[class], one)
	}
	row.AtLeastLow = solve(former, ours, promiseLow)
	row.AtLeastHigh = solve(former, ours, promiseHigh)
	return row
}

// classCost is what a class costs, exact, in nano-dollars · 10⁶, with output
// scaled by k.
func (c *calculation) classCost(plan string, class Class, k *big.Rat) *big.Rat {
	sum := new(big.Rat)
	for i := range c.traffic.lines {
		l := &c.traffic.lines[i]
		switch {
		case l.class != class:
		case plan == "former" && l.billed:
			sum.Add(sum, new(big.Rat).Mul(big.NewRat(int64(l.cost), 1), big.NewRat(million, 1)))
		case plan == "former", plan == "pass_through" && l.named:
			sum.Add(sum, exact(l.volume, l.rates, k))
		case plan == "flat" && l.named:
			flat, list := exact(l.volume, c.flat, k), exact(l.volume, l.rates, k)
			if list.Cmp(flat) < 0 {
				flat = list
			}
			sum.Add(sum, flat)
		}
	}
	v := c.traffic.routed[class]
	switch plan {
	case "flat":
		sum.Add(sum, exact(v, c.flat, k))
		if c.flatThinks {
			for _, r := range c.routes[class] {
				sum.Add(sum, r.exactThinking(v, c.flat.out))
			}
		}
	case "pass_through":
		spend := new(big.Rat)
		for _, r := range c.routes[class] {
			cost := exact(v, r.rates, k)
			spend.Add(spend, cost.Mul(cost, r.share.rat()))
			spend.Add(spend, r.exactThinking(v, r.rates.thinking))
		}
		sum.Add(sum, spend.Mul(spend, (whole+c.fee).rat()))
	}
	return sum
}

// exact is the cost of a volume with its output scaled by k.
func exact(v volume, r rates, k *big.Rat) *big.Rat {
	product := func(a, b int64) *big.Rat { return new(big.Rat).Mul(big.NewRat(a, 1), big.NewRat(b, 1)) }
	out := product(v.output, r.out)
	sum := product(v.input-v.cached, r.in)
	return sum.Add(sum, product(v.cached, r.cached)).Add(sum, out.Mul(out, k))
}

// exactThinking is the cost of a route's thinking, which does not scale.
func (r *route) exactThinking(v volume, perMillion int64) *big.Rat {
	x := new(big.Rat).Mul(big.NewRat(v.unthought, 1), big.NewRat(r.thinking, 1))
	return x.Mul(x, big.NewRat(perMillion, 1)).Mul(x, r.share.rat())
}

// solve gives the shares h in [0, 1] with (1-s)·former(h) - plan(h) >= 0, a
// linear function of h that is g(0) for no hard requests and g(1) for only such.
func solve(former, plan [2]*big.Rat, s *big.Rat) *Interval {
	var g [2]*big.Rat
	keep := new(big.Rat).Sub(big.NewRat(1, 1), s)
	for i := range g {
		g[i] = new(big.Rat).Mul(keep, former[i])
		g[i].Sub(g[i], plan[i])
	}
	from, to := new(big.Rat), big.NewRat(1, 1)
	ok0, ok1 := g[0].Sign() >= 0, g[1].Sign() >= 0
	if !ok0 && !ok1 {
		return nil
	}
	if ok0 != ok1 {
		root := new(big.Rat).Quo(g[0], new(big.Rat).Sub(g[0], g[1]))
		if ok0 {
			to = root
		} else {
			from = root
		}
	}
	return &Interval{From: inwards(from, true), To: inwards(to, false), FromExact: from.RatString(), ToExact: to.RatString()}
}

// inwards writes a share with four decimals, rounded up or down.
func inwards(x *big.Rat, up bool) string {
	scaled := new(big.Rat).Mul(x, big.NewRat(10_000, 1))
	n := new(big.Int).Quo(scaled.Num(), scaled.Denom())
	if up && !scaled.IsInt() {
		n.Add(n, big.NewInt(1))
	}
	return new(big.Rat).SetFrac(n, big.NewInt(10_000)).FloatString(4)
}
