package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"assay/models"
	"assay/scoring"
)

// Without a key the gateway serves simulated answers, and says so everywhere.
func TestServesWithoutAKey(t *testing.T) {
	g := startGateway(t, nil)
	if !strings.Contains(g.stderr.String(), "SIMULATED") || !strings.Contains(g.stderr.String(), "any key or none is accepted") {
		t.Errorf("start line:\n%s", g.stderr)
	}
	ready := get(t, g.url+"/readyz")
	if ready.status != 200 || gjson.Get(ready.body, "mode").Str != "simulated" || gjson.Get(ready.body, "callable_models").Int() != 284 {
		t.Errorf("readyz %d %s", ready.status, ready.body)
	}
	models := map[string]bool{}
	for _, content := range []string{"hi", "你好", "Prove that there are infinitely many primes p with p ≡ 3 (mod 4), and give the best known bound for their density among all primes.",
		"证明：对任意正整数 n，存在 n 个连续的正整数，其中每一个都能被某个大于 1 的完全平方数整除，并给出最小解的上界估计。"} {
		r := post(t, g.url+"/v1/chat/completions", chat("assay/balanced", content))
		if r.status != 200 || r.header.Get("X-Assay-Simulated") != "true" {
			t.Fatalf("%d %s", r.status, r.body)
		}
		t.Logf("%-40.40s %s %s %s $%s", content, r.header.Get("X-Model-Router-Intent"), r.header.Get("X-Model-Router-Level"), r.header.Get("X-Model-Router-Model"), r.header.Get("X-Model-Router-Cost-Usd"))
		models[r.header.Get("X-Model-Router-Model")] = true
	}
	if len(models) < 2 {
		t.Errorf("easy and hard prompts all went to %v", models)
	}
	if code := g.stop(); code != exitOK {
		t.Errorf("stopped with %d", code)
	}
}

// With some keys, only rows that have one are candidates, and what is left out
// is named with its reason.
func TestRealProvidersSwitchTheSimulationOff(t *testing.T) {
	g := realGateway(t)
	if !strings.Contains(g.stderr.String(), "left out:   anthropic") || !strings.Contains(g.stderr.String(), "ANTHROPIC_API_KEY") {
		t.Errorf("start line:\n%s", g.stderr)
	}
	r := post(t, g.url+"/v1/chat/completions", chat("assay/cost", "hi"))
	if r.status != 200 || r.header.Get("X-Model-Router-Provider") != "openai" || r.header.Get("X-Assay-Simulated") != "" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	ready := get(t, g.url+"/readyz")
	if gjson.Get(ready.body, "mode").Str != "real" || gjson.Get(ready.body, `left_out.#(provider=="anthropic").why`).Str == "" {
		t.Errorf("readyz %s", ready.body)
	}
}

// balanced is the model an easy prompt gets.
func balanced(t *testing.T, g *gateway) string {
	return post(t, g.url+"/v1/chat/completions", chat("assay/balanced", "hi")).header.Get("X-Model-Router-Model")
}

var embeddedCards = sync.OnceValues(func() (*scoring.Scorecards, error) {
	c, err := models.Embedded()
	if err != nil {
		return nil, err
	}
	return scoring.ScoreCatalog(c)
})

// publish writes a tier table in which one model's family is worth nothing.
func publish(t *testing.T, path, demoted string, evidence scoring.Evidence) scoring.Tiers {
	t.Helper()
	c, err := models.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	cards, err := embeddedCards()
	if err != nil {
		t.Fatal(err)
	}
	tiers := scoring.Publish(cards, c.Models(), c.Placements(), time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC))
	tiers.Evidence, tiers.ID = evidence, "without-"+demoted
	if m, ok := c.Model(demoted); ok {
		f := tiers.Families[m.Family]
		f.Abilities = map[string]scoring.Ability{scoring.General: {Theta: -9, SD: 0.1}}
		tiers.Families[m.Family] = f
	}
	if err := scoring.WriteFile(path, tiers); err != nil {
		t.Fatal(err)
	}
	return tiers
}

