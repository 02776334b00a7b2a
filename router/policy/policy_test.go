package policy

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/models"
)

var update = flag.Bool("update", false, "rewrite golden files")

func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

var known = Known{Vocabulary: Vocabulary{Regions: set("eu", "cn", "global"), Providers: set("openai", "host", "cheap"), Tiers: set("flagship", "cheap-fast"),
	IDs: set("openai/gpt-4o", "host/Org/Model-X"), Models: set("openai/gpt-4o", "gpt-4o", "host/org/model-x", "org/model-x", "model-x", "x-family")}}

const whole = `version: 1
id: r7
regions: [eu, global]
providers: {deny: [cheap]}
max_input_price: 3.00
max_cost: "0.05"
training: "no"
margins: {quality: 0.01}
max_attempts: 2
swaps: allowed
never_swap: [model-x]
upstreams: {x-family: {all: host, eval: openai}}
retries: {"*": {attempts: 2}, gpt-4o: {move: true}}
aliases: {gpt-4: {model: "assay/balanced", preset: eu-only}}
presets: {eu-only: {regions: [eu], max_retention_days: 0}}
workloads: {background: {timeout: 30m, min_success: 0.5}}
orgs:
  acme:
    swaps: "on"
    strict: true
    pins: {gpt-4o: {tier: flagship, never: [model-x], upstream: openai}}
    aliases: {bot: {model: gpt-4o}}
    regions: ["*"]
    training: accept
`

func TestWholeFile(t *testing.T) {
	f, err := Parse([]byte(whole), known)
	if err != nil {
		t.Fatal(err)
	}
	if f.MaxInputPrice.Nano != 3e9 || f.MaxCost.Nano != 5e7 || f.Margins[Quality] != 0.01 || f.Margins[Balanced] != DefaultMargins[Balanced] || f.MaxAttempts != 2 || f.IdleTimeout == 0 ||
		f.Orgs["acme"].Pins["gpt-4o"].Never[0] != "model-x" || *f.Presets["eu-only"].MaxRetentionDays != 0 || f.Workloads[Background].Timeout != 30*time.Minute {
		t.Errorf("read %+v", f)
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	for _, c := range []struct{ name, yaml, says string }{
		{"empty list allows nothing", "version: 1\nregions: []", "regions is an empty list"},
		{"unknown region of an org", "version: 1\norgs: {a: {regions: [mars]}}", `orgs.a.regions "mars" is unknown; known: cn, eu, global`},
		{"price with a sign", "version: 1\nmax_cost: -1", "-1"},
		{"price finer than a nano-dollar", "version: 1\nmax_cost: 0.00000000001", "nano-dollar"},
		{"success above one", "version: 1\nmin_success: 1.5", "min_success is 1.5"},
		{"capability NaN", "version: 1\nmin_capability: .nan", "min_capability"},
		{"training", "version: 1\ntraining: maybe", `training is "maybe"; want accept, unknown, no`},
		{"retention", "version: 1\npresets: {p: {max_retention_days: -1}}", "presets.p.max_retention_days"},
		{"swaps of the file", "version: 1\nswaps: \"on\"", `swaps is "on"; want allowed, never`},
		{"swaps of an org", "version: 1\norgs: {a: {swaps: allowed}}", `orgs.a.swaps is "allowed"; want on, off, observe, never`},
		{"upstream of nobody", "version: 1\nupstreams: {gpt-4o: {}}", "upstreams.gpt-4o names no provider"},
		{"upstream in upper case", "version: 1\nupstreams: {GPT-4o: {all: openai}}", "upstreams.GPT-4o must be written in lower case"},
		{"upstream at an unknown provider", "version: 1\nupstreams: {gpt-4o: {all: nowhere}}", `upstreams.gpt-4o.all "nowhere"`},
		{"retries", "version: 1\nretries: {gpt-4o: {attempts: 9}}", "retries.gpt-4o.attempts is 9"},
		{"alias of nothing", "version: 1\naliases: {a: {preset: p}}", "aliases.a.model is missing"},
		{"alias of an alias", "version: 1\naliases: {a: {model: b}, b: {model: gpt-4o}}", `aliases.a.model is "b"`},
		{"alias hides an exact model", "version: 1\naliases: {host/org/model-x: {model: gpt-4o}}", "is an exact model"},
		{"alias with an unknown preset", "version: 1\naliases: {a: {model: gpt-4o, preset: q}}", `aliases.a.preset names the preset "q"`},
		{"unknown workload", "version: 1\nworkloads: {nightly: {}}", "workloads.nightly is no class"},
		{"hedged background work", "version: 1\nworkloads: {background: {hedge: true}}", "only interactive work is hedged"},
		{"pin to an unknown tier", "version: 1\norgs: {a: {pins: {gpt-4o: {tier: best}}}}", `orgs.a.pins.gpt-4o.tier "best"`},
		{"pin of an unknown model", "version: 1\norgs: {a: {pins: {gpt-9: {tier: flagship}}}}", `orgs.a.pins.gpt-9 "gpt-9"`},
		{"unknown key inside an org", "version: 1\norgs: {a: {region: [eu]}}", "region"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Parse([]byte(c.yaml), known); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v; want one that says %q", err, c.says)
			}
		})
	}
	want := known
	want.Orgs = []string{"acme", "beta"}
	if _, err := Parse([]byte(whole), want); err == nil || !strings.Contains(err.Error(), "orgs.beta is missing") {
		t.Errorf("a policy without an org that keys belong to: %v", err)
	}
}

