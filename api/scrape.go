package api

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"assay/router"
	"assay/router/allowance"
	"assay/router/health"
)

// tableCollector reports, at the moment of the scrape, the table that decides
// and how well its models' use of tokens is predicted.
type tableCollector struct {
	router *router.Router
	layers func() []router.Layer
	now    func() time.Time
}

var (
	tableInfo  = prometheus.NewDesc("assay_table_info", "The table that decides now.", []string{"table", "tiers", "evidence", "policy", "catalog"}, nil)
	tableShare = prometheus.NewDesc("assay_table_share", "Share of conversations that a tier table decides while a new one takes over.", []string{"tiers"}, nil)
	tiersAge   = prometheus.NewDesc("assay_tiers_age_seconds", "Age of the tier table.", nil, nil)
	callable   = prometheus.NewDesc("assay_callable_models", "Chat models that can be called.", nil, nil)

	outputError = prometheus.NewDesc("assay_output_tokens_error_ratio", "Mean absolute error of predicted output tokens over the mean of output tokens, recent answers.", []string{"model"}, nil)
	promptRatio = prometheus.NewDesc("assay_prompt_tokens_ratio", "Prompt tokens that the provider counts per token counted here.", []string{"model"}, nil)
)

// Describe sends the descriptions.
func (t *tableCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{tableInfo, tableShare, tiersAge, callable, outputError, promptRatio} {
		ch <- d
	}
}

// Collect sends the values.
func (t *tableCollector) Collect(ch chan<- prometheus.Metric) {
	tb := t.router.Table()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(tableInfo, 1, tb.ID, tb.Tiers.ID, string(tb.Tiers.Evidence), tb.Policy.ID, tb.Catalog().Version())
	gauge(tiersAge, t.now().Sub(tb.Tiers.CreatedAt).Seconds())
	gauge(callable, float64(tb.Callable()))
	for model, fit := range t.router.Outputs().Fits() {
		gauge(outputError, fit.OutputError, model)
		gauge(promptRatio, fit.PromptRatio, model)
	}
	var layers []router.Layer
	if t.layers != nil {
		layers = t.layers()
	}
	if len(layers) == 0 {
		layers = []router.Layer{{Tiers: tb.Tiers.ID, Share: 1}}
	}
	for tiers, share := range shares(layers) {
		gauge(tableShare, share, tiers)
	}
}

// shares are the parts of all conversations that tier tables decide. The last
// layer takes its share of all, each one before it its share of what is left,
// and the first the rest.
func shares(layers []router.Layer) map[string]float64 {
	out, left := map[string]float64{}, 1.0
	for i := len(layers) - 1; i >= 0; i-- {
		share := layers[i].Share
		if i == 0 {
			share = 1
		}
		out[layers[i].Tiers] += left * share
		left *= 1 - share
	}
	return out
}

// upstreamCollector reports, at the moment of the scrape, how upstreams do and
// what is left of free allowances.
type upstreamCollector struct {
	breakers   func() []health.Status
	allowances *allowance.Book
}

var (
	breakerState  = prometheus.NewDesc("assay_breaker_state", "Breakers of upstreams: 0 closed, 1 half-open, 2 open; model \"\" is the provider's own.", []string{"provider", "model", "why"}, nil)
	providerCalls = prometheus.NewDesc("assay_provider_calls_in_flight", "Calls of a provider under way.", []string{"provider"}, nil)
	providerWaits = prometheus.NewDesc("assay_provider_calls_waiting", "Calls that wait for a place at a provider.", []string{"provider"}, nil)
	providerLimit = prometheus.NewDesc("assay_provider_calls_limit", "Calls that a provider gets at once; absent without a limit.", []string{"provider"}, nil)
	allowanceLeft = prometheus.NewDesc("assay_free_allowance_left", "Requests or tokens left in a window of a key's free allowance; negative: debt.", []string{"key", "window"}, nil)
	allowanceOf   = prometheus.NewDesc("assay_free_allowance_limit", "Requests or tokens that a window of a key's free allowance gives.", []string{"key", "window"}, nil)
)

// states are the values of assay_breaker_state.
var states = map[health.State]float64{health.Closed: 0, health.HalfOpen: 1, health.Open: 2}

// Describe sends the descriptions.
func (u *upstreamCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{breakerState, providerCalls, providerWaits, providerLimit, allowanceLeft, allowanceOf} {
		ch <- d
	}
}

// Collect sends the values.
func (u *upstreamCollector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	if u.breakers != nil {
		for _, b := range u.breakers() {
			gauge(breakerState, states[b.State], b.Scope.Provider, b.Scope.Model, string(b.Why))
			if b.Scope.Model != "" {
				continue
			}
			gauge(providerCalls, float64(b.InFlight), b.Scope.Provider)
			gauge(providerWaits, float64(b.Waiting), b.Scope.Provider)
			if b.Limit > 0 {
				gauge(providerLimit, float64(b.Limit), b.Scope.Provider)
			}
		}
	}
	if u.allowances == nil {
		return
	}
	for _, key := range u.allowances.Keys() {
		for _, w := range u.allowances.Remaining(key) {
			gauge(allowanceLeft, float64(w.Left), key, w.Name)
			gauge(allowanceOf, float64(w.Limit), key, w.Name)
		}
	}
}
