package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sort"

	"assay/models"
	"assay/router"
	"assay/router/allowance"
	"assay/router/policy"
)

// KeySettings are what the configuration says of a provider's key.
type KeySettings struct {
	APIKeyEnv string `yaml:"api_key_env"` // name of the environment variable that holds the key
	Keyless   bool   `yaml:"keyless"`     // a server of one's own that wants no key
	// Trains says whether the provider trains on what this key sends: yes, no or
	// unknown; RetentionDays how long it keeps it. Unset, the catalogue's sourced
	// default of the provider's paid API holds, or unknown for a free key.
	Trains        string `yaml:"trains"`
	RetentionDays *int   `yaml:"retention_days"`
	// Free is what the provider gives this key for nothing.
	Free *freeConfig `yaml:"free"`
}

type labelledKey struct {
	Label       string `yaml:"label"`
	KeySettings `yaml:",inline"`
}

// freeConfig is a free allowance; Models are the IDs that it covers, all if
// there are none.
type freeConfig struct {
	allowance.Limits `yaml:",inline"`
	Models           []string `yaml:"models"`
}

// all lists the provider's keys: the one without a label, or those that have one.
func (p providerConfig) all() []labelledKey {
	if len(p.Keys) > 0 {
		return p.Keys
	}
	return []labelledKey{{KeySettings: p.KeySettings}}
}

// check reports what is wrong with a provider's settings.
func (p providerConfig) check(name string, bad func(format string, args ...any)) {
	path := "providers." + name
	if p.MaxInFlight < 0 {
		bad("%s.max_in_flight: must not be negative", path)
	}
	if len(p.Keys) > 0 && p.KeySettings != (KeySettings{}) {
		bad("%s: has keys and settings of a single key; write these with each key", path)
	}
	seen := map[string]bool{}
	for i, k := range p.all() {
		at := path
		if len(p.Keys) > 0 {
			at = fmt.Sprintf("%s.keys[%d]", path, i)
			if k.Label == "" || seen[k.Label] {
				bad("%s.label: %q must be set and unique", at, k.Label)
			}
			seen[k.Label] = true
			if k.APIKeyEnv == "" && !k.Keyless {
				bad("%s.api_key_env: is missing: name the environment variable that holds the key", at)
			}
		}
		if !slices.Contains([]string{"", "yes", "no", "unknown"}, k.Trains) {
			bad("%s.trains: %q; want yes, no or unknown", at, k.Trains)
		}
		if k.RetentionDays != nil && *k.RetentionDays < 0 {
			bad("%s.retention_days: must not be negative", at)
		}
		if k.Free != nil {
			if err := k.Free.Limits.Check(); err != nil {
				bad("%s.free: %v", at, err)
			}
		}
	}
}

// terms gives the data terms that a key serves on.
func (k labelledKey) terms(p models.Provider) policy.Terms {
	t := policy.Terms{Key: k.Label, Free: k.Free != nil, Trains: p.Trains, RetentionDays: p.RetentionDays}
	if k.Free != nil || k.Keyless {
		t.Trains, t.RetentionDays = models.Unknown, models.UnknownRetention
	}
	if k.Keyless { // a server of one's own
		t.Trains = models.No
	}
	switch k.Trains {
	case "yes":
		t.Trains = models.Yes
	case "no":
		t.Trains = models.No
	case "unknown":
		t.Trains = models.Unknown
	}
	if k.RetentionDays != nil {
		t.RetentionDays = *k.RetentionDays
	}
	return t
}

// providerKey gives what the router needs to know of a key.
func (k labelledKey) providerKey(p models.Provider) router.ProviderKey {
	key := router.ProviderKey{Terms: k.terms(p)}
	if k.Free != nil && len(k.Free.Models) > 0 {
		key.Models = k.Free.Models
	}
	return key
}

// allowanceLimits gives the free allowances of all keys, by PROVIDER/LABEL.
func (c config) allowanceLimits() map[string]allowance.Limits {
	out := map[string]allowance.Limits{}
	for name, p := range c.Providers {
		for _, k := range p.all() {
			if k.Free != nil {
				out[name+"/"+k.Label] = k.Free.Limits
			}
		}
	}
	return out
}

// openAllowances opens the book of free allowances; nil if there are none. A
// damaged book is used all the same: it takes everything for used up.
func openAllowances(c config, env environment) (book *allowance.Book, warning string, err error) {
	limits := c.allowanceLimits()
	if len(limits) == 0 {
		return nil, "", nil
	}
	book, err = allowance.Open(cmp.Or(c.Allowances, filepath.Join(cmp.Or(env.Data, defaultData), "allowances")), limits, allowance.Options{})
	var damaged *allowance.Corrupt
	if errors.As(err, &damaged) {
		return book, err.Error(), nil
	}
	if err != nil {
		return nil, "", usagef("allowances: %w; another gateway may be running on the same data: give each its own folder (allowances)", err)
	}
	return book, "", nil
}

// unknownTerms lists the providers that can be called and of whose data terms
// nobody knows.
func (w *world) unknownTerms() []string {
	var out []string
	for name, a := range w.available {
		if a.OK && !w.simulated && slices.ContainsFunc(a.Keys, func(k router.ProviderKey) bool { return k.Terms.Trains == models.Unknown }) {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out
}

// checkFreeModels: what an allowance covers must be a model of that provider.
func (w *world) checkFreeModels() error {
	for name, p := range w.conf.Providers {
		for _, k := range p.all() {
			if k.Free == nil {
				continue
			}
			for _, id := range k.Free.Models {
				if m, ok := w.catalog.Model(id); !ok || m.Provider != name {
					return usagef("configuration: providers.%s: free.models: %q is not a model of that provider", name, id)
				}
			}
		}
	}
	return nil
}
