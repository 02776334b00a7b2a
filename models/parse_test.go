package models

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProblems: everything that can be wrong is named with file, row and
// column and says what is wrong or allowed. Each case changes files of the
// small catalogue, which is valid.
func TestProblems(t *testing.T) {
	const (
		modelHead = "id,kind,family,region\n"
		priceHead = "id,unit,direction,service_class,from_tokens,usd_per_million_units,valid_from,source\n"
		scoreHead = "family,benchmark,score,unit,setting,reporter,source,source_date,variant\n"
	)
	// append adds a line to a file of the small catalogue.
	add := func(file, line string) map[string]string {
		return map[string]string{file: small()[file] + line + "\n"}
	}
	price := func(line string) map[string]string { return map[string]string{"prices.csv": priceHead + line + "\n"} }
	score := func(line string) map[string]string {
		return map[string]string{"scores.csv": scoreHead + line + "\n", "anchors.csv": "outcome\n"}
	}
	model := func(columns, line string) map[string]string {
		return map[string]string{
			"models.csv": "id,kind,family,region," + columns + "\nacme/one,chat,one,global," + line + "\n",
			"prices.csv": "id\n", "tiers.csv": "id\n",
		}
	}
	tests := []struct {
		name  string
		files map[string]string
		want  []string // each a part of one problem, in order
	}{
		{"not CSV", map[string]string{"tiers.csv": "id,tier\n\"acme/one,flagship\n"}, []string{"tiers.csv:"}},
		{"a quote inside a cell", map[string]string{"tiers.csv": "id,tier\nacme/\"one,flagship\n"}, []string{`tiers.csv:2: is no CSV from here on: bare "`}},
		{"header is no CSV", map[string]string{"tiers.csv": "i\"d,tier\n"}, []string{"tiers.csv:1: is no CSV"}},
		{"empty file", map[string]string{"tiers.csv": ""}, []string{"tiers.csv: is empty; its first line must name the columns id"}},
		{"not UTF-8", map[string]string{"tiers.csv": "id\n\xff\n"}, []string{"tiers.csv: is not UTF-8"}},
		{"too few cells", add("tiers.csv", "acme/think,flagship"), []string{"tiers.csv:4: has 2 cells, the header 4"}},
		{"unknown column", map[string]string{"tiers.csv": "id,tire\n"}, []string{"tiers.csv:1 column tire: is no column of tiers.csv; allowed: id, tier, position, cheapest_today, remove"}},
		{"column twice", map[string]string{"tiers.csv": "id,tier,tier\n"}, []string{"tiers.csv:1 column tier: appears twice"}},
		{"column missing", map[string]string{"tiers.csv": "tier\n"}, []string{"tiers.csv:1 column id: is missing from the header"}},
		{"unknown file", map[string]string{"model.csv": "id\n"}, []string{"model.csv: is no file of a catalogue; allowed: models.csv, prices.csv"}},
		{"no models", map[string]string{"models.csv": modelHead, "prices.csv": "id\n", "tiers.csv": "id\n", "anchors.csv": "outcome\n"}, []string{"models.csv: is missing or has no rows"}},

		{"id without provider", add("models.csv", "nameless,chat,f,global,,,,,,,,"), []string{`models.csv:6 column id: "nameless" is not allowed; allowed: provider/name`}},
		{"id with a space", add("models.csv", "acme/a b,chat,f,global,,,,,,,,"), []string{"models.csv:6 column id:"}},
		{"blank id", add("models.csv", ",chat,f,global,,,,,,,,"), []string{"models.csv:6 column id: is blank"}},
		{"id twice", add("models.csv", "acme/one,chat,f,global,,,,,,,,"), []string{`models.csv:6 column id: "acme/one" is there twice, first in row 2`}},
		{"unknown provider", add("models.csv", "nobody/x,chat,f,global,,,,,,,,"), []string{`models.csv:6 column id: provider "nobody" is not in providers.csv; allowed: acme, host`}},
		{"unknown kind", add("models.csv", "acme/x,chatbot,f,global,,,,,,,,"), []string{`models.csv:6 column kind: "chatbot" is not allowed; allowed: chat, embedding,`}},
		{"blank kind", add("models.csv", "acme/x,,f,global,,,,,,,,"), []string{"models.csv:6 column kind: is blank"}},
		{"chat without family", add("models.csv", "acme/x,chat,,global,,,,,,,,"), []string{"models.csv:6 column family: is blank"}},
		{"chat without region", add("models.csv", "acme/x,chat,f,,,,,,,,,"), []string{"models.csv:6 column region: is blank"}},
		{"bad region", add("models.csv", "acme/x,chat,f,Europe,,,,,,,,"), []string{`models.csv:6 column region: "Europe" is not allowed; allowed: global, or two`}},
		{"bad region of a media row", add("models.csv", "acme/x,image,,Europe,,,,,,,,"), []string{`models.csv:6 column region: "Europe" is not allowed`}},
		{"flag that is none", model("vision", "yes"), []string{`models.csv:2 column vision: "yes" is not allowed; allowed: true, false, or blank`}},
		{"count with decimals", model("context", "128000.0"), []string{`models.csv:2 column context: "128000.0" is not allowed; allowed: a whole number`}},
		{"negative count", model("max_output", "-1"), []string{"models.csv:2 column max_output:"}},
		{"zero count", model("vector_size", "0"), []string{"models.csv:2 column vector_size:"}},
		{"count that is too large", model("max_input", "99999999999"), []string{"models.csv:2 column max_input:"}},
		{"input beyond the context", model("context,max_input", "100,200"), []string{"models.csv:2 column max_input: 200 is more than the context of 100"}},
		{"bad date", model("deprecation", "31.12.2026"), []string{`models.csv:2 column deprecation: "31.12.2026" is no date`}},
		{"impossible date", model("deprecation", "2026-02-30"), []string{"models.csv:2 column deprecation:"}},
		{"date of the year nought", model("deprecation", "0001-01-01"), []string{"models.csv:2 column deprecation:"}},
		{"bad endpoint", model("endpoints", "v1/chat"), []string{`models.csv:2 column endpoints: "v1/chat" is not allowed`}},
		{"free without a price line", model("free", "true"), []string{"models.csv:2 column free: is true and prices.csv has no line"}},
		{"remove that is no flag", map[string]string{"tiers.csv": "id,remove\nacme/one,ja\n"}, []string{"tiers.csv:2 column remove:", "tiers.csv:2 column tier: is blank", "tiers.csv:2 column position: is blank"}},
		{"remove what is not there", map[string]string{"tiers.csv": "id,remove\nacme/one,true\n"}, []string{`tiers.csv:2 column id: "acme/one" is to be removed and is not there`}},

		{"negative price", price("acme/one,token,in,standard,0,-1,,s"), []string{`prices.csv:2 column usd_per_million_units: "-1" is no plain decimal`}},
		{"price in words", price("acme/one,token,in,standard,0,free,,s"), []string{"prices.csv:2 column usd_per_million_units:"}},
		{"price with exponent", price("acme/one,token,in,standard,0,1e-3,,s"), []string{"prices.csv:2 column usd_per_million_units:"}},
		{"blank price", price("acme/one,token,in,standard,0,,,s"), []string{"prices.csv:2 column usd_per_million_units: is blank"}},
		{"price finer than a nano-dollar", price("acme/one,token,in,standard,0,0.0000000001,,s"), []string{"finer than a nano-dollar"}},
		{"price too large", price("acme/one,token,in,standard,0,99999999999,,s"), []string{"is too large"}},
		{"unknown unit", price("acme/one,word,in,standard,0,1,,s"), []string{`prices.csv:2 column unit: "word" is not allowed; allowed: token,`}},
		{"unknown direction", price("acme/one,token,up,standard,0,1,,s"), []string{`prices.csv:2 column direction: "up" is not allowed; allowed: in, out, cache_read, cache_write, cache_write_1h`}},
		{"unknown class", price("acme/one,token,in,slow,0,1,,s"), []string{`prices.csv:2 column service_class: "slow" is not allowed; allowed: standard, batch, flex, priority`}},
		{"negative tier", price("acme/one,token,in,standard,-5,1,,s"), []string{"prices.csv:2 column from_tokens:"}},
		{"tier without a first step", price("acme/one,token,in,standard,200000,1,,s"), []string{"prices.csv:2 column from_tokens: 200000 has no line from 0"}},
		{"bad price date", price("acme/one,token,in,standard,0,1,2026-13-01,s"), []string{"prices.csv:2 column valid_from:"}},
		{"price without source", price("acme/one,token,in,standard,0,1,,"), []string{"prices.csv:2 column source: is blank"}},
		{"price of nobody", price("acme/gone,token,in,standard,0,1,,s"), []string{`prices.csv:2 column id: "acme/gone" is no id of models.csv`}},
		{"price line twice", add("prices.csv", "acme/one,token,in,standard,0,9,,other"), []string{"prices.csv:13 column id: \"acme/one\" has this unit, direction, service_class, from_tokens and valid_from twice, first in row 2"}},
		{"no prices to remove", map[string]string{"prices.csv": "id,remove\nacme/one,true\n"}, []string{`prices.csv:2 column id: "acme/one" is to lose its prices and has none`}},

		{"provider twice", add("providers.csv", "acme,host,https://x.example,K,,,,,"), []string{`providers.csv:4 column name: "acme" is there twice`}},
		{"provider in capitals", add("providers.csv", "Acme,host,https://x.example,K,,,,,"), []string{"providers.csv:4 column name:"}},
		{"unknown kind of provider", add("providers.csv", "x,reseller,https://x.example,K,,,,,"), []string{`providers.csv:4 column kind: "reseller" is not allowed; allowed: first_party, host`}},
		{"base URL without scheme", add("providers.csv", "x,host,api.x.example,K,,,,,"), []string{`providers.csv:4 column base_url: "api.x.example" is not allowed; allowed: an http or https URL`}},
		{"base URL with a key in it", add("providers.csv", "x,host,https://u:p@x.example/v1?key=1,K,,,,,"), []string{"providers.csv:4 column base_url:"}},
		{"no base URL and no reason", add("providers.csv", "x,host,,K,,,,,"), []string{"providers.csv:4 column note: is blank; a provider without base_url must say why"}},
		{"key instead of its variable", add("providers.csv", "x,host,https://x.example,sk-123,,,,,"), []string{`providers.csv:4 column api_key_env: "sk-123" is not allowed`}},

		{"score above the scale", score("one,MMLU,101,percent,,vendor,s,,"), []string{`scores.csv:2 column score: "101" is not allowed; allowed: a number from 0 to 100`}},
		{"score above ten", score("one,MT-Bench,10.1,0-10,,vendor,s,,"), []string{"allowed: a number from 0 to 10"}},
		{"score that is no number", score("one,MMLU,NaN,percent,,vendor,s,,"), []string{`scores.csv:2 column score: "NaN" is not allowed`}},
		{"score without value", score("one,MMLU,,percent,,vendor,s,,"), []string{"scores.csv:2 column score: is blank"}},
		{"unknown score unit", score("one,MMLU,1,points,,vendor,s,,"), []string{`scores.csv:2 column unit: "points" is not allowed; allowed: percent, 0-10, elo`}},
		{"unknown reporter", score("one,MMLU,1,percent,,me,s,,"), []string{`scores.csv:2 column reporter: "me" is not allowed; allowed: vendor, independent`}},
		{"score without source", score("one,MMLU,1,percent,,vendor,,,"), []string{"scores.csv:2 column source: is blank"}},
		{"bad score date", score("one,MMLU,1,percent,,vendor,s,May 2026,"), []string{"scores.csv:2 column source_date:"}},
		{"score twice", add("scores.csv", "one,MMLU,81.5,percent,5-shot,independent,board,2026-03-29,One"), []string{`scores.csv:5 column family: "one" has exactly this score twice, first in row 2`}},
		{"no scores to remove", map[string]string{"scores.csv": "family,benchmark,remove\none,MMLU,true\n"}, []string{`scores.csv:2 column family: "one" is to lose its scores in "MMLU" and has none`}},

		{"placement of nobody", add("tiers.csv", "acme/gone,flagship,2,false"), []string{`tiers.csv:4 column id: "acme/gone" is no id of models.csv`}},
		{"placement of an embedding", add("tiers.csv", "acme/embed,flagship,2,false"), []string{`tiers.csv:4 column id: "acme/embed" is of kind embedding; allowed: chat`}},
		{"unknown tier", add("tiers.csv", "acme/think,best,2,false"), []string{`tiers.csv:4 column tier: "best" is not allowed; allowed: flagship, cheap-fast, reasoning`}},
		{"place taken", add("tiers.csv", "acme/think,flagship,1,false"), []string{"tiers.csv:4 column position: 1 of flagship is taken by row 2"}},

		{"anchor of no family", add("anchors.csv", "x,nofamily,1,0.1,s"), []string{`anchors.csv:4 column family: "nofamily" is no family of models.csv or scores.csv`}},
		{"anchor out of range", add("anchors.csv", "x,,31,0.1,s"), []string{`anchors.csv:4 column theta: "31" is not allowed; allowed: a number from -30 to 30`}},
		{"negative standard error", add("anchors.csv", "x,,1,-0.1,s"), []string{"anchors.csv:4 column se:"}},
		{"infinite standard error", add("anchors.csv", "x,,1,Inf,s"), []string{"anchors.csv:4 column se:"}},
		{"anchor twice", add("anchors.csv", "stranger,,1,0.1,s"), []string{`anchors.csv:4 column outcome: "stranger" is there twice`}},

		{"everything at once", map[string]string{
			"models.csv": modelHead + "acme/one,chatter,one,global\nhost/org/one,chat,one,nowhere\nacme/think,chat,t,eu\nacme/embed,embedding,,\n",
			"prices.csv": priceHead + "acme/one,token,in,standard,0,-1,,s\nacme/one,token,sideways,standard,0,1,,s\n",
		}, []string{
			"models.csv:2 column kind:", "models.csv:3 column region:",
			"prices.csv:2 column usd_per_million_units:", "prices.csv:3 column direction:",
			"tiers.csv:2 column id: \"acme/one\" is of kind chatter",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse(fsOf(with(tt.files)))
			var problems Problems
			if !errors.As(err, &problems) || c != nil {
				t.Fatalf("catalogue %v, error %v; want problems", c, err)
			}
			if len(problems) != len(tt.want) {
				t.Fatalf("%d problems, want %d:\n%v", len(problems), len(tt.want), err)
			}
			for i, w := range tt.want {
				if !strings.Contains(problems[i].String(), w) {
					t.Errorf("problem %d is\n  %s\nwithout\n  %s", i, problems[i], w)
				}
			}
		})
	}
}

