package replay

import (
	"math"
	"testing"
)

func same(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func TestAIQByHand(t *testing.T) {
	for _, c := range []struct {
		name   string
		points []Point
		lo, hi float64
		want   float64
	}{
		{"a straight line from 0.4 to 0.8", []Point{{1, 0.4}, {3, 0.8}}, 1, 3, 0.6},
		{"a point under the line changes nothing", []Point{{1, 0.4}, {3, 0.8}, {2, 0.5}}, 1, 3, 0.6},
		{"a point above it does: (0.4+0.7)/2 and (0.7+0.8)/2", []Point{{3, 0.8}, {2, 0.7}, {1, 0.4}}, 1, 3, 0.65},
		{"dearer and worse is not used", []Point{{1, 0.6}, {3, 0.2}}, 1, 3, 0.6},
		{"level after the dearest", []Point{{1, 0.4}, {2, 0.8}}, 1, 3, 0.7},
		{"one point falls to nothing below it: 0.45 on average, then 0.6", []Point{{2, 0.6}}, 1, 3, (0.45 + 0.6) / 2},
		{"costs beyond the range count up to it: from 0.4 to 0.6", []Point{{1, 0.4}, {5, 0.8}}, 1, 3, 0.5},
		{"two of one cost: the better", []Point{{1, 0.4}, {1, 0.5}, {3, 0.5}}, 1, 3, 0.5},
	} {
		if got := AIQ(c.points, c.lo, c.hi); !same(got, c.want) {
			t.Errorf("%s: %v; want %v", c.name, got, c.want)
		}
	}
	if got := AIQ([]Point{{1, 1}}, 2, 2); !math.IsNaN(got) {
		t.Errorf("no range of costs: %v; want NaN", got)
	}
}

func TestRecoveryByHand(t *testing.T) {
	// Four prompts; the strong model is right on all, the weak on two of them.
	right := []Duel{{1, 0, 0.9}, {1, 0, 0.8}, {1, 1, 0.1}, {1, 1, 0}}
	r, ok := Recover(right)
	if !ok || !same(r.APGR(), 0.75) { // up to 1 at half the calls, then level
		t.Errorf("perfect ranking: APGR %v; want 0.75", r.APGR())
	}
	if got := r.CPT(0.5); !same(got, 0.25) {
		t.Errorf("CPT 50 %% is %v; want 0.25", got)
	}
	if got := r.CPT(0.8); !same(got, 0.4) { // 0.25 + 0.3/0.5 * 0.25
		t.Errorf("CPT 80 %% is %v; want 0.4", got)
	}
	wrong := []Duel{{1, 0, 0.1}, {1, 0, 0}, {1, 1, 0.9}, {1, 1, 0.8}}
	if r, _ = Recover(wrong); !same(r.APGR(), 0.25) {
		t.Errorf("reversed ranking: APGR %v; want 0.25", r.APGR())
	}
	tied := []Duel{{1, 0, 0}, {1, 0, 0}, {1, 1, 0}, {1, 1, 0}}
	if r, _ = Recover(tied); !same(r.APGR(), 0.5) || !same(r.CPT(0.8), 0.8) {
		t.Errorf("no ranking: APGR %v, CPT 80 %% %v; want 0.5 and 0.8", r.APGR(), r.CPT(0.8))
	}
	// The weak model is better on one: recovery passes 1.
	over := []Duel{{1, 0, 0.9}, {1, 0, 0.8}, {0, 1, 0.1}}
	if r, _ = Recover(over); !same(r.CPT(0.8), 0.8/3/1) {
		t.Errorf("CPT 80 %% is %v; want %v", r.CPT(0.8), 0.8/3)
	}
	if _, ok = Recover([]Duel{{0, 1, 0.5}}); ok {
		t.Error("a strong model that is worse has a gap")
	}
}

func TestBootstrapOfAKnownSpread(t *testing.T) {
	column := make([]float64, 400) // mean 0.25, standard error sqrt(0.25*0.75/400) = 0.02165
	for i := range column {
		if i%4 == 0 {
			column[i] = 1
		}
	}
	got := bootstrap([][]float64{column, make([]float64, 400)}, 1)
	if !same(got[0].Mean, 0.25) || math.Abs(got[0].Lo-(0.25-1.96*0.02165)) > 0.005 || math.Abs(got[0].Hi-(0.25+1.96*0.02165)) > 0.005 {
		t.Errorf("interval %+v; want 0.25 and some 0.042 to either side", got[0])
	}
	if got[1] != (Interval{}) {
		t.Errorf("of zeros: %+v", got[1])
	}
}

func TestLargestMarginIsByTheMeanOfSources(t *testing.T) {
	source := func(scores ...float64) SourceSummary {
		s := SourceSummary{Group: &Group{Best: Result{Score: 0.9}, Policies: []PolicyResult{{Policy: "knn", Points: []Result{{Threshold: 0, Score: 0}}}, {Policy: "assay"}}}}
		for i, x := range scores {
			s.Policies[1].Points = append(s.Policies[1].Points, Result{Threshold: Figure(i), Score: Figure(x)})
		}
		return s
	}
	// lost on average: -0.01, 0.005, 0.025, 0.0005
	s := Summary{Sources: []SourceSummary{source(0.9, 0.89, 0.85, 0.899), source(0.92, 0.9, 0.9, 0.9)}}
	for _, c := range []struct{ lose, want float64 }{{0, 0}, {0.01, 1}, {0.03, 3}} {
		if got, ok := s.LargestMargin(c.lose); !ok || got != c.want {
			t.Errorf("losing %v: margin %v, %v; want %v", c.lose, got, ok, c.want)
		}
	}
	if _, ok := (Summary{Sources: []SourceSummary{source(0.1)}}).LargestMargin(0.01); ok {
		t.Error("a margin that loses more is allowed")
	}
}