// A tier table published while 50 concurrent requests run fails none of them
// and decides afterwards; a corrupt one changes nothing and is reported.
func TestTierChangeUnderLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tiers.json")
	first := publish(t, path, "", scoring.Sim)
	g := startGateway(t, nil, "--tiers", path)
	before := balanced(t, g)
	var wg sync.WaitGroup
	var failed atomic.Int64
	stop := make(chan struct{})
	for i := range 50 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				res, err := http.Post(g.url+"/v1/chat/completions", "application/json", strings.NewReader(chat("assay/balanced", fmt.Sprintf("hi %d %d", i, n))))
				if err != nil {
					failed.Add(1)
					continue
				}
				if res.Body.Close(); res.StatusCode != 200 {
					failed.Add(1)
				}
			}
		})
	}
	publish(t, path, before, scoring.Sim)
	eventually(t, "the new table decides", func() bool { return gjson.Get(get(t, g.url+"/readyz").body, "tiers").Str != first.ID })
	after := balanced(t, g)
	close(stop)
	wg.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d requests failed during the change", failed.Load())
	}
	if after == before {
		t.Errorf("%s is still picked after its demotion", after)
	}
	write(t, path, `{"schema":1,`)
	eventually(t, "the corrupt table is reported", func() bool { return gjson.Get(get(t, g.url+"/readyz").body, "problems.0").Exists() })
	if got := balanced(t, g); got != after {
		t.Errorf("a corrupt tiers.json changed the choice from %s to %s", after, got)
	}
	publish(t, path, "", scoring.Sim)
	eventually(t, "the problem is gone", func() bool { return !gjson.Get(get(t, g.url+"/readyz").body, "problems.0").Exists() })
}

func TestPolicyAndCatalogReload(t *testing.T) {
	dir := t.TempDir()
	policy := write(t, filepath.Join(dir, "policy.yaml"), "version: 1\nid: one\n")
	rows := filepath.Join(dir, "catalog")
	conf := write(t, filepath.Join(dir, "assay.yaml"), "catalog: catalog\n")
	staged := filepath.Join(dir, "staged")
	for _, d := range []string{rows, staged} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	g := startGateway(t, nil, "--policy", policy, "--config", conf)
	ready := func(field string) string { return gjson.Get(get(t, g.url+"/readyz").body, field).String() }
	write(t, policy, "version: 1\nid: two\nproviders: {allow: [anthropic]}\n")
	eventually(t, "the new policy decides", func() bool { return ready("policy") == "two" })
	if m := balanced(t, g); !strings.HasPrefix(m, "anthropic/") {
		t.Errorf("allowed is anthropic alone; picked %s", m)
	}
	write(t, policy, "version: 1\nregions: [mars]\n")
	eventually(t, "the bad policy is reported", func() bool { return strings.Contains(ready("problems.0"), "mars") })
	if m := balanced(t, g); !strings.HasPrefix(m, "anthropic/") {
		t.Errorf("a bad policy took effect: %s", m)
	}
	write(t, filepath.Join(staged, "models.csv"), "id,kind,family,region,context,max_output,tools\nanthropic/claude-next,chat,claude-sonnet-4.6,global,200000,64000,true\n")
	write(t, filepath.Join(staged, "prices.csv"), "id,unit,direction,service_class,from_tokens,usd_per_million_units,valid_from,source\n"+
		"anthropic/claude-next,token,in,standard,0,0.01,2026-11-01,test\nanthropic/claude-next,token,out,standard,0,0.01,2026-11-01,test\n")
	if code, out, errs := runCommand(t, nil, "", "catalog", "apply", staged, "--to", rows); code != exitOK || !strings.Contains(out, "claude-next") {
		t.Fatalf("apply: %d\n%s%s", code, out, errs)
	}
	eventually(t, "the new row is picked", func() bool { return balanced(t, g) == "anthropic/claude-next" })
}

