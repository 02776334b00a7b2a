package scoring

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/mat"

	"assay/models"
)

// Inputs is the published side of a re-tiering.
type Inputs struct {
	Scores     []models.Score
	Anchors    []models.Anchor
	Models     []models.Model
	Placements []models.Placement
}

// RetierConfig holds the rules of re-tiering. The zero value works.
type RetierConfig struct {
	// Score configures the published estimates; its Models and Bands are
	// taken from the inputs and the base table.
	Score Config
	// MinItems is the number of graded items from which a host's own results
	// count fully against published ones. Default 100.
	MinItems int
	// Discount is what remains of the weight of published numbers for a host
	// with MinItems or more; below, the weight falls in proportion to the
	// items. For the family it falls by the share of its hosts measured.
	// Default 0.1.
	Discount float64
	// HostSD is the expected spread of hosts around their family, in standard
	// deviations of ability. Default 0.25.
	HostSD float64
	// Certainty is the probability that the evidence must give to a change of
	// tier. Default 0.9.
	Certainty float64
	// Surprise is how many standard deviations a result must lie from its
	// expectation before it moves a family away from where a hand placed it
	// against the published numbers. Default 1.
	Surprise float64
}

func (c RetierConfig) withDefaults() RetierConfig {
	c.MinItems = cmp.Or(c.MinItems, 100)
	c.Discount = cmp.Or(c.Discount, 0.1)
	c.HostSD = cmp.Or(c.HostSD, 0.25)
	c.Certainty = cmp.Or(c.Certainty, 0.9)
	c.Surprise = cmp.Or(c.Surprise, 1)
	return c
}

// Change is one move between tiers.
type Change struct {
	Family  string
	ModelID string // the host that moved, "" for the whole family
	From    Tier
	To      Tier
	Why     string // with the numbers
}

// Retier places the measured families anew and leaves all others as they are
// in base. Item scales stay those of the published scores; a host's results
// update its own ability and, in proportion to the share of hosts measured,
// its family's. A tier changes only where the evidence is at least Certainty
// sure. Active holds win. Re-tiering the result with the same measurements
// returns it unchanged, and no better score gives a lower tier. Errors wrap
// ErrMixedKinds, ErrUnknownModel or ErrUnknownBenchmark where they apply.
func Retier(base Tiers, measured []Measurement, in Inputs, now time.Time, cfg RetierConfig) (Tiers, []Change, error) {
	if _, err := evidenceOf(base, measured); err != nil {
		return Tiers{}, nil, err // before the work
	}
	if len(base.Bands) > 0 {
		cfg.Score.Bands = base.Bands
	}
	cfg.Score.Models = in.Models
	cards, err := Score(in.Scores, in.Anchors, cfg.Score)
	if err != nil {
		return Tiers{}, nil, err
	}
	return retierOn(cards, base, measured, in, now, cfg.withDefaults())
}

// retierOn is Retier on published estimates that are already there.
func retierOn(cards *Scorecards, base Tiers, measured []Measurement, in Inputs, now time.Time, cfg RetierConfig) (Tiers, []Change, error) {
	evidence, err := evidenceOf(base, measured)
	if err != nil {
		return Tiers{}, nil, err
	}
	byFamily, err := hostsMeasured(measured, in.Models)
	if err != nil {
		return Tiers{}, nil, err
	}
	fresh := Publish(cards, in.Models, in.Placements, now)
	out := base.withNewRows(fresh)
	out.Evidence, out.RunIDs = evidence, unionRuns(base.RunIDs, measured)
	r := retiering{cards: cards, cfg: cfg, now: now, hosts: chatHosts(in.Models)}
	for _, family := range slices.Sorted(maps.Keys(byFamily)) {
		f, err := r.family(family, out.Families[family], byFamily[family])
		if err != nil {
			return Tiers{}, nil, err
		}
		out.Families[family] = f
	}
	if contentID(out) == contentID(base) {
		return base, nil, nil
	}
	out.ID, out.Parent, out.SHA256 = contentID(out), base.ID, ""
	out.CreatedAt = now.UTC().Truncate(time.Second)
	return out, r.changes, nil
}

// withNewRows copies a table and adds what the catalogue has gained since.
func (t Tiers) withNewRows(fresh Tiers) Tiers {
	t.Families = maps.Clone(t.Families)
	if t.Families == nil {
		t.Families = map[string]Family{}
	}
	if len(t.Bands) == 0 {
		t.Bands = fresh.Bands
	}
	t.ScaleID = cmp.Or(t.ScaleID, fresh.ScaleID)
	t.Schema = Schema
	for name, f := range fresh.Families {
		old, ok := t.Families[name]
		if !ok {
			t.Families[name] = f
			continue
		}
		old.Hosts = maps.Clone(old.Hosts)
		if old.Hosts == nil {
			old.Hosts = map[string]Host{}
		}
		for id, h := range f.Hosts {
			if _, ok := old.Hosts[id]; !ok {
				old.Hosts[id] = h
			}
		}
		t.Families[name] = old
	}
	return t
}

