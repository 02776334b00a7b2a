package api

import (
	"bytes"
	"strings"
	"testing"

	"assay/router"
)

func TestVerdictsAreCountedAndNotQuoted(t *testing.T) {
	var log bytes.Buffer
	s := observed(&log, Options{})
	rec := &router.Record{ID: "req_1", Attempts: []router.Attempt{{Model: "openai/gpt-4o", Served: true}}}
	s.Verdict(rec, router.Verdict{Score: 1, Why: "it says SECRET", Model: "google/judge", Dollars: 0.0015})
	s.Verdict(rec, router.Verdict{Score: 0, Model: "google/judge", Dollars: 0.0005})
	lacks(t, scraped(t, s), `assay_judged_score_sum{model="openai/gpt-4o"} 1`, `assay_judged_score_count{model="openai/gpt-4o"} 2`, `assay_judge_cost_nano_usd_total{judge="google/judge"} 2e+06`)
	if got := log.String(); strings.Contains(got, "SECRET") || !strings.Contains(got, `"score":1`) {
		t.Errorf("log: %s", got)
	}
}
