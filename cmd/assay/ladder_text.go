package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"assay/classifier"
)

// writeLadder writes the report for a terminal: the grid with short names, then
// for each level what was chosen, why not something else, and what was promised.
func writeLadder(out io.Writer, r ladderReport) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "assay/%s on %s: table %s, tiers %s (%s), policy %s; a prompt of %d tokens; %d models can be called%s\n",
		r.Objective, r.MadeAt.Format(time.DateOnly), r.Table, r.Tiers, r.Evidence, r.Policy, r.PromptTokens, r.Callable,
		map[bool]string{true: " (simulated)"}[r.Simulated])
	for i, g := range r.Grids {
		title := map[string]string{"en": "English", "zh": "Chinese"}[g.Languages[0]]
		switch {
		case len(g.Languages) > 1:
			title = "English and Chinese: the table makes no difference"
		case i > 0:
			title += fmt.Sprintf(": %d of %d choices are others", others(r.Grids[0].Cells, g.Cells), len(g.Cells))
		}
		fmt.Fprintf(&b, "\n%s\n\n", title)
		g.write(&b, r.Levels)
		fmt.Fprint(&b, "\nChosen: cost of 1,000 requests; next, and what it costs more; what would change the choice\n")
		g.writeChoices(&b)
		fmt.Fprint(&b, "\nPromised by the first product page\n")
		for _, p := range g.Promised {
			p.write(&b)
		}
	}
	_, err := out.Write(b.Bytes())
	return err
}

// others counts the squares in which two grids choose differently.
func others(a, b []ladderCell) (n int) {
	for i := range a {
		if (a[i].Choice == nil) != (b[i].Choice == nil) || a[i].Choice != nil && a[i].Choice.Model != b[i].Choice.Model {
			n++
		}
	}
	return n
}

// widest name in the grid, in characters.
const widest = 20

// write draws the grid.
func (g ladderGrid) write(b *bytes.Buffer, levels []ladderLevel) {
	short := shortNames(g.Cells)
	text := map[classifier.Intent][]string{}
	widths := make([]int, len(levels))
	for i, l := range levels {
		widths[i] = len(levelHead(l))
	}
	for _, c := range g.Cells {
		name := "-"
		if c.Choice != nil {
			name = short[c.Choice.Model]
		}
		n := len(text[c.Intent])
		text[c.Intent] = append(text[c.Intent], name)
		widths[n] = max(widths[n], utf8.RuneCountInString(name))
	}
	line := func(first string, cells []string) {
		var s strings.Builder
		fmt.Fprintf(&s, "%-18s", first)
		for i, c := range cells {
			fmt.Fprintf(&s, "  %s%s", c, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)))
		}
		b.WriteString(strings.TrimRight(s.String(), " ") + "\n")
	}
	var heads []string
	for _, l := range levels {
		heads = append(heads, levelHead(l))
	}
	line("", heads)
	for _, intent := range classifier.Intents {
		line(string(intent), text[intent])
	}
}

func levelHead(l ladderLevel) string { return fmt.Sprintf("%s b %.2f", l.Level, l.Difficulty) }

