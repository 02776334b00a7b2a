package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"assay/router"
	"assay/router/changes"
	"assay/router/policy"
	"assay/scoring"
)

// tablesConfig says where tier tables are kept that were served.
type tablesConfig struct {
	// Dir may be shared by replicas, which then take over a table in the same
	// steps. Default data/tables.
	Dir string `yaml:"dir"`
	// KeepDays is how long a table is kept after it was first served; default 90.
	KeepDays int `yaml:"keep_days"`
}

// changesConfig says who hears of what new tables change.
type changesConfig struct {
	Dir       string `yaml:"dir"`        // of this gateway alone; default data/changes
	Webhook   string `yaml:"webhook"`    // URL that entries are posted to
	SecretEnv string `yaml:"secret_env"` // name of the environment variable with the secret that signs them
}

const (
	defaultData     = "data"
	defaultKeepDays = 90
	moveFile        = "moving" // no .json: those are tables
	// saveTrafficEvery is how often counts of traffic are written down.
	saveTrafficEvery = time.Minute
)

func (c config) checkTables(bad func(format string, args ...any)) {
	if c.Tables.KeepDays < 0 {
		bad("tables.keep_days: must not be negative")
	}
	if c.Changes.Webhook == "" {
		return
	}
	u, err := url.Parse(c.Changes.Webhook)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		bad("changes.webhook: want a URL such as https://example.com/hook")
	}
	if c.Changes.SecretEnv == "" {
		bad("changes.secret_env: is missing: name the environment variable that holds the webhook's secret")
	}
}

// shelf is what the gateway remembers of the tables that it served. Its fields
// are guarded by the world's lock.
type shelf struct {
	archive *changes.Archive
	move    changes.Move
	traffic *changes.Traffic
	log     *changes.Log
	hook    *changes.Webhook

	serving  bool   // else nothing is written, and no table takes over in steps
	movePath string // "": in memory alone
	moveSeen string // its fingerprint
	traffics string // file with the counts; "": none
	saved    time.Time
	router   *router.Router

	// editions are the tier tables that can decide, with today's other parts;
	// decided are the routing tables that decided last, by their tiers.
	editions map[string]*router.Edition
	decided  map[string]*router.Table
}

// openShelf reads the archive, for pins: nothing is written before keepTables.
func (w *world) openShelf(data string) {
	dir := cmp.Or(w.conf.Tables.Dir, filepath.Join(cmp.Or(data, defaultData), "tables"))
	archive, problems := changes.OpenArchive(dir)
	w.shelf = &shelf{archive: archive, movePath: filepath.Join(dir, moveFile)}
	if len(problems) > 0 {
		w.problems["archive"] = errors.Join(problems...).Error()
	}
	w.conf.Tables.Dir = dir
}

// keepTables makes the world of a gateway that serves: tables are kept from now
// on, take over in steps if the policy says so, and changes are told.
func (w *world) keepTables(env environment) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.shelf
	s.serving, s.traffic = true, &changes.Traffic{Alias: w.meant}
	own := w.conf.Changes.Dir
	if own == "" {
		own = filepath.Join(cmp.Or(env.Data, defaultData), "changes")
	}
	for _, d := range []struct {
		what, dir string
		chosen    bool
		off       func()
	}{
		{"tables.dir", w.conf.Tables.Dir, w.tablesChosen, func() { s.archive, _ = changes.OpenArchive(""); s.movePath = "" }},
		{"changes.dir", own, w.conf.Changes.Dir != "", func() { own = "" }},
	} {
		if err := writable(d.dir); err != nil {
			if d.chosen {
				return usagef("configuration: %s: %w", d.what, err)
			}
			w.problems[d.what] = fmt.Sprintf("nothing is kept over a restart: %v", err)
			d.off()
		}
	}
	if err := s.openLog(own, w.conf.Changes, env, w); err != nil {
		return err
	}
	w.takeOver()
	return nil
}

// writable makes a directory, if need be, and tries to write in it.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".try-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// openLog opens the log of changes, the counts of traffic and the webhook.
func (s *shelf) openLog(dir string, conf changesConfig, env environment, w *world) (err error) {
	path := func(name string) string {
		if dir == "" {
			return ""
		}
		return filepath.Join(dir, name)
	}
	if s.log, err = changes.OpenLog(path("changes.jsonl"), changes.DefaultKeep); err != nil {
		return usagef("configuration: changes.dir: %w", err)
	}
	if s.traffics = path("traffic.json"); s.traffics != "" {
		if err := s.traffic.Load(s.traffics); err != nil {
			w.log.Error("counts of traffic start anew", "error", err)
		}
	}
	s.saved = w.now()
	if conf.Webhook == "" {
		return nil
	}
	secret := env.Getenv(conf.SecretEnv)
	if secret == "" {
		return usagef("configuration: changes.secret_env: environment variable %s is not set", conf.SecretEnv)
	}
	s.hook = &changes.Webhook{URL: conf.Webhook, Secret: []byte(secret), Log: s.log, State: path("delivered"), Now: w.now, Random: rand.Float64, Logger: w.log}
	if err := s.hook.Open(); err != nil {
		return usagef("configuration: changes.dir: %w", err)
	}
	return nil
}

// meant gives what an org's own name for a model means, by the policy that holds.
func (w *world) meant(org, name string) string {
	r := w.shelf.router
	if r == nil {
		return ""
	}
	e, err := r.Table().Policy.For(org, policy.Request{}, name, func(string) float64 { return 0 })
	if err != nil {
		return ""
	}
	return e.Model
}

// pinnable lists the tier tables that can decide here, the oldest first.
func (w *world) pinnable() []string {
	var ids []string
	current := false
	for _, i := range w.shelf.archive.Items() {
		if i.Evidence == scoring.Sim && !w.simulated {
			continue
		}
		ids = append(ids, i.ID)
		current = current || i.ID == w.tiers.ID
	}
	if !current {
		ids = append(ids, w.tiers.ID)
	}
	return ids
}

// counted counts requests beside booking them.
type counted struct {
	router.Meter
	traffic *changes.Traffic
}

// Settle counts and books a request.
func (c counted) Settle(ctx context.Context, r *router.Record) {
	c.traffic.Observe(r)
	c.Meter.Settle(ctx, r)
}