func unionRuns(old []string, measured []Measurement) []string {
	runs := map[string]bool{}
	for _, id := range old {
		runs[id] = true
	}
	for _, m := range measured {
		if m.RunID != "" {
			runs[m.RunID] = true
		}
	}
	out := slices.Sorted(maps.Keys(runs))
	if out == nil {
		out = []string{}
	}
	return out
}

// retiering carries what every family's update needs.
type retiering struct {
	cards   *Scorecards
	cfg     RetierConfig
	now     time.Time
	hosts   map[string][]models.Model
	changes []Change
}

// family updates one measured family and its hosts.
func (r *retiering) family(name string, old Family, measured map[string][]Measurement) (Family, error) {
	lf := r.cards.fit.family(name)
	evidence, err := r.evidence(lf, measured)
	if err != nil {
		return Family{}, err
	}
	hosts := r.hosts[name]
	share, total := 0.0, 0
	for _, h := range evidence {
		share += min(1, float64(h.n)/float64(r.cfg.MinItems)) / float64(len(hosts))
		total += h.n
	}
	card := r.cards.Cards[name]
	c := classOf(card, hosts)

	f := old
	f.Hosts = maps.Clone(old.Hosts)
	at := slices.Index(lf.modes, card.Mode)
	whole := len(evidence) == len(hosts)
	est := r.estimate(lf, evidence, at, -1, share, whole)
	est.Mode = card.Mode
	f.take(est)
	strong := strengthOf(est.Capability, est.sdLogit, r.cards.Bands)
	f.ComputedTier, f.PTier = c.tierFor(strong, 0.5), c.probabilities(strong)
	v := r.settle(old.Tier, old.HandTier, c, strong, r.meanSurprise(lf, evidence))
	f.Tier, f.Placement = v.tier, v.placement
	if old.Hold.active(r.now) {
		f.Tier, f.Placement = old.Hold.Tier, ByHand
	}
	f.Reasons = r.reasons(lf, est, c, f, strong, evidence, v)
	r.note(name, "", old.Tier, f.Tier, est, strong, evidence)
	for _, m := range hosts {
		i := slices.IndexFunc(evidence, func(h hostEvidence) bool { return h.id == m.ID })
		h := f.Hosts[m.ID]
		before := old.tierOfHost(old.Hosts[m.ID])
		if i < 0 {
			// Not measured: follows the family, or keeps what was its own.
			if h.Tier != "" || h.Untiered {
				h.setTier(before, f.Tier)
			}
			f.Hosts[m.ID] = h
			continue
		}
		f.Hosts[m.ID] = r.host(name, h, before, f, lf, evidence, i, est, c, old)
	}
	return f, nil
}

// host places one measured host.
func (r *retiering) host(name string, h Host, before Tier, f Family, lf *latentFamily, evidence []hostEvidence, i int,
	family Scorecard, c class, old Family) Host {
	e := evidence[i]
	share := min(1, float64(e.n)/float64(r.cfg.MinItems))
	est := r.estimate(lf, evidence, e.mode, i, share, true)
	h.Offset = round6(est.Ability.Theta - family.Ability.Theta)
	h.SD = round6(sqrtOrZero(est.Ability.SD*est.Ability.SD - family.Ability.SD*family.Ability.SD))
	strong := strengthOf(est.Capability, est.sdLogit, r.cards.Bands)
	if lf.modes[e.mode] != family.Mode {
		c.thinker = c.thinker && lf.modes[e.mode] == Thinking
	}
	v := r.settle(before, cmp.Or(h.HandTier, old.HandTier), c, strong, e.surprise(lf, r.cfg.HostSD*r.cfg.HostSD))
	tier := v.tier
	if h.Hold.active(r.now) {
		tier = h.Hold.Tier
	} else if f.Hold.active(r.now) {
		tier = f.Hold.Tier
	}
	h.setTier(tier, f.Tier)
	// A host that moved with its whole family is told once, by the family.
	if before != old.Tier || tier != f.Tier {
		r.note(name, e.id, before, tier, est, strong, evidence[i:i+1])
	}
	return h
}

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
			c, err := r.cards.fit.measuredCellOf(x, lf.theta[h.mode], lf.origin)
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
// its mode's plus N(0, HostSD²).
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
				v += r.cfg.HostSD * r.cfg.HostSD
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
			h[i], p[i] = addCell(h[i], p[i], c.item, c.z, w, lf.origin)
		}
	}
	theta, post := posterior(mean, cov, h, p)
	at := mode
	if which >= 0 {
		at = k + which
	}
	s := state{
		theta: theta[at], variance: post.At(at, at), origin: lf.origin,
		published: l.publishedCells(lf, mode), believe: believe,
	}
	if useMeasured {
		s.measured = pooled(evidence, which)
	}
	card := Scorecard{
		Family: lf.name, Mode: lf.modes[mode],
		Ability: r.cards.Link.apply(theta[at], post.At(at, at)),
	}
	card.take(l.blend(s))
	return card
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

