package savings

import (
	"errors"
	"fmt"
	"strings"

	"assay/models"
)

// calculation is a comparison in the making.
type calculation struct {
	basis   Basis
	prices  *prices
	traffic traffic

	flat          rates
	flatThinks    bool // the flat plan bills thinking
	fee           share
	hardAbove     int64
	flagship      models.Model
	flagshipRates rates
	routes        [2][]route
	thinking      [2]int64 // tokens per request of a reasoning model
	chosen        bool     // routing was asked who answers
}

// route is a model that answers a share of a class.
type route struct {
	model    string
	share    share
	thinking int64 // tokens per request
	reason   string
	rates    rates
	unknown  string // why no price is known; "" if one is
}

// readPlans reads what the plans charge.
func (c *calculation) readPlans(p *Params) (err error) {
	if c.flat, err = parseRates("flat_price", p.FlatPrice.or("3/12")); err != nil {
		return err
	}
	if c.flatThinks, err = boolean("flat_bills_thinking", p.FlatBillsThinking.or("")); err != nil {
		return err
	}
	c.flat.source = "flat price"
	if c.fee, err = fraction("fee", p.Fee.or("0.04")); err != nil {
		return err
	}
	if c.hardAbove, err = models.ParseUSD(p.HardAbove.or("1")); err != nil {
		return Errorf("hard_above", "%v", err)
	}
	return nil
}

// findFlagship looks up the model that "always flagship" means.
func (c *calculation) findFlagship(p *Params) error {
	name := p.Flagship.or(DefaultFlagship)
	r, m, err := c.prices.of(name, models.ClassStandard, c.traffic.all.prompt())
	if m.ID == "" {
		return Errorf("flagship", "%q is not in the catalogue; nearest: %s", name, strings.Join(c.basis.Catalog.Nearest(name, 3), ", "))
	}
	if m.Kind != models.Chat {
		return Errorf("flagship", "%s is a model of kind %s", m.ID, m.Kind)
	}
	if err != nil {
		return Errorf("flagship", "%v; give one, as price %s=IN/OUT", err, m.ID)
	}
	c.flagship, c.flagshipRates = m, r
	return nil
}

// findRoutes says who answers: the models given, else today's choices.
func (c *calculation) findRoutes(p *Params) error {
	given, err := parseRoutes(p.Routes)
	if err != nil {
		return err
	}
	stated := false
	c.thinking = c.basis.Thinking
	if s := p.Thinking.or(""); s != "" {
		if c.thinking, err = pair("thinking_tokens", s); err != nil {
			return err
		}
		stated = true
	}
	for _, class := range classes {
		v := c.traffic.routed[class]
		if v.requests == 0 {
			continue
		}
		routes := given[class]
		if routes == nil {
			c.chosen = true
			if routes, err = c.choose(Ask{Alias: p.Alias.or(DefaultAlias), Class: class, Prompt: v.prompt()}); err != nil {
				return err
			}
		}
		for _, r := range routes {
			if r.unknown == "" {
				does, err := c.priceRoute(&r, v)
				if err != nil {
					return err
				}
				if does || stated {
					r.thinking = c.thinking[class]
				}
			}
			c.routes[class] = append(c.routes[class], r)
		}
	}
	return nil
}

// choose asks routing. What it cannot say is reported, not guessed.
func (c *calculation) choose(a Ask) ([]route, error) {
	if c.basis.Choose == nil {
		return []route{{share: whole, unknown: "no model was named to answer " + a.Class.String() + " requests"}}, nil
	}
	choice, err := c.basis.Choose(a)
	var input *InputError
	switch {
	case errors.As(err, &input):
		return nil, err
	case err != nil:
		return []route{{share: whole, unknown: fmt.Sprintf("routing finds nobody for %s requests: %v", a.Class, err)}}, nil
	}
	return []route{{model: choice.Model, share: whole, reason: a.Alias + ": " + choice.Reason}}, nil
}

// priceRoute finds a route's model and price, and whether the model reasons.
func (c *calculation) priceRoute(r *route, v volume) (reasons bool, err error) {
	rates, m, err := c.prices.of(r.model, models.ClassStandard, v.prompt())
	switch {
	case m.ID == "" && err != nil:
		return false, Errorf("route", "%q is not in the catalogue and has no price; nearest: %s", r.model, strings.Join(c.basis.Catalog.Nearest(r.model, 3), ", "))
	case m.ID != "" && m.Kind != models.Chat:
		return false, Errorf("route", "%s is a model of kind %s", m.ID, m.Kind)
	case err != nil:
		r.unknown = err.Error()
	}
	r.rates = rates
	if m.ID == "" {
		return false, nil
	}
	r.model = m.ID
	return thinks(c.basis.Catalog, m), nil
}

// parseRoutes reads CLASS=MODEL[@SHARE]; the shares of a class add up to 1.
func parseRoutes(list []string) (routes [2][]route, err error) {
	var sum [2]share
	for _, s := range list {
		name, model, ok := strings.Cut(s, "=")
		if !ok {
			return routes, Errorf("route", "%q: write CLASS=MODEL or CLASS=MODEL@SHARE, such as hard=openai/gpt-5.5@0.3", s)
		}
		class, err := parseClass("route", strings.TrimSpace(name))
		if err != nil {
			return routes, err
		}
		r := route{share: whole, reason: "given"}
		if i := strings.LastIndexByte(model, '@'); i >= 0 {
			if r.share, err = fraction("route", strings.TrimSpace(model[i+1:])); err != nil {
				return routes, err
			}
			model = model[:i]
		}
		if r.model = strings.TrimSpace(model); r.model == "" {
			return routes, Errorf("route", "%q names no model", s)
		}
		routes[class] = append(routes[class], r)
		if sum[class] += r.share; sum[class] > whole {
			return routes, Errorf("route", "the shares of %s requests add up to more than 1", class)
		}
	}
	for _, class := range classes {
		if len(routes[class]) > 0 && sum[class] != whole {
			return routes, Errorf("route", "the shares of %s requests add up to %s, not to 1", class, sum[class])
		}
	}
	return routes, nil
}

// unknownRoute says why the cost of those who answer is not known, or "".
func (c *calculation) unknownRoute() string {
	for _, class := range classes {
		for _, r := range c.routes[class] {
			if r.unknown != "" {
				return r.unknown
			}
		}
	}
	return ""
}

// answers lists the routes for the report.
func (c *calculation) answers() []Answer {
	out := []Answer{}
	for _, class := range classes {
		for _, r := range c.routes[class] {
			a := Answer{Class: class.String(), Model: r.model, Share: r.share.String(), Thinking: r.thinking, Reason: r.reason, Unknown: r.unknown}
			if r.unknown == "" {
				a.Price = models.FormatUSD(r.rates.in) + "/" + models.FormatUSD(r.rates.out) + "/" + models.FormatUSD(r.rates.cached)
			}
			out = append(out, a)
		}
	}
	return out
}
