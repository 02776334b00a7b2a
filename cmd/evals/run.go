package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay/datasets"
	"assay/evals"
	"assay/evals/duckdb"
	"assay/models"
)

const defaultDB = "data/evals.duckdb"

// runFlags are the flags of `evals run`.
type runFlags struct {
	benchmarks, models       []string
	baseURL, keyEnv          string
	data, db, catalog        string
	limit, concurrency       int
	budget, modelConfig, run string
	seed                     int64
	maxErrors, perMinute     float64
	timeout, snapshotEvery   time.Duration
	attempts                 int
	progress                 string
}

func runCommand(w world) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run --models M1,M2 [flags]",
		Short: "Ask models the items of benchmarks and keep every answer; resumes an unfinished run",
		Long: `Ask models the items of benchmarks over any OpenAI-compatible endpoint.

The same parameters on the same database continue the newest unfinished run:
nothing that was answered is asked again. Concurrency, rate, budget and key are
no such parameters. Without --data a few starter items of the project's own are
asked; they show that everything works and are recorded as "starter".`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.execute(c.Context(), w) },
	}
	fs := c.Flags()
	fs.StringSliceVar(&f.benchmarks, "benchmarks", []string{"gsm8k", "mmlu", "cmmlu"}, "benchmarks, comma-separated")
	fs.StringSliceVar(&f.models, "models", nil, "models, comma-separated, as the endpoint calls them")
	fs.StringVar(&f.baseURL, "base-url", "http://127.0.0.1:8080/v1", "OpenAI-compatible endpoint")
	fs.StringVar(&f.keyEnv, "api-key-env", "", "environment variable that holds the key; none: no key is sent")
	fs.StringVar(&f.data, "data", "", "folder of data sets; none: the starter items")
	fs.StringVar(&f.db, "db", defaultDB, "DuckDB file, created if it is not there")
	fs.StringVar(&f.catalog, "catalog", "", "folder of a catalogue that overrides the built-in one")
	fs.IntVar(&f.limit, "limit", 0, "items per benchmark, the first N by hash of id and seed; 0: all")
	fs.IntVar(&f.concurrency, "concurrency", 8, "calls in flight")
	fs.StringVar(&f.budget, "budget-usd", "", "cap on what the whole run may cost; none: no cap")
	fs.Int64Var(&f.seed, "seed", 1, "seed of the choice of items")
	fs.StringVar(&f.modelConfig, "model-config", "", "YAML file: temperature, max_tokens, extra fields, rate and price by model")
	fs.StringVar(&f.run, "run", "", "ID of the run to continue, or of a new one")
	fs.Float64Var(&f.maxErrors, "max-errors", 0.1, "share of failed questions above which the run stops")
	fs.Float64Var(&f.perMinute, "calls-per-minute", 0, "rate limit over all models; 0: none")
	fs.DurationVar(&f.timeout, "timeout", 5*time.Minute, "time limit of one call")
	fs.IntVar(&f.attempts, "attempts", 6, "calls per question before it counts as failed")
	fs.StringVar(&f.progress, "progress", "auto", "auto, bars, plain or none")
	fs.DurationVar(&f.snapshotEvery, "snapshot-every", time.Minute, "pause between snapshots while running")
	return c
}

// prepared is a run that is ready to start: every flag was checked.
type prepared struct {
	plan   evals.Plan
	runner evals.Runner
	end    *evals.Endpoint
}

func (f runFlags) execute(ctx context.Context, w world) error {
	p, err := f.prepare(w)
	if err != nil {
		return err
	}
	store, err := duckdb.Open(ctx, f.db)
	if err != nil {
		return openFailure(err)
	}
	defer store.Close()
	if err := p.end.Reach(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w; is the endpoint running, and is --base-url %s right?", err, f.baseURL)
	}
	show, err := newProgress(f.progress, w.stderr)
	if err != nil {
		return err
	}
	p.runner.Store, p.runner.Journal, p.runner.Observe = store, evals.OpenJournal(store.Path()), show.observe
	stopSnapshots := publishWhileRunning(ctx, store, f.snapshotEvery, w)
	out, err := p.runner.Run(ctx, p.plan)
	show.close()
	stopSnapshots()
	if out.Run.ID != "" {
		printOutcome(w.stdout, out, f)
	}
	return err
}

