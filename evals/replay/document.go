package replay

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// section is a part of the report: a title, text, a table.
type section struct {
	level int // of the title, 1 to 3
	title string
	text  []string
	head  []string
	rows  [][]string
	plot  string // name of a plot, "" for none
}

// document lays the summary out, in whole or only its main figures.
func (s *Summary) document(whole bool) []section {
	out := []section{{level: 1, title: "Replay of routing policies on recorded outcomes", text: s.preface()}}
	for i := range s.Sources {
		out = append(out, s.Sources[i].sections(whole)...)
	}
	if s.Overall != nil && len(s.Sources) > 1 {
		out = append(out, groupSection("All sources with known costs", s.Overall))
	}
	if whole || len(s.Languages) > 1 {
		for _, lang := range slices.Sorted(maps.Keys(s.Languages)) {
			out = append(out, groupSection("Language "+lang+", sources with known costs", s.Languages[lang]))
		}
	}
	if len(s.Calibration) > 0 {
		c := section{level: 2, title: "Calibration on right-or-wrong sources", head: []string{"language", "outcomes", "ECE, 15 bins of equal mass"}}
		for _, lang := range slices.Sorted(maps.Keys(s.Calibration)) {
			c.rows = append(c.rows, []string{lang, fmt.Sprint(s.Calibration[lang].N), fmt.Sprintf("%.3f", s.Calibration[lang].ECE)})
			c.plot = calibrationPlot
		}
		out = append(out, c)
	}
	return out
}

func (s *Summary) preface() []string {
	how := fmt.Sprintf("%d folds, everything that is fitted to outcomes fitted again without the fold", s.Folds)
	if s.Folds == 0 {
		how = "train and test given apart"
	}
	first := fmt.Sprintf("%d prompts tested, %d trained on; %s. Predictions read %s and are fitted by %s; seed %d.",
		s.Rows.Test, s.Rows.Train, how, s.Features, s.Fit, s.Seed)
	if s.Rows.Unanswered > 0 {
		first += fmt.Sprintf(" %d tested prompts have no model that was seen in training and are left out.", s.Rows.Unanswered)
	}
	return append([]string{first}, s.Notes...)
}

// sections lays one source out.
func (s *SourceSummary) sections(whole bool) []section {
	main := groupSection(s.Source, s.Group)
	main.text = append(main.text, s.verdictText()...)
	if s.Money.Kind != NoMoney {
		main.plot = s.Source
	}
	out := []section{main}
	if s.Duel != nil {
		d := section{level: 3, title: fmt.Sprintf("%s against %s (RouteLLM)", s.Duel.Strong, s.Duel.Weak), head: []string{"policy", "APGR", "CPT 50 %", "CPT 80 %"}}
		for _, p := range s.Duel.Policies {
			d.rows = append(d.rows, []string{p.Policy, number(p.APGR, 3), percent(p.CPT50), percent(p.CPT80)})
		}
		out = append(out, d)
	}
	if len(s.Parts) > 0 {
		p := section{level: 3, title: "What each part of the prediction adds", head: []string{"predicts from", "score at <= 70 % of cost", "lost, points", "APGR", "AIQ", "log loss"}}
		for _, r := range s.Parts {
			p.rows = append(p.rows, []string{r.Part, number(r.At70.Score, 4), lost(r.At70.Lost), number(r.APGR, 3), number(r.AIQ, 4), number(r.LogLos, 4)})
		}
		out = append(out, p)
	}
	if whole {
		out = append(out, s.modelSection(), s.costSection())
	}
	return out
}

