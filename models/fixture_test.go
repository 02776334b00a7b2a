package models

import (
	"maps"
	"testing"
	"testing/fstest"
	"time"
)

// small is a catalogue of two providers, three chat rows and one media row,
// with every file, for tests to change.
func small() map[string]string {
	return map[string]string{
		"providers.csv": `name,kind,base_url,api_key_env,logprobs,n,json_schema,note,source
acme,first_party,https://api.acme.example/v1,ACME_KEY,true,true,,,docs
host,host,https://host.example/v1,HOST_KEY,false,,false,,docs
`,
		"models.csv": `id,kind,family,region,context,max_input,max_output,vision,tools,reasoning,free,deprecation
acme/one,chat,one,global,128000,,4096,true,true,false,false,2026-12-31
acme/think,chat,think,eu,200000,150000,,,true,true,false,
host/org/one,chat,one,cn,64000,,,false,,,false,
acme/embed,embedding,,,8192,,,,,,false,
`,
		"prices.csv": `id,unit,direction,service_class,from_tokens,usd_per_million_units,valid_from,source
acme/one,token,in,standard,0,2.5,,list
acme/one,token,out,standard,0,10,,list
acme/one,token,in,standard,0,2,2026-11-01,list
acme/one,token,out,standard,0,8,2026-11-01,list
acme/one,token,cache_read,standard,0,0.5,2026-11-01,list
acme/one,token,in,standard,200000,4,2026-11-01,list
acme/one,token,out,standard,200000,12,2026-11-01,list
acme/one,token,in,batch,0,1,2026-11-01,list
acme/one,token,out,batch,0,4,2026-11-01,list
acme/embed,token,in,standard,0,0.02,2026-11-01,list
acme/embed,token,out,standard,0,0,2026-11-01,list
`,
		"scores.csv": `family,benchmark,score,unit,setting,reporter,source,source_date,variant
one,MMLU,81.5,percent,5-shot,independent,board,2026-03-29,One
one,MT-Bench,8.7,0-10,,vendor,paper,2026-01-01,One
outside,LMArena-Text,1301,elo,,independent,board,2026-03-29,Outside
`,
		"tiers.csv": `id,tier,position,cheapest_today
acme/one,flagship,1,true
host/org/one,cheap-fast,1,false
`,
		"anchors.csv": `outcome,family,theta,se,sources
One-2026,one,0.75,0.1,outcomes
stranger,,-1.5,0.2,outcomes
`,
	}
}

func fsOf(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, content := range files {
		m[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return m
}

// with gives the small catalogue with some files replaced or added.
func with(changed map[string]string) map[string]string {
	files := small()
	maps.Copy(files, changed)
	return files
}

func mustParse(t testing.TB, layers ...map[string]string) *Catalog {
	t.Helper()
	var ls []layer
	for _, files := range layers {
		l, err := readLayer("", fsOf(files))
		if err != nil {
			t.Fatal(err)
		}
		ls = append(ls, l)
	}
	c, err := parse(ls...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustModel(t testing.TB, c *Catalog, id string) Model {
	t.Helper()
	m, ok := c.Model(id)
	if !ok {
		t.Fatalf("no model %q", id)
	}
	return m
}

func day(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return d
}
