package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"assay/router"
	"assay/router/changes"
	"assay/scoring"
)

// chatWith sends a prompt with headers, and gives the answer.
func chatWith(t *testing.T, g *gateway, content string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, g.url+"/v1/chat/completions", strings.NewReader(chat("assay/balanced", content)))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, res)
}

// hookServer receives changes; it fails twice before it accepts any.
type hookServer struct {
	mu    sync.Mutex
	fails int
	got   []string // bodies
}

func (h *hookServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	stamp, sum, _ := strings.Cut(strings.TrimPrefix(r.Header.Get(changes.SignatureHeader), "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte("hook-secret"))
	fmt.Fprintf(mac, "%s.%s", stamp, body)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fails++; h.fails <= 2 || sum != hex.EncodeToString(mac.Sum(nil)) {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	h.got = append(h.got, string(body))
}

func (h *hookServer) bodies() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.got, "\n")
}

// The life of a change: traffic is counted, a new table takes over, old ones can
// be pinned by their id and by what a header named, the change is told with the
// traffic it moves, by the endpoint and by a webhook that fails at first, and a
// restart forgets none of it.
func TestATableChangesWithoutSurprises(t *testing.T) {
	dir := t.TempDir()
	hook := &hookServer{}
	receiver := httptest.NewServer(hook)
	defer receiver.Close()
	tiers := filepath.Join(dir, "tiers.json")
	conf := write(t, filepath.Join(dir, "assay.yaml"), "tables: {dir: kept}\nchanges: {dir: told, webhook: "+receiver.URL+"/hook?token=hidden, secret_env: HOOK_SECRET}\n")
	first := publish(t, tiers, "", scoring.Sim)
	start := func() *gateway {
		return startGateway(t, map[string]string{"HOOK_SECRET": "hook-secret"}, "--config", conf, "--tiers", tiers)
	}
	g := start()
	before := chatWith(t, g, "hi")
	was, table := before.header.Get("X-Model-Router-Model"), before.header.Get("X-Model-Router-Table")
	for i := range 20 {
		chatWith(t, g, fmt.Sprint("hi ", i))
	}
	second := publish(t, tiers, was, scoring.Sim)
	eventually(t, "the new table decides", func() bool { return gjson.Get(get(t, g.url+"/readyz").body, "tiers").Str == second.ID })
	after := chatWith(t, g, "hi")
	if m := after.header.Get("X-Model-Router-Model"); m == was || after.header.Get("X-Model-Router-Table") == table {
		t.Errorf("%s of %s still answers", m, after.header.Get("X-Model-Router-Table"))
	}
	for _, pin := range []string{first.ID, table} {
		if r := chatWith(t, g, "hi", "X-Gateway-Table", pin); r.status != 200 || r.header.Get("X-Model-Router-Model") != was || r.header.Get("X-Model-Router-Table") != table {
			t.Errorf("pinned to %s: %d, %s of %s; want %s of %s", pin, r.status, r.header.Get("X-Model-Router-Model"), r.header.Get("X-Model-Router-Table"), was, table)
		}
	}
	if r := chatWith(t, g, "hi", "X-Gateway-Table", "t-nonsense"); r.status != 404 || gjson.Get(r.body, "error.code").Str != "unknown_table" || !strings.Contains(r.body, first.ID) || !strings.Contains(r.body, second.ID) {
		t.Errorf("%d %s", r.status, r.body)
	}
	entry := gjson.Get(get(t, g.url+"/v1/changes").body, `data.#(selector=="assay/balanced")`)
	if entry.Get("from_tiers").Str != first.ID || entry.Get("to_tiers").Str != second.ID || entry.Get("from_table").Str != table || entry.Get("basis").Str != "seen" ||
		entry.Get("share_moved").Float() <= 0 || entry.Get("cells.0.from").Str != was || entry.Get("conversations").Float() != 1 {
		t.Errorf("told: %s", entry)
	}
	if got := get(t, g.url+"/v1/changes?since=2100-01-01T00:00:00Z").body; gjson.Get(got, "data.#").Int() != 0 {
		t.Errorf("from the future: %s", got)
	}
	eventually(t, "the webhook gets the change after failing twice", func() bool { return strings.Contains(hook.bodies(), entry.Get("id").Str) })
	eventually(t, "the delivery is written down", func() bool {
		done, _ := os.ReadFile(filepath.Join(dir, "told", "delivered"))
		return strings.TrimSpace(string(done)) == gjson.Get(get(t, g.url+"/v1/changes").body, "data.0.seq").Raw
	})
	if log := g.stderr.String(); strings.Contains(log, "hook-secret") || strings.Contains(log, "token=hidden") {
		t.Errorf("a secret is in the log:\n%s", log)
	}
	if code := g.stop(); code != exitOK {
		t.Fatalf("stopped with %d", code)
	}
	delivered := hook.bodies()

	g = start()
	if problems := gjson.Get(get(t, g.url+"/readyz").body, "problems.#"); problems.Int() != 0 {
		t.Errorf("after a restart: %s", get(t, g.url+"/readyz").body)
	}
	if r := chatWith(t, g, "hi", "X-Gateway-Table", table); r.header.Get("X-Model-Router-Model") != was {
		t.Errorf("after a restart, pinned to %s: %d %s", table, r.status, r.body)
	}
	if got := gjson.Get(get(t, g.url+"/v1/changes").body, "data.#.id"); !strings.Contains(got.Raw, entry.Get("id").Str) {
		t.Errorf("after a restart, told: %s", got)
	}
	if again := hook.bodies(); again != delivered {
		t.Errorf("delivered again after a restart: %s", strings.TrimPrefix(again, delivered))
	}
}

// A policy that pins a table which was never served does not load, and says
// which were.
func TestAPolicyPinsKnownTablesOnly(t *testing.T) {
	dir := t.TempDir()
	tiers := filepath.Join(dir, "tiers.json")
	first := publish(t, tiers, "", scoring.Sim)
	bad := write(t, filepath.Join(dir, "bad.yaml"), "version: 1\norgs: {acme: {table: nope}}\n")
	code, _, errs := runCommand(t, nil, "", "serve", "--addr", "127.0.0.1:0", "--tiers", tiers, "--policy", bad)
	if code != exitUsage || !strings.Contains(errs, `"nope"`) || !strings.Contains(errs, first.ID) {
		t.Errorf("exit %d: %s", code, errs)
	}
	policy := write(t, filepath.Join(dir, "policy.yaml"), "version: 1\norgs: {acme: {table: "+first.ID+"}}\n")
	conf := write(t, filepath.Join(dir, "assay.yaml"), "keys: [{label: a, sha256: "+sha("key")+", org: acme}, {label: b, sha256: "+sha("other")+"}]\n")
	g := startGateway(t, nil, "--tiers", tiers, "--policy", policy, "--config", conf)
	org := func() string {
		return chatWith(t, g, "hi", "Authorization", "Bearer key").header.Get("X-Model-Router-Model")
	}
	was := org()
	second := publish(t, tiers, was, scoring.Sim)
	eventually(t, "the new table decides", func() bool { return gjson.Get(get(t, g.url+"/readyz").body, "tiers").Str == second.ID })
	if got, free := org(), chatWith(t, g, "hi", "Authorization", "Bearer other").header.Get("X-Model-Router-Model"); got != was || free == was {
		t.Errorf("the org pins the table in which %s comes first: it gets %s, others %s", was, got, free)
	}
	write(t, policy, "version: 1\norgs: {acme: {table: nope}}\n")
	eventually(t, "the bad pin is reported", func() bool { return strings.Contains(get(t, g.url+"/readyz").body, "never served") })
	if got := org(); got != was {
		t.Errorf("a policy that does not load changed the choice to %s", got)
	}
}

func sha(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// serving is a world that serves, under a clock of its own.
func serving(t *testing.T, dir string, clock *time.Time) (*world, *router.Router) {
	t.Helper()
	conf := config{Tiers: filepath.Join(dir, "tiers.json"), Policy: filepath.Join(dir, "policy.yaml"), Tables: tablesConfig{Dir: filepath.Join(dir, "kept")}, Changes: changesConfig{Dir: filepath.Join(dir, "told")}}
	env := environment{Getenv: getenv(nil), Data: dir}
	w, err := newWorld(conf, false, env, func() time.Time { return *clock }, newLogger(logConfig{Level: "error"}, os.Stderr))
	if err == nil {
		err = w.keepTables(env)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := router.New(w.table, router.Options{Now: w.now})
	w.useRouter(r)
	return w, r
}

// Under max_moved_share a new table gets more conversations day by day, also
// over a restart, on a second replica alike, and each step is told; a table
// that is taken back is so at once.
func TestATableTakesOverInSteps(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "policy.yaml"), "version: 1\nmax_moved_share: 0.05\n")
	first := publish(t, filepath.Join(dir, "tiers.json"), "", scoring.Sim)
	now := time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC)
	w, r := serving(t, dir, &now)
	front := r.Chooser(r.Table()).Choose(router.Kind{Selector: "assay/balanced", Intent: "chitchat", Level: 1, Language: "en"}, 50).Model
	second := publish(t, filepath.Join(dir, "tiers.json"), front, scoring.Sim)
	look := func() float64 {
		if table := w.Refresh(); table != nil {
			r.Swap(table)
		}
		return w.shelf.move.Newest().Share
	}
	share := look()
	moved := 0.0
	for _, e := range lines(t, w) {
		moved += e.Get("share_moved").Float()
	}
	if !(share > 0 && share < 1) || !(moved > 0 && moved <= 0.05+1e-4) || w.shelf.move.Newest().Tiers != second.ID {
		t.Fatalf("on the first day %g of the conversations, and %g of the traffic moved: %+v", share, moved, w.shelf.move)
	}
	if warn := w.moving(); len(warn) != 1 || !strings.Contains(warn[0], second.ID) {
		t.Errorf("readyz says %v", warn)
	}
	now = now.Add(20 * time.Hour)
	if got := look(); got != share {
		t.Errorf("later that day %g, before %g", got, share)
	}
	w, r = serving(t, dir, &now) // a restart
	if got := w.shelf.move.Newest().Share; got != share {
		t.Errorf("after a restart %g, before %g", got, share)
	}
	ahead := w.shelf.move // another replica that shares the directory goes on
	ahead.Layers = append([]router.Layer{}, ahead.Layers...)
	ahead.Layers[1].Share += 0.001
	if err := ahead.Save(w.shelf.movePath); err != nil {
		t.Fatal(err)
	}
	if look(); !w.shelf.move.Equal(ahead) {
		t.Errorf("the other replica has %+v, this one %+v", ahead, w.shelf.move)
	}
	now = now.Add(4 * time.Hour)
	next := look()
	if next <= share {
		t.Errorf("on the next day %g, before %g", next, share)
	}
	if other, _ := serving(t, dir, &now); other.shelf.move.Newest().Share != next {
		t.Errorf("another replica: %g, this one %g", other.shelf.move.Newest().Share, next)
	}
	days := 2
	for ; look() < 1 && days < 400; days++ {
		now = now.Add(24 * time.Hour)
	}
	if got := look(); got != 1 || w.moving() != nil {
		t.Errorf("after %d days %g", days, got)
	}
	t.Logf("%d days", days)
	third := publish(t, filepath.Join(dir, "tiers.json"), "", scoring.Sim)
	if look(); third.ID != first.ID || w.shelf.move.Newest().Tiers != first.ID {
		t.Fatalf("%+v", w.shelf.move)
	}
	publish(t, filepath.Join(dir, "tiers.json"), front, scoring.Sim)
	if look(); len(w.shelf.move.Layers) != 1 || w.shelf.move.Newest().Tiers != second.ID {
		t.Errorf("taken back, but not at once: %+v", w.shelf.move)
	}
}

