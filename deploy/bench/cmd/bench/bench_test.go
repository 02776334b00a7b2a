package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/deploy/bench/load"
)

// TestMain lets the test binary be the provider, as the driver is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "mock" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestTheFirstCoreIsTheSystems(t *testing.T) {
	for list, want := range map[string]cores{
		"0-1":   {"0", "1", 2},
		"2-4,9": {"2", "3,4,9", 4},
		"7":     {"7", "7", 1},
	} {
		all, err := parseCores(list)
		if err != nil {
			t.Fatal(err)
		}
		if got := split(all); got != want {
			t.Errorf("cores %s: %+v; want %+v", list, got, want)
		}
	}
	for _, list := range []string{"", "a", "3-1", "1-", "-1"} {
		if got, err := parseCores(list); err == nil {
			t.Errorf("list %q is read as %v; want an error", list, got)
		}
	}
}

func TestTimeOfAProcessIsReadPastAnyName(t *testing.T) {
	tail := " S 41 1 1 0 -1 0 0 0 0 0 7 5 3 2 20 0 1 0 0 0"
	for _, name := range []string{"nginx", "a) S 9 (b", "two words", ""} {
		got, ok := parseStat([]byte("42 (" + name + ")" + tail))
		if want := (procStat{pid: 42, parent: 41, ticks: 17}); !ok || got != want {
			t.Errorf("program %q: %+v, %v; want %+v", name, got, ok, want)
		}
	}
	for _, bad := range []string{"", "42", "42 (x) S 1", ") 42 (", "42 (x)" + strings.Replace(tail, "7", "x", 1)} {
		if got, ok := parseStat([]byte(bad)); ok {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

func TestChildrenCountAndStrangersDoNot(t *testing.T) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Skip("no sleep here:", err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	alone, err := usageOf(child.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	both, err := usageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if alone.Peak <= 0 || alone.Peak < alone.RSS || both.RSS <= alone.RSS {
		t.Errorf("the child %+v, with its parent %+v: want a child that is in the parent's sum, and no peak below its size", alone, both)
	}
	if _, err := usageOf(-1); err == nil {
		t.Error("a process that is not there has a size")
	}
}

func rates(system, load string, perRound ...float64) (out []sample) {
	for i, r := range perRound {
		out = append(out, closedSample(system, load, i+1, r, 0))
	}
	return out
}

func closedSample(system, name string, round int, rate float64, p50 time.Duration) sample {
	return sample{System: system, Load: name, Round: round, Closed: &load.Result{Rate: rate, P50: int64(p50)}}
}

func TestRatiosAreOfTheSameRound(t *testing.T) {
	// A machine that slows down by half each round: each ratio is 0.2, that of
	// the medians as well only by chance of order.
	r := &report{Samples: append(rates(yard, "json-c16", 4000, 1000, 100), rates(onFast, "json-c16", 800, 200, 20, 9)...)}
	got, ok := r.summarise(onFast, "json-c16")
	if !ok || math.Abs(got.Ratio-0.2) > 1e-12 || got.Rate != 110 {
		t.Errorf("rate %v, ratio %v; want the median 110 and 0.2", got.Rate, got.Ratio)
	}
	if _, ok := r.summarise(onFast, "json-c1"); ok {
		t.Error("a load that was not run has a summary")
	}
	r.Samples = rates(onFast, "json-c16", 5)
	if got, _ := r.summarise(onFast, "json-c16"); !math.IsNaN(got.Ratio) {
		t.Errorf("ratio %v without nginx; want none", got.Ratio)
	}
}

func TestTargetsAreMissedBelowTheirBoundOrWithErrors(t *testing.T) {
	for name, c := range map[string]struct {
		rate   float64
		errors int
		want   string
	}{
		"at the bound":    {180, 0, "met"},
		"below it":        {179, 0, "MISSED"},
		"above, but lame": {500, 1, "MISSED"},
	} {
		ours := closedSample(onFast, "json-c16", 1, c.rate, 0)
		ours.Errors = c.errors
		r := &report{Samples: []sample{closedSample(yard, "json-c16", 1, 1000, 0), ours}}
		if got := r.targets()[0]; got.Verdict != c.want {
			t.Errorf("%s: %+v; want %s", name, got, c.want)
		}
	}
	if got := (&report{}).targets()[0]; got.Verdict != "not measured" {
		t.Errorf("nothing measured: %+v", got)
	}
}

func TestAShareIsDoubtedWhereNginxWasIdle(t *testing.T) {
	for busy, doubted := range map[float64]bool{0.3: true, 0.95: false} {
		nginx, ours := closedSample(yard, "json-c16", 1, 1000, 0), closedSample(onFast, "json-c16", 1, 300, 0)
		nginx.Busy, nginx.CPUPerRequest, ours.CPUPerRequest = busy, 25e-6, 250e-6
		got := (&report{Samples: []sample{nginx, ours}}).targets()[0]
		if got.Got != "0.300; by CPU per request 0.100" || strings.Contains(got.Verdict, "but nginx") != doubted {
			t.Errorf("nginx %.2f busy: %+v; want both shares, doubted: %v", busy, got, doubted)
		}
	}
}

func TestAddedDelayIsHeldAgainstNginxAndTheClassifier(t *testing.T) {
	at := func(ours time.Duration) string {
		r := &report{Classify: map[string]int64{"fast": int64(50 * time.Microsecond)}, Samples: []sample{
			closedSample(direct, "json-c1", 1, 1, 30*time.Microsecond), closedSample(yard, "json-c1", 1, 1, 130*time.Microsecond), closedSample(onFast, "json-c1", 1, 1, ours)}}
		return r.added("json-c1", onFast, "fast").Verdict
	}
	// 3 x 100 + 50 above 30
	if at(380*time.Microsecond) != "met" || at(381*time.Microsecond) != "MISSED" {
		t.Errorf("at 380 µs %s, at 381 %s; want met and MISSED", at(380*time.Microsecond), at(381*time.Microsecond))
	}
}

func TestFailureIsWhatMustNotBe(t *testing.T) {
	good := []sample{closedSample(direct, "json-c1", 1, 1, 1)}
	for name, c := range map[string]struct {
		r    report
		want bool
	}{
		"clean":               {report{Samples: good}, false},
		"nothing measured":    {report{}, true},
		"a peer is not here":  {report{Samples: good, Out: []absent{{"litellm", "skipped", false}}}, false},
		"the gateway is not":  {report{Samples: good, Out: []absent{{onFast, "ended", true}}}, true},
		"an answer was wrong": {report{Samples: []sample{{Errors: 1}}}, true},
	} {
		if c.r.failed() != c.want {
			t.Errorf("%s: failed is %v", name, !c.want)
		}
	}
	r := &report{}
	r.leaveOut(spec{Name: yard}, fmt.Errorf("%w: not installed", errSkip))
	r.leaveOut(spec{Name: onFast}, fmt.Errorf("it ended at once"))
	if r.Out[0].Failed || !r.Out[1].Failed {
		t.Errorf("left out: %+v; want only what was not skipped to be a failure", r.Out)
	}
}

func TestListsNameWhatThereIs(t *testing.T) {
	got, err := choose("system", specs, "assay-off,nginx")
	if err != nil || names(got) != "nginx,assay-off" {
		t.Errorf("chosen %s, %v; want both in the order of the rounds", names(got), err)
	}
	if _, err := choose("load", jobs, "json-c1,json-c2"); err == nil || !strings.Contains(err.Error(), `"json-c2"`) {
		t.Errorf("error %v; want one that names json-c2", err)
	}
	for _, args := range [][]string{{"--rounds", "0"}, {"--window", "0s"}, {"--loads", "x"}, {"extra"}, {"--nonsense"}} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, &out, &errs); code != exitUsage || errs.Len() == 0 {
			t.Errorf("%v: exit code %d, %q; want %d with a reason", args, code, errs.String(), exitUsage)
		}
	}
}

func TestARunMeasuresWholeAnswersAndLeavesNothingBehind(t *testing.T) {
	if _, err := exec.LookPath("taskset"); err != nil {
		t.Skip("taskset is needed:", err)
	}
	o := options{rounds: 2, window: 50 * time.Millisecond, warmup: 10 * time.Millisecond, systems: "direct,nginx,litellm", loads: "json-c1,sse-c16", maxStreams: 1}
	p, err := o.plan(nil)
	if err != nil {
		t.Fatal(err)
	}
	var progress bytes.Buffer
	r, err := p.run(t.Context(), &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	if r.failed() || len(r.of(direct, "json-c1")) != 2 || len(r.of(direct, "sse-c16")) != 2 {
		t.Errorf("failed %v, samples %+v; want two rounds of each without errors", r.failed(), r.Samples)
	}
	for _, s := range r.Samples {
		if s.Closed.Answers == 0 || s.Calls != 1 || (s.System == yard) != (s.Peak > 0) {
			t.Errorf("sample %+v: want answers, each one call of the provider, and the memory of what was started", s)
		}
	}
	var skipped []string
	for _, a := range r.Out {
		skipped = append(skipped, a.System)
	}
	if diff := cmp.Diff([]string{"litellm"}, skipped); diff != "" && !strings.Contains(diff, yard) {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	if left, _ := exec.Command("pgrep", "-P", fmt.Sprint(os.Getpid())).Output(); len(bytes.TrimSpace(left)) > 0 {
		t.Errorf("processes are left: %s", left)
	}
}
