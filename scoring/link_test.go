package scoring

import (
	"math"
	"slices"
	"testing"

	"assay/models"
)

// Anchors at x = 0..9 with y = 1 + 2x + r, r = +-0.1 in turn, equal weights.
// By hand: mean x 4.5, sxx 82.5, sum of (x-4.5)*r = -0.5, so the slope is
// 2 - 0.5/82.5 = 1.993939, the intercept 1 + 4.5*0.5/82.5 = 1.027273, and the
// RMSE sqrt((0.1 - 0.5²/82.5)/10) = 0.098473.
func TestLinkAgainstHandComputation(t *testing.T) {
	var anchors []models.Anchor
	at := map[string]float64{}
	for i := range 10 {
		name := string(rune('a' + i))
		at[name] = float64(i)
		r := 0.1
		if i%2 == 1 {
			r = -0.1
		}
		anchors = append(anchors, models.Anchor{Outcome: name, Family: name, Theta: 1 + 2*float64(i) + r, SE: 0.2})
	}
	theta := func(f string) (float64, float64, bool) { x, ok := at[f]; return x, 0.01, ok }
	l := fitLink(anchors, theta)
	for name, p := range map[string][2]float64{
		"slope": {l.Slope, 1.993939}, "intercept": {l.Intercept, 1.027273}, "RMSE": {l.RMSE, 0.098473},
	} {
		if math.Abs(p[0]-p[1]) > 1e-6 {
			t.Errorf("%s = %.6f, want %.6f", name, p[0], p[1])
		}
	}
	if l.N != 10 || l.Default {
		t.Errorf("n = %d, default %v, want 10 real anchors", l.N, l.Default)
	}
	slices.Reverse(anchors)
	if again := fitLink(anchors, theta); again != l {
		t.Errorf("order of anchors matters: %+v and %+v", again, l)
	}
	near, far := l.apply(4.5, 0.01), l.apply(40, 0.01)
	if near.SD < l.RMSE || far.SD <= near.SD {
		t.Errorf("error of the link is not carried: sd %.3f at the centre, %.3f far out", near.SD, far.SD)
	}
}

func TestTooFewAnchorsGiveTheStatedDefault(t *testing.T) {
	scores, ms, _ := catalogue(t)
	s, err := Score(scores, []models.Anchor{{Family: "gpt-4o", Theta: 9, SE: 0.1}}, Config{Models: ms})
	if err != nil {
		t.Fatal(err)
	}
	if !s.Link.Default {
		t.Fatalf("one anchor was taken for a link: %+v", s.Link)
	}
	// The level definition: an 8B model of 2024 solves the hardest L2 prompt
	// (b = -0.75) with probability 0.7, a 2024 flagship the hardest L4 (2.05).
	for family, b := range map[string]float64{"llama-3-8b-instruct": -0.75, "gpt-4o": 2.05} {
		if p := Success(s.Cards[family].Ability.Theta, b); math.Abs(p-0.7) > 0.15 {
			t.Errorf("%s succeeds at %.2f with probability %.2f, the level says 0.7", family, b, p)
		}
	}
}
