package health

import (
	"fmt"
	"testing"
	"time"
)

// crowd is 300 models of 23 providers, each called once.
func crowd(b *testing.B, c Config) (*Health, []Scope) {
	h := New(c)
	var all []Scope
	for i := range 300 {
		p := fmt.Sprintf("provider-%d", i%23)
		all = append(all, Scope{p, fmt.Sprintf("%s/some-model-of-ordinary-name-%d", p, i)})
		permit, err := h.Acquire(all[i].Provider, all[i].Model)
		if err != nil {
			b.Fatal(err)
		}
		permit.Done(Result{Status: 200, Duration: time.Second})
	}
	return h, all
}

// BenchmarkPeek300 looks at 300 models as one decision does: none in trouble,
// one, and all.
func BenchmarkPeek300(b *testing.B) {
	for _, open := range []int{0, 1, 300} {
		b.Run(fmt.Sprintf("open=%d", open), func(b *testing.B) {
			h, all := crowd(b, Config{})
			for _, s := range all[:open] {
				p, _ := h.Acquire(s.Provider, s.Model)
				p.Done(Result{Status: 429, RetryAfter: "600"})
			}
			ready := 0
			b.ReportAllocs()
			for b.Loop() {
				ready = 0
				v := h.View()
				for _, s := range all {
					if v.Peek(s.Provider, s.Model).Ready {
						ready++
					}
				}
			}
			if ready != 300-open {
				b.Fatalf("%d ready", ready)
			}
		})
	}
}

func BenchmarkAcquireDone(b *testing.B) {
	for name, c := range map[string]Config{"unlimited": {}, "limited": {InFlightDefault: 100}} {
		b.Run(name, func(b *testing.B) {
			h, all := crowd(b, c)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					s := all[i%300]
					p, err := h.Acquire(s.Provider, s.Model)
					if err != nil {
						b.Error(err)
						return
					}
					p.Done(Result{Status: 200, Duration: time.Second})
				}
			})
		})
	}
}

func BenchmarkAcquireRefused(b *testing.B) {
	h, all := crowd(b, Config{})
	if err := h.Force(all[0], ForceOpen, ""); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Acquire(all[0].Provider, all[0].Model); err == nil {
			b.Fatal("let through")
		}
	}
}

func BenchmarkHedgeAfter(b *testing.B) {
	h, all := crowd(b, Config{})
	for i := range memory {
		p, _ := h.Acquire(all[0].Provider, all[0].Model)
		p.Done(Result{Status: 200, Duration: time.Duration(i*37%100+1) * time.Millisecond})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := h.HedgeAfter(all[0].Provider, all[0].Model, false); !ok {
			b.Fatal("no estimate")
		}
	}
}
