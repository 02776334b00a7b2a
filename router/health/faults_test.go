package health

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// least is a source of jitter that always gives the shortest delay: half.
func least() float64 { return 0 }

var failures = map[string]Failure{"timeout": Timeout, "broken": Broken, "nonsense": Nonsense, "noroute": NoRoute, "quota": NoQuota, "fault": Fault, "gone": ClientGone}

// play runs a sequence of calls: a status with an optional "/" and Retry-After (DATE: in 42 s, as a date),
// a failure, "+" and a duration to wait, or "x" for a call that must be
// refused. "10*500" is ten times 500.
func play(t *testing.T, h *Health, sequence string) {
	t.Helper()
	for _, word := range strings.Fields(sequence) {
		n := 1
		if times, rest, ok := strings.Cut(word, "*"); ok {
			n, _ = strconv.Atoi(times)
			word = rest
		}
		for range n {
			one(t, h, word)
		}
	}
}

func one(t *testing.T, h *Health, word string) {
	t.Helper()
	if wait, ok := strings.CutPrefix(word, "+"); ok {
		d, err := time.ParseDuration(wait)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(d)
		return
	}
	p, err := h.Acquire("p", "m")
	if word == "x" {
		if err == nil {
			t.Fatalf("a call was let through that should be refused")
		}
		return
	}
	if err != nil {
		t.Fatalf("call %q was refused: %v", word, err)
	}
	status, after, _ := strings.Cut(word, "/")
	if after == "DATE" {
		after = time.Now().Add(42 * time.Second).UTC().Format(http.TimeFormat)
	}
	r := Result{Failure: failures[status], RetryAfter: after, Duration: time.Second}
	if r.Failure == None {
		if r.Status, err = strconv.Atoi(status); err != nil {
			t.Fatalf("no such word: %q", word)
		}
	}
	p.Done(r)
}

func statusOf(h *Health, s Scope) Status {
	for _, row := range h.Snapshot() {
		if row.Scope == s {
			return row
		}
	}
	return Status{Scope: s}
}

func TestFaultSequences(t *testing.T) {
	for _, c := range []struct {
		rule, sequence  string
		model, provider State
		until           time.Duration // of whichever is open, from the end of the sequence
	}{
		{"nothing happened", "", Closed, Closed, 0},
		{"half of at least 10 calls failed", "5*200 5*500", Open, Closed, 2500 * time.Millisecond},
		{"fewer than half failed", "6*200 5*500", Closed, Closed, 0},
		{"too few calls say nothing", "9*500", Closed, Closed, 0},
		{"failures out of the window are forgotten", "9*500 +31s 500", Closed, Closed, 0},
		{"failures of every kind count", "2*500 2*502 2*timeout 2*broken 2*nonsense", Open, Closed, 2500 * time.Millisecond},
		{"408 and redirects count", "5*408 5*302", Open, Closed, 2500 * time.Millisecond},
		{"a client's fault counts as nothing", "20*400 20*404 20*413 20*422 20*fault 9*500", Closed, Closed, 0},
		{"a client that hangs up counts as nothing", "40*gone 9*500", Closed, Closed, 0},
		{"429 opens for exactly as long as it says", "429/30", Open, Closed, 30 * time.Second},
		{"429 with a date", "429/DATE", Open, Closed, 42 * time.Second},
		{"Retry-After is capped", "429/86400", Open, Closed, 10 * time.Minute},
		{"garbage in Retry-After is no header", "429/soon", Open, Closed, 500 * time.Millisecond},
		{"429 without a time opens longer on repeats", "429 +500ms 429 +1s 429", Open, Closed, 2 * time.Second},
		{"success resets the backoff", "429 +500ms 429 +1s 200 429", Open, Closed, 500 * time.Millisecond},
		{"503 with Retry-After is a limit", "503/7", Open, Closed, 7 * time.Second},
		{"529 with Retry-After is a limit", "529/7", Open, Closed, 7 * time.Second},
		{"503 without it is one failure", "503", Closed, Closed, 0},
		{"open refuses until its time", "429/30 x +29999ms x +1ms 200", Closed, Closed, 0},
		{"a probe that fails reopens for longer", "10*500 +2500ms 500", Open, Closed, 5 * time.Second},
		{"and longer still, up to the cap", "10*500 +3s 500 +5s 500 +10s 500 +20s 500 +40s 500 +80s 500 +150s 500", Open, Closed, 150 * time.Second},
		{"a probe that succeeds closes", "10*500 +2500ms 200", Closed, Closed, 0},
		{"closing starts afresh", "10*500 +2500ms 200 9*500", Closed, Closed, 0},
		{"closing resets the delay", "10*500 +2500ms 500 +5s 200 10*500", Open, Closed, 2500 * time.Millisecond},
		{"a probe's client hangs up: another probe", "10*500 +2500ms 5*gone 200", Closed, Closed, 0},
		{"a probe with a client's fault: another probe", "10*500 +2500ms 5*400 200", Closed, Closed, 0},
		{"a probe that is limited reopens for its time", "10*500 +2500ms 429/60", Open, Closed, time.Minute},
		{"no connection counts against the provider", "10*noroute", Closed, Open, 2500 * time.Millisecond},
		{"answers outweigh calls without connection", "20*200 15*noroute", Closed, Closed, 0},
		{"5xx says nothing about the provider", "9*noroute 5*500", Closed, Closed, 0},
		{"the call that completes the number may be a good one", "9*500 200", Open, Closed, 2500 * time.Millisecond},
		{"401 opens the provider at once", "401", Closed, Open, 10 * time.Minute},
		{"402 too", "402", Closed, Open, 10 * time.Minute},
		{"403 too", "403", Closed, Open, 10 * time.Minute},
		{"so does a quota that is used up, whatever the status", "quota", Closed, Open, 10 * time.Minute},
		{"the operator's trouble stays until a call succeeds", "401 +10m 401", Closed, Open, 10 * time.Minute},
		{"the operator's trouble is over", "401 x +10m 200", Closed, Closed, 0},
		{"a 500 does not show that the key is good", "401 +10m 500 401", Closed, Open, 10 * time.Minute},
	} {
		t.Run(c.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := New(Config{Rand: least})
				play(t, h, c.sequence)
				m, p := statusOf(h, Scope{"p", "m"}), statusOf(h, Scope{Provider: "p"})
				if m.State != c.model || p.State != c.provider {
					t.Fatalf("model is %s, provider %s; want %s, %s", m.State, p.State, c.model, c.provider)
				}
				until := max(untilOf(m), untilOf(p))
				if until != c.until {
					t.Errorf("open for %s more, want %s", until, c.until)
				}
			})
		})
	}
}

