package api

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"assay/models"
	"assay/router"
	"assay/scoring"
)

// tierRow is one served model in the public mapping.
type tierRow struct {
	ID         string       `json:"id"`
	Provider   string       `json:"provider"`
	Family     string       `json:"family"`
	Region     string       `json:"region"`
	Tier       scoring.Tier `json:"tier"`
	HandTier   scoring.Tier `json:"hand_tier,omitempty"`
	Capability float64      `json:"capability"`
	Lo         float64      `json:"lo"`
	Hi         float64      `json:"hi"`
	Observed   float64      `json:"observed_share"`
	In         *string      `json:"input_usd_per_million"`
	Out        *string      `json:"output_usd_per_million"`
	Available  bool         `json:"available"`
	Why        string       `json:"why,omitempty"`

	Overseas, Chinese float64      `json:"-"`
	Computed          scoring.Tier `json:"-"`
	Placement         string       `json:"-"`
	Reasons           []string     `json:"-"`
	Scored            bool         `json:"-"`
	sortPrice         int64        // in + out; -1 unknown
	blended           int64        // (3 in + out)/4 in nano-dollars per million tokens; -1 unknown
}

// cheapRow is the cheapest callable model of one tier in one region today.
type cheapRow struct {
	Tier       scoring.Tier `json:"tier"`
	Region     string       `json:"region"` // "any" for all regions together
	ID         string       `json:"id"`
	Provider   string       `json:"provider"`
	Family     string       `json:"family"`
	Blended    string       `json:"blended_usd_per_million"` // three parts input, one output
	In         *string      `json:"input_usd_per_million"`
	Out        *string      `json:"output_usd_per_million"`
	Capability float64      `json:"capability"`
}

// anyRegion stands for all regions together.
const anyRegion = "any"

// cheapest picks from every tier the cheapest row that can be called, in all
// regions together and in each one; of equal prices the more capable row, then
// the first by name. Rows of unknown price and of no tier take no part.
func cheapest(rows []tierRow) []cheapRow {
	type place struct {
		tier   scoring.Tier
		region string
	}
	best := map[place]tierRow{}
	for _, r := range rows {
		if !r.Available || r.blended < 0 || r.Tier == "" {
			continue
		}
		for _, region := range []string{anyRegion, r.Region} {
			p := place{r.Tier, region}
			old, ok := best[p]
			if !ok || cmp.Or(cmp.Compare(r.blended, old.blended), cmp.Compare(old.Capability, r.Capability), cmp.Compare(r.ID, old.ID)) < 0 {
				best[p] = r
			}
		}
	}
	out := []cheapRow{}
	for p, r := range best {
		out = append(out, cheapRow{p.tier, p.region, r.ID, r.Provider, r.Family, usd(r.blended), r.In, r.Out, r.Capability})
	}
	slices.SortFunc(out, func(a, b cheapRow) int {
		return cmp.Or(cmp.Compare(tierRank[a.Tier], tierRank[b.Tier]),
			cmp.Compare(indicator(a.Region != anyRegion), indicator(b.Region != anyRegion)), cmp.Compare(a.Region, b.Region))
	})
	return out
}

func indicator(b bool) int {
	if b {
		return 1
	}
	return 0
}

// tierRank is the order in which tiers are shown.
var tierRank = map[scoring.Tier]int{scoring.Flagship: 0, scoring.Reasoning: 1, scoring.CheapFast: 2, "": 3}

// tierRows lists every chat model with its placement, by tier and price.
func tierRows(t *router.Table) []tierRow {
	var rows []tierRow
	for _, m := range t.Catalog().Models() {
		_, tier, barred, ok := t.Model(m.ID)
		if !ok {
			continue
		}
		f, scored := t.Tiers.Families[m.Family]
		r := tierRow{ID: m.ID, Provider: m.Provider, Family: m.Family, Region: m.Region, Tier: tier, Available: barred == "", Why: barred, sortPrice: -1, blended: -1,
			HandTier: f.Hosts[m.ID].HandTier, Capability: f.Capability, Lo: f.Lo, Hi: f.Hi, Observed: f.ObservedShare,
			Overseas: f.Overseas, Chinese: f.Chinese, Computed: f.ComputedTier, Placement: f.Placement, Reasons: f.Reasons, Scored: scored}
		if in, out, ok := m.BasePrice(t.Made); ok {
			a, b := usd(in), usd(out)
			r.In, r.Out, r.sortPrice = &a, &b, in+out
			if in+out > 0 || m.Free {
				r.blended = (3*in + out + 2) / 4
			}
		}
		rows = append(rows, r)
	}
	sort.SliceStable(rows, func(i, j int) bool {
		a, b := rows[i], rows[j]
		if tierRank[a.Tier] != tierRank[b.Tier] {
			return tierRank[a.Tier] < tierRank[b.Tier]
		}
		if (a.sortPrice < 0) != (b.sortPrice < 0) {
			return b.sortPrice < 0
		}
		return a.sortPrice < b.sortPrice
	})
	return rows
}

