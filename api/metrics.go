package api

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"assay/router"
)

// metrics are the Prometheus series of the gateway. Labels are bounded: models
// and providers are the catalogue's, other names the configuration's, the rest
// fixed words. What is counted when is in count.go, what is read at the moment
// of a scrape in scrape.go; docs/observability.md lists them all.
type metrics struct {
	router *router.Router

	requests        *prometheus.CounterVec
	attempts        *prometheus.CounterVec
	classifications *prometheus.CounterVec
	notes           *prometheus.CounterVec
	tokens          *prometheus.CounterVec
	cost            *prometheus.CounterVec
	unpriced        *prometheus.CounterVec
	errors          *codeCounter
	decision        prometheus.Histogram
	firstByte       *prometheus.HistogramVec
	duration        *prometheus.HistogramVec
	upstream, added prometheus.Histogram

	inFlight, streams prometheus.Gauge

	hedges, hedgeCost           *prometheus.CounterVec
	skipped                     *prometheus.CounterVec
	swaps, swapSaving           *prometheus.CounterVec
	stays                       prometheus.Counter
	would, wouldSave, wouldCost *prometheus.CounterVec
	free                        *prometheus.CounterVec
	escalations, escalationCost *prometheus.CounterVec
	findings                    *prometheus.CounterVec
	shadows, shadowCost         *prometheus.CounterVec
	tables                      *prometheus.CounterVec
	verdicts                    *prometheus.HistogramVec
	judging                     *prometheus.CounterVec
}

func newMetrics(o Options) *metrics {
	reg := o.Registry
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	gauge := func(name, help string) prometheus.Gauge {
		v := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		reg.MustRegister(v)
		return v
	}
	histogram := func(name, help string, from float64, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(from, 2, 16)}, labels)
		reg.MustRegister(v)
		return v
	}
	plain := func(v *prometheus.HistogramVec) prometheus.Histogram {
		return v.WithLabelValues().(prometheus.Histogram)
	}
	m := &metrics{
		router:          o.Router,
		requests:        counter("assay_requests_total", "Requests by what answered them.", "model", "provider", "tier", "outcome", "stream", "simulated"),
		attempts:        counter("assay_attempts_total", "Calls of upstreams.", "provider", "outcome"),
		classifications: counter("assay_classifications_total", "Classified prompts.", "intent", "level", "source", "language"),
		notes:           counter("assay_classification_notes_total", "Classifications that are not the model's plain answer: late, unsure, failed.", "note"),
		tokens:          counter("assay_tokens_total", "Tokens used upstream.", "model", "direction", "simulated"),
		cost:            counter("assay_cost_nano_usd_total", "Upstream cost in nano-dollars; simulated cost is never billed.", "model", "simulated"),
		unpriced:        counter("assay_cost_unknown_total", "Answered calls whose cost is unknown, which is not zero.", "model"),
		errors:          newCodeCounter(counter("assay_errors_total", "Error answers by code.", "code")),
		decision:        plain(histogram("assay_decision_seconds", "Time to classify and decide.", 0.00005)),
		firstByte:       histogram("assay_first_byte_seconds", "Time to the upstream's first byte.", 0.001, "provider"),
		duration:        histogram("assay_request_seconds", "Time to the end of the answer.", 0.001, "stream"),
		upstream:        plain(histogram("assay_upstream_seconds", "Time of a request in which at least one upstream was at work.", 0.001)),
		added:           plain(histogram("assay_added_seconds", "Time of a request in which no upstream was at work: the decision, waits before retries, and the rest.", 0.00005)),

		verdicts: verdicts(reg),
		judging:  counter("assay_judge_cost_nano_usd_total", "What judging sampled answers cost.", "judge"),
		inFlight: gauge("assay_requests_in_flight", "Requests under way."),
		streams:  gauge("assay_streams_in_flight", "Streams under way, from their first event."),

		hedges:         counter("assay_hedges_total", "Second calls beside slow ones, by how they ended: won, lost, failed.", "outcome"),
		hedgeCost:      counter("assay_hedge_cost_nano_usd_total", "Upstream cost of answers that came second and nobody got.", "simulated"),
		skipped:        counter("assay_skipped_total", "Candidates left alone: breaker open, provider busy, no free allowance left.", "model"),
		swaps:          counter("assay_swaps_total", "Named models swapped for cheaper ones, by tier.", "from_tier", "to_tier"),
		swapSaving:     counter("assay_swap_saving_nano_usd_total", "Expected cost of the named model less that of the one it was swapped for, where that one answered.", "simulated"),
		would:          counter("assay_would_total", "Choices that were only observed: by what, and whether they would have picked another model.", "by", "pick"),
		wouldSave:      counter("assay_would_save_nano_usd_total", "Expected cost that observed choices would have saved, of answered requests where they are cheaper.", "by", "simulated"),
		wouldCost:      counter("assay_would_cost_nano_usd_total", "Expected cost that observed choices would have added, of answered requests where they are dearer.", "by", "simulated"),
		free:           counter("assay_free_calls_total", "Calls inside a free allowance.", "provider", "key"),
		escalations:    counter("assay_escalations_total", "Answers asked for once more, by what became of the first: replaced, kept, or kept since the second call failed.", "outcome"),
		escalationCost: counter("assay_escalation_cost_nano_usd_total", "Upstream cost of answers that were rejected for another.", "simulated"),
		findings:       counter("assay_findings_total", "Defects found in answers.", "model", "defect"),
		shadows:        counter("assay_shadows_total", "Copies of requests whose answer nobody sees.", "model", "outcome"),
		shadowCost:     counter("assay_shadow_cost_nano_usd_total", "Upstream cost of copies.", "model", "simulated"),
		tables:         counter("assay_table_requests_total", "Requests by the table that decided: the newest, or another (pinned, delayed, not moved yet).", "table"),
	}
	m.stays = counter("assay_stays_total", "Requests that stayed on their conversation's model though another would be chosen for a new one.").WithLabelValues()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&tableCollector{o.Router, o.Layers, o.Now}, &upstreamCollector{o.Breakers, o.Allowances})
	return m
}