// openFailure is what is wrong with a database that does not open: the file or
// its folder, so a matter of configuration, unless somebody else has it.
func openFailure(err error) error {
	if errors.Is(err, evals.ErrLocked) || errors.Is(err, context.Canceled) {
		return err
	}
	return usageError{err}
}

func (f runFlags) prepare(w world) (prepared, error) {
	var p prepared
	key, err := f.check(w)
	if err != nil {
		return p, err
	}
	catalog, err := loadCatalog(f.catalog)
	if err != nil {
		return p, err
	}
	config, err := readModelConfig(f.modelConfig)
	if err != nil {
		return p, err
	}
	tasks, err := evals.Lookup(f.benchmarks)
	if err != nil {
		return p, err
	}
	var targets []evals.Target
	for _, id := range f.models {
		targets = append(targets, config.target(strings.TrimSpace(id), catalog))
	}
	if p.plan, err = evals.NewPlan(tasks, targets, f.baseURL, f.limit, f.seed, f.load); err != nil {
		return p, usageError{err}
	}
	p.end = &evals.Endpoint{BaseURL: f.baseURL, APIKey: key, Timeout: f.timeout, Attempts: f.attempts, Client: newClient(f.concurrency)}
	p.runner = evals.Runner{Sampler: p.end, RunID: f.run, Concurrency: f.concurrency, PerMinute: f.perMinute, MaxErrors: f.maxErrors}
	if f.budget != "" {
		p.runner.BudgetNano, err = models.ParseUSD(f.budget)
		if err != nil || p.runner.BudgetNano <= 0 {
			return p, usagef("--budget-usd %q: want a plain decimal number of dollars above zero, such as 0.50", f.budget)
		}
	}
	return p, nil
}

// check validates the flags that need nothing else and reads the key.
func (f runFlags) check(w world) (key string, err error) {
	u, err := url.Parse(f.baseURL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return "", usagef("--base-url %q: want an address such as http://127.0.0.1:8080/v1", f.baseURL)
	case len(f.models) == 0:
		return "", usagef("no model is named: give --models, for example --models openai/gpt-4o-mini")
	case f.concurrency < 1 || f.concurrency > 4096:
		return "", usagef("--concurrency %d: want 1 to 4096", f.concurrency)
	case f.limit < 0:
		return "", usagef("--limit %d: want 0 (all items) or more", f.limit)
	case !(f.maxErrors > 0 && f.maxErrors <= 1):
		return "", usagef("--max-errors %v: want a share above 0, up to 1", f.maxErrors)
	case f.perMinute < 0 || math.IsNaN(f.perMinute):
		return "", usagef("--calls-per-minute %v: want 0 (no limit) or more", f.perMinute)
	case f.timeout <= 0 || f.attempts < 1 || f.snapshotEvery <= 0:
		return "", usagef("--timeout, --attempts and --snapshot-every must be above zero")
	}
	if f.keyEnv != "" {
		if key = w.getenv(f.keyEnv); key == "" {
			return "", usagef("--api-key-env %s: the variable is not set or empty; set it, or leave the flag out to send no key", f.keyEnv)
		}
	}
	return key, nil
}

func (f runFlags) load(t evals.Task) (datasets.Set, error) {
	if f.data == "" {
		return datasets.Starter(t.Name, t.Kind)
	}
	return datasets.Load(f.data, t.Name, t.Kind)
}

func newClient(concurrency int) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = concurrency, concurrency
	return &http.Client{Transport: t}
}

// publishWhileRunning publishes a snapshot every so often if anything changed.
// The function it returns ends that, publishes the last one, and waits.
func publishWhileRunning(ctx context.Context, store *duckdb.Store, every time.Duration, w world) func() {
	ctx = context.WithoutCancel(ctx)
	publish := func() {
		if !store.Changed() {
			return
		}
		if _, err := store.Publish(ctx, time.Now(), duckdb.Retention{}); err != nil {
			fmt.Fprintln(w.stderr, "evals: no snapshot was published:", err)
		}
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				publish()
			case <-stop:
				publish()
				return
			}
		}
	}()
	return func() { close(stop); <-done }
}

// isTerminal is decided by what stderr is.
func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
