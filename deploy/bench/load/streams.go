package load

import (
	"context"
	"sync"
	"time"
)

// StreamOptions describe n paced streams that are open at all times: where
// one ends, the next begins. Their beginnings are spread over the length of a
// stream, so that their chunks do not come all at the same instant.
type StreamOptions struct {
	Target Target
	Bodies *Bodies // of streams
	Serial uint64
	N      int
	Chunks int           // of a stream
	Length time.Duration // of a stream that is on time
	Window time.Duration // measured, after one length
	Mark   func()        // called at the beginning and at the end of the window
}

// StreamResult is what paced streams have shown. Times are in nanoseconds;
// the delay of a chunk is from its writing by the provider until it is here.
type StreamResult struct {
	N          int    `json:"n"`
	Chunks     int    `json:"chunks"` // written inside the window
	P50        int64  `json:"p50_ns"`
	P99        int64  `json:"p99_ns"`
	Max        int64  `json:"max_ns"`
	Whole      int    `json:"whole"` // streams that came whole
	Errors     int    `json:"errors"`
	FirstError string `json:"first_error,omitempty"`
}

// Streams keeps n streams open and measures the delay of their chunks.
func Streams(ctx context.Context, o StreamOptions) StreamResult {
	begin := time.Now()
	from := begin.Add(o.Length)
	to := from.Add(o.Window)
	ctx, cancel := context.WithDeadline(ctx, to.Add(2*o.Length+unfinished))
	defer cancel()
	viewers := make([]viewer, o.N)
	var wg sync.WaitGroup
	for i := range viewers {
		v := &viewers[i]
		v.from, v.to = from.UnixNano(), to.UnixNano()
		wg.Go(func() {
			if !sleep(ctx, o.Length*time.Duration(i)/time.Duration(o.N)) {
				return
			}
			v.watch(ctx, o, o.Serial+uint64(i), to)
		})
	}
	if o.Mark != nil {
		sleep(ctx, time.Until(from))
		o.Mark()
		sleep(ctx, time.Until(to))
		o.Mark()
	}
	wg.Wait()
	return merge(viewers)
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// viewer watches one stream after the other.
type viewer struct {
	from, to int64 // the window, nanoseconds since 1970
	delays   Samples
	whole    int
	worker   worker
}

// watch opens streams until the end of the window and sees the last one out.
// Serial numbers go up by the number of viewers.
func (v *viewer) watch(ctx context.Context, o StreamOptions, serial uint64, until time.Time) {
	c := newClient(o.Target)
	defer c.close()
	check := checker{chunks: o.Chunks, onChunk: func(sent int64) {
		if sent >= v.from && sent < v.to {
			v.delays = append(v.delays, time.Now().UnixNano()-sent)
		}
	}}
	var body []byte
	for ; time.Now().Before(until); serial += uint64(o.N) {
		body = o.Bodies.Append(body[:0], serial)
		if err := c.do(ctx, body, check.stream); err != nil {
			v.worker.fail(err)
			if !sleep(ctx, 10*time.Millisecond) {
				return
			}
			continue
		}
		v.whole++
	}
}

func merge(viewers []viewer) StreamResult {
	r := StreamResult{N: len(viewers)}
	var all Samples
	for _, v := range viewers {
		all = append(all, v.delays...)
		r.Whole, r.Errors = r.Whole+v.whole, r.Errors+v.worker.failed
		if r.FirstError == "" {
			r.FirstError = v.worker.firstError
		}
	}
	q := all.Quantiles(0.5, 0.99, 1)
	r.Chunks, r.P50, r.P99, r.Max = len(all), q[0], q[1], q[2]
	return r
}

// Most finds the largest n up to limit for which ok holds, assuming that it
// holds for all smaller ones: it doubles from start, then halves the interval
// until that is a twentieth of n or one. It gives 0 if ok holds for none.
func Most(start, limit int, ok func(n int) bool) int {
	good, bad := 0, limit+1
	for n := start; good < limit; n = min(2*n, limit) {
		if !ok(n) {
			bad = n
			break
		}
		good = n
	}
	for bad-good > max(1, good/20) {
		if mid := good + (bad-good)/2; ok(mid) {
			good = mid
		} else {
			bad = mid
		}
	}
	return good
}