// shortNames gives the chosen models names that fit the grid and differ.
func shortNames(cells []ladderCell) map[string]string {
	taken, short := map[string]string{}, map[string]string{}
	for _, c := range cells {
		if c.Choice == nil || short[c.Choice.Model] != "" {
			continue
		}
		id := c.Choice.Model
		name := clip(id[strings.LastIndexByte(id, '/')+1:], widest)
		for n := 2; taken[name] != "" && taken[name] != id; n++ {
			name = fmt.Sprintf("%s(%d)", clip(id[strings.LastIndexByte(id, '/')+1:], widest-3), n)
		}
		taken[name], short[id] = id, name
	}
	return short
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// writeChoices writes one paragraph for each level and choice.
func (g ladderGrid) writeChoices(b *bytes.Buffer) {
	short := shortNames(g.Cells)
	for _, group := range groups(g.Cells) {
		first := group[0]
		if first.Choice == nil {
			fmt.Fprintf(b, "%s  %d intents: no choice: %s\n", first.Level, len(group), first.Error)
			continue
		}
		name := first.Choice.Model
		if s := short[name]; strings.HasSuffix(s, ")") {
			name += " = " + s
		}
		fmt.Fprintf(b, "%s  %s (%s): %s, p %s, %s\n", first.Level, name, cmp.Or(string(first.Choice.Tier), "no tier"), count(len(group), "intent"),
			span(group, func(c ladderCell) (float64, bool) { return c.Choice.PSuccess, true }, prob),
			span(group, func(c ladderCell) (float64, bool) { return c.Choice.CostMil, true }, usd))
		writeChanges(b, group, writeNext(b, group))
	}
}

// writeNext names the runners-up.
func writeNext(b *bytes.Buffer, group []ladderCell) (next string) {
	var names []string
	for _, c := range group {
		if c.RunnerUp != nil {
			names = append(names, c.RunnerUp.Model)
		}
	}
	if len(names) == 0 {
		fmt.Fprint(b, "      next: none, it is the only candidate\n")
		return ""
	}
	next = tally(names)
	fmt.Fprintf(b, "      next: %s: costs %s (%s), p %s\n", next,
		span(group, func(c ladderCell) (float64, bool) { return c.more(), c.RunnerUp != nil }, percent),
		span(group, func(c ladderCell) (float64, bool) { return c.runner().CostMargin, c.RunnerUp != nil }, signedUSD),
		span(group, func(c ladderCell) (float64, bool) { return -c.runner().PMargin, c.RunnerUp != nil }, signed))
	return next
}

func (c ladderCell) runner() ladderRunnerUp {
	if c.RunnerUp == nil {
		return ladderRunnerUp{}
	}
	return *c.RunnerUp
}

// more is how much more the runner-up costs, as a share; 0 where the choice is free.
func (c ladderCell) more() float64 {
	if c.Choice.CostMil == 0 {
		return 0
	}
	return c.runner().CostMargin / c.Choice.CostMil
}

// writeChanges says what would change the choice. What would change it to the
// runners-up stands in one line.
func writeChanges(b *bytes.Buffer, group []ladderCell, next string) {
	changed := func(of func(ladderChanges) (by float64, to string), format func(float64) string) (by, to string, n int) {
		var names []string
		for _, c := range group {
			if _, name := of(c.Changes); name != "" {
				names = append(names, name)
			}
		}
		if len(names) == 0 {
			return "", "", 0
		}
		return span(group, func(c ladderCell) (float64, bool) { by, to := of(c.Changes); return by, to != "" }, format), tally(names), len(names)
	}
	part := func(format string, args ...any) { fmt.Fprintf(b, "      "+format+"\n", args...) }
	var toNext, lines []string
	for _, w := range whats {
		by, to, n := changed(w.of, w.format)
		switch {
		case n > 0 && to == next:
			toNext = append(toNext, w.what+" "+by+w.unit)
		case n > 0:
			lines = append(lines, fmt.Sprintf("%s %s%s: %s%s", w.what, by, w.unit, to, of(n, len(group))))
		}
		if n < len(group) && w.never != "" {
			lines = append(lines, w.never+of(len(group)-n, len(group)))
		}
	}
	if len(toNext) > 0 {
		part("chosen instead at: %s", strings.Join(toNext, ", or "))
	}
	for _, line := range lines {
		part("%s", line)
	}
	for _, o := range objectives {
		var other []string
		for _, c := range group {
			if m := c.Changes.Objectives[o]; m != "" && m != c.Choice.Model {
				other = append(other, m)
			}
		}
		if len(other) > 0 {
			part("objective %s: %s%s", o, tally(other), of(len(other), len(group)))
		}
	}
}

// whats are the changes that have a size.
var whats = []struct {
	what, unit, never string
	of                func(ladderChanges) (by float64, to string)
	format            func(float64) string
}{
	{"price", "", "no price up to a thousandfold", func(c ladderChanges) (float64, string) { return c.Price.rise() }, percent},
	{"price of all its hosts", "", "", func(c ladderChanges) (float64, string) { return c.FamilyPrice.rise() }, percent},
	{"ability", " logits", "no fall of its ability", func(c ladderChanges) (float64, string) { return c.Ability.fall() }, signed},
	{"ability of all its hosts", " logits", "", func(c ladderChanges) (float64, string) { return c.FamilyAbility.fall() }, signed},
}

// rise is a price change as a share, and the model chosen then; "" none.
func (p *priceChange) rise() (float64, string) {
	if p == nil {
		return 0, ""
	}
	return p.Factor - 1, cmp.Or(p.Model, "no model")
}

// fall is an ability change in logits, and the model chosen then; "" none.
func (a *abilityChange) fall() (float64, string) {
	if a == nil {
		return 0, ""
	}
	return -a.Drop, cmp.Or(a.Model, "no model")
}

// of says for how many of a group something holds, if not for all.
func of(n, all int) string {
	if n == all {
		return ""
	}
	return fmt.Sprintf(" (%d)", n)
}

// write says how a promised model fares.
func (p promisedRow) write(b *bytes.Buffer) {
	fmt.Fprintf(b, "%s  %s", p.Level, p.Label)
	switch p.Status {
	case isUnknown:
		fmt.Fprintf(b, ": not in the catalogue\n")
		return
	case isLeftOut:
		fmt.Fprintf(b, " (%s): no candidate: %s\n", p.Model, p.Why)
		if p.StandIn == "" {
			return
		}
		fmt.Fprintf(b, "      the same weights are served as %s", p.StandIn)
	default:
		fmt.Fprintf(b, " (%s)", p.Model)
	}
	var chosen []string
	for _, i := range p.Intents {
		chosen = append(chosen, i.Choice.Model)
	}
	num := func(f func(promisedIntent) float64, format func(float64) string) string {
		return span(p.Intents, func(i promisedIntent) (float64, bool) { return f(i), true }, format)
	}
	fmt.Fprintf(b, ": rank %s of %s\n", num(func(i promisedIntent) float64 { return float64(i.Rank) }, whole), num(func(i promisedIntent) float64 { return float64(i.Of) }, whole))
	fmt.Fprintf(b, "      p %s costs %s; chosen: %s, p %s, %s\n",
		num(func(i promisedIntent) float64 { return i.PSuccess }, prob), num(func(i promisedIntent) float64 { return i.CostMil }, usd), tally(chosen),
		num(func(i promisedIntent) float64 { return i.Choice.PSuccess }, prob), num(func(i promisedIntent) float64 { return i.Choice.CostMil }, usd))
	fmt.Fprintf(b, "      %s\n", p.verdict())
}

// verdict says whether a promised model is good enough, and what price would
// make it the choice.
func (p promisedRow) verdict() string {
	all := len(p.Intents)
	var parts []string
	say := func(what string, is func(promisedIntent) bool) {
		var some []promisedIntent
		for _, i := range p.Intents {
			if is(i) {
				some = append(some, i)
			}
		}
		if len(some) == 0 {
			return
		}
		what += of(len(some), all)
		if some[0].Rank > 1 && some[0].WinsAt != nil {
			what += ": chosen at a price lower by " + span(some, func(i promisedIntent) (float64, bool) { return 1 - *i.WinsAt, true }, lower)
		}
		parts = append(parts, what)
	}
	say("it is the choice", func(i promisedIntent) bool { return i.Rank == 1 })
	say("good enough, but dearer", func(i promisedIntent) bool { return i.Rank > 1 && i.WinsAt != nil && i.GoodEnough })
	say("not good enough for its price", func(i promisedIntent) bool { return i.Rank > 1 && i.WinsAt != nil && !i.GoodEnough })
	say("not good enough at any price", func(i promisedIntent) bool { return i.Rank > 1 && i.WinsAt == nil })
	return strings.Join(parts, "; ")
}

// groups are the squares of a level that have the same choice, the largest
// group of a level first.
func groups(cells []ladderCell) [][]ladderCell {
	type key struct {
		level classifier.Level
		model string
	}
	by := map[key][]ladderCell{}
	for _, c := range cells {
		k := key{level: c.Level}
		if c.Choice != nil {
			k.model = c.Choice.Model
		}
		by[k] = append(by[k], c)
	}
	keys := slices.SortedFunc(maps.Keys(by), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.level, b.level), cmp.Compare(len(by[b]), len(by[a])), cmp.Compare(a.model, b.model))
	})
	var out [][]ladderCell
	for _, k := range keys {
		out = append(out, by[k])
	}
	return out
}

