package savings

import (
	"encoding/json"
	"fmt"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

type genLine struct {
	model                           string
	requests, input, cached, output int64
	named, billed                   bool
}

func (l genLine) json(times int64) json.RawMessage {
	cost := ""
	if l.billed {
		cost = fmt.Sprintf(`,"cost_usd":%q`, usd(Money(times*(l.output+1)*12345)))
	}
	return json.RawMessage(fmt.Sprintf(`{"model":%q,"requests":%d,"input_tokens":%d,"cached_tokens":%d,"output_tokens":%d,"named":%v%s}`,
		l.model, times*l.requests, times*l.input, times*l.cached, times*l.output, l.named, cost))
}

func genLines(rt *rapid.T) []genLine {
	return rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) genLine {
		in := rapid.Int64Range(0, 1e9).Draw(rt, "input")
		return genLine{rapid.SampledFrom([]string{"acme/flag", "acme/mini", "acme/think", "host/org/cheap", "acme/gratis"}).Draw(rt, "model"),
			rapid.Int64Range(1, 1e6).Draw(rt, "requests"), in, rapid.Int64Range(0, in).Draw(rt, "cached"), rapid.Int64Range(0, 1e9).Draw(rt, "output"),
			rapid.Bool().Draw(rt, "named"), rapid.Bool().Draw(rt, "billed")}
	}), 1, 8).Draw(rt, "lines")
}

func usageOf(lines []genLine, times int64) []json.RawMessage {
	var out []json.RawMessage
	for _, l := range lines {
		out = append(out, l.json(times))
	}
	return out
}

// bills are every sum of a report, with the number of roundings in each.
func bills(r *Report) map[string]Bill {
	out := map[string]Bill{"former": r.Baselines[0].Bill, "flagship": r.Baselines[1].Bill}
	for _, p := range r.Plans {
		out[p.Name] = *p.Bill
		out[p.Name+" provider"] = *p.Margin.Provider
	}
	return out
}

// Twice the traffic costs twice as much, up to one nano-dollar per entry.
func TestLinear(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lines := genLines(rt)
		one, two := bills(compute(t, Params{Usage: usageOf(lines, 1)})), bills(compute(t, Params{Usage: usageOf(lines, 2)}))
		for name, b := range one {
			off := two[name].Total - 2*b.Total
			if slack := Money(2*len(two[name].Entries) + 2); off > slack || off < -slack {
				rt.Fatalf("%s: %d, doubled %d", name, b.Total, two[name].Total)
			}
		}
	})
}

// The order of lines does not matter, nor does splitting one in two halves.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lines := genLines(rt)
		shuffled := rapid.Permutation(lines).Draw(rt, "order")
		want := compute(t, Params{Usage: usageOf(lines, 2)})
		if diff := cmp.Diff(want, compute(t, Params{Usage: usageOf(shuffled, 2)})); diff != "" {
			rt.Fatalf("order (-want +got):\n%s", diff)
		}
		halves := append(usageOf(lines, 1), usageOf(shuffled, 1)...)
		if diff := cmp.Diff(want, compute(t, Params{Usage: halves})); diff != "" {
			rt.Fatalf("halves (-want +got):\n%s", diff)
		}
	})
}

// A named line never costs more than its list price, on no plan.
func TestNamedNeverAboveListPrice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lines := genLines(rt)
		for i := range lines {
			lines[i].named, lines[i].billed = true, false // so the former mix is at list prices
		}
		r := compute(t, Params{Usage: usageOf(lines, 1)})
		for _, p := range r.Plans {
			if p.Bill.Total > r.Baselines[0].Total {
				rt.Fatalf("%s: %d above list price %d", p.Name, p.Bill.Total, r.Baselines[0].Total)
			}
		}
	})
}

// The intervals of the promise are those that trying every share finds.
func TestPromiseAgainstTrying(t *testing.T) {
	for _, base := range []Params{
		{}, {HardPrice: "20/30"}, {EverydayPrice: "9/9", HardPrice: "1/1"}, {FlatBillsThinking: "true", HardPrice: "40/160"},
		{InputTokens: "100/4000", OutputTokens: "700/90", CachedTokens: "50/1000"}, {Routes: []string{"everyday=acme/mini", "hard=acme/flag"}, HardPrice: "10/40"},
	} {
		base.Requests = "1000"
		solved := map[string]PromiseRow{}
		for _, row := range compute(t, base).Promise.Rows {
			if row.Own {
				solved[row.Plan] = row
			}
		}
		for h := int64(0); h <= 100; h++ {
			p := base
			p.HardShare = Text(big.NewRat(h, 100).FloatString(2))
			for _, plan := range compute(t, p).Plans {
				c := plan.Comparisons[0]
				for _, try := range []struct {
					percent int64
					in      *Interval
				}{{40, solved[plan.Name].AtLeastLow}, {56, solved[plan.Name].AtLeastHigh}} {
					holds := 100*int64(c.Saving) >= try.percent*int64(c.Theirs)
					if inside := within(try.in, big.NewRat(h, 100)); inside != holds {
						t.Errorf("%+v at %d %% hard, %s: saves %s %%, interval for %d %% is %+v", base, h, plan.Name, c.Percent, try.percent, try.in)
					}
				}
			}
		}
	}
}

func within(i *Interval, h *big.Rat) bool {
	if i == nil {
		return false
	}
	from, _ := new(big.Rat).SetString(i.FromExact)
	to, _ := new(big.Rat).SetString(i.ToExact)
	return h.Cmp(from) >= 0 && h.Cmp(to) <= 0
}

// By hand: the flat price saves 40 % where 0.6 x (0.4 + 7.6 h) = 3.
func TestPromiseByHand(t *testing.T) {
	row := compute(t, Params{}).Promise.Rows[0]
	want := PromiseRow{Plan: "flat", InPerOut: "4.00", Own: true, Saving: "-56.25",
		AtLeastLow:  &Interval{From: "0.6053", To: "1.0000", FromExact: "23/38", ToExact: "1"},
		AtLeastHigh: &Interval{From: "0.8445", To: "1.0000", FromExact: "353/418", ToExact: "1"}}
	if diff := cmp.Diff(want, row); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Only hard requests, billed as a whole: no share to vary, no other ratio.
	r := compute(t, Params{Import: text("model,requests,input_tokens,output_tokens,cost_usd\nacme/flag,10,1000,1000,1\n")})
	if rows := r.Promise.Rows; len(rows) != 2 || rows[0].Why == "" || rows[0].AtLeastLow != nil || rows[0].Saving != "98.50" {
		t.Errorf("%+v", rows)
	}
}