// scoreView is one published figure with its source.
type scoreView struct {
	Benchmark string  `json:"benchmark"`
	Value     float64 `json:"value"`
	Unit      string  `json:"unit"`
	Setting   string  `json:"setting,omitempty"`
	Reporter  string  `json:"reporter"`
	Source    string  `json:"source"`
	Date      string  `json:"date,omitempty"`
}

func scoreViews(scores []models.Score) []scoreView {
	out := []scoreView{}
	for _, s := range scores {
		v := scoreView{Benchmark: s.Benchmark, Value: s.Value, Unit: s.Unit, Setting: s.Setting, Reporter: s.Reporter, Source: s.Source}
		if !s.Date.IsZero() {
			v.Date = s.Date.Format(time.DateOnly)
		}
		out = append(out, v)
	}
	return out
}

// abilityView is one ability of a family, for the page.
type abilityView struct {
	Name           string
	Theta, SD, Off float64 // Off: against the general ability
}

// abilityViews lists the general ability and then every other the table has.
func abilityViews(f scoring.Family) []abilityView {
	general := f.Abilities[scoring.General]
	var out []abilityView
	for _, name := range append([]string{scoring.General}, scoring.Capabilities...) {
		if a, ok := f.Abilities[name]; ok {
			out = append(out, abilityView{name, a.Theta, a.SD, a.Theta - general.Theta})
		}
	}
	return out
}

// tiers serves GET /v1/tiers: the tier table in force as tiers.json has it,
// with its age, one row per served model and the cheapest of each tier by region. With ?family=F: that family's
// placement and every published figure with its source.
func (s *Server) tiers(c *gin.Context) {
	t := s.o.Router.Table()
	if name := c.Query("family"); name != "" {
		f, ok := t.Tiers.Families[name]
		if !ok {
			s.fail(c, notFound("family_not_found", "family %q is not in the tier table; GET /v1/tiers lists all", name))
			return
		}
		c.JSON(http.StatusOK, gin.H{"family": name, "placement": f, "scores": scoreViews(t.Catalog().ScoresOf(name))})
		return
	}
	file, err := scoring.Encode(t.Tiers)
	if err != nil {
		s.fail(c, fmt.Errorf("encode tiers: %w", err))
		return
	}
	doc := map[string]json.RawMessage{}
	if err := json.Unmarshal(file, &doc); err != nil {
		s.fail(c, fmt.Errorf("decode tiers: %w", err))
		return
	}
	rows := tierRows(t)
	for key, v := range map[string]any{"cheapest": cheapest(rows), "object": "tiers", "table": t.ID, "age_seconds": s.o.Now().Sub(t.Tiers.CreatedAt).Seconds(), "models": rows} {
		if doc[key], err = json.Marshal(v); err != nil {
			s.fail(c, err)
			return
		}
	}
	c.JSON(http.StatusOK, doc)
}

//go:embed tiers.html
var tiersHTML string

var tiersTemplate = template.Must(template.New("tiers").Funcs(template.FuncMap{
	"dollars": func(s *string) string {
		if s == nil {
			return "—"
		}
		return dollars(*s)
	},
	"money": dollars,
	"tier": func(t scoring.Tier) string {
		if t == "" {
			return "—"
		}
		return string(t)
	},
	"pct": func(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) },
	"num": func(x float64) string { return fmt.Sprintf("%.1f", x) },
	"two": func(x float64) string { return fmt.Sprintf("%.2f", x) },
	"off": func(x float64) string { return fmt.Sprintf("%+.2f", x) },
}).Parse(tiersHTML))

// dollars shows an amount without the zeros at its end.
func dollars(amount string) string {
	return "$" + strings.TrimRight(strings.TrimRight(amount, "0"), ".")
}

// tiersPage serves GET /tiers: the public mapping for people.
func (s *Server) tiersPage(c *gin.Context) {
	t := s.o.Router.Table()
	data := map[string]any{"Tiers": t.Tiers, "Table": t.ID, "Simulated": t.Simulated, "Made": t.Tiers.CreatedAt.UTC().Format("2006-01-02 15:04 UTC")}
	if name := c.Query("family"); name != "" {
		f, ok := t.Tiers.Families[name]
		if !ok {
			c.Status(http.StatusNotFound)
		}
		data["Family"], data["Found"], data["F"], data["Scores"] = name, ok, f, scoreViews(t.Catalog().ScoresOf(name))
		data["Abilities"] = abilityViews(f)
	} else {
		rows := tierRows(t)
		data["Rows"], data["Cheapest"] = rows, cheapest(rows)
	}
	var page bytes.Buffer
	if err := tiersTemplate.Execute(&page, data); err != nil {
		s.fail(c, fmt.Errorf("render tiers page: %w", err))
		return
	}
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	c.Data(c.Writer.Status(), "text/html; charset=utf-8", page.Bytes())
}
