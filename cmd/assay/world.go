package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"assay/models"
	"assay/router"
	"assay/router/policy"
	"assay/scoring"
	"assay/scoring/success"
)

// world keeps the parts of the routing table, reloads those whose files
// change, and builds a new table from them. A part that cannot be loaded keeps
// its last good version, and the problem is reported until it is gone.
type world struct {
	conf   config
	getenv func(string) string
	now    func() time.Time
	log    *slog.Logger

	mu       sync.Mutex
	catalog  *models.Catalog
	cards    *scoring.Scorecards // of the catalogue's published scores; nil until needed
	tiers    scoring.Tiers
	policy   router.Policy
	table    *router.Table
	seen     map[string]string // part -> fingerprint of what was last looked at
	problems map[string]string // part -> why its newest version is not in use
	// optionalTiers: the tiers file may not exist yet; published tiers serve.
	optionalTiers bool
	day           string

	shelf        *shelf // tables that were served before
	tablesChosen bool   // where they are kept was configured

	upstreams map[door]router.Upstream
	simulated bool
	available map[string]router.Availability
}

// newWorld loads everything once; here every problem is fatal.
func newWorld(conf config, optionalTiers bool, env environment, now func() time.Time, log *slog.Logger) (*world, error) {
	w := &world{conf: conf, getenv: env.Getenv, now: now, log: log, optionalTiers: optionalTiers, seen: map[string]string{}, problems: map[string]string{}}
	for part, path := range w.paths() {
		w.seen[part] = fingerprint(path)
	}
	if err := w.loadCatalog(); err != nil {
		return nil, usagef("catalogue: %w", err)
	}
	if err := w.openUpstreams(); err != nil {
		return nil, err
	}
	w.tablesChosen = conf.Tables.Dir != ""
	w.openShelf(env.Data)
	if err := w.loadTiers(); err != nil {
		if !optionalTiers {
			return nil, usagef("tiers: %w", err)
		}
		w.problems["tiers"] = err.Error()
		if w.tiers, err = w.publishedTiers(); err != nil {
			return nil, fmt.Errorf("default tiers: %w", err)
		}
	}
	if err := w.loadPolicy(); err != nil { // after the tiers, which it may pin
		return nil, usagef("%w", err)
	}
	t, err := w.build()
	if err != nil {
		return nil, usagef("%w", err)
	}
	w.table = t
	w.takeOver()
	return w, nil
}

// paths are the single files that Refresh looks at.
func (w *world) paths() map[string]string {
	p := map[string]string{}
	for part, path := range map[string]string{"tiers": w.conf.Tiers, "policy": w.conf.Policy} {
		if path != "" {
			p[part] = path
		}
	}
	return p
}

func (w *world) loadCatalog() error {
	c, err := w.readCatalog()
	if err == nil {
		w.catalog, w.cards = c, nil
	}
	return err
}

// scorecards are worked out once for each catalogue.
func (w *world) scorecards() (*scoring.Scorecards, error) {
	if w.cards == nil {
		cards, err := scoring.ScoreCatalog(w.catalog)
		if err != nil {
			return nil, err
		}
		w.cards = cards
	}
	return w.cards, nil
}

func (w *world) readCatalog() (*models.Catalog, error) {
	if w.conf.Catalog == "" {
		return models.Embedded()
	}
	return models.LoadDir(w.conf.Catalog)
}

func (w *world) loadPolicy() error {
	if w.conf.Policy == "" {
		if orgs := w.conf.orgs(); len(orgs) > 0 {
			return fmt.Errorf("configuration: keys belong to orgs (%s) and no policy file says what holds for them: give one with --policy or policy", strings.Join(orgs, ", "))
		}
		w.policy = policy.Default()
		return nil
	}
	known := router.KnownTo(w.catalog)
	known.Orgs, known.Tables = w.conf.orgs(), w.pinnable()
	data, err := os.ReadFile(w.conf.Policy)
	if err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	p, err := policy.Parse(data, known)
	if err == nil {
		w.policy = p
	}
	return err
}

func (w *world) loadTiers() error {
	if w.conf.Tiers == "" || w.optionalTiers && !exists(w.conf.Tiers) {
		t, err := w.publishedTiers()
		if err == nil {
			w.tiers = t
		}
		return err
	}
	t, err := scoring.ReadFile(w.conf.Tiers)
	if err != nil {
		return err
	}
	if t.Evidence == scoring.Sim && !w.simulated {
		return fmt.Errorf("%s rests on simulated evidence and real providers are configured: remove it, or publish a table from real runs", w.conf.Tiers)
	}
	w.tiers = t
	return nil
}

