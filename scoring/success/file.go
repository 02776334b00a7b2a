package success

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sync"
)

// Ability is a model's strength in one capability as outcomes show it, logits
// on the scale of prompt difficulty.
type Ability struct {
	Model      string  `json:"model"`
	Capability string  `json:"capability"`
	Theta      float64 `json:"theta"`
	SE         float64 `json:"se"`
	N          int     `json:"n"` // outcomes
}

// Origin says what a stored model was fitted to.
type Origin struct {
	Sources   map[string]int `json:"sources"` // rows by source
	Licences  []string       `json:"licences"`
	DataHash  string         `json:"data_sha256"`
	Encoder   string         `json:"encoder_sha256"` // embeddings of another encoder must not be read with it
	Abilities []Ability      `json:"abilities"`
}

// document is a stored model.
type document struct {
	Schema    int         `json:"schema"`
	Models    []string    `json:"models"`
	Embedding int         `json:"embedding"`
	Mean      []float64   `json:"mean"`
	Spread    float64     `json:"spread"`
	Kinds     [][]float64 `json:"kinds"`
	Reach     []float64   `json:"reach"`
	Pooled    []float64   `json:"pooled"`
	ByKind    [][]float64 `json:"by_kind"`
	Text      [][]float64 `json:"text"`
	Fitted    []stored    `json:"fitted"`
	Origin    Origin      `json:"origin"`
}

type stored struct {
	Offset     float64   `json:"offset"`
	Slope      float64   `json:"slope"`
	Text       float64   `json:"text"`
	KindOffset []float64 `json:"kind_offset"`
	KindSlope  []float64 `json:"kind_slope"`
	N          float64   `json:"n"`
}

// short rounds to five decimals, which is far below what outcomes can tell.
func short(xs []float64) []float64 {
	if xs == nil {
		return nil
	}
	out := make([]float64, len(xs))
	for i, x := range xs {
		out[i] = math.Round(x*1e5) / 1e5
	}
	return out
}

func shortAll(rows [][]float64) [][]float64 {
	if rows == nil { // a part that the model does not have
		return nil
	}
	out := make([][]float64, len(rows))
	for i, r := range rows {
		out[i] = short(r)
	}
	return out
}

// Encode writes a model that reads embeddings only, as gzipped JSON. A model
// that reads words is an error: their weights would take megabytes. Costs are
// not written.
func (m *Model) Encode(w io.Writer, from Origin) error {
	if m.space.rarity != nil {
		return fmt.Errorf("a model of success that reads words is not stored: fit it to embeddings alone")
	}
	d := document{
		Schema: 1, Models: m.names, Embedding: m.space.embedding, Mean: short(m.space.mean), Spread: m.space.spread,
		Kinds: shortAll(m.kinds), Reach: short(m.reach), Pooled: short(m.pooled), ByKind: shortAll(m.byKind), Text: shortAll(m.text), Origin: from,
	}
	for _, c := range m.models {
		d.Fitted = append(d.Fitted, stored{c.offset, c.slope, c.text, short(c.kindOffset), short(c.kindSlope), c.n})
	}
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(z).Encode(d); err != nil {
		return fmt.Errorf("write model of success: %w", err)
	}
	return z.Close()
}

// Decode reads what Encode wrote and checks it as a whole.
func Decode(r io.Reader) (*Model, Origin, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, Origin{}, fmt.Errorf("model of success: %w", err)
	}
	var d document
	if err := json.NewDecoder(io.LimitReader(z, 64<<20)).Decode(&d); err != nil {
		return nil, Origin{}, fmt.Errorf("model of success: %w", err)
	}
	if err := d.check(); err != nil {
		return nil, Origin{}, fmt.Errorf("model of success: %w", err)
	}
	m := &Model{
		names: d.Models, index: map[string]int{}, space: space{embedding: d.Embedding, mean: d.Mean, spread: d.Spread},
		kinds: d.Kinds, reach: d.Reach, pooled: d.Pooled, byKind: d.ByKind, text: d.Text,
	}
	for i, name := range d.Models {
		m.index[name] = i
	}
	for _, c := range d.Fitted {
		m.models = append(m.models, coefficients{c.Offset, c.Slope, c.Text, c.KindOffset, c.KindSlope, c.N})
	}
	return m, d.Origin, nil
}

