package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"assay/api"
	"assay/classifier"
	"assay/classifier/onnx"
	"assay/models/providers/sim"
	"assay/router/policy"
)

// config is the operator's configuration file (YAML). Every key is optional;
// unknown keys are errors. Paths are relative to the file.
type config struct {
	// Addr to listen on, host:port.
	Addr string `yaml:"addr"`
	// Open admits clients without a key on an address that is not loopback.
	Open bool `yaml:"open"`
	// Keys of clients, as SHA-256 hashes.
	Keys []keyConfig `yaml:"keys"`
	// Providers by name of the catalogue.
	Providers map[string]providerConfig `yaml:"providers"`
	// Outcomes weighs in what outcomes of benchmarks say about a prompt like
	// theirs, for the families that they are known of. Off by default: on
	// everyday prompts it draws hard ones towards the mean of their kind.
	Outcomes bool `yaml:"outcomes"`
	// Catalog is a directory whose rows replace or extend the embedded ones.
	Catalog string `yaml:"catalog"`
	Tiers   string `yaml:"tiers"`
	Policy  string `yaml:"policy"`

	Tables     tablesConfig     `yaml:"tables"`
	Changes    changesConfig    `yaml:"changes"`
	Classifier classifierConfig `yaml:"classifier"`
	Simulated  simulatedConfig  `yaml:"simulated"`
	Log        logConfig        `yaml:"log"`
	Tracing    tracingConfig    `yaml:"tracing"`
	// Allowances is the folder where the use of free allowances is counted, of
	// this gateway alone; default data/allowances.
	Allowances string `yaml:"allowances"`
	// MaxBodyBytes bounds a request body; default 32 MiB.
	MaxBodyBytes int64 `yaml:"max_body_bytes"`
}

type keyConfig struct {
	Label  string `yaml:"label"`
	SHA256 string `yaml:"sha256"`
	Org    string `yaml:"org"` // of the policy file; "" none
}

type providerConfig struct {
	BaseURL     string `yaml:"base_url"`
	KeySettings `yaml:",inline"`
	// Keys, where there are several: those with a free allowance are used first,
	// inside it.
	Keys []labelledKey `yaml:"keys"`
	// MaxInFlight is how many calls the provider gets at once; 0: no limit.
	MaxInFlight int `yaml:"max_in_flight"`
}

type classifierConfig struct {
	Model   string        `yaml:"model"`   // directory of the model; default: the embedded one
	Library string        `yaml:"library"` // ONNX Runtime's shared library
	Timeout time.Duration `yaml:"timeout"` // of a classification, before the heuristic answers
	Stages  onnx.Stages   `yaml:"stages"`  // both (default), fast, deep
	// DeepDeadline is how long the deep stage is waited for, before the fast answer stands.
	DeepDeadline time.Duration `yaml:"deep_deadline"`
	DeepWorkers  int           `yaml:"deep_workers"` // its runs at once, a core each; default: every core
}

type simulatedConfig struct {
	// Mode is "auto" (the default: simulate if no provider can be called),
	// "always" or "never".
	Mode string `yaml:"mode"`
	Seed int64  `yaml:"seed"`
	// AnswerKey is a folder of eval sets whose answers the simulated models know,
	// each as well as its quality says. The starter items are always known.
	AnswerKey string                 `yaml:"answer_key"`
	Profiles  map[string]sim.Profile `yaml:"profiles"` // by model ID, "*" for all
}

type logConfig struct {
	Level  string `yaml:"level"`  // debug, info, warn, error; default info
	Format string `yaml:"format"` // text or json; default text
}

// loadConfig reads a configuration file; path "" gives the defaults. All
// mistakes are reported together.
func loadConfig(path string) (config, error) {
	var c config
	if path == "" {
		return c, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return c, usagef("read configuration: %w", err)
	}
	if err := policy.DecodeYAML(data, &c); err != nil {
		return c, usagef("configuration %s: %w", path, err)
	}
	if err := c.validate(); err != nil {
		return c, usagef("configuration %s:\n%w", path, err)
	}
	dir := filepath.Dir(path)
	for _, p := range []*string{&c.Catalog, &c.Tiers, &c.Policy, &c.Classifier.Model, &c.Classifier.Library, &c.Simulated.AnswerKey, &c.Allowances, &c.Tables.Dir, &c.Changes.Dir} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	return c, nil
}

func (c config) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("  "+format, args...)) }
	if c.Addr != "" {
		if _, _, err := net.SplitHostPort(c.Addr); err != nil {
			bad("addr: %v; want host:port", err)
		}
	}
	c.checkTables(bad)
	c.Tracing.check(bad)
	seen := map[string]bool{}
	for i, k := range c.Keys {
		if k.Label == "" || seen[k.Label] {
			bad("keys[%d].label: %q must be set and unique", i, k.Label)
		}
		seen[k.Label] = true
		if _, err := api.ParseKey(k.Label, k.SHA256); err != nil {
			bad("keys[%d]: %v", i, err)
		}
	}
	for name, p := range c.Providers {
		p.check(name, bad)
	}
	switch c.Simulated.Mode {
	case "", "auto", "always", "never":
	default:
		bad("simulated.mode: %q; want auto, always or never", c.Simulated.Mode)
	}
	for id, p := range c.Simulated.Profiles {
		if err := p.Validate(); err != nil {
			bad("simulated.profiles[%s]: %v", id, err)
		}
	}
	if _, err := logLevel(c.Log.Level); err != nil {
		bad("log.level: %v", err)
	}
	switch c.Log.Format {
	case "", "text", "json":
	default:
		bad("log.format: %q; want text or json", c.Log.Format)
	}
	if c.MaxBodyBytes < 0 {
		bad("max_body_bytes: must not be negative")
	}
	if c.Classifier.Timeout < 0 || c.Classifier.DeepDeadline < 0 || c.Classifier.DeepWorkers < 0 {
		bad("classifier: timeout, deep_deadline and deep_workers must not be negative")
	}
	timeout := cmp.Or(c.Classifier.Timeout, classifier.DefaultTimeout)
	if deadline := cmp.Or(c.Classifier.DeepDeadline, onnx.DefaultDeadline); timeout > 0 && timeout <= deadline {
		bad("classifier.timeout: %s is not above deep_deadline, %s: the heuristic would answer where the fast stage's answer should stand", timeout, deadline)
	}
	if err := c.Classifier.Stages.Validate(); err != nil {
		bad("classifier.stages: %v", err)
	}
	sort.Slice(errs, func(i, j int) bool { return errs[i].Error() < errs[j].Error() })
	return errors.Join(errs...)
}

// clientKeys gives the keys that clients may use.
func (c config) clientKeys() []api.Key {
	var keys []api.Key
	for _, k := range c.Keys {
		key, err := api.ParseKey(k.Label, k.SHA256)
		if err == nil { // validated on load
			key.Org = k.Org
			keys = append(keys, key)
		}
	}
	return keys
}

// orgs lists the orgs that client keys belong to.
func (c config) orgs() []string {
	var out []string
	for _, k := range c.Keys {
		if k.Org != "" && !slices.Contains(out, k.Org) {
			out = append(out, k.Org)
		}
	}
	return out
}

// checkAddr refuses to serve strangers without keys.
func (c config) checkAddr(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return usagef("--addr: %w; want host:port", err)
	}
	if len(c.Keys) > 0 || c.Open {
		return nil
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	if host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return usagef("refusing to listen on %s: without client keys everybody who reaches that address could spend the operator's money; "+
		"listen on 127.0.0.1, configure keys, or set open: true in the configuration", addr)
}
