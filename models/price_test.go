package models

import (
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestCost is the price arithmetic, figure by figure. The expected amounts
// were worked out by hand from the list in fixture_test.go.
func TestCost(t *testing.T) {
	m := mustModel(t, mustParse(t, small()), "acme/one")
	before, now := day("2026-10-01"), day("2026-11-24")
	tests := []struct {
		name  string
		u     Usage
		class string
		at    time.Time
		nano  int64
		ok    bool
	}{
		{"input and output", Usage{Input: 1000, Output: 500}, "", now, 2_000_000 + 4_000_000, true},
		{"older list before the newer begins", Usage{Input: 1000, Output: 500}, "", before, 2_500_000 + 5_000_000, true},
		{"newer list from its first moment", Usage{Input: 1}, "", day("2026-11-01"), 2000, true},
		{"older list until the moment before", Usage{Input: 1}, "", day("2026-11-01").Add(-1), 2500, true},
		{"cached part at its own price", Usage{Input: 1000, CacheRead: 400}, "", now, 600*2000 + 400*500, true},
		{"cached without own price as input", Usage{Input: 1000, CacheRead: 400}, "", before, 2_500_000, true},
		{"cached never more than input", Usage{Input: 100, CacheRead: 1000}, "", now, 100 * 500, true},
		{"written without a price is unknown", Usage{Input: 1000, CacheWrite: 10}, "", now, 0, false},
		{"written beyond the input does not count", Usage{Input: 100, CacheRead: 100, CacheWrite: 10}, "", now, 100 * 500, true},
		{"just below the tier", Usage{Input: 199_999}, "", now, 199_999 * 2000, true},
		{"the tier from its first token", Usage{Input: 200_000, Output: 10}, "", now, 200_000*4000 + 10*12000, true},
		{"cached tokens count for the tier", Usage{Input: 200_000, CacheRead: 199_999}, "", now, 4000 + 199_999*500, true},
		{"batch has its own prices", Usage{Input: 1000, Output: 500}, ClassBatch, now, 1_000_000 + 2_000_000, true},
		{"batch does not fall back to an older list", Usage{Input: 1000}, ClassBatch, before, 0, false},
		{"batch cached as batch input", Usage{Input: 1000, CacheRead: 1000}, ClassBatch, now, 1_000_000, true},
		{"flex does not fall back to standard", Usage{Input: 1000}, ClassFlex, now, 0, false},
		{"reasoning is a part of the output", Usage{Output: 500, Reasoning: 300}, "", now, 4_000_000, true},
		{"nothing consumed costs nothing", Usage{}, "", now, 0, true},
		{"a negative count is no usage", Usage{Input: 10, Output: -1}, "", now, 0, false},
		{"more than fits is unknown", Usage{Input: math.MaxInt64}, "", now, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nano, ok := m.Cost(tt.u, tt.class, tt.at)
			if ok != tt.ok || (ok && nano != tt.nano) {
				t.Errorf("%+v costs %d, %v; want %d, %v", tt.u, nano, ok, tt.nano, tt.ok)
			}
		})
	}
	if _, ok := (Model{}).Cost(Usage{}, "", now); ok {
		t.Error("without any price even nothing has a known cost")
	}
}

// TestCostOfZeros: a published zero is a price only on rows that are free; for
// cache writes it means that they cost what input costs.
func TestCostOfZeros(t *testing.T) {
	line := func(d Direction, nano int64) Price {
		return Price{Unit: UnitToken, Direction: d, ServiceClass: ClassStandard, NanoUSDPerMillion: nano}
	}
	zeros := []Price{line(In, 0), line(Out, 0)}
	tests := []struct {
		name string
		m    Model
		nano int64
		ok   bool
	}{
		{"zeros are unknown", Model{Prices: zeros}, 0, false},
		{"zeros on a free row are free", Model{Prices: zeros, Free: true}, 0, true},
		{"zero output is unknown", Model{Prices: []Price{line(In, 1e9), line(Out, 0)}}, 0, false},
		{"zero write is input, zero read is input", Model{Prices: []Price{line(In, 2e9), line(Out, 1e9), line(CacheRead, 0), line(CacheWrite, 0)}}, 100*2000 + 10*1000, true},
		{"write at its surcharge", Model{Prices: []Price{line(In, 2e9), line(Out, 1e9), line(CacheWrite, 3e9)}}, 70*2000 + 30*3000 + 10*1000, true},
	}
	for _, tt := range tests {
		u := Usage{Input: 100, CacheRead: 20, CacheWrite: 30, Output: 10}
		if !tt.ok || tt.nano == 0 {
			u.CacheWrite = 0
		}
		nano, ok := tt.m.Cost(u, "", day("2026-11-24"))
		if nano != tt.nano || ok != tt.ok {
			t.Errorf("%s: %d, %v; want %d, %v", tt.name, nano, ok, tt.nano, tt.ok)
		}
	}
}

