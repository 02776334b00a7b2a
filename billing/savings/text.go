package savings

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"assay/models"
)

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	t := r.Traffic
	fmt.Fprintf(&b, "Savings at the prices of %s (catalogue %s)\n\n", r.At, r.Catalog)
	fmt.Fprintf(&b, "Traffic, %s: %s requests, %s %% of them hard; %s input tokens (%s cached) and %s output tokens",
		t.Source, group(t.Requests), percentOf(t.HardShare), group(t.Input), group(t.Cached), group(t.Output))
	if t.InPerOut != "" {
		fmt.Fprintf(&b, ", %s to 1", t.InPerOut)
	}
	b.WriteString("\n\n")
	for _, base := range r.Baselines {
		writeBill(&b, baselineTitle(base), base.Bill)
		b.WriteString("\n")
	}
	r.writeAnswering(&b)
	for _, p := range r.Plans {
		writePlan(&b, p)
	}
	r.writePromise(&b)
	b.WriteString("Notes\n")
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "  - %s\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func baselineTitle(b Baseline) string {
	if b.Name == "former_mix" {
		return "Former mix"
	}
	return "Always flagship: " + b.Model
}

var planTitles = map[string]string{"flat": "Assay, flat price", "pass_through": "Assay, pass-through"}

// writePlan writes the bill, both comparisons and the margin.
func writePlan(b *strings.Builder, p Plan) {
	if !p.Known {
		fmt.Fprintf(b, "%s: not known\n  %s\n\n", planTitles[p.Name], p.Why)
		return
	}
	writeBill(b, planTitles[p.Name], *p.Bill)
	for _, c := range p.Comparisons {
		with := "against the former mix:"
		if c.With != "former_mix" {
			with = "against always flagship:"
		}
		fmt.Fprintf(b, "  %-26s %s\n", with, c.Words)
	}
	switch m := p.Margin; {
	case !m.Known:
		fmt.Fprintf(b, "  operator's margin: not known; %s\n", m.Why)
	default:
		fmt.Fprintf(b, "  operator's margin: $%s - $%s provider cost = $%s", usd(*m.Revenue), usd(m.Provider.Total), usd(*m.Margin))
		if m.Percent != "" {
			fmt.Fprintf(b, " (%s %% of revenue)", m.Percent)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

// writeAnswering says which models answer, at what provider price and why.
func (r *Report) writeAnswering(b *strings.Builder) {
	if len(r.Answering) == 0 {
		return
	}
	b.WriteString("Who answers at Assay (IN/OUT/CACHED per million tokens)\n")
	for _, a := range r.Answering {
		fmt.Fprintf(b, "  %s %% of %s requests: %s", percentOf(a.Share), a.Class, cmp.Or(a.Model, "nobody known"))
		if a.Unknown == "" {
			fmt.Fprintf(b, " at $%s", a.Price)
		}
		if a.Thinking > 0 {
			fmt.Fprintf(b, ", thinking %s tokens each time", group(a.Thinking))
		}
		fmt.Fprintf(b, "\n    %s\n", cmp.Or(a.Unknown, a.Reason))
	}
	b.WriteString("\n")
}

// writeBill writes entries as tokens x price = amount, aligned.
func writeBill(b *strings.Builder, title string, bill Bill) {
	b.WriteString(title + "\n")
	table := make([][4]string, 0, len(bill.Entries)+1)
	for _, e := range bill.Entries {
		what := e.What
		if e.Model != "" {
			what += ", " + e.Model
		}
		product := strings.ReplaceAll(e.Kind, "_", " ")
		switch {
		case e.Price != nil && e.Share != "":
			product = fmt.Sprintf("%s %s tokens x %s x $%s/M", group(e.Tokens), product, e.Share, usd(*e.Price))
		case e.Price != nil:
			product = fmt.Sprintf("%s %s tokens x $%s/M", group(e.Tokens), product, usd(*e.Price))
		case e.Share != "":
			product = "x " + e.Share
		}
		table = append(table, [4]string{what, product, group(int64(e.Amount)), usd(e.Amount)})
	}
	table = append(table, [4]string{"total", "", group(int64(bill.Total)), usd(bill.Total)})
	var width [4]int
	for _, row := range table {
		for i, cell := range row {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for _, row := range table {
		fmt.Fprintf(b, "  %-*s  %*s = %*s nano-dollars = $%s\n", width[0], row[0], width[1], row[1], width[2], row[2], row[3])
	}
}

// writePromise writes the mixes for which the promised saving holds.
func (r *Report) writePromise(b *strings.Builder) {
	fmt.Fprintf(b, "Where the promised saving of %s to %s %% against the former mix holds, by the share of hard requests\n", percentOf(r.Promise.Low), percentOf(r.Promise.High))
	fmt.Fprintf(b, "  %-12s  %-19s  %15s  %-22s  %s\n", "plan", "input:output", "at its share", "at least 40 %", "at least 56 %")
	for _, row := range r.Promise.Rows {
		ratio := row.InPerOut + " to 1"
		if row.Own {
			ratio += ", as it is"
		}
		if row.InPerOut == "" {
			ratio = "no output"
		}
		if row.Why != "" {
			fmt.Fprintf(b, "  %-12s  %-19s  %13s %%  %s\n", row.Plan, ratio, row.Saving, row.Why)
			continue
		}
		fmt.Fprintf(b, "  %-12s  %-19s  %13s %%  %-22s  %s\n", row.Plan, ratio, row.Saving, row.AtLeastLow.words(), row.AtLeastHigh.words())
	}
	b.WriteString("\n")
}

// words is an interval as percentages of hard requests.
func (i *Interval) words() string {
	switch {
	case i == nil:
		return "never"
	case i.FromExact == "0" && i.ToExact == "1":
		return "always"
	}
	return percentOf(i.From) + " to " + percentOf(i.To) + " % hard"
}

func usd(m Money) string { return models.FormatUSD(int64(m)) }

// percentOf turns a decimal fraction such as "0.2500" into "25".
func percentOf(fraction string) string {
	n, err := dollars("", fraction)
	if err != nil {
		return fraction // it is our own text: this cannot be
	}
	return models.FormatUSD(int64(n) * 100)
}

// group writes an integer with commas.
func group(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}