// verdictText says in sentences what needs no table.
func (s *SourceSummary) verdictText() []string {
	out := []string{fmt.Sprintf("%d tested, %d trained on, %d models, costs %s.", s.N, s.NTrain, len(s.Models), s.Money.Kind)}
	if s.Money.Why != "" {
		out = append(out, "No cost figures: "+s.Money.Why+".")
	}
	if b := s.BelowSingle; b != nil && len(b.Violations) == 0 {
		out = append(out, fmt.Sprintf("At none of %d margins is the product surely worse than the best single model of the same or a lower price.", b.Checked))
	} else if b != nil {
		var at []string
		for _, v := range b.Violations {
			at = append(at, fmt.Sprintf("%g (%.1f points below %s)", v.Margin, -100*v.Gain.Mean, strings.Join(v.Singles, ", ")))
		}
		out = append(out, fmt.Sprintf("At %d of %d margins the product is surely worse than the best single model of the same or a lower price: %s.", len(b.Violations), b.Checked, strings.Join(at, "; ")))
	}
	if l := s.LogLoss; l != nil {
		out = append(out, fmt.Sprintf("Log loss %.4f, of base rates %.4f; difference %s, standard error %s.", l.Model, l.BaseRate, number(l.Diff.Mean, 4), number(l.Diff.SE, 4)))
	}
	if len(s.CostErrors) > 0 {
		out = append(out, fmt.Sprintf("Expected cost is off by %s of the real one in the median.", percent(s.CostErrors[0].Median)))
	}
	return out
}

func groupSection(title string, g *Group) section {
	s := section{level: 2, title: title, head: []string{"policy", "AIQ"}}
	for _, b := range Budgets {
		s.head = append(s.head, fmt.Sprintf("lost at <= %.0f %% of cost", 100*b))
	}
	s.head = append(s.head, "score", "cost/1000 prompts")
	for _, p := range g.Policies {
		row := []string{p.Policy, number(p.AIQ, 4)}
		for b := range Budgets {
			cell := ""
			if b < len(p.Budgets) {
				r := p.Budgets[b]
				cell = fmt.Sprintf("%s at %s (best on test %.1f)", lost(r.OnTrain.Lost), percent(r.OnTrain.Share), 100*r.BestOnTest.Lost.Mean)
			}
			row = append(row, cell)
		}
		first, last := p.Points[0], p.Points[len(p.Points)-1]
		score, cost := number(first.Score, 4), dollars(first.CostUSD)
		if len(p.Points) > 1 {
			score, cost = score+" .. "+number(last.Score, 4), cost+" .. "+dollars(last.CostUSD)
		}
		s.rows = append(s.rows, append(row, score, cost))
	}
	s.text = []string{fmt.Sprintf("Points of score lost against the best single model (chosen on training rows; score %s, %s per 1,000 prompts here), with paired 95 %% intervals, at margins chosen on training rows. In brackets the optimistic figure at the margin that is best on the tested rows.", number(g.Best.Score, 4), dollars(g.Best.CostUSD))}
	return s
}

func (s *SourceSummary) modelSection() section {
	out := section{level: 3, title: "Models", head: []string{"model", "train score", "test score", "cost/1000 prompts", "trained on", "best single in folds"}}
	for _, m := range s.Models {
		out.rows = append(out.rows, []string{m.Model, number(m.Train, 4), number(m.Test, 4), dollars(m.TestUSD), fmt.Sprint(m.NTrain), fmt.Sprint(m.BestFolds)})
	}
	return out
}

func (s *SourceSummary) costSection() section {
	out := section{level: 3, title: "Expected against real cost, median relative error", head: []string{"task", "outcomes", "error"}}
	for _, e := range s.CostErrors {
		task := e.Task
		if task == "" {
			task = "(all)"
		}
		out.rows = append(out.rows, []string{task, fmt.Sprint(e.N), percent(e.Median)})
	}
	return out
}

const unknown = "-"

func number(f Figure, digits int) string {
	if !f.known() {
		return unknown
	}
	return fmt.Sprintf("%.*f", digits, float64(f))
}

func percent(f Figure) string {
	if !f.known() {
		return unknown
	}
	return fmt.Sprintf("%.1f %%", 100*float64(f))
}

// dollars shows a cost per prompt as one per 1,000 prompts.
func dollars(f Figure) string {
	if !f.known() {
		return unknown
	}
	return fmt.Sprintf("$%.4f", 1000*float64(f))
}

// lost shows an interval in points.
func lost(i *Interval) string {
	if i == nil {
		return unknown
	}
	return fmt.Sprintf("%.1f [%.1f, %.1f]", 100*i.Mean, 100*i.Lo, 100*i.Hi)
}
