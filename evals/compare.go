package evals

import (
	"fmt"
	"strings"
)

// Pairing is the difference between two models, or two runs of one, on the
// items that both answered.
type Pairing struct {
	Benchmark string  `json:"benchmark"`
	A         string  `json:"a"` // run and model
	B         string  `json:"b"`
	N         int     `json:"n"` // items with a verdict on both sides
	MeanA     float64 `json:"mean_a"`
	MeanB     float64 `json:"mean_b"`
	Diff      float64 `json:"diff"` // B - A
	StdErr    float64 `json:"stderr"`
	Lo        float64 `json:"lo"` // 95 % interval of Diff
	Hi        float64 `json:"hi"`
	// Detectable is the smallest true difference that as many items would
	// show with 80 % power.
	Detectable float64 `json:"detectable"`
	Gained     int     `json:"gained"` // items on which B scores above A
	Lost       int     `json:"lost"`
}

// Pair compares grades item by item. The standard error is that of the mean of
// the differences: items vary far more than models do, and pairing takes the
// items' share out (Miller 2024, arXiv:2411.00640, section 4). Grades of states
// other than OK and Unparsed are no verdicts and are left out.
func Pair(a, b []Grade, clustered bool) Pairing {
	type at struct {
		item   string
		sample int
	}
	verdicts := map[at]Grade{}
	for _, g := range a {
		if g.State == OK || g.State == Unparsed {
			verdicts[at{g.ItemID, g.Sample}] = g
		}
	}
	var p Pairing
	var diffs, ofA, ofB Tally
	for _, g := range b {
		other, ok := verdicts[at{g.ItemID, g.Sample}]
		if !ok || g.State != OK && g.State != Unparsed {
			continue
		}
		d := g.Score - other.Score
		diffs.Add(d, g.Subject)
		ofA.Add(other.Score, g.Subject)
		ofB.Add(g.Score, g.Subject)
		switch {
		case d > 0:
			p.Gained++
		case d < 0:
			p.Lost++
		}
	}
	p.N, p.MeanA, p.MeanB, p.Diff = diffs.N, ofA.Mean(), ofB.Mean(), diffs.Mean()
	p.StdErr = diffs.StdErr()
	if clustered {
		p.StdErr = diffs.ClusteredStdErr()
	}
	p.Lo, p.Hi, p.Detectable = p.Diff-Z95*p.StdErr, p.Diff+Z95*p.StdErr, Detectable(p.StdErr)
	return p
}

// Comparable says why two scorecards must not be compared: other data, another
// prompt, another extractor, another way of sampling, or simulated answers
// beside real ones. The error is ErrIncomparable.
func Comparable(a, b Scorecard, sa, sb Sampling) error {
	var why []string
	add := func(what, x, y string) {
		if x != y {
			why = append(why, fmt.Sprintf("%s: %s and %s", what, x, y))
		}
	}
	add("data set", clip(a.DatasetHash, 12), clip(b.DatasetHash, 12))
	add("prompt template", a.Template, b.Template)
	add("extractor", a.Extractor, b.Extractor)
	if (a.Kind == KindSim) != (b.Kind == KindSim) {
		add("kind of endpoint", string(a.Kind), string(b.Kind))
	}
	if !sa.Equal(sb) {
		why = append(why, "model configuration: sampling differs")
	}
	if len(why) == 0 {
		return nil
	}
	return fmt.Errorf("%w on %s: %s", ErrIncomparable, a.Benchmark, strings.Join(why, "; "))
}
