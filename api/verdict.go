package api

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"

	"assay/router"
)

// verdicts is the series of what judges said.
func verdicts(reg *prometheus.Registry) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "assay_judged_score", Help: "What judges said of sampled answers, 0 useless to 1 faultless.",
		Buckets: prometheus.LinearBuckets(0, 1.0/9, 10)}, []string{"model"})
	reg.MustRegister(v)
	return v
}

// Verdict counts and logs what a judge said of a request's answer. Its reasons
// may quote the answer and are not logged.
func (s *Server) Verdict(rec *router.Record, v router.Verdict) {
	a, _ := rec.Final()
	s.metrics.verdicts.WithLabelValues(a.Model).Observe(v.Score)
	s.metrics.judging.WithLabelValues(v.Model).Add(math.Round(v.Dollars * 1e9))
	s.o.Log.Info("judged", "id", rec.ID, "model", a.Model, "score", v.Score, "judge", v.Model, "usd", v.Dollars)
}
