package models

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDiff: what changed is told per model with the old and the new value.
func TestDiff(t *testing.T) {
	before := mustParse(t, small())
	after := mustParse(t, small(), map[string]string{
		"models.csv":    "id,kind,family,region,context,remove\nacme/one,chat,one,global,200000,\nacme/new,chat,one,global,,\nacme/embed,,,,,true\n",
		"prices.csv":    "id,unit,direction,service_class,usd_per_million_units,valid_from,source\nhost/org/one,token,in,standard,1,2026-11-20,s\n",
		"providers.csv": "name,kind,base_url,api_key_env,logprobs,json_schema,source\nhost,host,https://new.example/v1,HOST_KEY,false,false,docs\nthird,host,https://third.example,,,,\n",
		"scores.csv":    "family,benchmark,score,unit,setting,reporter,source,source_date,variant\none,MMLU,82,percent,5-shot,independent,board,2026-03-29,One\n",
		"tiers.csv":     "id,tier,position,remove\nacme/one,cheap-fast,2,\nhost/org/one,,,true\n",
		"anchors.csv":   "outcome,family,theta,se\nstranger,,-1,0.2\n",
	})
	want := `+ acme/new
- acme/embed
+ provider third
~ acme/one: context 128000 -> 200000
~ acme/one: max_output 4096 -> (none)
~ acme/one: vision true -> (none)
~ acme/one: tools true -> (none)
~ acme/one: reasoning false -> (none)
~ acme/one: deprecation 2026-12-31 -> (none)
~ provider host: base_url https://host.example/v1 -> https://new.example/v1
~ acme/one: placement flagship 1 cheapest today -> cheap-fast 2
~ host/org/one: placement cheap-fast 1 -> (none)
$ host/org/one: token in standard since 2026-11-20 (none) -> $1/M
~ scores: 1 added, 1 removed
~ anchors: 1 changed
`
	got := Diff(before, after)
	if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(got.String(), "\n")); d != "" {
		t.Errorf("change (-want +got):\n%s", d)
	}
	back := Diff(after, before)
	if d := cmp.Diff(got.Added, back.Removed); d != "" || len(back.ProvidersRemoved) != 1 {
		t.Errorf("the way back removes something else:\n%s%v", d, back.ProvidersRemoved)
	}
}

// TestDiffOfPrices: changed, added and dropped lines, each once.
func TestDiffOfPrices(t *testing.T) {
	files := small()
	files["prices.csv"] = strings.NewReplacer(
		"acme/one,token,in,standard,0,2,2026-11-01", "acme/one,token,in,standard,0,1.75,2026-11-01",
		"acme/one,token,in,batch,0,1,2026-11-01,list\n", "",
	).Replace(files["prices.csv"]) + "acme/one,token,cache_write,standard,0,2.5,2026-11-01,list\n"
	want := `$ acme/one: token in standard since 2026-11-01 $2/M -> $1.75/M
$ acme/one: token in batch since 2026-11-01 $1/M -> (none)
$ acme/one: token cache_write standard since 2026-11-01 (none) -> $2.5/M
`
	if got := Diff(mustParse(t, small()), mustParse(t, files)).String(); got != want {
		t.Errorf("change is\n%swant\n%s", got, want)
	}
}

// TestDiffOfEqualsIsEmpty, and only of equals.
func TestDiffOfEqualsIsEmpty(t *testing.T) {
	a, b := mustParse(t, small()), mustParse(t, small())
	if c := Diff(a, b); !c.Empty() {
		t.Errorf("change is\n%s", c)
	}
	if c := Diff(a, mustParse(t, small(), map[string]string{"anchors.csv": "outcome,remove\nstranger,true\n"})); c.Empty() {
		t.Error("a lost anchor is no change")
	}
}
