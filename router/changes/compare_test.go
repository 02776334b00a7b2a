package changes

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"assay/classifier"
	"assay/models"
	"assay/router"
	"assay/router/policy"
)

// record is a complete record of a request to a selector.
func record(selector string, i classifier.Intent, l classifier.Level, prompt, output int64, at time.Time) *router.Record {
	return &router.Record{Started: at, Decision: router.Decision{Requested: selector, Rule: "alias", Model: "m", Intent: i, Level: l, PromptTokens: prompt,
		Class: classifier.Classification{Intent: i, Language: "en"}}, Attempts: []router.Attempt{{Served: true, Usage: models.Usage{Output: output}}}}
}

// demoted gives two real tables: in the second, the model that the first puts
// first for easy questions has lost its ability.
func demoted(t *testing.T) (from, to *router.Chooser, kind router.Kind) {
	kind = router.Kind{Selector: "assay/balanced", Intent: classifier.KnowledgeQA, Level: classifier.L2, Language: "en"}
	from = routing(t, shifted("tiers-a", nil), policy.Default()).Chooser()
	family := familyOf(t, from.Choose(kind, 300).Model)
	to = routing(t, shifted("tiers-b", map[string]float64{family: -6}), policy.Default()).Chooser()
	return from, to, kind
}

// The shares of an entry are those of the traffic that was seen, its costs those
// of the models that come first.
func TestEntriesWeighByTraffic(t *testing.T) {
	from, to, kind := demoted(t)
	var traffic Traffic
	for range 30 {
		traffic.Observe(record(kind.Selector, kind.Intent, kind.Level, 300, 100, testNow))
	}
	still := router.Kind{Selector: kind.Selector, Intent: classifier.Math, Level: classifier.L5, Language: "en"}
	if from.Choose(still, 800) != to.Choose(still, 800) {
		t.Fatal("the test wants a kind that does not change")
	}
	for range 30 {
		traffic.Observe(record(still.Selector, still.Intent, still.Level, 800, 900, testNow))
	}
	for range 40 {
		named := record("openai/gpt-4o", kind.Intent, kind.Level, 300, 100, testNow)
		named.Decision.Rule = "exact name"
		traffic.Observe(named)
	}
	seen := traffic.Seen(testNow)
	if got := Moved(from, to, seen); got < 0.3-1e-9 {
		t.Errorf("moved %g; 30 of 100 requests change, and few were seen", got)
	}
	var e Entry
	for _, x := range Compare(Flow{from, to, 0.5}, seen, testNow) {
		if x.Selector == kind.Selector {
			e = x
		} else if x.Basis != Assumed || x.ShareMoved != 0 {
			t.Errorf("%s had no traffic: basis %s, moved %g", x.Selector, x.Basis, x.ShareMoved)
		}
	}
	before, after, same := from.Choose(kind, 300), to.Choose(kind, 300), from.Choose(still, 800)
	costs := func(changing int64) float64 {
		return round((float64(changing) + float64(same.CostNano)) / 2 * 1000 / 1e9)
	}
	if e.Basis != FromTraffic || e.SelectorShare != 0.6 || e.ShareMoved != 0.15 || *e.CostBefore != costs(before.CostNano) || *e.CostAfter != costs(after.CostNano) {
		t.Errorf("entry %+v, costs %g and %g; want share 0.6, moved 0.5 x 0.6 x 0.5 = 0.15, costs %g and %g", e, *e.CostBefore, *e.CostAfter, costs(before.CostNano), costs(after.CostNano))
	}
	want := Cell{kind.Intent, kind.Level, "en", before.Model, after.Model, 0.5}
	if len(e.Cells) == 0 || e.Cells[0] != want || before.Model == after.Model {
		t.Errorf("cells %+v; want first %+v", e.Cells, want)
	}
	if e.FromTable != from.Table().ID || e.ToTiers != "tiers-b" || !strings.HasPrefix(e.ID, "chg_") {
		t.Errorf("names %+v", e)
	}
	if b, err := json.Marshal(e); err != nil || !strings.Contains(string(b), `"level":"L2"`) {
		t.Errorf("%s %v", b, err)
	}
}

// While nothing was seen, every kind of request counts alike, and entries say so.
func TestEntriesWithoutTrafficAreAssumed(t *testing.T) {
	from, to, _ := demoted(t)
	entries := Compare(Flow{from, to, 1}, Seen{}, testNow)
	if len(entries) == 0 {
		t.Fatal("no entry")
	}
	moved := 0.0
	for _, e := range entries {
		if e.Basis != Assumed || e.CostBefore == nil || len(e.Cells) > maxCells {
			t.Errorf("%+v", e)
		}
		moved += e.ShareMoved
	}
	if all := Moved(from, to, Seen{}); math.Abs(moved-all) > 1e-5 || all == 0 {
		t.Errorf("entries move %g, the comparison says %g", moved, all)
	}
}

