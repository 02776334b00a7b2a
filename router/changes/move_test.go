package changes

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"assay/classifier"
	"assay/router"
	"assay/router/policy"
)

// day gives the n-th day of a test.
func day(n int) string { return testNow.AddDate(0, 0, n).Format(time.DateOnly) }

// step looks at a target with a fixed share of traffic between any two tables.
func step(m Move, target string, n int, limit, moved float64) Move {
	return m.Next(Step{Target: target, Day: day(n), Limit: limit, Known: func(string) bool { return true },
		Moved: func(a, b string) float64 {
			if a == b {
				return 0
			}
			return moved
		}})
}

func layers(m Move) string {
	s := ""
	for _, l := range m.Layers {
		s += fmt.Sprintf("%s:%.4g ", l.Tiers, l.Share)
	}
	return s
}

func TestHowATableTakesOver(t *testing.T) {
	type look struct {
		target       string
		day          int
		limit, moved float64
		want         string
	}
	for name, looks := range map[string][]look{
		"without a limit at once":               {{"a", 0, 1, 0.5, "a:1 "}, {"b", 0, 1, 0.5, "b:1 "}},
		"the first table at once":               {{"a", 0, 0.05, 0.5, "a:1 "}},
		"below the limit at once":               {{"a", 0, 0.05, 0, "a:1 "}, {"b", 0, 0.05, 0.04, "b:1 "}},
		"above it in daily steps":               {{"a", 0, 0.1, 0, "a:1 "}, {"b", 0, 0.1, 0.25, "a:1 b:0.4 "}, {"b", 0, 0.1, 0.25, "a:1 b:0.4 "}, {"b", 1, 0.1, 0.25, "a:1 b:0.8 "}, {"b", 2, 0.1, 0.25, "b:1 "}},
		"a day that was missed is not made up":  {{"a", 0, 0.1, 0, "a:1 "}, {"b", 0, 0.1, 0.25, "a:1 b:0.4 "}, {"b", 5, 0.1, 0.25, "a:1 b:0.8 "}},
		"nothing moves under a limit of 0":      {{"a", 0, 0, 0, "a:1 "}, {"b", 0, 0, 0.25, "a:1 b:0 "}, {"c", 1, 0, 0.25, "a:1 c:0 "}, {"c", 2, 1, 0.25, "c:1 "}},
		"a table taken back, at once":           {{"a", 0, 0.1, 0, "a:1 "}, {"b", 0, 0.1, 0.25, "a:1 b:0.4 "}, {"a", 0, 0.1, 0.25, "a:1 "}},
		"a third while the second moves":        {{"a", 0, 0.1, 0, "a:1 "}, {"b", 0, 0.1, 0.25, "a:1 b:0.4 "}, {"c", 0, 0.1, 0.25, "a:1 b:0.4 c:0 "}, {"c", 1, 0.1, 0.25, "a:1 b:0.4 c:0.4 "}, {"c", 2, 0.1, 0.25, "a:1 b:0.4 c:0.8 "}, {"c", 3, 0.1, 0.25, "c:1 "}},
		"the limit is lifted in the middle":     {{"a", 0, 0.1, 0, "a:1 "}, {"b", 0, 0.1, 0.25, "a:1 b:0.4 "}, {"b", 0, 1, 0.25, "b:1 "}},
		"a clock that goes back gives no extra": {{"a", 3, 0.1, 0, "a:1 "}, {"b", 3, 0.1, 0.25, "a:1 b:0.4 "}, {"b", 1, 0.1, 0.25, "a:1 b:0.4 "}, {"b", 3, 0.1, 0.25, "a:1 b:0.4 "}},
	} {
		t.Run(name, func(t *testing.T) {
			var m Move
			for i, l := range looks {
				if m = step(m, l.target, l.day, l.limit, l.moved); layers(m) != l.want {
					t.Fatalf("look %d: %s; want %s", i, layers(m), l.want)
				}
			}
		})
	}
}

// A table that is no longer kept gives its conversations to the next older one.
func TestALostTableIsLeftOut(t *testing.T) {
	m := Move{Schema: 1, Layers: []router.Layer{{Tiers: "a", Share: 1}, {Tiers: "b", Share: 0.4}, {Tiers: "c", Share: 0.4}}, Day: day(0), Spent: 0.1, Limit: 0.1}
	got := m.Next(Step{Target: "c", Day: day(0), Limit: 0.1, Known: func(s string) bool { return s != "b" }, Moved: func(_, _ string) float64 { return 0.25 }})
	if layers(got) != "a:1 c:0.4 " {
		t.Errorf("%s", layers(got))
	}
}

// There is a bound to the tables that decide at once: the newest waits.
func TestTablesInMotionAreBounded(t *testing.T) {
	var m Move
	for n := range 40 {
		if m = step(m, fmt.Sprint("t", n), n, 0.01, 0.5); len(m.Layers) > maxLayers {
			t.Fatalf("%s", layers(m))
		}
	}
	for n := 40; n < 400 && m.Newest().Tiers != "t39" || len(m.Layers) > 1; n++ {
		m = step(m, "t39", n, 0.01, 0.5)
	}
	if layers(m) != "t39:1 " {
		t.Errorf("in the end %s", layers(m))
	}
}

