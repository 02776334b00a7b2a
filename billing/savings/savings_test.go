package savings

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/models"
)

// The default mix, multiplied by hand: 800,000 everyday and 200,000 hard
// requests of 1,000 + 250 tokens.
func TestDefaultMixByHand(t *testing.T) {
	r := compute(t, Params{})
	for _, c := range []struct {
		what string
		got  Money
		want string
	}{
		{"former: 800M x 0.40 + 200M x 1.60 + 200M x 8 + 50M x 32", r.Baselines[0].Total, "3840"},
		{"flagship: 1000M x 5 + 250M x 30", r.Baselines[1].Total, "12500"},
		{"flat: 1000M x 3 + 250M x 12", r.Plans[0].Bill.Total, "6000"},
		{"pass-through: (800M x 0.1 + 200M x 0.2 + 200M x 1 + 50M x 4 + 500M thinking x 4) x 1.04", r.Plans[1].Bill.Total, "2620.8"},
		{"flat margin: 6000 - 2520", *r.Plans[0].Margin.Margin, "3480"},
		{"pass-through margin: the fee", *r.Plans[1].Margin.Margin, "100.8"},
	} {
		if want := usdOf(t, c.want); c.got != want {
			t.Errorf("%s: $%s, want $%s", c.what, usd(c.got), c.want)
		}
	}
	want := []Comparison{
		{With: "former_mix", Theirs: usdOf(t, "3840"), Ours: usdOf(t, "6000"), Saving: -usdOf(t, "2160"), Percent: "-56.25", Times: "1.56", Words: "costs 1.56 times as much ($2160 more)"},
		{With: "always_flagship", Theirs: usdOf(t, "12500"), Ours: usdOf(t, "6000"), Saving: usdOf(t, "6500"), Percent: "52.00", Times: "0.48", Words: "saves 52.00 % ($6500)"},
	}
	if diff := cmp.Diff(want, r.Plans[0].Comparisons); diff != "" {
		t.Errorf("flat, the former mix first (-want +got):\n%s", diff)
	}
	if r.Traffic.HardShare != "0.2000" || r.Traffic.InPerOut != "4.00" || r.Traffic.Source != "assumed" {
		t.Errorf("traffic %+v", r.Traffic)
	}
}

// Every total is the sum of its entries, and every entry its own product.
func TestArithmeticIsShown(t *testing.T) {
	r := compute(t, Params{CachedTokens: "300/100", Routes: []string{"hard=acme/think@0.25", "hard=acme/flag@0.75"}})
	bills := map[string]Bill{"former": r.Baselines[0].Bill, "flagship": r.Baselines[1].Bill, "flat": *r.Plans[0].Bill, "pass": *r.Plans[1].Bill}
	for name, b := range bills {
		var sum Money
		for _, e := range b.Entries {
			sum += e.Amount
			if e.Price == nil {
				continue
			}
			s := whole
			if e.Share != "" {
				s, _ = fraction("", e.Share)
			}
			if amount, err := charge(e.Tokens, s, int64(*e.Price)); err != nil || amount != e.Amount {
				t.Errorf("%s: %+v is not its product %d", name, e, amount)
			}
		}
		if sum != b.Total {
			t.Errorf("%s: entries make %d, total %d", name, sum, b.Total)
		}
	}
	// 800M - 240M at 5, 240M at 0.5, and so on: 1000M input of which 260M cached.
	if want := usdOf(t, "3700") + usdOf(t, "130") + usdOf(t, "7500"); r.Baselines[1].Total != want {
		t.Errorf("flagship with cache: $%s, want $%s", usd(r.Baselines[1].Total), usd(want))
	}
}

const threeLines = `model,requests,input_tokens,cached_tokens,output_tokens,cost_usd,named
acme/mini,1000,1000000,500000,1000000,,
acme/flag,100,1000000,0,1000000,40.5,
acme/mini,1000,1000000,0,1000000,,true
acme/flag,100,1000000,,1000000,,yes
`

// An imported mix by hand: what was billed counts as billed, and a model asked
// for by name never costs more than its list price.
func TestImportByHand(t *testing.T) {
	r := compute(t, Params{Import: text(threeLines)})
	for _, c := range []struct {
		what string
		got  Money
		want string
	}{
		{"former: 0.5 x 0.4 + 0.5 x 0.1 + 1.6, billed 40.5, 0.4 + 1.6, 5 + 30", r.Baselines[0].Total, "79.35"},
		{"flagship: 3.5 x 5 + 0.5 x 0.5 + 4 x 30", r.Baselines[1].Total, "137.75"},
		{"flat: 15 + 15, named mini capped at 2, named flag 15 below its 35", r.Plans[0].Bill.Total, "47"},
		// everyday 0.1 + 0.2, hard 1 + 4 + 100 x 2500 x 4/M = 1: 6.3 x 1.04; named 2 + 35 without a fee
		{"pass-through", r.Plans[1].Bill.Total, "43.552"},
	} {
		if want := usdOf(t, c.want); c.got != want {
			t.Errorf("%s: $%s, want $%s", c.what, usd(c.got), c.want)
		}
	}
	if !strings.Contains(strings.Join(r.Notes, "\n"), "never costs more than its list price") {
		t.Errorf("notes do not say so: %q", r.Notes)
	}
	caps := 0
	for _, e := range r.Plans[0].Bill.Entries {
		if e.Kind == "list_price_cap" {
			caps++
			if e.Amount != -usdOf(t, "13") {
				t.Errorf("cap of $%s, want 2 - 15", usd(e.Amount))
			}
		}
	}
	if caps != 1 {
		t.Errorf("%d caps", caps)
	}
}

