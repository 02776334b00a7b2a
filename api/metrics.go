package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"assay/router"
)

// metrics are the Prometheus series of the gateway.
type metrics struct {
	requests        *prometheus.CounterVec
	attempts        *prometheus.CounterVec
	classifications *prometheus.CounterVec
	notes           *prometheus.CounterVec
	tokens          *prometheus.CounterVec
	cost            *prometheus.CounterVec
	errors          *prometheus.CounterVec
	decision        prometheus.Histogram
	firstByte       *prometheus.HistogramVec
	duration        *prometheus.HistogramVec
}

func newMetrics(reg *prometheus.Registry, r *router.Router, now func() time.Time) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	histogram := func(name, help string, from float64, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(from, 2, 16)}, labels)
		reg.MustRegister(v)
		return v
	}
	m := &metrics{
		requests:        counter("assay_requests_total", "Requests by what answered them.", "model", "provider", "tier", "outcome", "stream", "simulated"),
		attempts:        counter("assay_attempts_total", "Calls of upstreams.", "provider", "outcome"),
		classifications: counter("assay_classifications_total", "Classified prompts.", "intent", "level", "source", "language"),
		notes:           counter("assay_classification_notes_total", "Classifications that are not the model's plain answer: late, unsure, failed.", "note"),
		tokens:          counter("assay_tokens_total", "Tokens used upstream.", "model", "direction", "simulated"),
		cost:            counter("assay_cost_nano_usd_total", "Upstream cost in nano-dollars; simulated cost is never billed.", "model", "simulated"),
		errors:          counter("assay_errors_total", "Error answers by code.", "code"),
		firstByte:       histogram("assay_first_byte_seconds", "Time to the upstream's first byte.", 0.001, "provider"),
		duration:        histogram("assay_request_seconds", "Time to the end of the answer.", 0.001, "stream"),
	}
	m.decision = histogram("assay_decision_seconds", "Time to classify and decide.", 0.00005).WithLabelValues().(prometheus.Histogram)
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &tableCollector{r, now})
	return m
}

// record counts one request.
func (m *metrics) record(rec *router.Record) {
	a, called := rec.Final()
	sim, stream := strconv.FormatBool(a.Simulated), strconv.FormatBool(rec.Stream)
	m.requests.WithLabelValues(a.Model, a.Provider, string(rec.Decision.Tier), string(rec.Outcome), stream, sim).Inc()
	for _, at := range rec.Attempts {
		m.attempts.WithLabelValues(at.Provider, string(at.Outcome)).Inc()
		m.tokens.WithLabelValues(at.Model, "in", sim).Add(float64(at.Usage.Input))
		m.tokens.WithLabelValues(at.Model, "out", sim).Add(float64(at.Usage.Output))
		m.cost.WithLabelValues(at.Model, sim).Add(float64(at.CostNano))
	}
	if cl := rec.Decision.Class; cl.Intent != "" {
		m.classifications.WithLabelValues(string(cl.Intent), cl.Level.String(), string(cl.Source), cl.Language).Inc()
		if cl.Note != "" {
			m.notes.WithLabelValues(cl.Note).Inc()
		}
		m.decision.Observe(rec.Decided.Seconds())
	}
	if called {
		m.firstByte.WithLabelValues(a.Provider).Observe(a.FirstByte.Seconds())
		m.duration.WithLabelValues(stream).Observe(rec.Duration.Seconds())
	}
}

// tableCollector reports, at the moment of the scrape, the table that decides
// and how well its models' use of tokens is predicted.
type tableCollector struct {
	router *router.Router
	now    func() time.Time
}

var (
	tableInfo = prometheus.NewDesc("assay_table_info", "The table that decides now.", []string{"table", "tiers", "evidence", "policy", "catalog"}, nil)
	tiersAge  = prometheus.NewDesc("assay_tiers_age_seconds", "Age of the tier table.", nil, nil)
	callable  = prometheus.NewDesc("assay_callable_models", "Chat models that can be called.", nil, nil)

	outputError = prometheus.NewDesc("assay_output_tokens_error_ratio", "Mean absolute error of predicted output tokens over the mean of output tokens, recent answers.", []string{"model"}, nil)
	promptRatio = prometheus.NewDesc("assay_prompt_tokens_ratio", "Prompt tokens that the provider counts per token counted here.", []string{"model"}, nil)
)

// Describe sends the descriptions.
func (t *tableCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- tableInfo
	ch <- tiersAge
	ch <- callable
	ch <- outputError
	ch <- promptRatio
}

// Collect sends the values.
func (t *tableCollector) Collect(ch chan<- prometheus.Metric) {
	tb := t.router.Table()
	ch <- prometheus.MustNewConstMetric(tableInfo, prometheus.GaugeValue, 1, tb.ID, tb.Tiers.ID, string(tb.Tiers.Evidence), tb.Policy.ID, tb.Catalog().Version())
	ch <- prometheus.MustNewConstMetric(tiersAge, prometheus.GaugeValue, t.now().Sub(tb.Tiers.CreatedAt).Seconds())
	ch <- prometheus.MustNewConstMetric(callable, prometheus.GaugeValue, float64(tb.Callable()))
	for model, fit := range t.router.Outputs().Fits() {
		ch <- prometheus.MustNewConstMetric(outputError, prometheus.GaugeValue, fit.OutputError, model)
		ch <- prometheus.MustNewConstMetric(promptRatio, prometheus.GaugeValue, fit.PromptRatio, model)
	}
}
