package main

import (
	"cmp"
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
	w.upstreams, w.available = map[door]router.Upstream{}, map[string]router.Availability{}
	for name := range w.conf.Providers {
		if _, ok := w.catalog.Provider(name); !ok {
			return usagef("configuration: providers.%s is not a provider of the catalogue", name)
		}
	}
	transport := compat.NewTransport()
	callable := 0
	for _, p := range w.catalog.Providers() {
		a, err := w.open(p, transport)
		if err != nil {
			return usagef("configuration: provider %s: %w", p.Name, err)
		}
		w.available[p.Name] = a
		if a.OK {
			callable++
		}
	}
	if err := w.checkFreeModels(); err != nil {
		return err
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
		k := labelledKey{}
		w.available[p.Name] = router.Availability{Provider: p.Name, OK: true, Keys: []router.ProviderKey{k.providerKey(p)}}
		w.upstreams[door{p.Name, ""}] = s
	}
	return nil
}

// door is one key of one provider.
type door struct{ provider, key string }

// open makes a client for each key of a provider that is set.
func (w *world) open(p models.Provider, transport http.RoundTripper) (router.Availability, error) {
	conf, a := w.conf.Providers[p.Name], router.Availability{Provider: p.Name}
	base := cmp.Or(conf.BaseURL, p.BaseURL)
	for _, k := range conf.all() {
		key := ""
		if !k.Keyless {
			env := cmp.Or(k.APIKeyEnv, p.KeyEnv)
			if key = w.getenv(env); key == "" {
				a.Why = fmt.Sprintf("no provider key: environment variable %s is not set", env)
				continue
			}
		}
		if base == "" {
			a.Why = "no OpenAI-compatible base URL is known; set providers." + p.Name + ".base_url"
			continue
		}
		c, err := compat.New(base, key, transport)
		if err != nil {
			return a, err
		}
		w.upstreams[door{p.Name, k.Label}] = c
		a.Keys = append(a.Keys, k.providerKey(p))
	}
	if a.OK = len(a.Keys) > 0; a.OK {
		a.Why = ""
	}
	return a, nil
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
func (w *world) Upstream(provider, key string) router.Upstream {
	if up, ok := w.upstreams[door{provider, key}]; ok {
		return up
	}
	return nil // not a nil of another type
}

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
