package savings

import (
	"testing"
	"testing/fstest"
	"time"

	"assay/models"
)

// files are a catalogue with one model for each case.
var files = map[string]string{
	"providers.csv": `name,kind,base_url,api_key_env,logprobs,n,json_schema,note,source
acme,first_party,https://api.acme.example/v1,ACME_KEY,true,true,,,docs
host,host,https://host.example/v1,HOST_KEY,false,,false,,docs
`,
	"models.csv": `id,kind,family,region,context,max_input,max_output,vision,tools,reasoning,free,deprecation
acme/flag,chat,flag,global,400000,,4096,true,true,,false,
acme/mini,chat,mini,global,128000,,4096,true,true,false,false,
acme/think,chat,think,eu,200000,150000,,,true,true,false,
host/org/cheap,chat,cheap,cn,64000,,,false,,,false,
host/think,chat,think,cn,64000,,,false,,,false,
acme/unpriced,chat,unpriced,cn,64000,,,false,,,false,
acme/zero,chat,zero,cn,64000,,,false,,,false,
acme/gratis,chat,gratis,cn,64000,,,false,,,true,
acme/embed,embedding,,,8192,,,,,,false,
`,
	"prices.csv": `id,unit,direction,service_class,from_tokens,usd_per_million_units,valid_from,source
acme/flag,token,in,standard,0,5,,list
acme/flag,token,out,standard,0,30,,list
acme/flag,token,cache_read,standard,0,0.5,,list
acme/flag,token,in,standard,200000,10,,list
acme/flag,token,out,standard,200000,45,,list
acme/mini,token,in,standard,0,0.8,2026-08-01,list
acme/mini,token,out,standard,0,3.2,2026-08-01,list
acme/mini,token,in,standard,0,0.4,2026-11-01,list
acme/mini,token,out,standard,0,1.6,2026-11-01,list
acme/mini,token,cache_read,standard,0,0.1,2026-11-01,list
acme/mini,token,in,batch,0,0.2,2026-11-01,list
acme/mini,token,out,batch,0,0.8,2026-11-01,list
acme/think,token,in,standard,0,1,,list
acme/think,token,out,standard,0,4,,list
host/think,token,in,standard,0,1,,list
host/think,token,out,standard,0,4,,list
host/org/cheap,token,in,standard,0,0.1,,list
host/org/cheap,token,out,standard,0,0.2,,list
acme/zero,token,in,standard,0,0,,list
acme/zero,token,out,standard,0,0,,list
acme/gratis,token,in,standard,0,0,,list
acme/gratis,token,out,standard,0,0,,list
acme/embed,token,in,standard,0,0.02,,list
acme/embed,token,out,standard,0,0,,list
`,
	"scores.csv":  "family,benchmark,score,unit,setting,reporter,source,source_date,variant\n",
	"tiers.csv":   "id,tier,position,cheapest_today\n",
	"anchors.csv": "outcome,family,theta,se,sources\n",
}

func testBasis(t testing.TB) Basis {
	t.Helper()
	fs := fstest.MapFS{}
	for name, text := range files {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	c, err := models.Parse(fs)
	if err != nil {
		t.Fatal(err)
	}
	return Basis{Catalog: c, Now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), Thinking: [2]int64{400, 2500},
		Choose: func(a Ask) (Choice, error) {
			return Choice{Model: [2]string{"host/org/cheap", "acme/think"}[a.Class], Reason: "cheapest"}, nil
		}}
}

// compute works a case out; the flagship is the small catalogue's.
func compute(t testing.TB, p Params) *Report {
	t.Helper()
	if p.Flagship == "" {
		p.Flagship = "acme/flag"
	}
	r, err := Compute(testBasis(t), p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func text(s string) *string { return &s }

// usdOf is a number of dollars as money.
func usdOf(t testing.TB, s string) Money {
	t.Helper()
	n, err := dollars("test", s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