func (w *world) publishedTiers() (scoring.Tiers, error) {
	cards, err := w.scorecards()
	if err != nil {
		return scoring.Tiers{}, err
	}
	return w.publishedOnce(scoring.Publish(cards, w.catalog.Models(), w.catalog.Placements(), w.now())), nil
}

func (w *world) build() (*router.Table, error) {
	w.day = w.now().UTC().Format(time.DateOnly)
	o, err := w.options()
	if err != nil {
		return nil, err
	}
	return router.NewTable(o)
}

// options are the parts of today's table.
func (w *world) options() (router.TableOptions, error) {
	o := router.TableOptions{Catalog: w.catalog, Tiers: w.tiers, Policy: w.policy, Available: w.available, Simulated: w.simulated, Now: w.now()}
	if w.conf.Outcomes && w.conf.Classifier.Model == "" { // they read the embeddings of the encoder that ships
		m, _, err := success.Default()
		if err != nil {
			return o, err
		}
		o.Success = m
	}
	return o, nil
}

// Refresh looks at the files again. It gives a new table if one is to serve
// from now on, else nil.
func (w *world) Refresh() *router.Table {
	w.mu.Lock()
	defer w.mu.Unlock()
	changed := w.now().UTC().Format(time.DateOnly) != w.day // prices and deprecations go by the day
	stepped := w.refreshTables()
	paths := w.paths()
	for _, load := range w.loaders() {
		part, path := load.part, paths[load.part]
		now := fingerprint(path)
		if path == "" || now == w.seen[part] {
			continue
		}
		w.seen[part] = now
		if err := load.load(); err != nil {
			w.problems[part] = err.Error()
			w.log.Error("file not loaded, the last good version serves", "part", part, "path", path, "error", err)
			continue
		}
		delete(w.problems, part)
		changed = true
	}
	if !changed {
		if stepped {
			w.follow()
		}
		return nil
	}
	return w.rebuild()
}

// loaders are how single files are read, in order: a policy may pin the tiers.
func (w *world) loaders() []loader {
	return []loader{{"tiers", w.loadTiers}, {"policy", w.loadPolicy}}
}

type loader struct {
	part string
	load func() error
}

// UseCatalog takes over a new catalogue, and with it whatever is read against
// one. It gives the new table, or nil.
func (w *world) UseCatalog(c *models.Catalog) *router.Table {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.catalog, w.cards = c, nil
	delete(w.problems, "catalog")
	for _, l := range w.loaders() {
		if err := l.load(); err != nil {
			w.problems[l.part] = err.Error()
		}
	}
	return w.rebuild()
}

// catalogProblem reports a catalogue that could not be taken over.
func (w *world) catalogProblem(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems["catalog"] = err.Error()
	w.log.Error("catalogue not loaded, the last good version serves", "path", w.conf.Catalog, "error", err)
}

// rebuild makes a table of the parts as they are; nil if it is the same, of the
// same day: then at most other tables decide beside it.
func (w *world) rebuild() *router.Table {
	t, err := w.build()
	if err != nil {
		w.problems["table"] = err.Error()
		w.log.Error("no new table", "error", err)
		return nil
	}
	delete(w.problems, "table")
	if t.ID == w.table.ID && sameDay(t.Made, w.table.Made) {
		w.takeOver()
		return nil
	}
	w.log.Info("new table", "table", t.ID, "before", w.table.ID, "tiers", t.Tiers.ID, "evidence", t.Tiers.Evidence, "policy", t.Policy.ID, "callable", t.Callable())
	w.table = t
	w.takeOver()
	return t
}

func sameDay(a, b time.Time) bool {
	return a.UTC().Format(time.DateOnly) == b.UTC().Format(time.DateOnly)
}

// Problems lists what could not be loaded.
func (w *world) Problems() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := []string{}
	for part, why := range w.problems {
		out = append(out, part+": "+why)
	}
	sort.Strings(out)
	return out
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// fingerprint tells whether a file has changed: a hash of its content,
// "absent" if there is none. Files this small are read every second without
// being noticed, and a modification time can lie.
func fingerprint(path string) string {
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "absent"
	case err != nil:
		return "unreadable: " + err.Error()
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
