package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"assay/evals"
)

// table prints rows with aligned columns. Columns named in right are aligned
// to the right. Wide characters count as two.
type table struct {
	head  []string
	right map[int]bool
	rows  [][]string
}

func newTable(head ...string) *table { return &table{head: head, right: map[int]bool{}} }

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) {
	widths := make([]int, len(t.head))
	all := append([][]string{t.head}, t.rows...)
	for _, row := range all {
		for i, c := range row {
			widths[i] = max(widths[i], width(c))
		}
	}
	for _, row := range all {
		var b strings.Builder
		for i, c := range row {
			pad := strings.Repeat(" ", widths[i]-width(c))
			if t.right[i] {
				b.WriteString(pad + c)
			} else {
				b.WriteString(c + pad)
			}
			b.WriteString("  ")
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// width counts the columns a text takes on a terminal.
func width(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana), r >= 0xff01 && r <= 0xff60, r >= 0x3000 && r <= 0x303f:
			n += 2
		default:
			n++
		}
	}
	return n
}

// printOutcome is the last word of a run.
func printOutcome(w io.Writer, out evals.Outcome, f runFlags) {
	t := newTable("model", "benchmark", "n", "score", "unparsed", "cut", "failed", "coverage", "cost")
	t.right = map[int]bool{2: true, 3: true, 4: true, 5: true, 6: true, 7: true, 8: true}
	for _, c := range out.Cards {
		cost := "unknown"
		if c.Costed > 0 || c.CostNano > 0 {
			cost = evals.Dollars(c.CostNano)
		}
		name := c.Benchmark
		if c.Origin == "starter" {
			name += " (starter)"
		}
		t.add(c.Model, name, fmt.Sprint(c.N), scoreText(c), fmt.Sprint(c.Unparsed), fmt.Sprint(c.Length), fmt.Sprint(c.Errors),
			fmt.Sprintf("%.0f %%", 100*c.Coverage()), cost)
	}
	t.print(w)
	r := out.Run
	fmt.Fprintf(w, "\nrun %s: %s, %d of %d asked (%d of them earlier), %s spent, stored in %s\n",
		r.ID, r.Status, out.Totals.Asked, r.Planned, out.Totals.Resumed, evals.Dollars(r.SpentNano), f.db)
	if r.Note != "" {
		fmt.Fprintln(w, "note:", r.Note)
	}
	if r.Kind == evals.KindSim {
		fmt.Fprintln(w, "note: simulated answers; these scores say nothing about the models they are named after")
	}
	if f.data == "" {
		fmt.Fprintln(w, "note: starter items, not the benchmarks; pass --data for those")
	}
}
