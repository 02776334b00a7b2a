package health

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/bulkhead"
)

// slots bounds a provider's calls in flight.
//
// Acquire refuses at once when all are taken: a gateway has other candidates,
// and one that answers now beats a place in a queue whose length says that
// this provider is slow. Only a request that nobody else may answer has
// something to gain from waiting, and says so by AcquireWait; that queue is
// bounded in length and time, so that calls nobody waits for any more do not
// pile up before a provider in trouble.
type slots struct {
	limit    int // 0: none
	bulkhead bulkhead.Bulkhead[any]
	inFlight atomic.Int64
	waiting  atomic.Int64
}

func (h *Health) newSlots(provider string) slots {
	n, ok := h.c.InFlight[provider]
	if !ok {
		n = h.c.InFlightDefault
	}
	if n <= 0 {
		return slots{}
	}
	return slots{limit: n, bulkhead: bulkhead.New[any](uint(n))}
}

// take gets a place. ctx is nil if the caller does not wait. It is false if
// there is none, or with the error of a context that ended.
func (s *slots) take(ctx context.Context, c *Config) (bool, error) {
	if s.limit > 0 && !s.bulkhead.TryAcquirePermit() {
		if ok, err := s.wait(ctx, c); !ok {
			return false, err
		}
	}
	s.inFlight.Add(1)
	return true, nil
}

func (s *slots) wait(ctx context.Context, c *Config) (bool, error) {
	if ctx == nil {
		return false, nil
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > int64(c.MaxWaiting) {
		return false, nil
	}
	err := s.bulkhead.AcquirePermitWithMaxWait(ctx, max(c.MaxWait, time.Nanosecond))
	if err != nil {
		return false, ctx.Err()
	}
	return true, nil
}

func (s *slots) give() {
	s.inFlight.Add(-1)
	if s.limit > 0 {
		s.bulkhead.ReleasePermit()
	}
}
