package main

import (
	"fmt"
	"net/http"
	"strings"

	"assay/models"
	"assay/models/providers/compat"
	"assay/models/providers/sim"
	"assay/router"
)

// openUpstreams finds out which providers can be called, and opens them. With
// none (or when the configuration says so) simulated providers answer for all.
func (w *world) openUpstreams() error {
	w.upstreams, w.available = map[string]router.Upstream{}, map[string]router.Availability{}
	for name := range w.conf.Providers {
		if _, ok := w.catalog.Provider(name); !ok {
			return usagef("configuration: providers.%s is not a provider of the catalogue", name)
		}
	}
	transport := compat.NewTransport()
	callable := 0
	for _, p := range w.catalog.Providers() {
		up, why, err := w.open(p, transport)
		if err != nil {
			return usagef("configuration: provider %s: %w", p.Name, err)
		}
		w.available[p.Name] = router.Availability{Provider: p.Name, OK: up != nil, Why: why}
		if up != nil {
			w.upstreams[p.Name] = up
			callable++
		}
	}
	w.simulated = w.conf.Simulated.Mode == "always" || callable == 0 && w.conf.Simulated.Mode != "never"
	if !w.simulated {
		return nil
	}
	s, err := w.simulator()
	if err != nil {
		return err
	}
	for _, p := range w.catalog.Providers() {
		w.available[p.Name] = router.Availability{Provider: p.Name, OK: true}
		w.upstreams[p.Name] = s
	}
	return nil
}

func (w *world) open(p models.Provider, transport http.RoundTripper) (up router.Upstream, why string, err error) {
	conf := w.conf.Providers[p.Name]
	base := conf.BaseURL
	if base == "" {
		base = p.BaseURL
	}
	keyEnv := conf.APIKeyEnv
	if keyEnv == "" {
		keyEnv = p.KeyEnv
	}
	key := ""
	if !conf.Keyless {
		if key = w.getenv(keyEnv); key == "" {
			return nil, fmt.Sprintf("no provider key: environment variable %s is not set", keyEnv), nil
		}
	}
	if base == "" {
		return nil, "no OpenAI-compatible base URL is known; set providers." + p.Name + ".base_url", nil
	}
	c, err := compat.New(base, key, transport)
	if err != nil {
		return nil, "", err
	}
	return c, "", nil
}

func (w *world) simulator() (*sim.Simulator, error) {
	for id := range w.conf.Simulated.Profiles {
		if _, ok := w.catalog.Model(id); !ok && id != "*" {
			return nil, usagef("configuration: simulated.profiles: %q is not a model of the catalogue; nearest: %s", id, strings.Join(w.catalog.Nearest(id, 3), ", "))
		}
	}
	key, err := answerKey(w.conf.Simulated.AnswerKey)
	if err != nil {
		return nil, usagef("configuration: simulated.answer_key: %w", err)
	}
	cards, err := w.scorecards()
	if err != nil {
		return nil, err
	}
	return sim.New(sim.Options{Seed: w.conf.Simulated.Seed, Profiles: w.conf.Simulated.Profiles, Key: key, Expected: expectation(w.catalog, cards)}), nil
}

// Upstream is the door to a provider; nil if there is none.
func (w *world) Upstream(provider string) router.Upstream { return w.upstreams[provider] }

// leftOut lists the providers of a table that can't be called.
func leftOut(t *router.Table) []router.Availability {
	out := []router.Availability{}
	for _, a := range t.Providers {
		if !a.OK {
			out = append(out, a)
		}
	}
	return out
}