func TestHeaders(t *testing.T) {
	h := http.Header{"X-Gateway-Regions": {"eu, global"}, "X-Gateway-Max-Cost": {"0.01"}, "X-Gateway-Swaps": {"ON"}, "X-Gateway-Workload": {"eval"}, "X-Gateway-Policy": {"eu-only"},
		"X-Gateway-Routing": {"explicit"}, "X-Gateway-Strict": {"true"}, "X-Gateway-Timeout": {"30s"}, "X-Gateway-Max-Retention-Days": {"0"}, "X-Gateway-Min-Success": {"0.5"}, "Accept": {"*/*"}}
	r, err := FromHeaders(h)
	if err != nil || !slices.Equal(r.Regions, []string{"eu", "global"}) || r.MaxCost.Nano != 1e7 || r.Swaps != On || r.Workload != Eval || r.Preset != "eu-only" || !r.Explicit || !r.Strict ||
		r.Timeout != 30*time.Second || *r.MaxRetentionDays != 0 || r.MinSuccess != 0.5 {
		t.Errorf("read %+v, %v", r, err)
	}
	for name, c := range map[string]struct {
		header http.Header
		says   string
	}{
		"a misspelt restriction is refused": {http.Header{"X-Gateway-Region": {"eu"}}, "X-Gateway-Regions"},
		"no value":                          {http.Header{"X-Gateway-Regions": {" "}}, "is empty"},
		"a gap in a list":                   {http.Header{"X-Gateway-Regions": {"eu,,cn"}}, "between commas"},
		"twice":                             {http.Header{"X-Gateway-Max-Cost": {"1", "2"}}, "more than once"},
		"no price":                          {http.Header{"X-Gateway-Max-Cost": {"1e3"}}, "plain decimal"},
		"NaN":                               {http.Header{"X-Gateway-Min-Success": {"NaN"}}, "0 to 1"},
		"never is the org's to say":         {http.Header{"X-Gateway-Swaps": {"never"}}, "on or off"},
		"no duration":                       {http.Header{"X-Gateway-Timeout": {"-3s"}}, "duration"},
	} {
		if _, err := FromHeaders(c.header); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want one that says %q", name, err, c.says)
		}
	}
	r = Request{Rules: Rules{Regions: []string{"mars"}}}
	var bad *BadHeader
	if err := r.Check(&known.Vocabulary); !errors.As(err, &bad) || bad.Header != "X-Gateway-Regions" || !strings.Contains(bad.Problem, "cn, eu, global") {
		t.Errorf("an unknown region: %v", err)
	}
}

// inside places every conversation within any share.
func inside(string) float64 { return 0 }

