package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
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
}

// tierRows lists every chat model with its placement, by tier and price.
func tierRows(t *router.Table) []tierRow {
	var rows []tierRow
	for _, m := range t.Catalog().Models() {
		_, tier, barred, ok := t.Model(m.ID)
		if !ok {
			continue
		}
		f, scored := t.Tiers.Families[m.Family]
		r := tierRow{ID: m.ID, Provider: m.Provider, Family: m.Family, Region: m.Region, Tier: tier, Available: barred == "", Why: barred, sortPrice: -1,
			HandTier: f.Hosts[m.ID].HandTier, Capability: f.Capability, Lo: f.Lo, Hi: f.Hi, Observed: f.ObservedShare,
			Overseas: f.Overseas, Chinese: f.Chinese, Computed: f.ComputedTier, Placement: f.Placement, Reasons: f.Reasons, Scored: scored}
		if in, out, ok := m.BasePrice(t.Made); ok {
			a, b := usd(in), usd(out)
			r.In, r.Out, r.sortPrice = &a, &b, in+out
		}
		rows = append(rows, r)
	}
	rank := map[scoring.Tier]int{scoring.Flagship: 0, scoring.Reasoning: 1, scoring.CheapFast: 2, "": 3}
	sort.SliceStable(rows, func(i, j int) bool {
		a, b := rows[i], rows[j]
		if rank[a.Tier] != rank[b.Tier] {
			return rank[a.Tier] < rank[b.Tier]
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

// tiers serves GET /v1/tiers: the tier table in force as tiers.json has it,
// with its age and one row per served model. With ?family=F: that family's
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
	for key, v := range map[string]any{"object": "tiers", "table": t.ID, "age_seconds": s.o.Now().Sub(t.Tiers.CreatedAt).Seconds(), "models": tierRows(t)} {
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
		v := strings.TrimRight(strings.TrimRight(*s, "0"), ".")
		return "$" + v
	},
	"tier": func(t scoring.Tier) string {
		if t == "" {
			return "—"
		}
		return string(t)
	},
	"pct": func(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) },
	"num": func(x float64) string { return fmt.Sprintf("%.1f", x) },
}).Parse(tiersHTML))

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
	} else {
		data["Rows"] = tierRows(t)
	}
	var page bytes.Buffer
	if err := tiersTemplate.Execute(&page, data); err != nil {
		s.fail(c, fmt.Errorf("render tiers page: %w", err))
		return
	}
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	c.Data(c.Writer.Status(), "text/html; charset=utf-8", page.Bytes())
}
