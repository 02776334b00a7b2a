package router

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"assay/models/openai"
	"assay/router/allowance"
	"assay/router/policy"
)

// ProviderKey is one of a provider's keys: what it is called, and on which
// terms it serves. The key itself is not here.
type ProviderKey struct {
	Terms policy.Terms
	// Models are the IDs that a free allowance covers; nil: all of the provider's.
	Models []string
}

// allowanceName is what the book of allowances calls a provider's key.
func allowanceName(provider, key string) string { return provider + "/" + key }

// keysFor gives the terms of the keys that may serve a model.
func (a Availability) keysFor(model string) []policy.Terms {
	var out []policy.Terms
	for _, k := range a.Keys {
		if k.Models == nil || slices.Contains(k.Models, model) {
			out = append(out, k.Terms)
		}
	}
	return out
}

// doors says which rows a free allowance covers for this request now, and which
// no key may serve now; nil where no key has an allowance.
func (r *Router) doors(t *Table, e *policy.Effective, tokens int64) (free, shut []bool) {
	if len(t.given) == 0 {
		return nil, nil
	}
	free, shut = make([]bool, len(t.rows)), make([]bool, len(t.rows))
	for _, i := range t.given {
		row, paid := &t.rows[i], false
		for _, k := range row.rules.Keys {
			switch {
			case !e.PermitsKey(k):
			case !k.Free:
				paid = true
			case r.covers(row.Provider, k.Key, tokens):
				free[i] = true
			}
		}
		shut[i] = !free[i] && !paid
	}
	return free, shut
}

// covers reports whether an allowance has room for a request of this length.
func (r *Router) covers(provider, key string, tokens int64) bool {
	if r.o.Allowances == nil {
		return true
	}
	requests, left := r.o.Allowances.Left(allowanceName(provider, key))
	return requests > 0 && left >= max(tokens, 1)
}

// noneFree is the error of a request that only a free allowance may serve, with
// the time at which one will be there again.
func (r *Router) noneFree(t *Table, e *policy.Effective, err error) error {
	if r.o.Allowances == nil || len(t.given) == 0 {
		return err
	}
	var until time.Time
	for _, i := range t.given {
		for _, k := range t.rows[i].rules.Keys {
			if !k.Free || !e.PermitsKey(k) {
				continue
			}
			for _, w := range r.o.Allowances.Remaining(allowanceName(t.rows[i].Provider, k.Key)) {
				if w.Left <= 0 && (until.IsZero() || w.Until.Before(until)) {
					until = w.Until
				}
			}
		}
	}
	if until.IsZero() {
		return err
	}
	return &openai.Error{Status: http.StatusTooManyRequests, Type: "rate_limit_error", Code: "free_allowance_used_up", Param: "model",
		Message:    fmt.Sprintf("what this gateway's providers give for free is used up until %s; assay/balanced answers for money", until.UTC().Format(time.RFC3339)),
		RetryAfter: max(int(math.Ceil(until.Sub(r.o.Now()).Seconds())), 1)}
}

// errNoKey is why a candidate can't be called that could a moment ago.
var errNoKey = errors.New("its provider's free allowance is used up and there is no other key")

// chooseKey takes a key for the call: one with room in its free allowance,
// which is reserved before anything is sent, else the first that is paid for.
func (a *attempt) chooseKey() error {
	row := &a.plan.table.rows[a.plan.table.byID[a.model.ID]]
	paid, some := "", false
	for _, k := range row.rules.Keys {
		switch {
		case !a.plan.policy.PermitsKey(k):
		case !k.Free:
			if !some {
				paid, some = k.Key, true
			}
		case a.reserve(k.Key):
			return nil
		}
	}
	switch {
	case some && !(a.plan.freeOnly && !a.model.Free):
		a.out.Key = paid
		return nil
	case len(row.rules.Keys) == 0: // tables made without keys
		return nil
	}
	return errNoKey
}

// reserve books the call with an allowance, if it has room.
func (a *attempt) reserve(key string) bool {
	if a.router.o.Allowances == nil {
		return false
	}
	u := a.candidate.usage
	res, err := a.router.o.Allowances.Reserve(allowanceName(a.model.Provider, key), u.Input+u.Output)
	if err != nil {
		var full *allowance.Exhausted
		if !errors.As(err, &full) {
			a.router.o.Log.Error("allowance not counted, the key is left alone", "provider", a.model.Provider, "key", key, "error", err)
		}
		return false
	}
	a.free, a.out.Key, a.out.Free = res, key, true
	return true
}

// giveBack returns what was reserved for a call that was never made.
func (a *attempt) giveBack() {
	if a.free != nil {
		a.logBook(a.free.Release())
		a.free, a.out.Free = nil, false
	}
}

// spend tells the allowance what the call took: what was used, or, of a call
// that failed before it was answered, what was reserved.
func (a *attempt) spend() {
	switch {
	case a.free == nil:
	case a.out.Usage.Input+a.out.Usage.Output > 0:
		a.logBook(a.free.Settle(a.out.Usage.Input + a.out.Usage.Output))
	default:
		a.logBook(a.free.Settle(-1))
	}
}

func (a *attempt) logBook(err error) {
	if err != nil {
		a.router.o.Log.Error("allowance file", "provider", a.model.Provider, "error", err)
	}
}
