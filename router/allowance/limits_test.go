package allowance

import (
	"strings"
	"testing"
	"time"
)

func TestLimitsAreChecked(t *testing.T) {
	for _, c := range []struct {
		limits Limits
		want   string // part of the error; "" for none
	}{
		{Limits{RequestsPerDay: 50}, ""},
		{Limits{TokensPerMinute: 1, Resets: "rolling"}, ""},
		{Limits{TokensPerDay: 1, Resets: "16:00 Asia/Shanghai"}, ""},
		{Limits{}, "no limit is set"},
		{Limits{RequestsPerMinute: -1}, "requests_per_minute is -1"},
		{Limits{RequestsPerDay: 1, Resets: "midnight"}, `"rolling" or a time and a zone`},
		{Limits{RequestsPerDay: 1, Resets: "24:00 UTC"}, `"rolling" or a time and a zone`},
		{Limits{RequestsPerDay: 1, Resets: "0:00 UTC"}, `"rolling" or a time and a zone`},
		{Limits{RequestsPerDay: 1, Resets: "00:00"}, `"rolling" or a time and a zone`},
		{Limits{RequestsPerDay: 1, Resets: "00:00 Mars/Olympus"}, `no time zone "Mars/Olympus"`},
		{Limits{RequestsPerDay: 1, Resets: "00:00 Local"}, `no time zone "Local"`},
		{Limits{RequestsPerDay: 1, Resets: "00:00 "}, `no time zone ""`},
	} {
		err := c.limits.Check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, want %q", c.limits, err, c.want)
		}
	}
}

func TestDaysBeginAtTheReset(t *testing.T) {
	for _, c := range []struct{ resets, now, start, next string }{
		{"00:00 UTC", "2026-11-25T12:00:00Z", "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"},
		{"00:00 UTC", "2026-11-25T00:00:00Z", "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"},
		{"16:00 UTC", "2026-11-25T12:00:00Z", "2026-11-24T16:00:00Z", "2026-11-25T16:00:00Z"},
		{"00:00 America/Los_Angeles", "2026-11-25T07:59:59Z", "2026-11-24T08:00:00Z", "2026-11-25T08:00:00Z"},
		{"00:00 Asia/Shanghai", "2026-12-31T16:00:00Z", "2026-12-31T16:00:00Z", "2027-01-01T16:00:00Z"},
		// clocks are set forward on 8 March and back on 1 November 2026
		{"00:00 America/Los_Angeles", "2026-03-08T20:00:00Z", "2026-03-08T08:00:00Z", "2026-03-09T07:00:00Z"},
		{"00:00 America/Los_Angeles", "2026-11-01T20:00:00Z", "2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z"},
	} {
		d, err := parseResets(c.resets)
		if err != nil {
			t.Fatal(err)
		}
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		start, next := d.around(now)
		if got := start.UTC().Format(time.RFC3339) + " " + next.UTC().Format(time.RFC3339); got != c.start+" "+c.next {
			t.Errorf("%s at %s: %s, want %s %s", c.resets, c.now, got, c.start, c.next)
		}
	}
}