// Rules about prices that are easy to get wrong.
func TestPrices(t *testing.T) {
	one := func(model, rest string) *string { return text("model,requests,input_tokens,output_tokens" + rest) }
	for _, c := range []struct {
		rule string
		p    Params
		want string // dollars of the former mix
	}{
		{"the list in force", Params{Import: one("", "\nacme/mini,1,1000000,1000000")}, "2"},
		{"the list in force in August", Params{At: "2026-10-31", Import: one("", "\nacme/mini,1,1000000,1000000")}, "4"},
		{"batch has its own", Params{Import: one("", ",batch\nacme/mini,1,1000000,1000000,true")}, "1"},
		{"the mean prompt selects the tier", Params{Import: one("", "\nacme/flag,1,1000000,1000000")}, "55"},
		{"a short mean prompt", Params{Import: one("", "\nacme/flag,10,1000000,1000000")}, "35"},
		{"a given price wins", Params{Prices: []string{"acme/mini=1/2"}, Import: one("", "\nacme/mini,1,1000000,1000000")}, "3"},
		{"a stranger with a price", Params{Prices: []string{"x=1/2/0.5"}, Import: one("", ",cached_tokens\nx,1,1000000,1000000,1000000")}, "2.5"},
		{"a free row is free", Params{Import: one("", "\nacme/gratis,1,1000000,1000000\nacme/mini,1,1000000,1000000")}, "2"},
		{"billed strangers need no price", Params{Import: one("", ",cost_usd\nx,1,1,1,0.0000000005")}, "0.000000001"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if r := compute(t, c.p); r.Baselines[0].Total != usdOf(t, c.want) {
				t.Errorf("former mix $%s, want $%s", usd(r.Baselines[0].Total), c.want)
			}
		})
	}
}

// One request multiplied here costs what models.Model.Cost says.
func TestAgreesWithModelCost(t *testing.T) {
	b := testBasis(t)
	for _, m := range b.Catalog.Models() {
		for _, u := range []models.Usage{{Input: 1, Output: 1}, {Input: 1234567, CacheRead: 654321, Output: 7}, {Input: 199999, Output: 3333}, {Input: 200000, CacheRead: 200000, Output: 1}} {
			want, ok := m.Cost(u, "", b.Now)
			r, err := catalogRates(m, b.Now, "standard", u.Input)
			if (err == nil) != ok {
				if m.Kind == models.Chat {
					t.Errorf("%s: known %v here, %v there", m.ID, err == nil, ok)
				}
				continue
			}
			l := newLedger()
			l.volume("", "", volume{1, u.Input, u.CacheRead, u.Output, 1}, whole, r)
			if ok && l.Total != Money(want) {
				t.Errorf("%s %+v: %d here, %d there", m.ID, u, l.Total, want)
			}
		}
	}
}

// What is not known is said, never counted as nothing.
func TestUnknownProviderCost(t *testing.T) {
	for _, c := range []struct {
		rule   string
		choose func(Ask) (Choice, error)
		routes []string
		why    string
	}{
		{"no chooser", nil, nil, "no model was named"},
		{"nobody to choose", func(Ask) (Choice, error) { return Choice{}, errors.New("no model can be called") }, nil, "no model can be called"},
		{"a model without a price", nil, []string{"everyday=acme/unpriced", "hard=acme/flag"}, "knows no standard price"},
		{"a zero that is not meant", nil, []string{"everyday=acme/zero", "hard=acme/flag"}, "knows no standard price"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			b := testBasis(t)
			b.Choose = c.choose
			r, err := Compute(b, Params{Flagship: "acme/flag", Routes: c.routes})
			if err != nil {
				t.Fatal(err)
			}
			flat, pass := r.Plans[0], r.Plans[1]
			if !flat.Known || flat.Bill.Total != usdOf(t, "6000") || flat.Margin.Known || !strings.Contains(flat.Margin.Why, c.why) {
				t.Errorf("flat: %+v", flat.Margin)
			}
			if pass.Known || pass.Bill != nil || len(pass.Comparisons) != 0 || !strings.Contains(pass.Why, c.why) {
				t.Errorf("pass-through: %+v", pass)
			}
			r, err = Compute(b, Params{Flagship: "acme/flag", Routes: c.routes, FlatBillsThinking: "true"})
			if err != nil || r.Plans[0].Known {
				t.Errorf("flat that bills unknown thinking: %+v, %v", r.Plans[0], err)
			}
		})
	}
}