// randomRules draws rules; each key is unset most of the time.
func randomRules(rng *rand.Rand) Rules {
	var r Rules
	some := func() bool { return rng.IntN(4) == 0 }
	pick := func(all ...string) []string {
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		return all[:1+rng.IntN(len(all))]
	}
	if some() {
		r.Regions = pick("eu", "cn", "global", "*")
	}
	if some() {
		r.Providers.Allow = pick("openai", "host", "cheap", "*")
	}
	if some() {
		r.Providers.Deny = pick("openai", "host", "cheap")
	}
	if some() {
		r.MaxInputPrice = USD{int64(rng.IntN(5)) * 1e9, true}
	}
	if some() {
		r.MinCapability = float64(rng.IntN(100))
	}
	if some() {
		r.Training = []Training{AcceptTraining, AcceptUnknown, RefuseTraining}[rng.IntN(3)]
	}
	if some() {
		days := rng.IntN(40)
		r.MaxRetentionDays = &days
	}
	return r
}

func randomRow(rng *rand.Rand) *Row {
	pick := func(all ...string) string { return all[rng.IntN(len(all))] }
	r := &Row{Provider: pick("openai", "host", "cheap", "new"), Region: pick("eu", "cn", "global", "", "in"), In: int64(rng.IntN(6)) * 1e9, Priced: rng.IntN(5) > 0, Capability: float64(rng.IntN(101))}
	r.ID = r.Provider + "/m"
	for range 1 + rng.IntN(2) {
		r.Keys = append(r.Keys, Terms{Trains: models.Flag(rng.IntN(3)), RetentionDays: rng.IntN(45) - 1})
	}
	return r
}

// TestOrgsAndRequestsOnlyNarrow: whatever an org, a preset, a workload or a
// request says, it never admits a row that the layers before it refuse. The one
// exception is stated: an org accepts training for itself.
func TestOrgsAndRequestsOnlyNarrow(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	admitted, refused := 0, 0
	for range 20000 {
		f := File{Rules: randomRules(rng), Presets: map[string]Preset{"p": {randomRules(rng)}, "q": {randomRules(rng)}},
			Workloads: map[Workload]Class{Background: {Rules: randomRules(rng)}}, Orgs: map[string]Org{"a": {Rules: randomRules(rng), Preset: "q"}}}.WithDefaults()
		row := randomRow(rng)
		req := Request{Rules: randomRules(rng), Preset: []string{"", "p"}[rng.IntN(2)], Workload: []Workload{"", Background}[rng.IntN(2)]}
		e, err := f.For("a", req, "m", inside)
		if err != nil {
			t.Fatal(err)
		}
		admits := f.Refuses(e.View(), row) == "" && e.Refuses(row) == ""
		if !admits {
			refused++
			continue
		}
		admitted++
		layers := []Rules{f.Rules, f.Orgs["a"].Rules, f.Presets["q"].Rules, req.Rules}
		if req.Preset != "" {
			layers = append(layers, f.Presets["p"].Rules)
		}
		if req.Workload != "" {
			layers = append(layers, f.Workloads[Background].Rules)
		}
		for i, r := range layers {
			if why := (&Layer{Name: fmt.Sprint(i), Rules: r}).Permits(row); why != "" {
				t.Fatalf("admitted although layer %d refuses: %s\n%+v\n%+v", i, why, r, row)
			}
		}
		if !slices.ContainsFunc(row.Keys, func(k Terms) bool { return k.Trains != models.Yes }) && f.Orgs["a"].Training != AcceptTraining {
			t.Fatalf("trained on without the org's acceptance: %+v", row)
		}
	}
	if admitted < 500 || refused < 500 {
		t.Errorf("%d admitted, %d refused: the test shows little", admitted, refused)
	}
}

// TestLaterProvidersDoNotWidenAList: a provider or region that no list can have
// named passes only where the list says "*" or there is none.
func TestLaterProvidersDoNotWidenAList(t *testing.T) {
	later := &Row{ID: "new/m", Provider: "new", Region: "mars"}
	for _, c := range []struct {
		rules Rules
		pass  bool
	}{
		{Rules{}, true},
		{Rules{Providers: AllowDeny{Allow: []string{"openai", "host", "cheap"}}}, false},
		{Rules{Providers: AllowDeny{Allow: []string{"*"}}}, true},
		{Rules{Providers: AllowDeny{Deny: []string{"cheap"}}}, true},
		{Rules{Regions: []string{"eu", "cn", "global"}}, false},
		{Rules{Regions: []string{"*"}}, true},
	} {
		if got := (&Layer{Rules: c.rules}).Permits(later) == ""; got != c.pass {
			t.Errorf("%+v passes a later provider: %t", c.rules, got)
		}
	}
}

