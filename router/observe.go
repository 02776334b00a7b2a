package router

// Would is what an alias or a swap would have picked for a request that was
// left as it is: to see what a change would do before it is made.
type Would struct {
	By       string  `json:"by"` // "swap", or the alias' selector
	Model    string  `json:"model"`
	Provider string  `json:"provider"`
	PSuccess float64 `json:"p_success"`
	CostUSD  float64 `json:"est_cost_usd"`
	Why      string  `json:"why"`
}

// observe records what would have been picked, where policy asks for it.
func (t *Table) observe(q Query, d *Decision) {
	switch {
	case q.Policy == nil || len(d.Candidates) == 0:
	case q.Policy.ObserveAlias != "":
		target, err := t.Resolve(q.Policy.ObserveAlias)
		if err != nil {
			return // checked on parsing, against a catalogue that may have changed
		}
		q.Target, q.Explain = target, false
		if would, err := Decide(t, q); err == nil {
			d.Would = wouldBe(q.Policy.ObserveAlias, &would)
		}
	case q.Policy.ObserveSwap && len(q.Target.Named) > 0:
		e := t.estimator(q)
		policy := *q.Policy
		policy.Swap = true
		q.Policy = &policy
		would := *d
		if t.swap(q, &e, &would); would.RoutedFrom != "" {
			would.Model, would.Provider = would.Candidates[0].Model, would.Candidates[0].Provider
			would.PSuccess, would.CostUSD = would.Candidates[0].PSuccess, would.Candidates[0].CostUSD
			d.Would = wouldBe("swap", &would)
		}
	}
}

func wouldBe(by string, d *Decision) *Would {
	return &Would{By: by, Model: d.Model, Provider: d.Provider, PSuccess: d.PSuccess, CostUSD: d.CostUSD, Why: d.Reason}
}
