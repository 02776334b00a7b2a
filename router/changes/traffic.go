package changes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"assay/classifier"
	"assay/router"
	"assay/router/policy"
)

// HalfLife is how long a request counts: after it, half as much as a new one.
const HalfLife = 7 * 24 * time.Hour

// byName is the selector of requests for a named model, which tables leave alone.
const byName = ""

// languages that tables tell apart.
var languages = []string{"en", "zh"}

// Traffic counts which kinds of requests come, with the mean length of prompts
// and answers. Old requests fade. It holds no prompt, only counts, at most one
// for each selector, intent, level and language. It is safe for concurrent use.
type Traffic struct {
	// Alias gives the selector that an org's own name for one means, "" if it
	// means none; nil: no names but the product's.
	Alias func(org, name string) string

	mu    sync.Mutex
	cells map[router.Kind]sums
	ref   time.Time // a request of then has weight 1; later ones weigh more
}

// sums are weighted: a request counts 2^((its time - ref) / HalfLife).
type sums struct {
	N      float64 `json:"n"`
	Prompt float64 `json:"prompt"`
	Output float64 `json:"output"`
}

// Observe counts a request whose record is complete. Evaluations and copies for
// shadow models are no traffic.
func (t *Traffic) Observe(r *router.Record) {
	if r.Decision.Model == "" || r.ShadowOf != "" || r.Workload == policy.Eval {
		return
	}
	k := t.kindOf(r)
	if k.Selector != byName && (!slices.Contains(classifier.Intents, k.Intent) || k.Level < classifier.L1 || k.Level > classifier.L5) {
		return
	}
	output := 0.0
	if a, ok := r.Final(); ok {
		output = float64(a.Usage.Output)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cells == nil {
		t.cells = map[router.Kind]sums{}
	}
	w := t.weight(r.Started)
	s := t.cells[k]
	s.N += w
	s.Prompt += w * float64(r.Decision.PromptTokens)
	s.Output += w * output
	t.cells[k] = s
}

func (t *Traffic) kindOf(r *router.Record) router.Kind {
	d := &r.Decision
	if d.Rule != "alias" && d.Rule != "tier and direction" {
		return router.Kind{Selector: byName}
	}
	selector := strings.ToLower(strings.TrimSpace(d.Requested))
	if !slices.Contains(selectors, selector) {
		if t.Alias == nil {
			return router.Kind{Selector: byName}
		}
		if selector = t.Alias(r.Org, d.Requested); !slices.Contains(selectors, selector) {
			return router.Kind{Selector: byName}
		}
	}
	return router.Kind{Selector: selector, Intent: d.Intent, Level: d.Level, Language: languageOf(d.Class.Language)}
}

func languageOf(s string) string {
	if s == "zh" {
		return "zh"
	}
	return "en"
}

// selectors are those that leave the choice to the router.
var selectors = router.Aliases()

// most is how far weights may grow, in half-lives, before all are scaled down.
const most = 60

// weight of a request at a time beside those that were counted before.
func (t *Traffic) weight(at time.Time) float64 {
	if t.ref.IsZero() {
		t.ref = at
	}
	x := at.Sub(t.ref).Hours() / HalfLife.Hours()
	if x > most {
		for k, s := range t.cells {
			f := math.Exp2(-x)
			t.cells[k] = sums{s.N * f, s.Prompt * f, s.Output * f}
		}
		t.ref, x = at, 0
	}
	return math.Exp2(x)
}

// Seen is the traffic as it counts at one moment.
type Seen struct {
	Requests float64 // all of them, named models included, faded
	Kinds    map[router.Kind]Mean
}

// Mean is how many requests of a kind count, and their mean lengths in tokens.
type Mean struct{ Requests, PromptTokens, OutputTokens float64 }

// Seen gives what counts now.
func (t *Traffic) Seen(now time.Time) Seen {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := Seen{Kinds: map[router.Kind]Mean{}}
	fade := 1 / math.Exp2(now.Sub(t.ref).Hours()/HalfLife.Hours())
	for k, c := range t.cells {
		n := c.N * fade
		if !(n > 1e-6) {
			continue
		}
		s.Requests += n
		if k.Selector != byName {
			s.Kinds[k] = Mean{n, c.Prompt / c.N, c.Output / c.N}
		}
	}
	return s
}

// trafficFile is how traffic is kept on disk.
type trafficFile struct {
	Schema int           `json:"schema"` // 1
	Ref    time.Time     `json:"ref"`
	Cells  []trafficCell `json:"cells"`
}

type trafficCell struct {
	router.Kind
	sums
}

// Save writes the counts to a file, whole or not at all.
func (t *Traffic) Save(path string) error {
	t.mu.Lock()
	f := trafficFile{Schema: 1, Ref: t.ref}
	for k, s := range t.cells {
		f.Cells = append(f.Cells, trafficCell{k, s})
	}
	t.mu.Unlock()
	b, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("traffic: %w", err)
	}
	return replaceFile(path, b)
}

// Load adds nothing where there is no file; a file that can't be read is an
// error and leaves the counts empty.
func (t *Traffic) Load(path string) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var f trafficFile
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err == nil && f.Schema != 1 {
		err = fmt.Errorf("schema %d; want 1", f.Schema)
	}
	if err != nil {
		return fmt.Errorf("traffic %s: %w", path, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ref, t.cells = f.Ref, map[router.Kind]sums{}
	for _, c := range f.Cells {
		if (c.Selector == byName || slices.Contains(selectors, c.Selector)) && c.N > 0 && !math.IsInf(c.N, 0) {
			t.cells[c.Kind] = c.sums
		}
	}
	return nil
}