func TestWhoDecidesAboutSwaps(t *testing.T) {
	for _, c := range []struct {
		file, org, request string
		explicit           bool
		workload           Workload
		swap               bool
		why                string
	}{
		{"", "", "", false, "", false, "nobody opted in"},
		{"", On, "", false, "", true, "org a (swaps: on)"},
		{"", "", On, false, "", true, "request"},
		{"", Off, On, false, "", true, "request"},
		{"", On, Off, false, "", false, "request"},
		{"", Never, On, false, "", false, "org a (swaps: never)"},
		{Never, On, On, false, "", false, "policy (swaps: never)"},
		{"", On, On, true, "", false, "explicit"},
		{"", On, "", false, Eval, false, "eval"},
		{"", On, "", false, Background, true, "org a"},
	} {
		f := File{Swaps: c.file, Orgs: map[string]Org{"a": {Swaps: c.org}}}.WithDefaults()
		e, err := f.For("a", Request{Swaps: c.request, Explicit: c.explicit, Workload: c.workload}, "m", inside)
		if err != nil || e.Swap != c.swap || !strings.Contains(e.SwapWhy, c.why) {
			t.Errorf("file %q org %q request %q: swap %t because %q, %v; want %t because %q", c.file, c.org, c.request, e.Swap, e.SwapWhy, err, c.swap, c.why)
		}
	}
}

func TestAliasesPresetsAndTimes(t *testing.T) {
	f, err := Parse([]byte(whole), known)
	if err != nil {
		t.Fatal(err)
	}
	e, err := f.For("acme", Request{}, "Bot", inside)
	if err != nil || e.Model != "gpt-4o" || !e.Strict || e.Alias != "alias Bot of org acme" {
		t.Errorf("the org's alias: %+v, %v", e, err)
	}
	if e, _ = f.For("acme", Request{Explicit: true}, "bot", inside); e.Model != "bot" {
		t.Errorf("explicit goes by aliases: %+v", e)
	}
	e, err = f.For("", Request{Workload: Background, Timeout: time.Hour}, "gpt-4", inside)
	if err != nil || e.Model != "assay/balanced" || e.View().Preset != "eu-only" || e.Timeout != 30*time.Minute || !e.NoHedge {
		t.Errorf("the file's alias in the background: %+v, %v", e, err)
	}
	if why := f.Refuses(e.View(), &Row{ID: "host/m", Provider: "host", Region: "global", Priced: true, Keys: []Terms{{Trains: models.No}}}); why != `region "global" not allowed by preset eu-only (regions)` {
		t.Errorf("refused because %q", why)
	}
	if why := e.Limited(6e7, 1); !strings.Contains(why, "policy (max_cost)") {
		t.Errorf("too dear: %q", why)
	}
	if why := e.Limited(1e7, 0.4); !strings.Contains(why, "workload background (min_success)") {
		t.Errorf("too weak: %q", why)
	}
	if why := e.Limited(-1, 1); !strings.Contains(why, "unknown cost") {
		t.Errorf("unknown cost under a ceiling: %q", why)
	}
	if _, err = f.For("", Request{Preset: "nope"}, "m", inside); err == nil || !strings.Contains(err.Error(), "eu-only") {
		t.Errorf("an unknown preset: %v", err)
	}
	row := &Row{ID: "cheap/x", Provider: "cheap", Family: "X-Family"}
	if why := f.Refuses(View{}, &Row{ID: "openai/x", Provider: "openai", Family: "X-Family", Region: "eu", Priced: true, Keys: []Terms{{Trains: models.No}}}); !strings.Contains(why, "host is the approved upstream") {
		t.Errorf("another provider than the approved one: %q", why)
	}
	if got := e.Retry(row); got.Attempts != 2 || got.Move {
		t.Errorf("retries %+v", got)
	}
	if got := e.Retry(&Row{ID: "openai/gpt-4o"}); got.Attempts != 1 || !got.Move {
		t.Errorf("retries of gpt-4o %+v", got)
	}
}