func TestTheSameTableChangesNothing(t *testing.T) {
	a := routing(t, shifted("tiers-a", nil), policy.Default()).Chooser()
	b := routing(t, shifted("tiers-b", nil), policy.Default()).Chooser()
	if entries := Compare(Flow{a, b, 1}, Seen{}, testNow); len(entries) != 0 || Moved(a, b, Seen{}) != 0 {
		t.Errorf("%+v", entries)
	}
}

// A change of the policy is compared like one of the tiers.
func TestAPolicyChangesWhatComesFirst(t *testing.T) {
	tiers := shifted("tiers-a", nil)
	p := policy.Default()
	p.Providers.Deny = []string{"deepseek", "siliconflow", "together", "openai"}
	a, b := routing(t, tiers, policy.Default()).Chooser(), routing(t, tiers, p.WithDefaults()).Chooser()
	for _, e := range Compare(Flow{a, b, 1}, Seen{}, testNow) {
		for _, c := range e.Cells {
			provider, _, _ := strings.Cut(c.To, "/")
			for _, denied := range p.Providers.Deny {
				if provider == denied {
					t.Errorf("%s goes to %s, which is denied", e.Selector, c.To)
				}
			}
		}
		if e.FromTiers == e.ToTiers && e.FromTable != e.ToTable {
			return
		}
	}
	t.Error("no entry names two tables of the same tiers")
}

// Requests fade by half in a half-life; evaluations and shadows do not count.
func TestTrafficFades(t *testing.T) {
	var traffic Traffic
	kind := router.Kind{Selector: "assay/cost", Intent: classifier.Math, Level: classifier.L3, Language: "en"}
	traffic.Observe(record(kind.Selector, kind.Intent, kind.Level, 100, 10, testNow))
	eval := record(kind.Selector, kind.Intent, kind.Level, 100, 10, testNow)
	eval.Workload = policy.Eval
	shadow := record(kind.Selector, kind.Intent, kind.Level, 100, 10, testNow)
	shadow.ShadowOf = "m"
	strange := record(kind.Selector, "made-up", kind.Level, 100, 10, testNow)
	for _, r := range []*router.Record{eval, shadow, strange} {
		traffic.Observe(r)
	}
	later := testNow.Add(HalfLife)
	traffic.Observe(record(" Assay/COST", kind.Intent, kind.Level, 400, 40, later))
	m := traffic.Seen(later).Kinds[kind]
	if math.Abs(m.Requests-1.5) > 1e-9 || math.Abs(m.PromptTokens-300) > 1e-9 || math.Abs(m.OutputTokens-30) > 1e-9 {
		t.Errorf("half a request of 100 tokens and one of 400: %+v", m)
	}
	path := t.TempDir() + "/traffic.json"
	if err := traffic.Save(path); err != nil {
		t.Fatal(err)
	}
	var again Traffic
	if err := again.Load(path); err != nil || again.Seen(later).Kinds[kind] != m {
		t.Errorf("after a restart %+v, %v", again.Seen(later), err)
	}
	far := later.Add(100 * HalfLife) // weights are scaled down, not up to infinity
	traffic.Observe(record(kind.Selector, kind.Intent, kind.Level, 100, 10, far))
	if got := traffic.Seen(far).Kinds[kind]; math.Abs(got.Requests-1) > 1e-6 {
		t.Errorf("a hundred half-lives later %+v", got)
	}
}

// An org's own name for a selector counts as the selector.
func TestTrafficFollowsAliases(t *testing.T) {
	traffic := Traffic{Alias: func(org, name string) string {
		return map[string]string{"acme/bot": "assay/quality", "acme/4o": "gpt-4o"}[org+"/"+name]
	}}
	for _, name := range []string{"bot", "4o", "unknown"} {
		r := record(name, classifier.Math, classifier.L3, 1, 1, testNow)
		r.Org = "acme"
		traffic.Observe(r)
	}
	seen := traffic.Seen(testNow)
	if len(seen.Kinds) != 1 || seen.Kinds[router.Kind{Selector: "assay/quality", Intent: classifier.Math, Level: classifier.L3, Language: "en"}].Requests != 1 || seen.Requests != 3 {
		t.Errorf("%+v", seen)
	}
}
