package router

import (
	"strings"
	"testing"
	"time"

	"assay/router/policy"
)

func TestParsePolicy(t *testing.T) {
	c, _ := realParts()
	known := KnownTo(c)
	p, err := policy.Parse([]byte("version: 1\nid: r7\nregions: [eu, global]\nproviders: {deny: [evolink]}\nmodels: {allow: [openai/gpt-4o]}\nmargins: {quality: 0.01}\nmax_attempts: 2\nidle_timeout: 30s\n"), known)
	if err != nil {
		t.Fatal(err)
	}
	if p.ID != "r7" || p.Margins[Quality] != 0.01 || p.Margins[Balanced] != policy.DefaultMargins[Balanced] || p.MaxAttempts != 2 || p.IdleTimeout != 30*time.Second || p.FirstByteTimeout == 0 {
		t.Errorf("policy %+v", p)
	}
	for name, c := range map[string]struct{ yaml, says string }{
		"no version":         {"id: x", "version"},
		"unknown key":        {"version: 1\nregionz: [eu]", "regionz"},
		"unknown region":     {"version: 1\nregions: [mars]", `"mars"`},
		"unknown provider":   {"version: 1\nproviders: {allow: [opnai]}", `"opnai"`},
		"unknown model":      {"version: 1\nmodels: {deny: [gpt-4o]}", `"gpt-4o"`},
		"unknown objective":  {"version: 1\nmargins: {best: 0.05}", "best"},
		"margin above half":  {"version: 1\nmargins: {cost: 0.6}", "0.6"},
		"negative margin":    {"version: 1\nmargins: {cost: -0.1}", "-0.1"},
		"margin NaN":         {"version: 1\nmargins: {cost: .nan}", "NaN"},
		"thresholds of old":  {"version: 1\nthresholds: {quality: 0.9}", "margins"},
		"too many attempts":  {"version: 1\nmax_attempts: 99", "99"},
		"negative timeout":   {"version: 1\nidle_timeout: -3s", "negative"},
		"not YAML":           {"version: [", ""},
		"not a mapping":      {"- a", ""},
		"two mistakes, both": {"version: 2\nregions: [mars]", "version is 2"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.Parse([]byte(c.yaml), known)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v; want one that says %q", err, c.says)
			}
		})
	}
}

func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte("version: 1\nregions: [eu]\n"))
	c, _ := realParts()
	known := KnownTo(c)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := policy.Parse(data, known)
		if err == nil && (p.MaxAttempts < 1 || !(p.Margins[Cost] <= mostForgiven)) {
			t.Fatalf("accepted %+v", p)
		}
	})
}
