package replay

import (
	"fmt"
	"math"
	"strings"
	"testing/fstest"
	"time"

	"assay/models"
	"assay/router"
	"assay/scoring"
	"assay/scoring/success"
)

// provider is what the catalogue of outcome models calls the one who serves them.
const provider = "outcomes"

// certain is the variance of predictions on prompts like those of the
// training rows: outcomes decide alone.
const certain = 1e-9

// desk is where the product decides between the models that have an outcome
// for a prompt: routing tables that differ by their margin alone.
type desk struct {
	tables []*router.Table
	models []int // of the arena, by row of the tables
	at     map[string]int
}

// newDesk makes tables over the models that are present. Where the arena has
// no money, prices are notional.
func newDesk(a *arena, present []int, m *success.Model, notional []float32, margins []float64) (*desk, error) {
	catalog, err := a.catalog(present, notional)
	if err != nil {
		return nil, err
	}
	d := &desk{models: present, at: map[string]int{}}
	for _, k := range present {
		d.at[provider+"/"+a.labels[k]] = k
	}
	for _, margin := range margins {
		t, err := router.NewTable(router.TableOptions{
			Catalog: catalog, Tiers: scoring.Tiers{ID: "none", Evidence: scoring.Published},
			Policy:    router.Policy{Version: 1, ID: "replay", Margins: map[router.Objective]float64{router.Balanced: margin}},
			Available: map[string]router.Availability{provider: {Provider: provider, OK: true}},
			Now:       time.Unix(0, 0), Success: m, TransferVariance: certain, MeasuredCosts: notional == nil,
		})
		if err != nil {
			return nil, err
		}
		d.tables = append(d.tables, t)
	}
	return d, nil
}

// catalog lists the models that are present, each its own family.
func (a *arena) catalog(present []int, notional []float32) (*models.Catalog, error) {
	var rows, prices strings.Builder
	rows.WriteString("id,kind,family,region,context\n")
	prices.WriteString("id,unit,direction,service_class,from_tokens,usd_per_million_units,valid_from,source\n")
	for _, k := range present {
		id := provider + "/" + a.labels[k]
		fmt.Fprintf(&rows, "%s,chat,%s,global,100000000\n", id, a.labels[k])
		if notional != nil && notional[k] == notional[k] { // NaN: not seen in training
			for _, direction := range []string{"in", "out"} {
				fmt.Fprintf(&prices, "%s,token,%s,standard,0,%.6f,,notional\n", id, direction, notional[k])
			}
		}
	}
	files := fstest.MapFS{
		"providers.csv": {Data: []byte("name,kind,note\n" + provider + ",host,recorded outcomes\n")},
		"models.csv":    {Data: []byte(rows.String())},
	}
	if notional != nil {
		files["prices.csv"] = &fstest.MapFile{Data: []byte(prices.String())}
	}
	c, err := models.Parse(files)
	if err != nil {
		return nil, fmt.Errorf("catalogue of outcome models: %w", err)
	}
	return c, nil
}

// query asks for the product's choice on an item.
func (it *item) query(explain bool) router.Query {
	return router.Query{
		Target:  router.Target{Requested: "assay/balanced", Objective: router.Balanced, Rule: "alias"},
		Needs:   router.Needs{PromptTokens: it.tokens, N: 1},
		Class:   it.class,
		Prompt:  &it.prompt,
		Explain: explain,
	}
}

// expect gives what the product expects of an arena's models, NaN for those
// that are no candidates.
func (d *desk) expect(a *arena, it *item) (p, cost []float32) {
	p, cost = make([]float32, len(a.models)), make([]float32, len(a.models))
	for k := range p {
		p[k], cost[k] = float32(nan), math.MaxFloat32
	}
	decision, err := router.Decide(d.tables[0], it.query(true))
	if err != nil {
		return p, cost // nobody is a candidate
	}
	for _, c := range decision.Candidates {
		nano, _ := c.CostNano()
		p[d.at[c.Model]], cost[d.at[c.Model]] = float32(c.PSuccess), float32(nano)
	}
	return p, cost
}

// choose gives the model that the product picks at a margin, or -1.
func (d *desk) choose(it *item, margin int) int16 {
	decision, err := router.Decide(d.tables[margin], it.query(false))
	if err != nil {
		return -1
	}
	return int16(d.at[decision.Model])
}

// decide lets the product's own policy predict and choose with one fitted model.
func (f *fitted) decide(pl *plan, a *arena, p pair, m *success.Model, margins []float64) error {
	notional := a.notional(a.standing(p))
	e, c := f.whole[a], f.decisions[a]
	if p.a != p.b {
		margins = margins[:1] // only predictions are asked for
	}
	bySet := map[string][]sight{}
	for _, s := range a.sights(pl, p) {
		bySet[string(a.presence(s.i))] = append(bySet[string(a.presence(s.i))], s)
	}
	for set, sights := range bySet {
		var present []int
		for k := range a.models {
			if set[k] == 1 {
				present = append(present, k)
			}
		}
		d, err := newDesk(a, present, m, notional, margins)
		if err != nil {
			return err
		}
		each(len(sights), func(n int) {
			s := sights[n]
			ps, costs := d.expect(a, a.items[s.i])
			e.set(s.g, s.i, ps, costs)
			if p.a == p.b {
				for k := range margins {
					c.picked[k][s.i] = d.choose(a.items[s.i], k)
				}
			}
		})
	}
	return nil
}

// presence marks the models that have an outcome for an item.
func (a *arena) presence(i int) []byte {
	set := make([]byte, len(a.models))
	for k, y := range a.score[i] {
		if !math.IsNaN(y) {
			set[k] = 1
		}
	}
	return set
}
