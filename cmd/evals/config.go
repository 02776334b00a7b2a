package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"assay/evals"
	"assay/models"
	"assay/router/policy"
)

// modelConfig is the file of --model-config: how models are asked.
type modelConfig struct {
	// Defaults hold for every model.
	Defaults modelEntry `yaml:"defaults"`
	// Models are by the name given to --models.
	Models map[string]modelEntry `yaml:"models"`
}

// modelEntry says how one model is asked. Fields left out take the default.
type modelEntry struct {
	Temperature    *float64       `yaml:"temperature"`      // 0 unless set
	OmitTemp       bool           `yaml:"omit_temperature"` // for models that refuse the field
	MaxTokens      int            `yaml:"max_tokens"`       // the benchmark's own bound unless set
	MaxTokensField string         `yaml:"max_tokens_field"` // "max_tokens" or "max_completion_tokens"
	System         string         `yaml:"system"`
	Extra          map[string]any `yaml:"extra"`            // further fields of the request body
	PerMinute      float64        `yaml:"calls_per_minute"` // 0: no limit
	Catalog        string         `yaml:"catalog"`          // the catalogue's ID, where it differs
	Price          *priceEntry    `yaml:"price"`            // for models that the catalogue has no price of
}

// priceEntry is a price by hand, in dollars per million tokens, as decimal text.
type priceEntry struct {
	In  string `yaml:"in_usd_per_million"`
	Out string `yaml:"out_usd_per_million"`
}

func readModelConfig(path string) (modelConfig, error) {
	var c modelConfig
	if path == "" {
		return c, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return c, usagef("model configuration: %w", err)
	}
	if err := policy.DecodeYAML(data, &c); err != nil {
		return c, usagef("model configuration %s: %w", path, err)
	}
	for name, e := range c.all() {
		if err := e.validate(); err != nil {
			return c, usagef("model configuration %s: %s: %w", path, name, err)
		}
	}
	return c, nil
}

func (c modelConfig) all() map[string]modelEntry {
	out := map[string]modelEntry{"defaults": c.Defaults}
	for name, e := range c.Models {
		out["models."+name] = e
	}
	return out
}

var reserved = []string{"model", "messages", "stream", "temperature", "max_tokens", "max_completion_tokens"}

func (e modelEntry) validate() error {
	if e.MaxTokens < 0 || e.PerMinute < 0 || math.IsNaN(e.PerMinute) {
		return errors.New("max_tokens and calls_per_minute must not be negative")
	}
	if e.Temperature != nil && (!(*e.Temperature >= 0 && *e.Temperature <= 2) || e.OmitTemp) {
		return errors.New("temperature: want 0 to 2, and not together with omit_temperature")
	}
	if e.MaxTokensField != "" && !slices.Contains(reserved[4:], e.MaxTokensField) {
		return fmt.Errorf("max_tokens_field: %q is neither max_tokens nor max_completion_tokens", e.MaxTokensField)
	}
	for k := range e.Extra {
		if slices.Contains(reserved, k) {
			return fmt.Errorf("extra: %q has a setting of its own or is fixed", k)
		}
	}
	if e.Price != nil {
		if _, _, err := e.Price.parse(); err != nil {
			return err
		}
	}
	return nil
}

func (p priceEntry) parse() (in, out int64, err error) {
	if in, err = models.ParseUSD(p.In); err != nil {
		return 0, 0, fmt.Errorf("price: in_usd_per_million: %w", err)
	}
	if out, err = models.ParseUSD(p.Out); err != nil {
		return 0, 0, fmt.Errorf("price: out_usd_per_million: %w", err)
	}
	return in, out, nil
}

// target is how a model is asked and priced: defaults, then its own entry.
func (c modelConfig) target(id string, catalog *models.Catalog) evals.Target {
	t := evals.Target{ModelParams: evals.ModelParams{ID: id}}
	zero := 0.0
	t.Sampling.Temperature = &zero
	var price *priceEntry
	omit := false
	for _, e := range []modelEntry{c.Defaults, c.Models[id]} {
		t.Sampling = t.Sampling.With(evals.Sampling{System: e.System, MaxTokens: e.MaxTokens, MaxTokensField: e.MaxTokensField, Temperature: e.Temperature, Extra: e.Extra})
		omit = e.Temperature == nil && (omit || e.OmitTemp)
		if e.PerMinute > 0 {
			t.PerMinute = e.PerMinute
		}
		if e.Catalog != "" {
			t.Catalog = e.Catalog
		}
		if e.Price != nil {
			price = e.Price
		}
	}
	row, known := lookUp(catalog, t.CatalogID())
	if known && row.ID != id {
		t.Catalog = row.ID
	}
	if omit || known && row.Caps.Sampling == models.No && c.Models[id].Temperature == nil {
		t.Sampling.Temperature = nil
	}
	t.Cost = costOf(price, row, known)
	return t
}

// costOf prices calls by the hand-written price if there is one, else by the
// catalogue's. A catalogue price of zero counts only where the row is free.
func costOf(price *priceEntry, row models.Model, known bool) func(models.Usage, time.Time) (int64, bool) {
	switch {
	case price != nil:
		in, out, _ := price.parse() // validated when it was read
		m := models.Model{Free: in == 0 && out == 0, Prices: []models.Price{
			{Unit: models.UnitToken, Direction: models.In, ServiceClass: models.ClassStandard, NanoUSDPerMillion: in},
			{Unit: models.UnitToken, Direction: models.Out, ServiceClass: models.ClassStandard, NanoUSDPerMillion: out},
		}}
		return func(u models.Usage, at time.Time) (int64, bool) { return m.Cost(u, models.ClassStandard, at) }
	case known:
		return func(u models.Usage, at time.Time) (int64, bool) { return row.Cost(u, models.ClassStandard, at) }
	}
	return nil
}

// lookUp finds a chat model by its ID, or by the provider's name for it if
// just one row has that.
func lookUp(catalog *models.Catalog, id string) (models.Model, bool) {
	if m, ok := catalog.Model(id); ok {
		return m, true
	}
	if strings.Contains(id, "/") {
		return models.Model{}, false
	}
	var found []models.Model
	for _, m := range catalog.Models() {
		if m.Name == id && m.Kind == models.Chat {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		return models.Model{}, false
	}
	return found[0], true
}

func loadCatalog(dir string) (*models.Catalog, error) {
	if dir == "" {
		return models.Embedded()
	}
	c, err := models.LoadDir(dir)
	if err != nil {
		return nil, usageError{err}
	}
	return c, nil
}
