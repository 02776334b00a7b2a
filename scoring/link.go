package scoring

import (
	"cmp"
	"math"
	"slices"

	"assay/models"
)

// Link is the line from the latent scale of published scores to the scale of
// prompt difficulty b: θ_b = Intercept + Slope*θ. It is fitted by weighted
// least squares over anchor families, whose ability on the scale of b is known
// from outcomes on real prompts.
type Link struct {
	N         int // anchor families used
	Slope     float64
	Intercept float64
	RMSE      float64 // logits, of the anchors around the line
	// Default says that there were too few anchors and the line rests on the
	// definition of the levels instead; see defaultAnchors.
	Default bool
	// cov of intercept and slope: var, covariance, var.
	cov [3]float64
}

// MinAnchors is the number of anchor families below which the default link is used.
const MinAnchors = 8

// defaultAnchors turn the definition of the difficulty levels into a link. A
// level's upper bound is the difficulty at which its class of model succeeds
// with probability 0.7, so that class has ability bound + logit(0.7) = bound +
// 0.847: a 7B model of 2023 -1.00, an 8B model of 2024 0.10, a 70B or "mini"
// model 1.70, a flagship of 2024 2.90.
var defaultAnchors = []models.Anchor{
	{Family: "llama-2-7b-chat", Theta: -1.00, SE: 0.5},
	{Family: "vicuna-7b", Theta: -1.00, SE: 0.5},
	{Family: "llama-3-8b-instruct", Theta: 0.10, SE: 0.5},
	{Family: "llama-3-70b-instruct", Theta: 1.70, SE: 0.5},
	{Family: "gpt-4o-mini", Theta: 1.70, SE: 0.5},
	{Family: "gpt-4o", Theta: 2.90, SE: 0.5},
	{Family: "claude-3.5-sonnet-20241022", Theta: 2.90, SE: 0.5},
}

// fallbackLink serves when not even three default anchors were scored. Its
// numbers are those of the default link on the catalogue, rounded.
var fallbackLink = Link{Slope: 1.7, Intercept: 2.05, RMSE: 0.6, Default: true}

// fitLink fits the line, or gives the default one if anchors are too few.
// theta gives a family's latent ability and its variance.
func fitLink(anchors []models.Anchor, theta func(family string) (t, variance float64, ok bool)) Link {
	if l, n := regress(anchors, theta); n >= MinAnchors && l.Slope > 0 {
		return l
	}
	l, n := regress(defaultAnchors, theta)
	if n < 3 || l.Slope <= 0 {
		return fallbackLink
	}
	l.Default = true
	return l
}

// anchorPoint is one family's place on both scales.
type anchorPoint struct{ x, y, w float64 }

// regress fits y = intercept + slope*x. A point's weight is 1/(SE² + 0.1): even
// a perfectly known outcome ability differs from what benchmarks can say.
func regress(anchors []models.Anchor, theta func(string) (float64, float64, bool)) (Link, int) {
	points := joinAnchors(anchors, theta)
	n := len(points)
	if n < 3 {
		return Link{N: n}, n
	}
	var w, mx, my float64
	for _, p := range points {
		w, mx, my = w+p.w, mx+p.w*p.x, my+p.w*p.y
	}
	mx, my = mx/w, my/w
	var sxx, sxy float64
	for _, p := range points {
		sxx += p.w * (p.x - mx) * (p.x - mx)
		sxy += p.w * (p.x - mx) * (p.y - my)
	}
	if sxx < 1e-9 {
		return Link{N: n}, 0
	}
	l := Link{N: n, Slope: sxy / sxx}
	l.Intercept = my - l.Slope*mx
	var rss float64
	for _, p := range points {
		r := p.y - l.Intercept - l.Slope*p.x
		rss += p.w * r * r
	}
	l.RMSE = math.Sqrt(rss / w)
	// Textbook covariance of weighted least squares with estimated variance.
	s2 := rss / float64(n-2)
	l.cov = [3]float64{s2 * (1/w + mx*mx/sxx), -s2 * mx / sxx, s2 / sxx}
	return l, n
}

// joinAnchors gives one point per family, several outcome sources of a family
// averaged by precision, in an order that does not depend on the input's.
func joinAnchors(anchors []models.Anchor, theta func(string) (float64, float64, bool)) []anchorPoint {
	type sum struct{ w, wy float64 }
	byFamily := map[string]sum{}
	sorted := slices.Clone(anchors)
	slices.SortFunc(sorted, func(a, b models.Anchor) int {
		return cmp.Or(cmp.Compare(a.Family, b.Family), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Theta, b.Theta))
	})
	var names []string
	for _, a := range sorted {
		if a.Family == "" || math.IsNaN(a.Theta) || math.IsInf(a.Theta, 0) || !(a.SE >= 0) {
			continue
		}
		w := 1 / (a.SE*a.SE + 0.01)
		s, seen := byFamily[a.Family]
		if !seen {
			names = append(names, a.Family)
		}
		byFamily[a.Family] = sum{s.w + w, s.wy + w*a.Theta}
	}
	var out []anchorPoint
	for _, name := range names {
		x, _, ok := theta(name)
		if !ok {
			continue
		}
		s := byFamily[name]
		out = append(out, anchorPoint{x: x, y: s.wy / s.w, w: 1 / (1/s.w + 0.1)})
	}
	return out
}

// apply carries a latent ability to the scale of b. The variance grows by the
// uncertainty of the line and by the scatter of single families around it.
func (l Link) apply(theta, variance float64) Ability {
	v := l.Slope*l.Slope*variance + l.cov[0] + 2*theta*l.cov[1] + theta*theta*l.cov[2] + l.RMSE*l.RMSE
	return Ability{Theta: l.Intercept + l.Slope*theta, SD: math.Sqrt(v)}
}
