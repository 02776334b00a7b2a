package health

import "time"

// HedgeAfter is how long to wait for a model's answer before asking a second
// one as well: the HedgeQuantile of its recent times to the first byte of a
// stream, or to a whole answer. ok is false while too few are known.
func (h *Health) HedgeAfter(provider, model string, stream bool) (after time.Duration, ok bool) {
	m := h.index.Load().models[Scope{provider, model}]
	if m == nil {
		return 0, false
	}
	return m.times.quantile(&h.c, stream, time.Now())
}

// million is one hedge, in the unit in which the budget counts.
const million = 1_000_000

// CountRequest adds one request to the budget for hedges: once per request of
// a client, not per call.
func (h *Health) CountRequest() {
	earn, most := int64(h.c.HedgeShare*million), int64(h.c.HedgeBurst)*million
	for earn > 0 {
		old := h.tokens.Load()
		if old >= most || h.tokens.CompareAndSwap(old, min(old+earn, most)) {
			return
		}
	}
}

// TryHedge takes leave for one hedge from the budget. There were never more
// hedges than HedgeShare of the requests counted so far, and at most HedgeBurst
// in a row come from quiet times, so a slow night does not double the traffic.
func (h *Health) TryHedge() bool {
	for {
		old := h.tokens.Load()
		if old < million {
			return false
		}
		if h.tokens.CompareAndSwap(old, old-million) {
			return true
		}
	}
}
