package main

import (
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// peakFor is how long the peak is measured.
const peakFor = 2 * time.Second

// TestSoak protects a gateway that runs for long: at half of its peak rate of
// mixed requests, some of them failing, its memory is flat: the last third
// within 5 % of the middle third. SOAK=30m is the full form (make soak); the
// short one says little about months, and only that it does not grow wildly.
func TestSoak(t *testing.T) {
	long, short := time.Duration(0), 6*time.Second
	if s := os.Getenv("SOAK"); s != "" {
		var err error
		if long, err = time.ParseDuration(s); err != nil || long < 30*time.Second {
			t.Fatalf("SOAK=%q; want a duration of at least 30s", s)
		}
	}
	args, faulty := illConfig(t, map[string]string{"soak-ok": "ok", "soak-500": "500", "soak-cut": "cut-half"})
	p := startProcess(t, args...)
	client := &http.Client{Timeout: faultPatience, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	peak := load{client, p.url, 0}.run(t, peakFor)
	half := float64(peak) / peakFor.Seconds() / 2
	whole := max(long, short)
	middle, last := load{client, p.url, half}.watch(t, whole, func() int64 { return p.rss(t) })
	growth := float64(last)/float64(middle) - 1
	t.Logf("peak %.0f requests/s here, %v at %.0f/s: memory %.1f MiB in the middle third, %.1f MiB in the last, %+.1f %%; %d upstream calls",
		2*half, whole, half, mib(middle), mib(last), 100*growth, faulty.Total().Calls)
	most := 0.05
	if long == 0 {
		most = 0.5
	}
	if growth > most {
		t.Errorf("memory grew by %.1f %%; want %.0f %% at most", 100*growth, 100*most)
	}
	eventually(t, "no call is left", func() bool { return faulty.Total().Running == 0 })
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// load is a mix of requests: answers and streams, one in sixteen to an ill model.
type load struct {
	client *http.Client
	url    string
	rate   float64 // requests a second; 0: as many as 16 clients get through
}

// run sends for a time and gives how many requests were answered as they should be.
func (l load) run(t *testing.T, d time.Duration) (n int64) {
	var sent, good atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now()
	for range 16 {
		wg.Go(func() {
			for {
				i := sent.Add(1)
				due := begun
				if l.rate > 0 {
					due = begun.Add(time.Duration(float64(i) / l.rate * float64(time.Second)))
				}
				if due.Sub(begun) > d || time.Since(begun) > d {
					return
				}
				time.Sleep(time.Until(due))
				if err := l.one(int(i)); err != nil {
					t.Error(err)
					return
				}
				good.Add(1)
			}
		})
	}
	wg.Wait()
	return good.Load()
}

// one is request number i.
func (l load) one(i int) error {
	mode := []string{"json", "stream"}[i/3%2]
	switch i % 32 {
	case 7: // an open breaker's 503 is as good as the provider's own error
		s := look(l.client, l.url, askFor("soak-500", "500", mode))
		if s.status == http.StatusServiceUnavailable {
			return nil
		}
		return fails(502, "upstream_error").check(s, mode)
	case 15:
		look(l.client, l.url, askFor("soak-cut", "cut-half", mode))
		return nil
	}
	return answered.check(look(l.client, l.url, askFor("soak-ok", "ok", mode)), mode)
}

// watch runs the load and gives the median memory of its middle and last third.
func (l load) watch(t *testing.T, d time.Duration, memory func() int64) (middle, last int64) {
	done := make(chan struct{})
	go func() { defer close(done); l.run(t, d) }()
	var samples []int64
	tick := time.NewTicker(d / 90)
	defer tick.Stop()
	for {
		select {
		case <-done:
			n := len(samples)
			if n < 6 {
				t.Fatalf("%d samples are too few", n)
			}
			return median(samples[n/3 : 2*n/3]), median(samples[2*n/3:])
		case <-tick.C:
			samples = append(samples, memory())
		}
	}
}

func median(of []int64) int64 {
	of = slices.Sorted(slices.Values(of))
	return of[len(of)/2]
}
