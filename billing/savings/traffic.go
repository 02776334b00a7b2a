package savings

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"assay/models"
)

// Class is how hard requests are.
type Class int

// The two classes of requests.
const (
	Everyday Class = iota
	Hard
)

var classes = [...]Class{Everyday, Hard}

// String gives "everyday" or "hard".
func (c Class) String() string {
	if c == Hard {
		return "hard"
	}
	return "everyday"
}

func parseClass(field, s string) (Class, error) {
	for _, c := range classes {
		if strings.EqualFold(s, c.String()) {
			return c, nil
		}
	}
	return 0, Errorf(field, "%q; want everyday or hard", s)
}

// volume counts requests and tokens; cached tokens are a part of input.
type volume struct {
	requests, input, cached, output int64
	// unthought are the requests whose former model is not known to reason: its
	// output does not hold the thinking that another model would do.
	unthought int64
}

// plus adds two volumes.
func (v volume) plus(w volume) (volume, error) {
	fits := true
	sum := func(a, b int64) int64 {
		s, ok := add(a, b)
		fits = fits && ok
		return s
	}
	v = volume{sum(v.requests, w.requests), sum(v.input, w.input), sum(v.cached, w.cached), sum(v.output, w.output), sum(v.unthought, w.unthought)}
	if !fits {
		return v, errTooLarge
	}
	return v, nil
}

// prompt is the mean length of a prompt in tokens; it selects the price tier.
func (v volume) prompt() int64 { return v.input / max(v.requests, 1) }

// line is the former traffic of one model.
type line struct {
	name         string // as the caller wrote it
	id           string // catalogue row; "" if none
	class        Class
	named        bool // asked for by name: this very model answers
	serviceClass string
	volume
	rates   rates // list price; without known they have no meaning
	known   bool
	cost    Money // what was billed, if billed
	billed  bool
	classBy string // how the class was found
}

// traffic is a former mix.
type traffic struct {
	lines    []line
	imported bool
	all      volume
	byClass  [2]volume // every line
	routed   [2]volume // lines that were not asked for by name
}

func newTraffic(lines []line, imported bool) (traffic, error) {
	t := traffic{lines: lines, imported: imported}
	var err error
	for _, l := range lines {
		if t.all, err = t.all.plus(l.volume); err != nil {
			return t, err
		}
		t.byClass[l.class], _ = t.byClass[l.class].plus(l.volume) // parts of what fitted
		if !l.named {
			t.routed[l.class], _ = t.routed[l.class].plus(l.volume)
		}
	}
	if t.all.requests == 0 {
		return t, Errorf("requests", "there is no request to compare")
	}
	return t, nil
}

// assumed is the default mix with the parameters laid over it.
func assumed(p *Params) (traffic, error) {
	requests, err := count("requests", p.Requests.or("1000000"))
	if err != nil {
		return traffic{}, err
	}
	hard, err := fraction("hard_share", p.HardShare.or("0.2"))
	if err != nil {
		return traffic{}, err
	}
	var perRequest [3][2]int64
	for i, f := range []struct {
		name, text string
	}{{"input_tokens", p.InputTokens.or("1000")}, {"cached_tokens", p.CachedTokens.or("0")}, {"output_tokens", p.OutputTokens.or("250")}} {
		if perRequest[i], err = pair(f.name, f.text); err != nil {
			return traffic{}, err
		}
	}
	x := new(big.Int).Mul(big.NewInt(requests), big.NewInt(int64(hard)))
	hardRequests, err := roundedQuotient(x, int64(whole))
	if err != nil {
		return traffic{}, err
	}
	var lines []line
	for _, c := range []struct {
		class    Class
		requests int64
		field    string
		price    string
		name     string
	}{
		{Everyday, requests - int64(hardRequests), "everyday_price", p.EverydayPrice.or("0.40/1.60"), "efficient model"},
		{Hard, int64(hardRequests), "hard_price", p.HardPrice.or("8/32"), "flagship model"},
	} {
		l := line{name: c.name, class: c.class, serviceClass: models.ClassStandard, known: true}
		if l.rates, err = parseRates(c.field, c.price); err != nil {
			return traffic{}, err
		}
		if perRequest[1][c.class] > perRequest[0][c.class] {
			return traffic{}, Errorf("cached_tokens", "%d of %d input tokens per request", perRequest[1][c.class], perRequest[0][c.class])
		}
		l.requests, l.unthought = c.requests, c.requests
		for i, to := range []*int64{&l.input, &l.cached, &l.output} {
			fits := false
			if *to, fits = times(c.requests, perRequest[i][c.class]); !fits {
				return traffic{}, errTooLarge
			}
		}
		if c.requests > 0 {
			lines = append(lines, l)
		}
	}
	return newTraffic(lines, false)
}