// TestTableHoldsEveryKey: each field of the structs has its line in the table,
// and each line its field.
func TestTableHoldsEveryKey(t *testing.T) {
	want := map[string]bool{}
	var walk func(t reflect.Type, path string)
	walk = func(rt reflect.Type, path string) {
		for name, f := range fields(rt) {
			at := join(path, name)
			_, isRule := fields(reflect.TypeFor[Rules]())[name]
			if isRule && path != "" {
				continue // rules stand once in the table
			}
			switch {
			case f == reflect.TypeFor[AllowDeny]():
				want[at+".allow"], want[at+".deny"] = true, true
			case f.Kind() == reflect.Map && f.Elem().Kind() == reflect.Struct:
				inner := at + ".[]"
				if name == "orgs" { // an org's keys stand by themselves
					want[inner] = true
					walk(f.Elem(), "")
					continue
				}
				if name == "presets" || name == "workloads" {
					want[inner] = true
				}
				walk(f.Elem(), inner)
			case f == reflect.TypeFor[Assess]():
				walk(f, at)
			case f.Kind() == reflect.Map:
				want[at+".[]"] = true
			default:
				want[at] = true
			}
		}
	}
	walk(reflect.TypeFor[File](), "")
	delete(want, "workloads.[].timeout") // the same key as the file's
	got := map[string]bool{}
	for _, k := range keys {
		if k.Name == "" {
			continue
		}
		at := strings.Split(k.Name, ".")
		for i := range at {
			if strings.HasPrefix(at[i], "[") {
				at[i] = "[]"
			}
		}
		got[strings.Join(at, ".")] = true
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !got[name] {
			t.Errorf("%s is a field without a line in the table of keys", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if !want[name] {
			t.Errorf("%s is in the table of keys and no field", name)
		}
	}
	for header, k := range byHeader {
		if http.CanonicalHeaderKey(header) != header || k.read == nil {
			t.Errorf("header %s is not in canonical form or not read", header)
		}
	}
}

// TestPublished: the JSON Schema and the documentation's table are those of
// the code. -update rewrites both.
func TestPublished(t *testing.T) {
	const schema, doc = "../../docs/policy.schema.json", "../../docs/policy.md"
	have, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(have, []byte("<!-- keys -->\n"))
	_, after, ok2 := bytes.Cut(rest, []byte("<!-- /keys -->\n"))
	if !ok || !ok2 {
		t.Fatalf("%s lacks the marks <!-- keys --> and <!-- /keys -->", doc)
	}
	want := slices.Concat(before, []byte("<!-- keys -->\n"), []byte(Markdown()), []byte("<!-- /keys -->\n"), after)
	if *update {
		if err := errors.Join(os.WriteFile(schema, Schema(), 0o644), os.WriteFile(doc, want, 0o644)); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, _ := os.ReadFile(schema); !bytes.Equal(got, Schema()) {
		t.Errorf("%s is not the schema of the code: run go test ./router/policy -update", schema)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("the table in %s is not that of the code: run go test ./router/policy -update", doc)
	}
}

func FuzzFromHeaders(f *testing.F) {
	for h := range byHeader {
		f.Add(h, "on")
		f.Add(h, "1.5")
	}
	f.Add("X-Gateway-Regions", "eu,\x00,cn")
	f.Fuzz(func(t *testing.T, name, value string) {
		r, err := FromHeaders(http.Header{http.CanonicalHeaderKey(name): {value}})
		var bad *BadHeader
		if err != nil && !errors.As(err, &bad) {
			t.Fatalf("error of another kind: %v", err)
		}
		if err == nil && !(r.MinSuccess >= 0 && r.MinSuccess <= 1) {
			t.Fatalf("accepted %+v", r)
		}
		if err == nil {
			_ = r.Check(&known.Vocabulary)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("version: 1\nregions: [eu]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data, known)
		if err == nil && (p.MaxAttempts < 1 || !(p.Margins[Cost] <= MostForgiven) || p.Timeout <= 0) {
			t.Fatalf("accepted %+v", p)
		}
	})
}
