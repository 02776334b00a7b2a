package scoring

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// evidence puts the measurements of a family's hosts on the items' scales.
func (r *retiering) evidence(lf *latentFamily, measured map[string][]Measurement) ([]hostEvidence, error) {
	var out []hostEvidence
	for _, m := range r.hosts[lf.name] {
		ms, ok := measured[m.ID]
		if !ok {
			continue
		}
		h := hostEvidence{id: m.ID, mode: lf.servedAs(hostMode(m))}
		for _, x := range ms {
			c, err := r.cards.fit.measuredCellOf(x, lf, h.mode)
			if err != nil {
				return nil, fmt.Errorf("model %s: %w", m.ID, err)
			}
			h.cells, h.n = append(h.cells, c), h.n+x.N
		}
		out = append(out, h)
	}
	return out, nil
}

// estimate gives a card for the family (which < 0) or for one of its measured
// hosts, with published numbers discounted by the share that was measured.
// The joint prior has the family's modes and its hosts: a host's ability is
// its mode's plus N(0, HostSD²), or more for the host itself if it is an
// outlier (see hostVariance). The family's estimate does not take part in that:
// a host that gets worse must never lift the others.
func (r *retiering) estimate(lf *latentFamily, evidence []hostEvidence, mode, which int, share float64, useMeasured bool) Scorecard {
	l := r.cards.fit
	believe := 1 - (1-r.cfg.Discount)*min(1, share)
	k, n := len(lf.modes), len(lf.modes)+len(evidence)
	source := func(i int) int { // the mode behind variable i
		if i < k {
			return i
		}
		return evidence[i-k].mode
	}
	prior := l.priorCov(lf)
	cov := mat.NewSymDense(n, nil)
	mean, h, p := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		mean[i] = lf.prior + l.shift[lf.modes[source(i)]]
		for j := i; j < n; j++ {
			v := prior.At(source(i), source(j))
			if i == j && i >= k {
				v += r.hostVariance(lf, evidence[i-k], i-k == which)
			}
			cov.SetSym(i, j, v)
		}
		if i < k {
			for _, c := range lf.cells[i] {
				h[i], p[i] = addCell(h[i], p[i], &l.items[l.itemOf[c]], l.z[c], believe*l.cells[c].Weight, lf.origin)
			}
			continue
		}
		for _, c := range evidence[i-k].cells {
			w := c.item.s2 / (c.item.s2 + c.sampling)
			h[i], p[i] = addCell(h[i], p[i], c.item, c.z-c.shift, w, lf.origin)
		}
	}
	theta, post := posterior(mean, cov, h, p)
	at := mode
	if which >= 0 {
		at = k + which
	}
	s := state{
		theta: theta[at], variance: post.At(at, at), origin: lf.origin,
		published: l.publishedCells(lf, mode), believe: believe, profile: l.departureOf(lf, mode),
	}
	if useMeasured {
		s.measured = pooled(evidence, which)
	}
	card := Scorecard{
		Family: lf.name, Mode: lf.modes[mode],
		Abilities: r.cards.abilities(lf, mode, theta[at], post.At(at, at), believe),
		own:       r.cards.Link.apply(theta[at], post.At(at, at)),
	}
	card.Ability = card.Abilities[General]
	card.take(l.blend(s))
	return card
}

// hostVariance is the prior variance of a host's distance from its family. For
// the host that is being estimated, results beyond Outlier open it to the
// moment estimate from that one distance d: E d² = variance + var(d).
func (r *retiering) hostVariance(lf *latentFamily, e hostEvidence, own bool) float64 {
	usual := r.cfg.HostSD * r.cfg.HostSD
	if !own || math.Abs(e.surprise(lf, usual)) < r.cfg.Outlier {
		return usual
	}
	d, noise := e.distance(lf)
	return max(usual, d*d-noise)
}

// outlying reports whether all hosts are outliers in the same direction.
func (r *retiering) outlying(lf *latentFamily, evidence []hostEvidence) bool {
	up, down := 0, 0
	for _, e := range evidence {
		switch s := e.surprise(lf, r.cfg.HostSD*r.cfg.HostSD); {
		case s >= r.cfg.Outlier:
			up++
		case s <= -r.cfg.Outlier:
			down++
		}
	}
	return len(evidence) > 0 && (up == len(evidence) || down == len(evidence))
}

// pooled gives the measured cells of one host, or of all (which < 0), one per
// item, averaged by precision.
func pooled(evidence []hostEvidence, which int) []measuredCell {
	var out []measuredCell
	for i, h := range evidence {
		if which >= 0 && i != which {
			continue
		}
		for _, c := range h.cells {
			at := slices.IndexFunc(out, func(o measuredCell) bool { return o.item == c.item })
			if at < 0 {
				out = append(out, c)
				continue
			}
			o := &out[at]
			w := o.sampling / (o.sampling + c.sampling) // of c
			o.z, o.score = o.z+w*(c.z-o.z), o.score+w*(c.score-o.score)
			o.n, o.sampling = o.n+c.n, o.sampling*(1-w)
		}
	}
	return out
}

// meanSurprise is the surprise of a family's measured hosts taken together.
func (r *retiering) meanSurprise(lf *latentFamily, evidence []hostEvidence) float64 {
	sum := 0.0
	for _, h := range evidence {
		sum += h.surprise(lf, r.cfg.HostSD*r.cfg.HostSD)
	}
	return sum / float64(len(evidence))
}