// check says what keeps a document from being a model.
func (d *document) check() error {
	n := 1 + d.Embedding
	switch {
	case d.Schema != 1:
		return fmt.Errorf("schema %d; want 1", d.Schema)
	case d.Embedding <= 0 || len(d.Mean) != d.Embedding || !(d.Spread > 0):
		return fmt.Errorf("embedding of %d numbers with a mean of %d and spread %v", d.Embedding, len(d.Mean), d.Spread)
	case len(d.Models) == 0 || len(d.Fitted) != len(d.Models) || len(d.Kinds) == 0 || len(d.Reach) != len(d.Kinds):
		return fmt.Errorf("%d models, %d fits, %d kinds", len(d.Models), len(d.Fitted), len(d.Kinds))
	case len(d.Pooled) != n || len(d.ByKind) != 0 && len(d.ByKind) != len(d.Kinds) || len(d.Text) != 0 && len(d.Text) != len(d.Models):
		return fmt.Errorf("weights of %d, %d, %d rows do not fit", len(d.Pooled), len(d.ByKind), len(d.Text))
	}
	for _, rows := range [][][]float64{d.ByKind, d.Text} {
		for _, w := range rows {
			if len(w) != 0 && len(w) != n {
				return fmt.Errorf("a row of %d weights; want %d", len(w), n)
			}
		}
	}
	for _, k := range d.Kinds {
		if len(k) != d.Embedding {
			return fmt.Errorf("a kind of %d numbers; want %d", len(k), d.Embedding)
		}
	}
	for i, c := range d.Fitted {
		if len(c.KindOffset) != len(d.Kinds) || len(c.KindSlope) != len(d.Kinds) {
			return fmt.Errorf("%s: %d and %d coefficients of kinds; want %d", d.Models[i], len(c.KindOffset), len(c.KindSlope), len(d.Kinds))
		}
	}
	if len(d.ByKind) == 0 {
		d.ByKind = nil
	}
	if len(d.Text) == 0 {
		d.Text = nil
	}
	// null stands for "none"; an empty list would be taken for weights
	for _, rows := range [][][]float64{d.ByKind, d.Text} {
		for i := range rows {
			if len(rows[i]) == 0 {
				rows[i] = nil
			}
		}
	}
	return nil
}

//go:embed default.json.gz
var shipped []byte

var defaultOnce = sync.OnceValue(func() (out struct {
	model *Model
	from  Origin
	err   error
}) {
	out.model, out.from, out.err = Decode(bytes.NewReader(shipped))
	return out
})

// Default is the model that ships: fitted by `evals fit` to public outcomes
// under permissive and attribution licences; its models are families.
func Default() (*Model, Origin, error) {
	d := defaultOnce()
	return d.model, d.from, d.err
}

// Abilities fits logit p = θ_m - b_i to scores ([prompt][model], NaN unknown)
// and gives θ with its standard error, NaN for a model without an outcome. The
// scale's origin is the mean difficulty of these prompts.
func Abilities(scores [][]float64, models int) (theta, se []float64) {
	b, _ := rasch(scores, models)
	theta, se = make([]float64, models), make([]float64, models)
	for m := range models {
		var trials []float64
		var at []float64
		for i, row := range scores {
			if !math.IsNaN(row[m]) {
				trials, at = append(trials, row[m]), append(at, b[i])
			}
		}
		theta[m], se[m] = ability(trials, at)
	}
	return theta, se
}

// ability maximises the likelihood of outcomes on prompts of known difficulty,
// with a prior N(0, 4²) that keeps all right or all wrong finite.
func ability(y, b []float64) (theta, se float64) {
	if len(y) == 0 {
		return math.NaN(), math.NaN()
	}
	h := 0.0
	for range 50 {
		g := -theta / 16
		h = 1.0 / 16
		for i := range y {
			p := logistic(theta - b[i])
			g += y[i] - p
			h += p * (1 - p)
		}
		step := math.Max(-1, math.Min(1, g/h))
		theta += step
		if math.Abs(step) < 1e-9 {
			break
		}
	}
	return theta, 1 / math.Sqrt(h)
}