// TestReasoningHasItsOwnPrice on a row of the catalogue that lists one.
func TestReasoningHasItsOwnPrice(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	m := mustModel(t, c, "perplexity/sonar-deep-research") // out 8, reasoning 3
	nano, ok := m.Cost(Usage{Output: 1000, Reasoning: 600}, "", day("2026-11-24"))
	if want := int64(400*8000 + 600*3000); nano != want || !ok {
		t.Errorf("cost %d, %v; want %d", nano, ok, want)
	}
}

// TestRoundingIsHalfUpPerEntry: each entry of a bill is rounded by itself.
func TestRoundingIsHalfUpPerEntry(t *testing.T) {
	tests := []struct{ quantity, perMillion, want int64 }{
		{1, 499_999, 0}, {1, 500_000, 1}, {1, 1_499_999, 1}, {1, 1_500_000, 2},
		{3, 333_333, 1}, {7, 71_428, 0}, {0, math.MaxInt64, 0},
		{1_000_000, math.MaxInt64, math.MaxInt64},
	}
	for _, tt := range tests {
		if got, ok := charge(tt.quantity, tt.perMillion); got != tt.want || !ok {
			t.Errorf("%d at %d per million: %d, %v; want %d", tt.quantity, tt.perMillion, got, ok, tt.want)
		}
	}
	if _, ok := charge(1_000_001, math.MaxInt64); ok {
		t.Error("a charge beyond 64 bits is said to fit")
	}
	line := func(d Direction) Price {
		return Price{Unit: UnitToken, Direction: d, ServiceClass: ClassStandard, NanoUSDPerMillion: 500_000}
	}
	m := Model{Prices: []Price{line(In), line(Out)}}
	if got, ok := m.Cost(Usage{Input: 1, Output: 1}, "", time.Time{}); got != 2 || !ok {
		t.Errorf("two halves make %d, %v; want 2: each is rounded up", got, ok)
	}
}

// TestChargeIsExact compares with arithmetic of unlimited size.
func TestChargeIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := rapid.Int64Min(0).Draw(t, "quantity")
		p := rapid.Int64Min(0).Draw(t, "price")
		want := new(big.Int).Mul(big.NewInt(q), big.NewInt(p))
		want.Add(want, big.NewInt(500_000)).Div(want, big.NewInt(1_000_000))
		got, ok := charge(q, p)
		if ok != want.IsInt64() || (ok && got != want.Int64()) {
			t.Fatalf("%d, %v; want %v", got, ok, want)
		}
	})
}

// TestCostProperties: on every row of the catalogue a cost is never negative,
// more tokens never cost less, and a cached token never costs more than a
// fresh one, but for one rounding.
func TestCostProperties(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	at := day("2026-11-24")
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SampledFrom(c.models).Draw(t, "model")
		class := rapid.SampledFrom(classes).Draw(t, "class")
		count := rapid.Int64Range(0, 3_000_000)
		u := Usage{Input: count.Draw(t, "input"), Output: count.Draw(t, "output")}
		u.CacheRead = rapid.Int64Range(0, u.Input+10).Draw(t, "cached")
		u.Reasoning = rapid.Int64Range(0, u.Output+10).Draw(t, "reasoning")
		nano, ok := m.Cost(u, class, at)
		if nano < 0 {
			t.Fatalf("cost %d", nano)
		}
		more := u
		more.Input += count.Draw(t, "more input")
		more.Output += count.Draw(t, "more output")
		if dearer, ok2 := m.Cost(more, class, at); ok && ok2 && dearer < nano {
			t.Fatalf("%+v costs %d, %+v costs %d", u, nano, more, dearer)
		}
		fresh := u
		fresh.CacheRead = 0
		if full, ok2 := m.Cost(fresh, class, at); ok && ok2 && nano > full+1 {
			t.Fatalf("cached %d, fresh %d", nano, full)
		}
	})
}

