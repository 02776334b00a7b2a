package router

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// Policy is the operator's rules for choosing models: one reviewed YAML file,
// validated as a whole and replaced as a whole. Its zero value means: no
// restriction, default margins.
type Policy struct {
	Version int    `yaml:"version"` // of the file format: 1
	ID      string `yaml:"id"`      // the operator's name for this revision, shown in decisions
	// Regions that models may be served in; empty allows all.
	Regions   []string  `yaml:"regions"`
	Providers AllowDeny `yaml:"providers"`
	Models    AllowDeny `yaml:"models"` // by exact "provider/name"
	// Margins are the predicted success given up for each halving of the expected
	// cost, one per alias objective; see bar.
	Margins map[Objective]float64 `yaml:"margins"`
	// MaxAttempts bounds the models tried for one request before the first byte.
	MaxAttempts int `yaml:"max_attempts"`
	// FirstByteTimeout bounds the wait for an upstream's first byte, IdleTimeout
	// the silence inside a stream.
	FirstByteTimeout time.Duration `yaml:"first_byte_timeout"`
	IdleTimeout      time.Duration `yaml:"idle_timeout"`
}

// AllowDeny restricts by name: Deny wins, an empty Allow allows all.
type AllowDeny struct {
	Allow []string `yaml:"allow"`
	Deny  []string `yaml:"deny"`
}

// permits says whether name passes, and why not.
func (a AllowDeny) permits(what, name string) (bool, string) {
	if slices.Contains(a.Deny, name) {
		return false, what + " denied by policy"
	}
	if len(a.Allow) > 0 && !slices.Contains(a.Allow, name) {
		return false, what + " not on the policy's allow list"
	}
	return true, ""
}

// defaultMargins by a rule: the largest margin, rounded down, up to which the
// replay of recorded outcomes loses at most 3, 1 and 0.25 points of success
// against the best single model, on average over its sources (docs/replay.md,
// "How the margins were chosen"); fast is as balanced.
var defaultMargins = map[Objective]float64{Cost: 0.021, Balanced: 0.017, Quality: 0.012, Fast: 0.017}

// DefaultPolicy is what applies without a policy file.
func DefaultPolicy() Policy { return Policy{Version: 1, ID: "default"}.withDefaults() }

func (p Policy) withDefaults() Policy {
	p.ID = cmp.Or(p.ID, "unnamed")
	p.MaxAttempts = cmp.Or(p.MaxAttempts, 3)
	p.FirstByteTimeout = cmp.Or(p.FirstByteTimeout, 120*time.Second)
	p.IdleTimeout = cmp.Or(p.IdleTimeout, 120*time.Second)
	all := map[Objective]float64{}
	for o, v := range defaultMargins {
		all[o] = v
	}
	for o, v := range p.Margins {
		all[o] = v
	}
	p.Margins = all
	return p
}

// policyFile is a policy with the keys that older files had.
type policyFile struct {
	Policy     `yaml:",inline"`
	Thresholds any `yaml:"thresholds"`
}

// ParsePolicy reads a policy file and checks it as a whole: unknown keys,
// unknown regions and providers, and values out of range are all reported
// together. known gives the regions, providers and model IDs of the catalogue.
func ParsePolicy(data []byte, known Known) (Policy, error) {
	var file policyFile
	if err := DecodeYAML(data, &file); err != nil {
		return Policy{}, fmt.Errorf("policy: %w", err)
	}
	p := file.Policy
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("policy: "+format, args...)) }
	if file.Thresholds != nil {
		bad("thresholds is no longer read: say in margins how much predicted success each halving of the cost may take away, for example margins: {balanced: %g}", defaultMargins[Balanced])
	}
	if p.Version != 1 {
		bad("version is %d; want 1", p.Version)
	}
	checkNames(bad, "regions", p.Regions, known.Regions)
	checkNames(bad, "providers.allow", p.Providers.Allow, known.Providers)
	checkNames(bad, "providers.deny", p.Providers.Deny, known.Providers)
	checkNames(bad, "models.allow", p.Models.Allow, known.Models)
	checkNames(bad, "models.deny", p.Models.Deny, known.Models)
	for o, v := range p.Margins {
		if _, ok := defaultMargins[o]; !ok {
			bad("margins.%s: want cost, balanced, quality or fast", o)
		} else if !(v >= 0 && v <= mostForgiven) {
			bad("margins.%s is %v; want a share of success from 0 to %v", o, v, mostForgiven)
		}
	}
	if p.MaxAttempts < 0 || p.MaxAttempts > 10 {
		bad("max_attempts is %d; want 1 to 10", p.MaxAttempts)
	}
	if p.FirstByteTimeout < 0 || p.IdleTimeout < 0 {
		bad("first_byte_timeout and idle_timeout must not be negative")
	}
	if len(errs) > 0 {
		sort.Slice(errs, func(i, j int) bool { return errs[i].Error() < errs[j].Error() })
		return Policy{}, errors.Join(errs...)
	}
	return p.withDefaults(), nil
}

// Known is the vocabulary a policy may use.
type Known struct{ Regions, Providers, Models []string }

func checkNames(bad func(string, ...any), key string, got, known []string) {
	for _, name := range got {
		if !slices.Contains(known, name) {
			if len(known) <= 30 {
				bad("%s: %q is unknown; known: %s", key, name, strings.Join(known, ", "))
			} else {
				bad("%s: %q is not in the catalogue", key, name)
			}
		}
	}
}
