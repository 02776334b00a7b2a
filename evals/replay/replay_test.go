package replay

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKindsAreFoundAndRouted(t *testing.T) {
	r := run(t, options(t, synthetic(600, 1)))
	g := r.Summary.Sources[0].Group
	best, oracle := policyOf(t, g, BestSingle).Points[0], policyOf(t, g, Oracle).Points[0]
	if oracle.Score < 0.95 || oracle.Score > 1 {
		t.Errorf("the oracle scores %v", oracle.Score)
	}
	for _, name := range []string{Assay, ByKNN, ByTask} {
		p := policyOf(t, g, name)
		top := p.Points[0]
		if top.Score < best.Score+0.02 || top.Score > oracle.Score || top.CostUSD >= best.CostUSD {
			t.Errorf("%s at margin 0: %+v; want a better score than the best single model %+v for less, and no more than the oracle's", name, top, best)
		}
		if lost := p.Budgets[seventy].OnTrain.Lost; lost == nil || lost.Hi > 0 {
			t.Errorf("%s loses %+v at 70 %% of the cost; want a gain for sure", name, lost)
		}
		if share := p.Budgets[seventy].OnTrain.Share; share > 0.75 {
			t.Errorf("%s spends %v of the best single model's cost", name, share)
		}
	}
	random := policyOf(t, g, Random)
	if first, last := random.Points[0], random.Points[10]; first != withThreshold(policyOf(t, g, AlwaysLow).Points[0], 0) || last != withThreshold(best, 1) {
		t.Errorf("random runs from %+v to %+v; want from cheapest to best single", first, last)
	}
	if mid := random.Points[5].Score; math.Abs(float64(mid-(random.Points[0].Score+random.Points[10].Score)/2)) > 1e-9 {
		t.Errorf("half of random scores %v", mid)
	}
	if v := r.Summary.Sources[0].BelowSingle; len(v.Violations) > 0 {
		t.Errorf("below a single model: %+v", v.Violations)
	}
	if l := r.Summary.Sources[0].LogLoss; l.Model >= l.BaseRate-0.1 {
		t.Errorf("log loss %v, of base rates %v", l.Model, l.BaseRate)
	}
	if e := r.Summary.Calibration["zh"].ECE; e > 0.06 {
		t.Errorf("calibration error %v", e)
	}
	if e := r.Summary.Sources[0].CostErrors[0].Median; e > 0.02 {
		t.Errorf("costs that never vary are off by %v", e)
	}
}

func withThreshold(r Result, threshold float64) Result {
	r.Threshold = Figure(threshold)
	return r
}

