package policy

import (
	"slices"
	"strings"
	"testing"
)

func TestWhichTableARequestWants(t *testing.T) {
	f, err := Parse([]byte("version: 1\norgs: {pinned: {table: a}, patient: {table_delay_days: 7}, plain: {}}\n"), known)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		org  string
		req  Request
		want TableWish
	}{
		"nobody says anything":              {"plain", Request{}, TableWish{}},
		"no org":                            {"", Request{}, TableWish{}},
		"the org pins":                      {"pinned", Request{}, TableWish{Pin: "a", By: "org pinned (table)"}},
		"the org delays":                    {"patient", Request{}, TableWish{DelayDays: 7}},
		"a request goes before its org":     {"pinned", Request{Table: "b"}, TableWish{Pin: "b", By: "header X-Gateway-Table"}},
		"a request goes before a delay too": {"patient", Request{Table: "b"}, TableWish{Pin: "b", By: "header X-Gateway-Table"}},
	} {
		if got := f.TableFor(c.org, c.req); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if got := f.PinnedTables(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("pinned %v", got)
	}
	if f.MovedShare() != 1 {
		t.Errorf("without a limit %g may move, want all", f.MovedShare())
	}
}

func TestMistakesAboutTablesAreNamed(t *testing.T) {
	with := known
	with.Tables = []string{"a", "b"}
	for name, c := range map[string]struct{ yaml, says string }{
		"a table that was never served": {"orgs: {x: {table: c}}", `orgs.x.table pins the tier table "c", which this gateway has never served; it has: a, b`},
		"pinned and delayed":            {"orgs: {x: {table: a, table_delay_days: 3}}", "exclude each other"},
		"negative delay":                {"orgs: {x: {table_delay_days: -3}}", "table_delay_days is -3"},
		"endless delay":                 {"orgs: {x: {table_delay_days: 99999}}", "table_delay_days is 99999"},
		"more than everything":          {"max_moved_share: 1.5", "max_moved_share is 1.5"},
		"not a number":                  {"max_moved_share: .nan", "max_moved_share is NaN"},
	} {
		if _, err := Parse([]byte("version: 1\n"+c.yaml), with); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v; want one that says %q", name, err, c.says)
		}
	}
	f, err := Parse([]byte("version: 1\nmax_moved_share: 0\norgs: {x: {table: b}}"), with)
	if err != nil || f.MovedShare() != 0 {
		t.Errorf("0 holds everything back: %g, %v", f.MovedShare(), err)
	}
}