// verdict is where a family or host ends up.
type verdict struct {
	tier      Tier
	placement string
	// kept says that a hand placement stands against the numbers since the
	// results were what had been expected.
	kept bool
}

// settle decides on a tier. A bound that the current tier needs must be missed
// with probability Certainty before the tier is lost, and a higher tier's
// bound reached with Certainty before it is gained. Where a hand placed the
// family against the published numbers, results as expected from these numbers
// are no news and change nothing.
func (r *retiering) settle(current, hand Tier, c class, s strength, surprise float64) verdict {
	next := c.move(current, s, r.cfg.Certainty)
	if next == current {
		return verdict{current, Computed, false}
	}
	up := rank(next) > rank(current)
	if hand != "" && current == hand && (up && surprise < r.cfg.Surprise || !up && surprise > -r.cfg.Surprise) {
		return verdict{current, ByHand, true}
	}
	return verdict{next, Computed, false}
}

// rank orders the tiers by the strength they need; flagship and reasoning are
// two uses of the same strength.
func rank(t Tier) int {
	switch t {
	case Flagship, Reasoning:
		return 2
	case CheapFast:
		return 1
	}
	return 0
}

// move gives the tier after evidence s, with hysteresis.
func (c class) move(current Tier, s strength, certainty float64) Tier {
	doubt := 1 - certainty
	if current != "" && s[current] >= doubt { // it may well still belong there
		if up := c.tierFor(s, certainty); rank(up) > rank(current) {
			return up
		}
		return current
	}
	if current == "" {
		return c.tierFor(s, certainty)
	}
	switch {
	case current == Reasoning && !c.small && s[Flagship] >= doubt:
		return Flagship
	case current != CheapFast && s[CheapFast] >= doubt:
		return CheapFast
	}
	return ""
}

// note records a change of tier with its numbers.
func (r *retiering) note(family, host string, from, to Tier, est Scorecard, s strength, evidence []hostEvidence) {
	if from == to {
		return
	}
	why := fmt.Sprintf("measured %s; capability now %.1f (%.1f to %.1f); ", results(evidence), est.Capability, est.Lo, est.Hi)
	if rank(to) > rank(from) {
		why += fmt.Sprintf("%s's bound %.1f is reached with probability %.2f", name(to), r.cards.Bands[to].MinCapability, s[to])
	} else if from != "" {
		why += fmt.Sprintf("%s's bound %.1f is reached with probability %.2f only", name(from), r.cards.Bands[from].MinCapability, s[from])
	}
	r.changes = append(r.changes, Change{Family: family, ModelID: host, From: from, To: to, Why: why})
}

// results lists measured scores in words.
func results(evidence []hostEvidence) string {
	var parts []string
	for _, h := range evidence {
		for _, c := range h.cells {
			parts = append(parts, fmt.Sprintf("%s %.1f %% of %d items at %s", c.item.item.Benchmark, 100*c.score, c.n, h.id))
		}
	}
	return strings.Join(parts, ", ")
}

// reasons says why a measured family is where it is.
func (r *retiering) reasons(lf *latentFamily, est Scorecard, c class, f Family, s strength, evidence []hostEvidence, v verdict) []string {
	out := []string{
		fmt.Sprintf("capability %.1f (95 %% interval %.1f to %.1f): overseas %.1f, Chinese %.1f, %.0f %% of the weight observed",
			est.Capability, est.Lo, est.Hi, est.Overseas, est.Chinese, 100*est.ObservedShare),
		fmt.Sprintf("measured: %s; %+.1f standard deviations from what published scores predict",
			results(evidence), r.meanSurprise(lf, evidence)),
		r.cards.explain(c, f.ComputedTier, s),
	}
	if v.kept {
		out = append(out, fmt.Sprintf("placed by hand as %s against the numbers (flagship bound reached with probability %.2f); results were as expected, so the hand stands",
			name(v.tier), s[Flagship]))
	} else if f.Tier != f.ComputedTier {
		out = append(out, fmt.Sprintf("stays %s: a move needs %.0f %% certainty", name(f.Tier), 100*r.cfg.Certainty))
	}
	if f.Hold.active(r.now) {
		out = append(out, fmt.Sprintf("held as %s until %s: %s", name(f.Hold.Tier), f.Hold.Until.Format(time.DateOnly), f.Hold.Reason))
	}
	return out
}