func untilOf(s Status) time.Duration {
	if s.State != Open {
		return 0
	}
	return time.Until(s.Until)
}

func TestRefusalsSayWhatWhyAndUntilWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{Rand: least})
		p, err := h.Acquire("p", "m")
		if err != nil {
			t.Fatal(err)
		}
		p.Done(Result{Status: 401, Detail: "invalid key sk-...1234"})
		_, err = h.Acquire("p", "other")
		var un *Unavailable
		if !errors.As(err, &un) {
			t.Fatalf("got %v, want *Unavailable", err)
		}
		want := Unavailable{Scope: Scope{Provider: "p"}, State: Open, Why: Operator, Detail: "HTTP 401: invalid key sk-...1234", Until: time.Now().Add(10 * time.Minute)}
		if *un != want {
			t.Errorf("got %+v, want %+v", *un, want)
		}
		if got := un.Error(); got != "provider p is left alone (operator) until 2000-01-01T00:10:00Z: HTTP 401: invalid key sk-...1234" {
			t.Errorf("text: %s", got)
		}
		if o := h.Peek("p", "never called"); o.Ready || o.Because == nil || *o.Because != want {
			t.Errorf("Peek: %+v", o)
		}
	})
}

func TestLateAnswersDoNotChangeALaterState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{Rand: least})
		var late []*Permit
		for range 5 {
			p, err := h.Acquire("p", "m")
			if err != nil {
				t.Fatal(err)
			}
			late = append(late, p)
		}
		play(t, h, "10*500")
		late[0].Done(Result{Status: 200})
		if s := statusOf(h, Scope{"p", "m"}); s.State != Open {
			t.Error("an answer to a call from before the failures closed the breaker")
		}
		late[1].Done(Result{Status: 429}) // names no time: nothing new
		if s := statusOf(h, Scope{"p", "m"}); time.Until(s.Until) != 2500*time.Millisecond {
			t.Errorf("a late 429 without a time moved the end to %s from now", time.Until(s.Until))
		}
		late[2].Done(Result{Status: 429, RetryAfter: "20"})
		if s := statusOf(h, Scope{"p", "m"}); time.Until(s.Until) != 20*time.Second || s.Why != Limited {
			t.Errorf("a late 429 with a time: open for %s (%s), want 20 s", time.Until(s.Until), s.Why)
		}
		play(t, h, "+20s 200")
		late[3].Done(Result{Status: 500})
		late[4].Done(Result{Status: 401})
		if m, p := statusOf(h, Scope{"p", "m"}), statusOf(h, Scope{Provider: "p"}); m.Failures != 0 || p.State != Open {
			t.Errorf("after late answers: model %+v, provider %+v; want no failure counted, and the provider open", m, p)
		}
	})
}

func TestTheSwitchOverrulesCallsUntilItIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := New(Config{}), Scope{"p", "m"}
		force := func(s Scope, m Mode) {
			t.Helper()
			if err := h.Force(s, m, "maintenance"); err != nil {
				t.Fatal(err)
			}
		}
		force(s, ForceOpen)
		play(t, h, "x +1000h x")
		if o := h.Peek("p", "m"); o.Ready || o.Because.Why != Forced || o.Because.Detail != "maintenance" {
			t.Errorf("Peek: %+v", o)
		}
		force(s, ForceClosed)
		play(t, h, "50*500 429/60 200")
		force(s, Auto)
		play(t, h, "9*500")
		play(t, h, "500 x")
		force(s, Auto) // also closes what calls have opened
		play(t, h, "200")
		force(Scope{Provider: "p"}, ForceOpen)
		play(t, h, "x")
		if n := h.troubled.Load(); n != 1 {
			t.Errorf("%d breakers in trouble, want the provider's", n)
		}
	})
}

func TestStatesAreNamesInJSON(t *testing.T) {
	text, err := json.Marshal(Change{Scope: Scope{"p", "m"}, From: Closed, To: HalfOpen, Why: Limited, Epoch: 3})
	want := `{"scope":{"provider":"p","model":"m"},"from":"closed","to":"half-open","why":"rate_limited","at":"0001-01-01T00:00:00Z","epoch":3}`
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v; want %s", text, err, want)
	}
}

func TestChangesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		var h *Health
		h = New(Config{Rand: least, OnChange: func(c Change) {
			h.Snapshot() // may be called from here
			got = append(got, c.Scope.String()+": "+c.From.String()+" to "+c.To.String()+" "+string(c.Why))
		}})
		play(t, h, "429/5 +5s 429/5 +5s 200 403")
		want := []string{
			"model m at p: closed to open rate_limited", "model m at p: open to half-open rate_limited", "model m at p: half-open to open rate_limited",
			"model m at p: open to half-open rate_limited", "model m at p: half-open to closed ", "provider p: closed to open operator",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}
