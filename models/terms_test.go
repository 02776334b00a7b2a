package models

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// withTerms gives the small catalogue with the cells trains, retention_days,
// terms_source and terms_note for the provider host, which is in row 3.
func withTerms(cells string) map[string]string {
	return with(map[string]string{"providers.csv": "name,kind,base_url,trains,retention_days,terms_source,terms_note\n" +
		"acme,first_party,https://api.acme.example/v1,,,,\n" +
		"host,host,https://host.example/v1," + cells + "\n"})
}

// TestTerms: 0 days is a statement and blank is none; a stated no differs from
// an unknown.
func TestTerms(t *testing.T) {
	tests := []struct {
		name, cells string
		trains      Flag
		days        int
	}{
		{"nothing known", ",,,", Unknown, UnknownRetention},
		{"looked up and not found", ",,page,silent on both", Unknown, UnknownRetention},
		{"not kept", "no,0,page,", No, 0},
		{"kept for a month", "yes,30,page,", Yes, 30},
		{"trains not, period unknown", "no,,page,", No, UnknownRetention},
		{"period known, training not", ",55,page,", Unknown, 55},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, ok := mustParse(t, withTerms(tt.cells)).Provider("host")
			if !ok || p.Trains != tt.trains || p.RetentionDays != tt.days {
				t.Errorf("trains %d, retention %d; want %d, %d", p.Trains, p.RetentionDays, tt.trains, tt.days)
			}
		})
	}
	if p, ok := mustParse(t, small()).Provider("nobody"); ok || p.RetentionDays != UnknownRetention {
		t.Errorf("a provider that is not there keeps prompts for %d days", p.RetentionDays)
	}
}

// TestTermsRefused: what is no term, and terms that name no page.
func TestTermsRefused(t *testing.T) {
	tests := []struct{ name, cells, want string }{
		{"a flag in another spelling", "true,,page,", `providers.csv:3 column trains: "true" is not allowed; allowed: yes, no, or blank for unknown`},
		{"unknown in words", "unknown,,page,", `providers.csv:3 column trains: "unknown" is not allowed`},
		{"a negative period", "no,-1,page,", `providers.csv:3 column retention_days: "-1" is not allowed; allowed: a whole number of days from 0 (not kept), or blank`},
		{"a period in words", "no,30 days,page,", `providers.csv:3 column retention_days: "30 days" is not allowed`},
		{"half a day", "no,0.5,page,", `providers.csv:3 column retention_days: "0.5" is not allowed`},
		{"a period beyond any number", "no,99999999999,page,", `providers.csv:3 column retention_days:`},
		{"training without a page", "no,,,", "providers.csv:3 column terms_source: is blank; trains, retention_days and terms_note need the page they were read on"},
		{"not kept without a page", ",0,,", "providers.csv:3 column terms_source: is blank"},
		{"a note without a page", ",,,they said so", "providers.csv:3 column terms_source: is blank"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(fsOf(withTerms(tt.cells)))
			var problems Problems
			if !errors.As(err, &problems) || len(problems) != 1 || !strings.HasPrefix(problems[0].String(), tt.want) {
				t.Errorf("error is\n%v\nwant one problem\n%s", err, tt.want)
			}
		})
	}
}

// TestTermsOfAnOverride: a provider's row is replaced with its terms, so that
// the terms of one endpoint never vouch for another.
func TestTermsOfAnOverride(t *testing.T) {
	base := withTerms("no,0,page,")
	elsewhere := mustParse(t, base, map[string]string{"providers.csv": "name,kind,base_url\nhost,host,https://proxy.example/v1\n"})
	if p, _ := elsewhere.Provider("host"); p.Trains != Unknown || p.RetentionDays != UnknownRetention || p.TermsSource != "" {
		t.Errorf("another endpoint inherited terms: %+v", p)
	}
	agreed := mustParse(t, base, map[string]string{"providers.csv": "name,kind,base_url,trains,retention_days,terms_source\nhost,host,https://host.example/v1,yes,7,contract\n"})
	if p, _ := agreed.Provider("host"); p.Trains != Yes || p.RetentionDays != 7 || p.TermsSource != "contract" {
		t.Errorf("the operator's terms do not hold: %+v", p)
	}
}

// TestChangedTermsAreTold: the version sees each cell, 0 against blank
// included, and Diff tells it in the words of the file.
func TestChangedTermsAreTold(t *testing.T) {
	before := mustParse(t, withTerms("no,0,page,"))
	versions := map[string]string{before.Version(): "nothing"}
	for cells, want := range map[string]string{
		"yes,0,page,":     "~ provider host: trains no -> yes\n",
		",0,page,":        "~ provider host: trains no -> (none)\n",
		"no,,page,":       "~ provider host: retention_days 0 -> (none)\n",
		"no,30,page,":     "~ provider host: retention_days 0 -> 30\n",
		"no,0,other,":     "~ provider host: terms_source page -> other\n",
		"no,0,page,noted": "~ provider host: terms_note (none) -> noted\n",
	} {
		after := mustParse(t, withTerms(cells))
		if d := cmp.Diff(want, Diff(before, after).String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", cells, d)
		}
		if twin, same := versions[after.Version()]; same {
			t.Errorf("%s has the version of %s", cells, twin)
		}
		versions[after.Version()] = cells
	}
}
