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
// restriction, default thresholds.
type Policy struct {
	Version int    `yaml:"version"` // of the file format: 1
	ID      string `yaml:"id"`      // the operator's name for this revision, shown in decisions
	// Regions that models may be served in; empty allows all.
	Regions   []string  `yaml:"regions"`
	Providers AllowDeny `yaml:"providers"`
	Models    AllowDeny `yaml:"models"` // by exact "provider/name"
	// Thresholds of predicted success, one per alias objective.
	Thresholds map[Objective]float64 `yaml:"thresholds"`
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

// defaultThresholds: a level is defined by p >= 0.7, so balanced asks for just
// that; cost takes a little more risk and quality much less.
var defaultThresholds = map[Objective]float64{Cost: 0.6, Balanced: 0.7, Fast: 0.7, Quality: 0.85}

// DefaultPolicy is what applies without a policy file.
func DefaultPolicy() Policy { return Policy{Version: 1, ID: "default"}.withDefaults() }

func (p Policy) withDefaults() Policy {
	p.ID = cmp.Or(p.ID, "unnamed")
	p.MaxAttempts = cmp.Or(p.MaxAttempts, 3)
	p.FirstByteTimeout = cmp.Or(p.FirstByteTimeout, 120*time.Second)
	p.IdleTimeout = cmp.Or(p.IdleTimeout, 120*time.Second)
	all := map[Objective]float64{}
	for o, v := range defaultThresholds {
		all[o] = v
	}
	for o, v := range p.Thresholds {
		all[o] = v
	}
	p.Thresholds = all
	return p
}

// ParsePolicy reads a policy file and checks it as a whole: unknown keys,
// unknown regions and providers, and values out of range are all reported
// together. known gives the regions, providers and model IDs of the catalogue.
func ParsePolicy(data []byte, known Known) (Policy, error) {
	var p Policy
	if err := DecodeYAML(data, &p); err != nil {
		return Policy{}, fmt.Errorf("policy: %w", err)
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("policy: "+format, args...)) }
	if p.Version != 1 {
		bad("version is %d; want 1", p.Version)
	}
	checkNames(bad, "regions", p.Regions, known.Regions)
	checkNames(bad, "providers.allow", p.Providers.Allow, known.Providers)
	checkNames(bad, "providers.deny", p.Providers.Deny, known.Providers)
	checkNames(bad, "models.allow", p.Models.Allow, known.Models)
	checkNames(bad, "models.deny", p.Models.Deny, known.Models)
	for o, v := range p.Thresholds {
		if _, ok := defaultThresholds[o]; !ok {
			bad("thresholds.%s: want cost, balanced, quality or fast", o)
		} else if !(v >= 0 && v < 1) {
			bad("thresholds.%s is %v; want a probability from 0 to below 1", o, v)
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