// Thinking: counted for a reasoning model unless the former one reasoned too.
func TestThinking(t *testing.T) {
	line := func(model string) *string {
		return text("model,requests,input_tokens,output_tokens,class\n" + model + ",10,1000,1000,hard\n")
	}
	for _, c := range []struct {
		rule  string
		p     Params
		spent int64 // thinking tokens that the provider bills
		flat  string
	}{
		{"by the router's expectation", Params{Import: line("acme/mini")}, 25_000, "0.015"},
		{"already in the output", Params{Import: line("acme/think")}, 0, "0.015"},
		{"in the output, as another host says", Params{Import: line("host/think")}, 0, "0.015"},
		{"as given", Params{Import: line("acme/mini"), Thinking: "1/7"}, 70, "0.015"},
		{"billed flat: 25,000 x 12", Params{Import: line("acme/mini"), FlatBillsThinking: "true"}, 25_000, "0.315"},
		{"none from a model that does not", Params{Import: line("acme/mini"), Routes: []string{"hard=host/org/cheap"}}, 0, "0.015"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := compute(t, c.p)
			var got int64
			for _, e := range r.Plans[1].Bill.Entries {
				if e.Kind == "thinking" {
					got += e.Tokens
				}
			}
			if got != c.spent || r.Plans[0].Bill.Total != usdOf(t, c.flat) {
				t.Errorf("%d thinking tokens, flat $%s; want %d, $%s", got, usd(r.Plans[0].Bill.Total), c.spent, c.flat)
			}
		})
	}
	if notes := strings.Join(compute(t, Params{}).Notes, "\n"); !strings.Contains(notes, "$12000") || !strings.Contains(notes, "3.13 times as much") {
		t.Errorf("the flat price with thinking is not shown: %s", notes)
	}
	// acme/think for all: 1000M x 1 + 250M x 4, and (800,000 x 400 + 200,000 x 2500) x 4/M more.
	if notes := strings.Join(compute(t, Params{Flagship: "acme/think"}).Notes, "\n"); !strings.Contains(notes, "acme/think it would come to $5280") {
		t.Errorf("the thinking of the flagship is not mentioned: %s", notes)
	}
}

// Lines without a class are hard above the input price given.
func TestClassByPrice(t *testing.T) {
	usage := []json.RawMessage{
		json.RawMessage(`{"model":"acme/mini","requests":3,"input_tokens":10,"output_tokens":1}`),
		json.RawMessage(`{"model":"acme/flag","requests":1,"input_tokens":10,"output_tokens":1}`),
	}
	for above, want := range map[Text]string{"": "0.2500", "0.1": "1.0000", "5": "0.0000"} {
		if got := compute(t, Params{Usage: usage, HardAbove: above}).Traffic.HardShare; got != want {
			t.Errorf("above %q: hard share %s, want %s", above, got, want)
		}
	}
}

func TestCharge(t *testing.T) {
	for _, c := range []struct {
		tokens, price int64
		s             share
		want          Money
		fits          bool
	}{
		{1, 500_000, whole, 1, true}, // half up
		{1, 499_999, whole, 0, true},
		{3, 500_000, whole / 2, 1, true}, // one rounding, not two
		{1 << 62, 2_000_000, whole, 0, false},
		{1<<63 - 1, 1_000_000, whole, 1<<63 - 1, true},
		{0, 1 << 62, whole, 0, true},
	} {
		got, err := charge(c.tokens, c.s, c.price)
		if (err == nil) != c.fits || got != c.want {
			t.Errorf("%d x %d x %s = %d, %v; want %d", c.tokens, c.price, c.s, got, err, c.want)
		}
	}
}

func TestTextForPeople(t *testing.T) {
	var b strings.Builder
	if err := compute(t, Params{}).WriteText(&b); err != nil {
		t.Fatal(err)
	}
	out := b.String()
	for _, want := range []string{
		"800,000,000 input tokens x $0.4/M =   320,000,000,000 nano-dollars = $320",
		"costs 1.56 times as much ($2160 more)", "saves 52.00 % ($6500)", "60.53 to 100 % hard",
		"operator's margin: $6000 - $2520 provider cost = $3480", "acme/think at $1/4/1, thinking 2,500 tokens each time",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if strings.Index(out, "against the former mix") > strings.Index(out, "against always flagship") {
		t.Error("the flagship comes before the former mix")
	}
}
