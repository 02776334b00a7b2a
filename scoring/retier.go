package scoring

import (
	"cmp"
	"maps"
	"slices"
	"time"

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
	// Outlier is the surprise, in standard deviations, from which a host's
	// results are no longer taken for a draw from HostSD: something else is
	// served there than what the published numbers describe. The host's own
	// spread is then estimated from its distance, and if that is so at every
	// host of a family, published numbers keep Discount of their weight however
	// few the items were. Default 3.
	Outlier float64
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
	c.Outlier = cmp.Or(c.Outlier, 3)
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
	whole := len(evidence) == len(hosts)
	if whole && r.outlying(lf, evidence) {
		share = 1
	}
	card := r.cards.Cards[name]
	c := classOf(card, hosts)

	f := old
	f.Hosts = maps.Clone(old.Hosts)
	at := slices.Index(lf.modes, card.Mode)
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
	h.Offset = round6(est.own.Theta - family.own.Theta)
	h.SD = round6(sqrtOrZero(est.own.SD*est.own.SD - family.own.SD*family.own.SD))
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
