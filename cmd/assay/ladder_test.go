package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"assay/classifier"
	"assay/models"
	"assay/router"
	"assay/router/policy"
	"assay/scoring"
)

// toy is a catalogue of models that are told apart by ability and price alone.
type toy struct {
	name  string
	theta float64
	usd   float64 // per million tokens, in and out alike
}

// threeRungs is built so that the ladder of the objective cost is known by hand.
// At the difficulties -2.35, -1.30, 0.05, 1.45, 2.55 the probabilities are
//
//	small  0.913 0.786 0.488 0.190 0.072
//	medium 0.995 0.985 0.945 0.810 0.587
//	large  1.000 0.999 0.997 0.990 0.969
//
// so that small is good enough up to L2 and medium up to L4.
var threeRungs = []toy{{"small", 0, 0.1}, {"medium", 2.9, 1}, {"large", 6, 20}}

var ladderDay = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// toyLadder makes a ladder over toy models. It goes through the catalogue's
// own reader, so that changing a price here is changing it in a file.
func toyLadder(t *testing.T, o router.Objective, toys ...toy) *ladder {
	t.Helper()
	files := map[string]string{
		"providers.csv": "name,kind,base_url,api_key_env\nacme,first_party,https://acme.example/v1,ACME_KEY\n",
		"models.csv":    "id,kind,family,region,context,reasoning\n",
		"prices.csv":    "id,unit,direction,service_class,from_tokens,usd_per_million_units,source\n",
	}
	tiers := scoring.Tiers{ID: "toy", Evidence: scoring.Published, CreatedAt: ladderDay, Families: map[string]scoring.Family{}}
	for _, m := range toys {
		files["models.csv"] += fmt.Sprintf("acme/%s,chat,%s,global,100000,false\n", m.name, m.name)
		for _, direction := range []string{"in", "out"} {
			files["prices.csv"] += fmt.Sprintf("acme/%s,token,%s,standard,0,%.9f,list\n", m.name, direction, m.usd)
		}
		tiers.Families[m.name] = scoring.Family{ObservedShare: 1, Abilities: map[string]scoring.Ability{scoring.General: {Theta: m.theta, SD: 0.01}}}
	}
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	c, err := models.Parse(fsys)
	if err != nil {
		t.Fatal(err)
	}
	p := policy.Default()
	p.Margins = map[router.Objective]float64{router.Cost: 0.05, router.Balanced: 0.02, router.Quality: 0.005, router.Fast: 0.02} // round ones, for the head
	w := &world{catalog: c, tiers: tiers, policy: p, now: func() time.Time { return ladderDay },
		available: map[string]router.Availability{"acme": {Provider: "acme", OK: true}}}
	if w.table, err = w.build(); err != nil {
		t.Fatal(err)
	}
	return &ladder{world: w, table: w.table, objective: o, promptTokens: 500}
}