// TestProblemsNameTheirLayer: with two directories the file says which.
func TestProblemsNameTheirLayer(t *testing.T) {
	base, err := readLayer("embedded", fsOf(small()))
	if err != nil {
		t.Fatal(err)
	}
	over, err := readLayer("/etc/assay", fsOf(map[string]string{"tiers.csv": "id,tier,position\nacme/gone,flagship,9\n"}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parse(base, over)
	want := "catalogue has 1 problem:\n  /etc/assay/tiers.csv:2 column id: \"acme/gone\" is no id of models.csv"
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
}

// TestSpreadsheetsAreFine: byte order mark, CRLF and space around cells.
func TestSpreadsheetsAreFine(t *testing.T) {
	files := small()
	for name, content := range files {
		content = strings.ReplaceAll(content, "\n", "\r\n")
		files[name] = "\ufeff" + strings.ReplaceAll(content, ",", " , ")
	}
	if got, want := mustParse(t, files).Version(), mustParse(t, small()).Version(); got != want {
		t.Errorf("version %s, want %s", got, want)
	}
}

// TestOverlay: what a row of a later directory does, by file.
func TestOverlay(t *testing.T) {
	base := mustParse(t, small())
	over := func(files map[string]string) *Catalog { return mustParse(t, small(), files) }

	t.Run("a model's row is replaced as a whole", func(t *testing.T) {
		c := over(map[string]string{"models.csv": "id,kind,family,region,context\nacme/one,chat,one,eu,1000\n"})
		m := mustModel(t, c, "acme/one")
		if m.Context != 1000 || m.Region != "eu" || m.MaxOutput != 0 || m.Caps.Vision != Unknown {
			t.Errorf("row is %+v", m)
		}
		if len(m.Prices) != 9 || len(c.Models()) != 4 {
			t.Errorf("%d prices of %d models, want 9 of 4", len(m.Prices), len(c.Models()))
		}
	})
	t.Run("a new id is added with its own provider and price", func(t *testing.T) {
		c := over(map[string]string{
			"providers.csv": "name,kind,base_url\nlocal,host,http://127.0.0.1:8000/v1/\n",
			"models.csv":    "id,kind,family,region,free\nlocal/llama,chat,llama,global,true\n",
			"prices.csv":    "id,unit,direction,service_class,usd_per_million_units,source\nlocal/llama,token,in,standard,0,own\nlocal/llama,token,out,standard,0,own\n",
		})
		if p, _ := c.Provider("local"); p.BaseURL != "http://127.0.0.1:8000/v1" {
			t.Errorf("base URL %q", p.BaseURL)
		}
		if n, ok := mustModel(t, c, "local/llama").Cost(Usage{Input: 9, Output: 9}, "", day("2026-11-24")); n != 0 || !ok {
			t.Errorf("a free row costs %d, %v", n, ok)
		}
	})
	t.Run("prices of an id are replaced with their history", func(t *testing.T) {
		c := over(map[string]string{"prices.csv": "id,unit,direction,service_class,usd_per_million_units,source\nacme/one,token,in,standard,1,deal\nacme/one,token,out,standard,3,deal\n"})
		in, out, ok := mustModel(t, c, "acme/one").BasePrice(day("2026-11-24"))
		if in != 1e9 || out != 3e9 || !ok || len(mustModel(t, c, "acme/one").Prices) != 2 {
			t.Errorf("base price %d, %d, %v", in, out, ok)
		}
		if len(mustModel(t, c, "acme/embed").Prices) != 2 {
			t.Error("prices of another id are gone")
		}
	})
	t.Run("a removed model takes prices and placement along", func(t *testing.T) {
		c := over(map[string]string{"models.csv": "id,kind,remove\nacme/one,,true\n"})
		if _, ok := c.Model("acme/one"); ok || len(c.Placements()) != 1 || len(c.ByFamily("one")) != 1 {
			t.Errorf("model there: %v, placements %v", ok, c.Placements())
		}
	})
	t.Run("a provider with models cannot go", func(t *testing.T) {
		base, _ := readLayer("", fsOf(small()))
		l, _ := readLayer("", fsOf(map[string]string{"providers.csv": "name,remove\nhost,true\n"}))
		if _, err := parse(base, l); err == nil || !strings.Contains(err.Error(), `provider "host" is not in providers.csv`) {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("prices can be removed", func(t *testing.T) {
		c := over(map[string]string{"prices.csv": "id,remove\nacme/one,true\n"})
		if _, _, ok := mustModel(t, c, "acme/one").BasePrice(day("2026-11-24")); ok {
			t.Error("a removed price is known")
		}
	})
	t.Run("scores of one source are replaced, others stay", func(t *testing.T) {
		c := over(map[string]string{"scores.csv": "family,benchmark,score,unit,reporter,source\none,MMLU,82,percent,independent,board\none,MMLU,90,percent,vendor,card\n"})
		var got []float64
		for _, s := range c.ScoresOf("one") {
			got = append(got, s.Value)
		}
		if d := cmp.Diff([]float64{8.7, 82, 90}, got); d != "" {
			t.Errorf("scores (-want +got):\n%s", d)
		}
	})
	t.Run("scores can be removed", func(t *testing.T) {
		c := over(map[string]string{"scores.csv": "family,benchmark,remove\none,MMLU,true\n"})
		if len(c.ScoresOf("one")) != 1 || len(c.Scores()) != 2 {
			t.Errorf("%d scores of one, %d in all", len(c.ScoresOf("one")), len(c.Scores()))
		}
	})
	t.Run("placements and anchors go by id and outcome", func(t *testing.T) {
		c := over(map[string]string{
			"tiers.csv":   "id,tier,position,remove\nacme/one,reasoning,4,\nhost/org/one,,,true\n",
			"anchors.csv": "outcome,family,theta,se,remove\nstranger,one,2,0.3,\nOne-2026,,,,true\n",
		})
		if d := cmp.Diff([]Placement{{"acme/one", "reasoning", 4, false}}, c.Placements()); d != "" {
			t.Errorf("placements (-want +got):\n%s", d)
		}
		if d := cmp.Diff([]Anchor{{"stranger", "one", 2, 0.3, ""}}, c.Anchors()); d != "" {
			t.Errorf("anchors (-want +got):\n%s", d)
		}
	})
	t.Run("an empty directory changes nothing", func(t *testing.T) {
		if c := over(nil); c.Version() != base.Version() {
			t.Error("the version changed")
		}
	})
	t.Run("the order of rows changes nothing", func(t *testing.T) {
		files := small()
		for name, content := range files {
			lines := strings.Split(strings.TrimSpace(content), "\n")
			for i, j := 1, len(lines)-1; i < j; i, j = i+1, j-1 {
				lines[i], lines[j] = lines[j], lines[i]
			}
			files[name] = strings.Join(lines, "\n") + "\n"
		}
		if mustParse(t, files).Version() != base.Version() {
			t.Error("the version changed")
		}
	})
}

// TestVersionSeesEveryCell: no cell of any file can change unnoticed.
func TestVersionSeesEveryCell(t *testing.T) {
	full := "id,kind,family,region,context,max_input,max_output,vision,tools,parallel_tools,json_schema,audio_in,audio_out,pdf,web_search,prompt_caching,cache_min_tokens,system_message,sampling,logprobs,n,reasoning,open_weights,vector_size,endpoints,free,deprecation,price_source,capability_source,flags_source\n"
	value := map[string]string{"id": "acme/one", "kind": "chat", "family": "f", "region": "eu"}
	other := map[string]string{"kind": "image", "family": "g", "region": "cn", "context": "99", "max_input": "9", "max_output": "9",
		"cache_min_tokens": "9", "vector_size": "9", "endpoints": "/x", "deprecation": "2027-01-01",
		"price_source": "x", "capability_source": "x", "flags_source": "x", "id": "acme/two"}
	write := func(change string) map[string]string {
		var cells []string
		for _, column := range strings.Split(strings.TrimSpace(full), ",") {
			v := value[column]
			if column == change {
				if v = other[column]; v == "" {
					v = "true"
				}
			}
			cells = append(cells, v)
		}
		id := cells[0]
		return with(map[string]string{
			"models.csv": full + strings.Join(cells, ",") + "\n", "tiers.csv": "id\n", "anchors.csv": "outcome\n",
			"prices.csv":    "id,unit,direction,service_class,usd_per_million_units,source\n" + id + ",token,in,standard,1,s\n",
			"providers.csv": "name,kind,base_url\nacme,host,https://x.example\n",
		})
	}
	versions := map[string]string{mustParse(t, write("")).Version(): "nothing"}
	for _, column := range strings.Split(strings.TrimSpace(full), ",") {
		v := mustParse(t, write(column)).Version()
		if twin, same := versions[v]; same {
			t.Errorf("changing %s gives the same version as changing %s", column, twin)
		}
		versions[v] = column
	}
	base := mustParse(t, small()).Version()
	for file, edit := range map[string][2]string{
		"prices.csv":    {"acme/one,token,in,standard,0,2,2026-11-01", "acme/one,token,in,standard,0,2.000000001,2026-11-01"},
		"providers.csv": {"ACME_KEY", "OTHER_KEY"}, "scores.csv": {"81.5", "81.6"},
		"tiers.csv": {"flagship,1,true", "flagship,1,false"}, "anchors.csv": {"0.75", "0.76"},
	} {
		files := small()
		files[file] = strings.Replace(files[file], edit[0], edit[1], 1)
		if mustParse(t, files).Version() == base {
			t.Errorf("%s: %s to %s changes no version", file, edit[0], edit[1])
		}
	}
}