// Every kind of bad start ends with exit code 2 and says what to do.
func TestBadStart(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string { return write(t, filepath.Join(dir, name), text) }
	simTiers := filepath.Join(dir, "sim.json")
	publish(t, simTiers, "", scoring.Sim)
	corrupt := file("corrupt.json", `{"schema":1`)
	tampered := filepath.Join(dir, "tampered.json")
	data, err := os.ReadFile(simTiers)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	doc["id"] = "somebody-elses"
	edited, _ := json.Marshal(doc)
	write(t, tampered, string(edited))
	key := map[string]string{"OPENAI_API_KEY": "sk"}
	for name, c := range map[string]struct {
		env  map[string]string
		args []string
		says string
	}{
		"unknown flag":                {nil, []string{"serve", "--prot", "1"}, "--prot"},
		"unknown command":             {nil, []string{"server"}, "server"},
		"stray argument":              {nil, []string{"serve", "now"}, `"now"`},
		"missing configuration":       {nil, []string{"serve", "--config", filepath.Join(dir, "none.yaml")}, "none.yaml"},
		"configuration not YAML":      {nil, []string{"serve", "--config", file("a.yaml", "addr: [")}, "a.yaml"},
		"unknown configuration key":   {nil, []string{"serve", "--config", file("b.yaml", "adress: x")}, "adress"},
		"key that is no hash":         {nil, []string{"serve", "--config", file("c.yaml", "keys: [{label: a, sha256: sk-plain}]")}, "sha256"},
		"unknown provider":            {nil, []string{"serve", "--config", file("d.yaml", "providers: {opnai: {keyless: true}}")}, "opnai"},
		"bad base URL":                {nil, []string{"serve", "--config", file("e.yaml", "providers: {openai: {keyless: true, base_url: nowhere}}")}, "nowhere"},
		"bad simulated profile":       {nil, []string{"serve", "--config", file("f.yaml", "simulated: {profiles: {'*': {error_rate: 3}}}")}, "error_rate"},
		"profile of an unknown model": {nil, []string{"serve", "--config", file("g.yaml", "simulated: {profiles: {openai/gpt-9: {error_rate: 0.1}}}")}, "openai/gpt-9"},
		"bad log level":               {nil, []string{"serve", "--config", file("h.yaml", "log: {level: loud}")}, "loud"},
		"corrupt tiers":               {nil, []string{"serve", "--tiers", corrupt}, "corrupt.json"},
		"tampered tiers":              {nil, []string{"serve", "--tiers", tampered}, "sha256"},
		"missing tiers":               {nil, []string{"serve", "--tiers", filepath.Join(dir, "none.json")}, "none.json"},
		"simulated tiers, real keys":  {key, []string{"serve", "--tiers", simTiers}, "simulated evidence"},
		"bad policy":                  {nil, []string{"serve", "--policy", file("p.yaml", "version: 1\nregions: [mars]")}, "mars"},
		"missing policy":              {nil, []string{"serve", "--policy", filepath.Join(dir, "none.yaml")}, "none.yaml"},
		"missing ONNX model":          {nil, []string{"serve", "--config", file("m.yaml", "classifier: {model: nowhere}")}, "nowhere"},
		"unknown classifier stages":   {nil, []string{"serve", "--config", file("st.yaml", "classifier: {stages: quick}")}, "quick"},
		"negative deadline":           {nil, []string{"serve", "--config", file("nd.yaml", "classifier: {deep_deadline: -1s}")}, "deep_deadline"},
		"timeout within the deadline": {nil, []string{"serve", "--config", file("td.yaml", "classifier: {timeout: 30ms}")}, "deep_deadline"},
		"unknown stages to classify":  {nil, []string{"classify", "--stages", "quick"}, "quick"},
		"negative rate to classify":   {nil, []string{"classify", "--rate", "-3"}, "--rate"},
		"missing ONNX library":        {map[string]string{"ONNXRUNTIME_LIB": filepath.Join(dir, "libnone.so")}, []string{"serve"}, "libnone.so"},
		"bad catalogue":               {nil, []string{"serve", "--config", file("n.yaml", "catalog: "+filepath.Dir(file("models.csv", "id,kind\nx,chat\n")))}, "models.csv"},
		"open to the world, no keys":  {nil, []string{"serve", "--addr", "0.0.0.0:0"}, "refusing"},
		"bad address":                 {nil, []string{"serve", "--addr", "8080"}, "8080"},
		"address in use":              {nil, []string{"serve", "--addr", strings.TrimPrefix(startGateway(t, nil).url, "http://")}, "in use"},
		"catalog diff without DIR":    {nil, []string{"catalog", "diff"}, "DIR"},
		"catalog diff of nothing":     {nil, []string{"catalog", "diff", filepath.Join(dir, "nowhere")}, "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "missing ONNX model" && libraryPath(t) == "" {
				t.Skip("ONNX Runtime's library is not here, which is reported first: make runtime")
			}
			code, _, errs := runCommand(t, c.env, "", c.args...)
			if code != exitUsage || !strings.Contains(errs, c.says) {
				t.Errorf("exit %d, says:\n%s\nwant exit 2 and %q", code, errs, c.says)
			}
		})
	}
}