func toyReport(t *testing.T, o router.Objective, toys ...toy) ladderReport {
	t.Helper()
	r, err := toyLadder(t, o, toys...).report([]string{"en", "zh"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// with gives the toys with one of them changed.
func with(toys []toy, id string, change func(*toy)) []toy {
	out := slices.Clone(toys)
	for i := range out {
		if "acme/"+out[i].name == id {
			change(&out[i])
		}
	}
	return out
}

func TestLadderKnownByHand(t *testing.T) {
	r := toyReport(t, router.Cost, threeRungs...)
	if len(r.Grids) != 1 || !slices.Equal(r.Grids[0].Languages, []string{"en", "zh"}) {
		t.Fatalf("a table that knows nothing of languages gives %d grids", len(r.Grids))
	}
	want := map[classifier.Level]string{1: "acme/small", 2: "acme/small", 3: "acme/medium", 4: "acme/medium", 5: "acme/large"}
	cells := r.Grids[0].Cells
	if len(cells) != 5*len(classifier.Intents) {
		t.Fatalf("%d cells", len(cells))
	}
	for i, c := range cells {
		if c.Level != classifier.Level(1+i/16) || c.Intent != classifier.Intents[i%16] {
			t.Errorf("cell %d is %s %s", i, c.Level, c.Intent)
		}
		if c.Choice.Model != want[c.Level] {
			t.Errorf("%s %s: %s, want %s", c.Level, c.Intent, c.Choice.Model, want[c.Level])
		}
		if c.Candidates != 3 || c.Choice.CostMil != roundTo(1000*c.Choice.CostUSD, 6) {
			t.Errorf("%s %s: %+v", c.Level, c.Intent, c)
		}
	}
	// L1: medium is next, costs ten times as much and is likelier by
	// logistic(5.25) - logistic(2.35) = 0.0819.
	c := cells[0]
	if c.RunnerUp.Model != "acme/medium" || !near(c.RunnerUp.CostMargin, 9*c.Choice.CostMil, 1e-6) || !near(c.RunnerUp.PMargin, -0.0819, 1e-4) {
		t.Errorf("runner-up %+v of %+v", c.RunnerUp, c.Choice)
	}
	if p := c.Changes.Price; p == nil || !near(p.Factor, 10, 0.01) || p.Model != "acme/medium" {
		t.Errorf("price change %+v, want medium at 10 times the price", p)
	}
}

func near(a, b, tol float64) bool { return a-b <= tol && b-a <= tol }

// embeddedLadder is the output for the embedded catalogue.
var embeddedLadder = sync.OnceValues(func() (string, error) {
	var out, errs lockedBuffer
	code := run(context.Background(), []string{"ladder", "--json", "--language", "en"}, environment{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: getenv(nil)})
	if code != exitOK {
		return "", fmt.Errorf("exit %d: %s", code, errs.String())
	}
	return out.String(), nil
})

func embeddedJSON(t *testing.T) string {
	t.Helper()
	out, err := embeddedLadder()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The factor at which the choice flips is checked by changing the catalogue's
// price: 1 % below it the choice stands, 1 % above it is what was foretold.
func TestLadderPriceFlipsWhereItSays(t *testing.T) {
	for _, o := range objectives {
		toys := append([]toy{{"spare", 2.5, 1.37}, {"twin", 5.8, 23.1}}, threeRungs...)
		r := toyReport(t, o, toys...)
		tried := 0
		for i, c := range r.Grids[0].Cells {
			if i%5 != 0 && c.Intent != classifier.Math { // all levels, some intents
				continue
			}
			p := c.Changes.Price
			if p == nil {
				continue
			}
			tried++
			for factor, want := range map[float64]string{0.99 * p.Factor: c.Choice.Model, 1.01 * p.Factor: p.Model} {
				changed := toyReportOf(t, o, with(toys, c.Choice.Model, func(m *toy) { m.usd *= factor }))
				if got := choiceAt(t, changed, c.Level, c.Intent); got != want {
					t.Errorf("%s, %s %s: %s at %.4f times its price: %s is chosen, want %s", o, c.Level, c.Intent, c.Choice.Model, factor, got, want)
				}
			}
		}
		if tried == 0 {
			t.Errorf("%s: no price changes any choice", o)
		}
	}
}

// toyReportOf gives the decisions alone.
func toyReportOf(t *testing.T, o router.Objective, toys []toy) []decided {
	t.Helper()
	return toyLadder(t, o, toys...).decideAll("en")
}

func choiceAt(t *testing.T, all []decided, level classifier.Level, intent classifier.Intent) string {
	t.Helper()
	for _, d := range all {
		if d.level == level && d.intent == intent {
			return d.d.Model
		}
	}
	t.Fatalf("no decision for %s %s", level, intent)
	return ""
}

func TestLadderAbilityFlipsWhereItSays(t *testing.T) {
	r := toyReport(t, router.Cost, threeRungs...)
	for _, c := range r.Grids[0].Cells {
		if c.Intent != classifier.Math {
			continue
		}
		a := c.Changes.Ability
		if a == nil {
			t.Fatalf("%s: no fall changes the choice", c.Level)
		}
		for drop, want := range map[float64]string{a.Drop - 2*abilityStep: c.Choice.Model, a.Drop: a.Model} {
			changed := toyReportOf(t, router.Cost, with(threeRungs, c.Choice.Model, func(m *toy) { m.theta -= drop }))
			if got := choiceAt(t, changed, c.Level, c.Intent); got != want {
				t.Errorf("%s: %s weaker by %.2f: %s is chosen, want %s", c.Level, c.Choice.Model, drop, got, want)
			}
		}
	}
}

// Between models that cost the same nothing speaks for a weaker one, however
// easy the prompt: the best is chosen everywhere, so no harder level gets less.
func TestLadderNeverFallsAtEqualCost(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	for range 20 {
		var toys []toy
		theta := map[string]float64{}
		for i := range 2 + rng.IntN(6) {
			m := toy{fmt.Sprintf("m%d", i), 8*rng.Float64() - 4, 1}
			toys, theta["acme/"+m.name] = append(toys, m), m.theta
		}
		for _, o := range objectives {
			last := map[classifier.Intent]float64{}
			for _, d := range toyReportOf(t, o, toys) {
				now := theta[d.d.Model]
				if before, ok := last[d.intent]; ok && now < before {
					t.Errorf("%s: %s %s gets ability %.2f, the level below %.2f", o, d.level, d.intent, now, before)
				}
				last[d.intent] = now
			}
		}
	}
}

// The order of the catalogue's rows says nothing, and asking twice neither.
func TestLadderIsAFunctionOfItsInput(t *testing.T) {
	backwards := slices.Clone(threeRungs)
	slices.Reverse(backwards)
	l := toyLadder(t, router.Balanced, threeRungs...)
	var reports []string
	for _, l := range []*ladder{l, l, toyLadder(t, router.Balanced, backwards...)} {
		r, err := l.report([]string{"en"})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := writeLadderJSON(&b, r); err != nil {
			t.Fatal(err)
		}
		reports = append(reports, b.String())
	}
	for _, r := range reports[1:] {
		if diff := cmp.Diff(reports[0], r); diff != "" {
			t.Error(diff)
		}
	}
	if again := l.decideAll("en"); again[0].d.Table != l.table.ID {
		t.Error("the what-ifs left another table behind")
	}
}

// A choice whose place another host of the same weights would take is also
// asked about as a family.
func TestLadderAsksAboutAllHostsOfTheWeights(t *testing.T) {
	l := toyLadder(t, router.Cost, append(slices.Clone(threeRungs), toy{"small-twin", 0, 0.11})...)
	if hosts := l.hosts("acme/small"); !slices.Equal(hosts, []string{"acme/small"}) {
		t.Fatalf("hosts %v", hosts)
	}
	r, err := l.report([]string{"en"})
	if err != nil {
		t.Fatal(err)
	}
	if c := r.Grids[0].Cells[0].Changes; c.Price.Model != "acme/small-twin" || c.FamilyPrice != nil {
		t.Errorf("other weights: %+v", c)
	}
	// The embedded catalogue has the same weights at several hosts.
	out := embeddedJSON(t)
	catalog, err := models.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range gjson.Get(out, "grids.0.cells").Array() {
		chosen, _ := catalog.Model(c.Get("choice.model").Str)
		to, _ := catalog.Model(c.Get("changes.price.model").Str)
		if same := chosen.Family == to.Family; same != c.Get("changes.family_price.factor").Exists() {
			t.Errorf("%s %s: %s to %s, family_price %s", c.Get("level"), c.Get("intent"), chosen.ID, to.ID, c.Get("changes.family_price").Raw)
		}
	}
}

// loadLadder is what the command would report on, without the report.
func loadLadder(t *testing.T, env map[string]string, conf string) *ladder {
	t.Helper()
	s := setup{configPath: conf}
	w, err := s.load(environment{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Getenv: getenv(env)}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return &ladder{world: w, table: w.table, objective: router.Balanced, promptTokens: 500}
}

// On the embedded catalogue: what is foretold happens when an operator's file
// changes the price.
func TestLadderPriceOfAnOperatorsFile(t *testing.T) {
	out := embeddedJSON(t)
	at := "grids.0.cells.1" // L1, knowledge_qa
	chosen, to, factor := gjson.Get(out, at+".choice.model").Str, gjson.Get(out, at+".changes.price.model").Str, gjson.Get(out, at+".changes.price.factor").Float()
	if to == "" {
		t.Fatalf("no price changes %s: %s", chosen, gjson.Get(out, at))
	}
	c, err := models.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	m, _ := c.Model(chosen)
	for by, want := range map[float64]string{0.99 * factor: chosen, 1.01 * factor: to} {
		csv := "id,unit,direction,service_class,from_tokens,usd_per_million_units,valid_from,source\n"
		for _, p := range m.Prices {
			csv += fmt.Sprintf("%s,%s,%s,%s,%d,%s,%s,test\n", m.ID, p.Unit, p.Direction, p.ServiceClass, p.FromTokens,
				models.FormatUSD(int64(float64(p.NanoUSDPerMillion)*by+0.5)), day(p.ValidFrom))
		}
		dir := t.TempDir()
		write(t, filepath.Join(dir, "prices.csv"), csv)
		conf := write(t, filepath.Join(t.TempDir(), "assay.yaml"), "catalog: "+dir+"\n")
		if got := choiceAt(t, loadLadder(t, nil, conf).decideAll("en"), classifier.L1, classifier.KnowledgeQA); got != want {
			t.Errorf("%s at %.4f times its price: %s, want %s", chosen, by, got, want)
		}
	}
}

func day(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Format(time.DateOnly)
}

// Where a model's Chinese is worth less than its English, Chinese has a grid of
// its own: small's ability there is the mean of 0 and -3, which is no longer
// good enough for L2 (p 0.45).
func TestLadderTellsLanguagesApart(t *testing.T) {
	l := toyLadder(t, router.Cost, threeRungs...)
	l.world.tiers.Families["small"].Abilities["chinese"] = scoring.Ability{Theta: -3, SD: 0.01}
	var err error
	if l.table, err = l.world.build(); err != nil {
		t.Fatal(err)
	}
	r, err := l.report([]string{"en", "zh"})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Grids) != 2 {
		t.Fatalf("%d grids", len(r.Grids))
	}
	for i := range r.Grids[0].Cells {
		en, zh := r.Grids[0].Cells[i], r.Grids[1].Cells[i]
		want := en.Choice.Model
		if en.Level == classifier.L2 {
			want = "acme/medium"
		}
		if zh.Choice.Model != want {
			t.Errorf("%s %s in Chinese: %s, want %s", zh.Level, zh.Intent, zh.Choice.Model, want)
		}
	}
	var b bytes.Buffer
	if err := writeLadder(&b, r); err != nil || !strings.Contains(b.String(), "Chinese: 16 of 80 choices are others") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// The promises are there, each with a verdict that its numbers bear out.
func TestLadderBesideWhatWasPromised(t *testing.T) {
	out := embeddedJSON(t)
	rows := gjson.Get(out, "grids.0.promised").Array()
	if len(rows) != len(promises) {
		t.Fatalf("%d promises", len(rows))
	}
	for _, row := range rows {
		label, status := row.Get("label").Str, row.Get("status").Str
		if label == "DeepSeek-Reasoner" {
			if status != isLeftOut || row.Get("why").Str != "deprecated since 2026-07-24" || row.Get("stand_in").Str != "deepseek/deepseek-v4-flash" {
				t.Errorf("%s: %.300s", label, row.Raw)
			}
		} else if status != isCandidate {
			t.Errorf("%s: %s %s", label, status, row.Get("why"))
		}
		if n := len(row.Get("intents").Array()); n != len(classifier.Intents) {
			t.Errorf("%s: %d intents", label, n)
		}
		for _, i := range row.Get("intents").Array() {
			if i.Get("rank").Int() < 1 || i.Get("rank").Int() > i.Get("of").Int() || i.Get("p_success").Float() <= 0 {
				t.Errorf("%s: %s", label, i.Raw)
			}
			if good := i.Get("good_enough").Bool(); good != (i.Get("p_success").Float() >= i.Get("needs").Float()) {
				t.Errorf("%s: %s", label, i.Raw)
			}
			if wins := i.Get("wins_at_price_factor"); wins.Exists() && wins.Type != gjson.Null && (wins.Float() <= 0 || wins.Float() > 1) {
				t.Errorf("%s: %s", label, i.Raw)
			}
			if chosen := i.Get("rank").Int() == 1; chosen != (i.Get("model").Str == i.Get("choice.model").Str) {
				t.Errorf("%s: %s", label, i.Raw)
			}
		}
	}
}

// A promised model of a provider without a key, or of none, is said to be so.
func TestLadderSaysWhyAPromiseIsOut(t *testing.T) {
	l := loadLadder(t, map[string]string{"OPENAI_API_KEY": "sk"}, "")
	if row := l.fares(promises[0], l.decideAll("en")[:16]); row.Status != isLeftOut || !strings.Contains(row.Why, "is not set") {
		t.Errorf("Qwen-Turbo without a key: %+v", row)
	}
	r := toyReport(t, router.Cost, threeRungs...)
	for _, p := range r.Grids[0].Promised {
		if p.Status != isUnknown || p.Model != "" {
			t.Errorf("%+v", p)
		}
	}
	var b bytes.Buffer
	if err := writeLadder(&b, r); err != nil || !strings.Contains(b.String(), "Qwen-Turbo: not in the catalogue") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestLadderRefusesBadFlags(t *testing.T) {
	never := write(t, filepath.Join(t.TempDir(), "assay.yaml"), "simulated: {mode: never}\n")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--objective", "best"}, `"best"; want balanced, cost, quality or fast`},
		{[]string{"--prompt-tokens", "-5"}, "-5; want 1 to"},
		{[]string{"--prompt-tokens", "0"}, "0; want 1 to"},
		{[]string{"--prompt-tokens", "many"}, "invalid argument"},
		{[]string{"--language", "fr"}, `"fr"; want en, zh or both`},
		{[]string{"--tiers", "nowhere.json"}, "nowhere.json"},
		{[]string{"--policy", "nowhere.yaml"}, "nowhere.yaml"},
		{[]string{"--config", never}, "no model can be called"},
		{[]string{"extra"}, "extra"},
	} {
		code, out, errs := runCommand(t, nil, "", append([]string{"ladder"}, tt.args...)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, tt.want) {
			t.Errorf("%v: exit %d, output %.80q, error %q; want exit 2 and %q", tt.args, code, out, errs, tt.want)
		}
	}
}

// Where no square can be served there is no ladder, and the caller can mend it.
func TestLadderOfNothing(t *testing.T) {
	l := toyLadder(t, router.Cost, threeRungs...)
	l.promptTokens = 200_000 // twice the context
	_, err := l.report([]string{"en"})
	var usage usageError
	if !errors.As(err, &usage) || !strings.Contains(err.Error(), "no prompt of 200000 tokens can be served") {
		t.Errorf("error %v", err)
	}
}

// The text holds the grid and every chosen model in full, in lines that a
// terminal can show.
func TestLadderText(t *testing.T) {
	var r ladderReport
	if err := json.Unmarshal([]byte(embeddedJSON(t)), &r); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := writeLadder(&b, r); err != nil {
		t.Fatal(err)
	}
	out := b.String()
	lines := strings.Split(out, "\n")
	for _, intent := range classifier.Intents {
		row := ""
		for _, l := range lines {
			if strings.HasPrefix(l, string(intent)+" ") {
				row = l
			}
		}
		if n := len(strings.Fields(row)); n < 6 || len([]rune(row)) > 130 {
			t.Errorf("row %q", row)
		}
	}
	for _, p := range promises {
		if !strings.Contains(out, p.label) {
			t.Errorf("%s is missing", p.label)
		}
	}
}

// TestLadderShape keeps the keys and types of --json, which scripts rely on.
func TestLadderShape(t *testing.T) {
	const golden = "testdata/golden/ladder.shape"
	out := embeddedJSON(t)
	var v any
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatal(err)
	}
	paths := map[string]bool{}
	shape("", v, paths)
	var lines []string
	for p := range paths {
		lines = append(lines, p)
	}
	sort.Strings(lines)
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	// What may be null depends on the catalogue's numbers: a path that is only
	// null, or only present in some catalogues, is no change of shape.
	known := map[string]bool{}
	for line := range strings.Lines(string(want)) {
		known[strings.TrimSpace(line)] = true
	}
	for _, line := range lines {
		if !known[line] && !strings.HasSuffix(line, " null") && !strings.Contains(line, ".family_") {
			t.Errorf("new in the output: %s (go test ./cmd/assay -run LadderShape -update, and docs/ladder.md)", line)
		}
	}
	for line := range known {
		if !paths[line] && !strings.HasSuffix(line, " null") && !strings.Contains(line, ".family_") {
			t.Errorf("gone from the output: %s", line)
		}
	}
}

// shape collects the paths of a JSON value with their types.
func shape(at string, v any, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			shape(strings.TrimPrefix(at+"."+k, "."), e, into)
		}
	case []any:
		for _, e := range v {
			shape(at+"[]", e, into)
		}
	case nil:
		into[at+" null"] = true
	default:
		into[fmt.Sprintf("%s %T", at, v)] = true
	}
}