func TestOrderOfRowsDoesNotMatter(t *testing.T) {
	rows := synthetic(300, 2)
	o := options(t, rows)
	o.NoAblation = false
	first := run(t, o)
	o.Test = slices.Clone(rows)
	rand.New(rand.NewPCG(3, 3)).Shuffle(len(rows), func(i, j int) { o.Test[i], o.Test[j] = o.Test[j], o.Test[i] })
	if diff := cmp.Diff(asJSON(t, first.Summary), asJSON(t, run(t, o).Summary)); diff != "" {
		t.Errorf("shuffled rows give another summary:\n%s", diff)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The outcomes of a tested fold, scores and costs, may change nothing of what
// is decided in it.
func TestOutcomesOfAFoldDoNotInfluenceItsDecisions(t *testing.T) {
	rows := synthetic(300, 4)
	before := decisionsOf(run(t, options(t, rows)))
	const fold = 2
	spoilt := slices.Clone(rows)
	changed := map[string]bool{}
	for i, r := range spoilt {
		if Fold(Bucket(Key(r.Prompt)), 4) != fold {
			continue
		}
		changed[r.ID] = true
		spoilt[i].Outcomes = map[string]Outcome{}
		for m, o := range r.Outcomes {
			cost := *o.CostUSD * 7
			spoilt[i].Outcomes[m] = Outcome{Score: 1 - o.Score, CostUSD: &cost}
		}
	}
	after := decisionsOf(run(t, options(t, spoilt)))
	if len(changed) < 40 {
		t.Fatalf("only %d rows are in the fold", len(changed))
	}
	elsewhere := false
	for key, model := range before {
		switch {
		case key.Policy == Oracle:
		case changed[key.ID] && after[key] != model:
			t.Fatalf("%+v: %s became %s", key, model, after[key])
		case after[key] != model:
			elsewhere = true
		}
	}
	if !elsewhere {
		t.Error("nothing changed in the folds that are trained on these outcomes")
	}
}

// decisionsOf gives the models by everything else of the decision.
func decisionsOf(r *Replay) map[Decision]string {
	out := map[Decision]string{}
	for _, v := range r.verdicts {
		for _, i := range v.cells {
			for _, d := range v.decisions(i, 1) {
				model := d.Model
				d.Model = ""
				out[d] = model
			}
		}
	}
	return out
}

func TestTheRuleOfBaselinesIsTheRouters(t *testing.T) {
	rows := synthetic(200, 5)
	for i := range rows { // costs that differ, and some models that were not asked
		for m, o := range rows[i].Outcomes {
			cost := *o.CostUSD * (1 + float64(i%7)/3)
			o.CostUSD = &cost
			rows[i].Outcomes[m] = o
		}
		if i%5 == 0 {
			delete(rows[i].Outcomes, "special-b")
		}
	}
	for name, o := range map[string]func(*Row){
		"with money": func(*Row) {},
		"without money": func(r *Row) {
			for m, o := range r.Outcomes {
				o.CostUSD = nil
				r.Outcomes[m] = o
			}
		},
	} {
		for i := range rows {
			o(&rows[i])
		}
		r := run(t, options(t, rows))
		v := r.verdicts[0]
		e := v.entrants[0]
		again := e.expectations.choose(v.arena, v.margins)
		n := 0
		for k := range v.margins {
			for _, i := range v.cells {
				if got, want := again.picked[k][i], e.picked[k][i]; got != want {
					t.Errorf("%s, margin %v, %s: the rule picks %d, the router %d (p %v, cost %v)", name, v.margins[k], v.items[i].ID, got, want, e.p[v.items[i].group][i], e.cost[v.items[i].group][i])
				}
				n++
			}
		}
		if n < 200*50 {
			t.Errorf("only %d choices compared", n)
		}
		if name == "without money" && (v.money.Kind != NoMoney || r.Summary.Overall != nil || v.summaryIsMute(t, &r.Summary)) {
			t.Errorf("money %+v", v.money)
		}
	}
}

// summaryIsMute reports whether a source without money lacks what needs none.
func (v *verdict) summaryIsMute(t *testing.T, s *Summary) bool {
	d := s.Sources[0].Duel
	return d == nil || len(d.Policies) == 0 || s.Sources[0].BelowSingle != nil || s.Sources[0].Policies[0].Budgets != nil
}

func TestPerfectPredictionsReachTheOracle(t *testing.T) {
	o := options(t, synthetic(200, 6))
	r := run(t, o)
	v := r.verdicts[0]
	truth := newExpectations(v.pl.groups, len(v.items))
	for g := range v.pl.groups {
		for i := range v.items {
			p, c := make([]float32, len(v.models)), make([]float32, len(v.models))
			for m := range p {
				p[m], c[m] = float32(v.arena.score[i][m]), float32(v.arena.cost[i][m])
			}
			truth.set(g, i, p, c)
		}
	}
	picked := truth.choose(v.arena, []float64{0})
	s := v.series(func(i int) int { return int(picked.picked[0][i]) })
	if got, want := s.point(), v.oracle.point(); got != want {
		t.Errorf("perfect predictions reach %+v; the oracle %+v", got, want)
	}
}

func TestTrainAndTestApart(t *testing.T) {
	rows := synthetic(400, 8)
	o := options(t, nil)
	o.Same, o.Folds = false, 0
	o.Train, o.Test = rows[:320], slices.Concat(rows[320:], rows[:30]) // 30 questions on both sides
	for i := range o.Test {
		o.Test[i].ID = "test-" + o.Test[i].ID
	}
	r := run(t, o)
	if got := r.Summary.Rows; got != (Rows{Train: 290, Test: 110, LeftOut: 30}) {
		t.Errorf("rows %+v", got)
	}
	if p := policyOf(t, r.Summary.Sources[0].Group, Assay).Points[0]; p.Score < 0.93 {
		t.Errorf("margin 0: %+v", p)
	}
	// A source that was never trained on is predicted from all others.
	for i := range o.Test {
		o.Test[i].Source = "other"
	}
	r = run(t, o)
	if p := policyOf(t, r.Summary.Sources[0].Group, Assay).Points[0]; p.Score < 0.93 || r.Summary.Rows.Unanswered != 0 {
		t.Errorf("an unseen source at margin 0: %+v, rows %+v", p, r.Summary.Rows)
	}
}

func TestSummaryIsReadBackAsWritten(t *testing.T) {
	r := run(t, options(t, synthetic(150, 9)))
	first := asJSON(t, r.Summary)
	var again Summary
	d := json.NewDecoder(bytes.NewReader([]byte(first)))
	d.DisallowUnknownFields()
	if err := d.Decode(&again); err != nil {
		t.Fatal(err)
	}
	if second := asJSON(t, again); !reflect.DeepEqual(first, second) {
		t.Errorf("read back it is\n%s\nnot\n%s", second, first)
	}
}