// A model that cannot be found without having been asked for by path leaves
// the heuristic to answer, and /readyz says so.
func TestHeuristicAnswersWithoutAModel(t *testing.T) {
	t.Setenv("ONNXRUNTIME_LIB", "")
	t.Chdir(t.TempDir())
	g := startGateway(t, map[string]string{"ONNXRUNTIME_LIB": ""})
	ready := get(t, g.url+"/readyz")
	if gjson.Get(ready.body, "classifier").Str != "heuristic" || gjson.Get(ready.body, "classifier_error").Str == "" {
		t.Errorf("readyz %s", ready.body)
	}
	if r := post(t, g.url+"/v1/chat/completions", chat("assay/balanced", "hi")); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// Stopping lets a running stream finish.
func TestStopDrains(t *testing.T) {
	conf := write(t, filepath.Join(t.TempDir(), "a.yaml"), "simulated: {profiles: {'*': {tokens_per_second: 40}}}\n")
	g := startGateway(t, nil, "--config", conf)
	res, err := http.Post(g.url+"/v1/chat/completions", "application/json", strings.NewReader(strings.Replace(chat("gpt-4o", "hi"), "{", `{"stream":true,`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, 10)
	if _, err := io.ReadFull(res.Body, first); err != nil { // the answer has begun
		t.Fatal(err)
	}
	stopped := make(chan int, 1)
	go func() { stopped <- g.stop() }()
	rest, err := io.ReadAll(res.Body)
	if err != nil || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
		t.Errorf("the stream ended as %v %q", err, rest)
	}
	if code := <-stopped; code != exitOK {
		t.Errorf("exit %d", code)
	}
	if _, err := http.Get(g.url + "/healthz"); err == nil {
		t.Error("it still answers after its end")
	}
}

// A table left over from a rehearsal must neither steer real traffic nor keep
// the gateway from starting.
func TestLeftOverSimulatedTable(t *testing.T) {
	t.Setenv("ONNXRUNTIME_LIB", libraryPath(t))
	conf := write(t, filepath.Join(t.TempDir(), "assay.yaml"), "providers:\n  openai: {base_url: "+fakeProvider(t).URL+"/v1}\n")
	t.Chdir(t.TempDir())
	if err := os.Mkdir("data", 0o700); err != nil {
		t.Fatal(err)
	}
	publish(t, defaultTiers, "openai/gpt-4o", scoring.Sim)
	g := startGateway(t, map[string]string{"OPENAI_API_KEY": "sk-provider"}, "--config", conf)
	ready := get(t, g.url+"/readyz").body
	if gjson.Get(ready, "tiers_evidence").Str != "published" || !strings.Contains(gjson.Get(ready, "problems.0").Str, "simulated evidence") {
		t.Errorf("readyz %s", ready)
	}
}

// libraryPath keeps a library that was found from the working directory.
func libraryPath(t *testing.T) string {
	t.Helper()
	if lib := os.Getenv("ONNXRUNTIME_LIB"); lib != "" {
		return lib
	}
	found, _ := filepath.Glob("../../.cache/onnxruntime/*/libonnxruntime.so")
	if len(found) == 0 {
		return ""
	}
	abs, err := filepath.Abs(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return abs
}