// lines are the changes that a world has told, the newest first.
func lines(t *testing.T, w *world) []gjson.Result {
	t.Helper()
	raw, _ := w.shelf.log.Since(time.Time{}, 1000)
	var out []gjson.Result
	for _, r := range raw {
		out = append(out, gjson.ParseBytes(r))
	}
	return out
}

// Where nothing can be written the gateway serves all the same, and says so.
func TestServesWithoutADirectory(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "file"), "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	errs := &lockedBuffer{}
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"serve", "--addr", "127.0.0.1:0"}, environment{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: errs, Getenv: getenv(nil), Data: file})
	}()
	eventually(t, "it serves", func() bool { return servingOn.MatchString(errs.String()) })
	if !strings.Contains(errs.String(), "nothing is kept over a restart") {
		t.Errorf("says\n%s", errs)
	}
	cancel()
	if code := <-done; code != exitOK {
		t.Errorf("exit %d", code)
	}
	conf := write(t, filepath.Join(dir, "assay.yaml"), "tables: {dir: file}\n")
	if code, _, errs := runCommand(t, nil, "", "serve", "--config", conf, "--addr", "127.0.0.1:0"); code != exitUsage || !strings.Contains(errs, "tables.dir") {
		t.Errorf("a directory that was asked for: exit %d, %s", code, errs)
	}
	for name, c := range map[string]struct{ conf, says string }{
		"no secret":        {"changes: {webhook: 'https://example.com'}", "secret_env"},
		"secret not set":   {"changes: {webhook: 'https://example.com', secret_env: NOT_SET}", "NOT_SET"},
		"no URL":           {"changes: {webhook: 'example.com', secret_env: X}", "changes.webhook"},
		"negative keeping": {"tables: {keep_days: -1}", "keep_days"},
	} {
		code, _, errs := runCommand(t, nil, "", "serve", "--addr", "127.0.0.1:0", "--config", write(t, filepath.Join(dir, "bad.yaml"), c.conf+"\n"))
		if code != exitUsage || !strings.Contains(errs, c.says) {
			t.Errorf("%s: exit %d: %s", name, code, errs)
		}
	}
}
