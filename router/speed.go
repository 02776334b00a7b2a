package router

import (
	"maps"
	"sync"
	"time"
)

// SpeedEstimate is a model's measured speed: exponentially weighted averages.
type SpeedEstimate struct {
	FirstByte       float64 // seconds to the first byte
	TokensPerSecond float64 // after the first byte; 0 if never measured
	Samples         int
}

// Seconds is the expected time to receive an answer of n tokens.
func (s SpeedEstimate) Seconds(n int64) float64 {
	if s.TokensPerSecond <= 0 {
		return s.FirstByte
	}
	return s.FirstByte + float64(n)/s.TokensPerSecond
}

// Speeds keeps moving averages of what traffic showed. The zero value is
// ready; it is safe for concurrent use.
type Speeds struct {
	mu sync.Mutex
	by map[string]SpeedEstimate
}

// weight of a new sample in the average: about the last twenty count.
const weight = 0.1

// Observe adds one answer: time to its first byte, time from there to its end,
// and its output tokens. For an answer that came whole, first is 0 and rest is
// all of its time: it says nothing about first bytes.
func (s *Speeds) Observe(model string, first, rest time.Duration, tokens int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[string]SpeedEstimate{}
	}
	e := s.by[model]
	if first > 0 {
		e.FirstByte = average(e.FirstByte, first.Seconds())
	}
	if rest > 0 && tokens > 1 {
		e.TokensPerSecond = average(e.TokensPerSecond, float64(tokens)/rest.Seconds())
	}
	e.Samples++
	s.by[model] = e
}

func average(old, sample float64) float64 {
	if old == 0 {
		return sample
	}
	return old + weight*(sample-old)
}

// Snapshot copies the estimates.
func (s *Speeds) Snapshot() map[string]SpeedEstimate {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.by)
}