// TestPriceLines: one line per unit and direction, of the list and the tier in
// force.
func TestPriceLines(t *testing.T) {
	m := mustModel(t, mustParse(t, small()), "acme/one")
	tests := []struct {
		name, at, class string
		prompt          int64
		want            []string
	}{
		{"short prompt", "2026-11-24", "", 10, []string{"token in 2", "token out 8", "token cache_read 0.5"}},
		{"long prompt", "2026-11-24", "standard", 200_000, []string{"token in 4", "token out 12", "token cache_read 0.5"}},
		{"older list as a whole", "2026-10-31", "", 10, []string{"token in 2.5", "token out 10"}},
		{"batch", "2026-11-24", ClassBatch, 500_000, []string{"token in 1", "token out 4"}},
		{"no such class", "2026-11-24", ClassPriority, 10, nil},
	}
	for _, tt := range tests {
		var got []string
		for _, p := range m.PriceLines(day(tt.at), tt.class, tt.prompt) {
			got = append(got, p.Unit+" "+string(p.Direction)+" "+FormatUSD(p.NanoUSDPerMillion))
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

// TestBasePrice: an embedding has one without an output price, a chat row has
// none without both.
func TestBasePrice(t *testing.T) {
	c := mustParse(t, small())
	tests := []struct {
		id      string
		in, out int64
		ok      bool
	}{
		{"acme/one", 2e9, 8e9, true},
		{"acme/embed", 2e7, 0, true},
		{"acme/think", 0, 0, false},
	}
	for _, tt := range tests {
		in, out, ok := mustModel(t, c, tt.id).BasePrice(day("2026-11-24"))
		if in != tt.in || out != tt.out || ok != tt.ok {
			t.Errorf("%s: %d, %d, %v; want %d, %d, %v", tt.id, in, out, ok, tt.in, tt.out, tt.ok)
		}
	}
}

// TestParseUSD: exact decimals in, integer nano-dollars out, nothing else.
func TestParseUSD(t *testing.T) {
	good := map[string]int64{
		"0": 0, "0.0": 0, "1": 1e9, "15.0": 15e9, "0.09": 9e7, "0.003625": 3_625_000,
		"722057.143": 722_057_143_000_000, "0.000000001": 1, "0.1000000000": 1e8,
		"9223372036.854775807": math.MaxInt64, "007": 7e9,
	}
	for s, want := range good {
		if got, err := ParseUSD(s); got != want || err != nil {
			t.Errorf("%q: %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", ".", "1.", ".5", "-1", "+1", "1e3", "1,000", "NaN", "0x1", " 1", "１",
		"0.0000000001", "9223372036.854775808", "99999999999999999999"} {
		if got, err := ParseUSD(s); err == nil {
			t.Errorf("%q: read as %d", s, got)
		}
	}
}

// TestFormatUSDReadsBack: what is written is read back as the same amount.
func TestFormatUSDReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Min(0).Draw(t, "nano")
		if got, err := ParseUSD(FormatUSD(n)); got != n || err != nil {
			t.Fatalf("%d is written %q and read %d, %v", n, FormatUSD(n), got, err)
		}
	})
	for n, want := range map[int64]string{-1_500_000_000: "-1.5", math.MinInt64: "-9223372036.854775808", 1: "0.000000001"} {
		if got := FormatUSD(n); got != want {
			t.Errorf("%d is written %q, want %q", n, got, want)
		}
	}
}