// tally names what is in a list, the most frequent first, with counts if there
// are several: "a (12), b (4)"; beyond three it counts the rest.
func tally(names []string) string {
	n := map[string]int{}
	for _, name := range names {
		n[name]++
	}
	keys := slices.SortedFunc(maps.Keys(n), func(a, b string) int { return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a, b)) })
	if len(keys) == 1 {
		return cmp.Or(keys[0], "no model")
	}
	var parts []string
	for i, k := range keys {
		if i == 3 && len(keys) > 4 {
			parts = append(parts, fmt.Sprintf("%d others", len(keys)-3))
			break
		}
		parts = append(parts, fmt.Sprintf("%s (%d)", cmp.Or(k, "no model"), n[k]))
	}
	return strings.Join(parts, ", ")
}

// span is the range of a number over a list, written with one format: "0.91" or "0.89 to 0.91".
func span[T any](list []T, number func(T) (float64, bool), format func(float64) string) string {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, x := range list {
		if v, ok := number(x); ok {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	if a, b := format(lo), format(hi); a != b {
		return a + " to " + b
	}
	return format(lo)
}

func prob(p float64) string   { return fmt.Sprintf("%.2f", p) }
func whole(x float64) string  { return fmt.Sprintf("%.0f", x) }
func signed(x float64) string { return fmt.Sprintf("%+.2f", roundTo(x, 2)+0) } // +0: no -0.00

// percent writes a share with one decimal, without where it is large.
func percent(x float64) string {
	if math.Abs(x) >= 1 {
		return fmt.Sprintf("%+.0f %%", 100*x)
	}
	return fmt.Sprintf("%+.3g %%", roundTo(100*x, 1))
}

func lower(x float64) string { return fmt.Sprintf("%.3g %%", roundTo(100*x, 1)) }

// usd writes dollars with three digits that count: $0.0123, $4.56, $789.
func usd(x float64) string {
	decimals := 2
	if x > 0 {
		decimals = max(0, 2-int(math.Floor(math.Log10(x))))
	}
	return "$" + strconv.FormatFloat(x, 'f', decimals, 64)
}

func signedUSD(x float64) string {
	if x < 0 {
		return "-" + usd(-x)
	}
	return "+" + usd(x)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