// lineKey groups the rows of an export.
type lineKey struct {
	model, serviceClass     string
	class                   Class
	hasClass, named, billed bool
}

// maxLines bounds the lines of a comparison: no organisation used more models.
const maxLines = 2000

// imported groups the rows of an export by model and prices them.
func imported(rows []usageRow, p *Params, find *prices) (traffic, error) {
	hardAbove, err := models.ParseUSD(p.HardAbove.or("1"))
	if err != nil {
		return traffic{}, Errorf("hard_above", "%v", err)
	}
	byKey := map[lineKey]*line{}
	firstAt := map[*line]int{}
	for _, r := range rows {
		key := lineKey{r.model, r.serviceClass, r.class, r.hasClass, r.named, r.hasCost}
		l := byKey[key]
		if l == nil {
			l = &line{name: r.model, serviceClass: r.serviceClass, class: r.class, named: r.named, billed: r.hasCost, classBy: "given"}
			if !r.hasClass {
				l.classBy = "price"
			}
			byKey[key], firstAt[l] = l, r.line
		}
		if len(byKey) > maxLines {
			return traffic{}, lineErrorf(r.line, "model", "more than %d different lines; sum them up by model first", maxLines)
		}
		var fits bool
		if l.volume, err = l.volume.plus(volume{requests: r.requests, input: r.input, cached: r.cached, output: r.output}); err != nil {
			return traffic{}, lineErrorf(r.line, "", "%s", errTooLarge.Reason)
		}
		if l.cost, fits = add(l.cost, r.cost); !fits {
			return traffic{}, lineErrorf(r.line, "cost_usd", "%s", errTooLarge.Reason)
		}
	}
	lines := make([]*line, 0, len(byKey))
	for _, l := range byKey {
		lines = append(lines, l)
	}
	if err := price(lines, firstAt, hardAbove, find); err != nil {
		return traffic{}, err
	}
	sorted := make([]line, len(lines))
	for i, l := range lines {
		sorted[i] = *l
	}
	slices.SortFunc(sorted, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.class, b.class), strings.Compare(a.name, b.name), strings.Compare(a.serviceClass, b.serviceClass),
			compareBool(a.named, b.named), compareBool(a.billed, b.billed), strings.Compare(a.classBy, b.classBy))
	})
	return newTraffic(sorted, true)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// price finds the list price and the class of every line. A model whose price
// nobody knows is refused by name: unknown never means free. Only a line that
// says what was billed may do without, unless it was asked for by name.
func price(lines []*line, firstAt map[*line]int, hardAbove int64, find *prices) error {
	slices.SortFunc(lines, func(a, b *line) int { return cmp.Compare(firstAt[a], firstAt[b]) })
	var unknown []string
	for _, l := range lines {
		r, m, err := find.of(l.name, l.serviceClass, l.prompt())
		l.rates, l.id, l.known = r, m.ID, err == nil
		if l.id == "" || !thinks(find.basis.Catalog, m) {
			l.unthought = l.requests
		}
		if err != nil && (!l.billed || l.named) {
			why := fmt.Sprintf("line %d: %v", firstAt[l], err)
			if l.id == "" && len(unknown) < 3 {
				why += fmt.Sprintf(" (nearest: %s)", strings.Join(find.basis.Catalog.Nearest(l.name, 3), ", "))
			}
			unknown = append(unknown, why)
		}
		if l.classBy == "price" && (!l.known || l.rates.in > hardAbove) {
			l.class = Hard
		}
	}
	if n := len(unknown); n > 0 {
		if n > 10 {
			unknown = append(unknown[:10], fmt.Sprintf("and %d more", n-10))
		}
		return Errorf("price", "no price is known, and unknown is not free: %s; give each a price, as price MODEL=IN/OUT, or a cost_usd on its lines", strings.Join(unknown, "; "))
	}
	return nil
}