func TestStateSurvives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "moving.json")
	if m, err := LoadMove(path); err != nil || len(m.Layers) > 0 {
		t.Errorf("no file: %+v, %v", m, err)
	}
	m := step(step(Move{}, "a", 0, 0.1, 0.3), "b", 0, 0.1, 0.3)
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	if got, err := LoadMove(path); err != nil || !got.Equal(m) {
		t.Errorf("%+v, %v; want %+v", got, err, m)
	}
	for _, text := range []string{`{`, `{"schema":2}`, `{"schema":1,"layers":[{"tiers":"a","share":7}]}`, `{"schema":1,"layers":[{"share":1}]}`} {
		if err := replaceFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadMove(path); err == nil {
			t.Errorf("%s was read", text)
		}
	}
}

// What leaves and what arrives between two states is the same mass, and a step
// draws from older tables in proportion.
func TestHandovers(t *testing.T) {
	a := Move{Layers: []router.Layer{{Tiers: "a", Share: 1}, {Tiers: "b", Share: 0.5}}}
	b := Move{Layers: []router.Layer{{Tiers: "a", Share: 1}, {Tiers: "b", Share: 0.5}, {Tiers: "c", Share: 0.2}}}
	want := []Handover{{"a", "c", 0.1}, {"b", "c", 0.1}}
	got := Handovers(a, b)
	if len(got) != 2 || got[0].To != "c" || math.Abs(got[0].Conversations-0.1) > 1e-9 || math.Abs(got[1].Conversations-0.1) > 1e-9 {
		t.Errorf("%+v; want %+v", got, want)
	}
	if back := Handovers(b, a); len(back) != 2 || back[0].From != "c" || back[0].To != "a" {
		t.Errorf("taken back: %+v", back)
	}
	if same := Handovers(a, a); len(same) != 0 {
		t.Errorf("nothing changed: %+v", same)
	}
}

// pick is what a request does: the last layer whose share the conversation
// falls in.
func pick(ls []router.Layer, c router.Conversation) string {
	for i, l := range slices.Backward(ls) {
		if i == 0 || c.Share("table "+l.Tiers) < l.Share {
			return l.Tiers
		}
	}
	return ""
}

// Over random tables of the real catalogue, random traffic and random limits,
// simulated conversations never move more than the limit on any day, but for
// the noise of their number; and in the end all have moved.
func TestNoDayMovesMoreThanItsLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("builds many tables")
	}
	rng := rand.New(rand.NewPCG(7, 11))
	c, _ := realParts()
	all := c.Models()
	const conversations = 20_000
	var ids [conversations]router.Conversation
	for i := range ids {
		sum := sha256.Sum256(fmt.Append(nil, "conversation", i))
		ids[i] = router.Conversation(sum[:16])
	}
	stepped := 0
	for trial := range 12 {
		choosers := map[string]*router.Chooser{}
		var names []string
		for n := range 3 {
			by := map[string]float64{}
			for range 40 {
				by[all[rng.IntN(len(all))].Family] = rng.NormFloat64()
			}
			delete(by, "")
			id := fmt.Sprint("t", trial, "-", n)
			choosers[id] = routing(t, shifted(id, by), policy.Default()).Chooser()
			names = append(names, id)
		}
		var kinds []router.Kind
		var traffic Traffic
		for _, sel := range []string{"assay/balanced", "assay/cost", "assay/quality", "flagship:cost"} {
			for range 3 {
				k := router.Kind{Selector: sel, Intent: classifier.Intents[rng.IntN(len(classifier.Intents))], Level: classifier.Level(1 + rng.IntN(5)), Language: "en"}
				kinds = append(kinds, k)
			}
		}
		kindOf := make([]router.Kind, conversations)
		for i := range kindOf {
			k := kinds[int(float64(len(kinds))*math.Pow(rng.Float64(), 2))]
			kindOf[i] = k
			traffic.Observe(record(k.Selector, k.Intent, k.Level, 400, 200, testNow))
		}
		seen := traffic.Seen(testNow)
		model := map[string]map[router.Kind]string{}
		for id, ch := range choosers {
			model[id] = map[router.Kind]string{}
			for _, k := range kinds {
				model[id][k] = ch.Choose(k, 400).Model
			}
		}
		limit := 0.02 + 0.1*rng.Float64()
		next := func(m Move, target string, n int) Move {
			return m.Next(Step{Target: target, Day: day(n), Limit: limit, Known: func(string) bool { return true },
				Moved: func(a, b string) float64 { return Moved(choosers[a], choosers[b], seen) }})
		}
		m := next(Move{}, names[0], 0)
		n := 0
		for target := 1; target < 3; target++ {
			for until := n + 1 + rng.IntN(6); n < until || target == 2 && len(m.Layers) > 1; {
				n++
				after := next(m, names[target], n)
				moved := 0.0
				for i, id := range ids {
					if model[pick(m.Layers, id)][kindOf[i]] != model[pick(after.Layers, id)][kindOf[i]] {
						moved += 1.0 / conversations
					}
				}
				if len(after.Layers) > 1 {
					stepped++
				}
				if noise := 5 * math.Sqrt(limit*(1-limit)/conversations); moved > limit+noise {
					t.Errorf("trial %d, day %d: %.4f of the traffic moved, limit %.4f + noise %.4f; %s -> %s", trial, n, moved, limit, noise, layers(m), layers(after))
				}
				if n > 400 {
					t.Fatalf("trial %d never ends: %s", trial, layers(after))
				}
				m = after
			}
		}
		if m.Newest().Tiers != names[2] || len(m.Layers) != 1 {
			t.Errorf("trial %d: in the end %s", trial, layers(m))
		}
	}
	if stepped < 20 {
		t.Errorf("only %d days had a table on its way: the property was hardly tried", stepped)
	}
	t.Logf("%d days with a table on its way", stepped)
}
