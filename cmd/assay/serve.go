package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"assay/api"
	"assay/classifier"
	"assay/classifier/onnx"
	"assay/models"
	"assay/router"
	"assay/router/health"
	"assay/router/policy"
)

const (
	defaultAddr  = "127.0.0.1:8080"
	defaultTiers = "data/tiers.json"
	// refreshEvery is how often files are looked at; SIGHUP looks at once.
	refreshEvery = time.Second
	// drainFor bounds how long running answers may take after a stop signal.
	drainFor = 30 * time.Second
)

// setup is what serve and route have in common.
type setup struct {
	configPath, tiersPath, policyPath string
}

func (s *setup) flags(c *cobra.Command) {
	c.Flags().StringVar(&s.configPath, "config", "", "configuration file (YAML)")
	c.Flags().StringVar(&s.tiersPath, "tiers", "", "tier table, watched for changes (default: "+defaultTiers+" if it exists, else the published tiers)")
	c.Flags().StringVar(&s.policyPath, "policy", "", "policy file (YAML), watched for changes")
}

// load reads the configuration and everything it names.
func (s *setup) load(env environment, log *slog.Logger) (*world, error) {
	conf, err := loadConfig(s.configPath)
	if err != nil {
		return nil, err
	}
	conf.Policy = cmp.Or(s.policyPath, conf.Policy)
	conf.Tiers = cmp.Or(s.tiersPath, conf.Tiers)
	optional := conf.Tiers == ""
	conf.Tiers = cmp.Or(conf.Tiers, defaultTiers)
	return newWorld(conf, optional, env, time.Now, log)
}

func serveCommand(env environment) *cobra.Command {
	var s setup
	var addr string
	c := &cobra.Command{
		Use: "serve", Short: "Run the gateway", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return serve(c.Context(), s, addr, env) },
	}
	s.flags(c)
	c.Flags().StringVar(&addr, "addr", "", "address to listen on (default "+defaultAddr+")")
	return c
}

func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q; run %q for the flags", args[0], c.CommandPath()+" --help")
	}
	return nil
}

func serve(ctx context.Context, s setup, addr string, env environment) error {
	conf, err := loadConfig(s.configPath) // once for the logger alone, which load needs
	if err != nil {
		return err
	}
	log := newLogger(conf.Log, env.Stderr)
	w, err := s.load(env, log)
	if err != nil {
		return err
	}
	addr = cmp.Or(addr, w.conf.Addr, defaultAddr)
	if err := w.conf.checkAddr(addr); err != nil {
		return err
	}
	if err := w.keepTables(env); err != nil {
		return err
	}
	guard, closeModel, why, err := openClassifier(w.conf.Classifier, env, log)
	if err != nil {
		return err
	}
	defer closeModel()
	tokens, err := router.NewTokens()
	if err != nil {
		return err
	}
	book, damaged, err := openAllowances(w.conf, env)
	if err != nil {
		return err
	}
	if book != nil {
		defer book.Close()
	}
	if damaged != "" {
		log.Error("free allowances", "problem", damaged)
	}
	traces, flush, err := openTracing(ctx, w.conf.Tracing, env, log)
	if err != nil {
		return err
	}
	defer flush()
	var handler *api.Server // set before the first request, of which shadows are copies
	watched := watchUpstreams(w.conf, log)
	r := router.New(w.table, router.Options{Classifier: guard, Tokens: tokens, Upstream: w.Upstream, Log: log, Health: watched, Allowances: book,
		Meter: counted{router.NoMeter{}, w.shelf.traffic}, OnShadow: func(rec *router.Record) { handler.Shadow(rec) },
		OnVerdict: func(rec *router.Record, v router.Verdict) { handler.Verdict(rec, v) }})
	w.useRouter(r)
	var draining atomic.Bool
	handler = api.New(api.Options{Router: r, Traces: traces, Breakers: watched.Snapshot, Allowances: book, Layers: w.layers, Keys: w.conf.clientKeys(), Log: log, MaxBody: w.conf.MaxBodyBytes, Changes: w.shelf.log.Since,
		Status: func() api.Status { return w.status(r.Table(), why, !draining.Load()) }})
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return usagef("listen: %w; another process may be using the address: choose one with --addr", err)
	}
	door := &gate{next: handler}
	server := &http.Server{Handler: door, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	greet(env.Stderr, listener.Addr().String(), w, why)
	defer w.close()
	var beside sync.WaitGroup
	defer beside.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	beside.Go(func() { w.watch(ctx, r) })
	beside.Go(func() { w.deliver(ctx) })
	if w.conf.Catalog != "" {
		go models.Watcher{Dir: w.conf.Catalog, Current: w.catalog, OnError: w.catalogProblem, OnChange: func(c *models.Catalog) {
			if t := w.UseCatalog(c); t != nil {
				r.Swap(t)
			}
		}}.Run(ctx)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	select {
	case err := <-stopped:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	draining.Store(true)
	log.Info("stopping: running answers are finished first", "at_most", drainFor)
	drain, cancel := context.WithTimeout(context.Background(), drainFor)
	defer cancel()
	select { // the address stays open meanwhile, so that /readyz and refusals can be heard
	case <-door.shut():
	case <-drain.Done():
	}
	if err := server.Shutdown(drain); err != nil && !errors.Is(err, http.ErrServerClosed) {
		log.Warn("answers that still run are cut off", "error", err)
		server.Close()
	}
	r.Wait()
	return nil
}

// watch refreshes the table until the context ends.
func (w *world) watch(ctx context.Context, r *router.Router) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-hup:
		}
		if t := w.Refresh(); t != nil {
			r.Swap(t)
		}
	}
}

// openClassifier loads the ONNX model. If it was asked for by path, failing is
// an error; else the heuristic answers and why says what is missing.
func openClassifier(conf classifierConfig, env environment, log *slog.Logger) (g *classifier.Guard, closeModel func(), why string, err error) {
	g = &classifier.Guard{Timeout: conf.Timeout, OnFallback: func(note string, err error) {
		if err != nil {
			log.Warn("classifier fell back to the heuristic", "why", note, "error", err)
		}
	}}
	library := cmp.Or(conf.Library, env.Getenv("ONNXRUNTIME_LIB"))
	m, err := onnx.New(onnx.Options{
		ModelPath: conf.Model, LibraryPath: library, Stages: conf.Stages, DeepDeadline: conf.DeepDeadline, DeepWorkers: conf.DeepWorkers})
	switch {
	case err == nil:
		g.Primary = m
		return g, func() { g.Wait(); m.Close() }, "", nil
	case conf.Model != "" || library != "":
		return nil, nil, "", usagef("classifier: %w", err)
	}
	return g, func() {}, err.Error(), nil
}

// watchUpstreams watches how upstreams do, and logs when a breaker changes.
func watchUpstreams(conf config, log *slog.Logger) *health.Health {
	limits := map[string]int{}
	for name, p := range conf.Providers {
		if p.MaxInFlight > 0 {
			limits[name] = p.MaxInFlight
		}
	}
	return health.New(health.Config{InFlight: limits, OnChange: func(c health.Change) {
		log.Warn("breaker", "scope", c.Scope.String(), "from", c.From.String(), "to", c.To.String(), "why", c.Why, "until", c.Until)
		log.Debug("breaker", "scope", c.Scope.String(), "detail", c.Detail) // the provider's words, which may quote a prompt
	}})
}

func (w *world) status(t *router.Table, why string, ready bool) api.Status {
	st := api.Status{Ready: ready, Mode: "real", Classifier: "onnx", Catalog: t.Catalog().Version(), Table: t.ID, Policy: t.Policy.ID,
		Tiers: t.Tiers.ID, TiersEvidence: string(t.Tiers.Evidence), TiersAge: w.now().Sub(t.Tiers.CreatedAt).Seconds(), Callable: t.Callable(),
		LeftOut: leftOut(t), Problems: w.Problems(), Warnings: []string{}}
	if t.Simulated {
		st.Mode = "simulated"
		st.Warnings = append(st.Warnings, "answers are simulated: no provider key is set")
	}
	st.Warnings = append(st.Warnings, w.moving()...)
	if why != "" {
		st.Classifier, st.ClassifierError = "heuristic", why
	}
	for _, p := range w.unknownTerms() {
		st.Warnings = append(st.Warnings, "provider "+p+": whether it trains on prompts is unknown; state trains with its key, or refuse it by policy (training: \"no\")")
	}
	if len(w.conf.Keys) == 0 {
		st.Warnings = append(st.Warnings, "any client key, or none, is accepted")
	}
	if t.Callable() == 0 {
		st.Ready = false
		st.Problems = append(st.Problems, "no model can be called")
	}
	return st
}

// greet says at the start what serves, what does not, and why.
func greet(out io.Writer, addr string, w *world, why string) {
	fmt.Fprintf(out, "assay: serving on http://%s\n", addr)
	if w.simulated {
		fmt.Fprintln(out, "  providers:  SIMULATED, no provider key is set (or simulated.mode is always); answers are made up, marked x-assay-simulated and never billed")
	} else {
		fmt.Fprintf(out, "  providers:  %d of %d chat models can be called\n", w.table.Callable(), w.table.Chat())
		for _, a := range leftOut(w.table) {
			fmt.Fprintf(out, "  left out:   %s (%d models): %s\n", a.Provider, a.Models, a.Why)
		}
	}
	if unknown := w.unknownTerms(); len(unknown) > 0 && w.policy.Training != policy.RefuseTraining {
		fmt.Fprintf(out, "  warning:    whether these train on prompts is unknown: %s; state trains with their keys, or refuse them by policy (training: \"no\")\n", strings.Join(unknown, ", "))
	}
	if len(w.conf.Keys) == 0 {
		fmt.Fprintln(out, "  clients:    any key or none is accepted; configure keys to change that")
	} else {
		fmt.Fprintf(out, "  clients:    %d keys\n", len(w.conf.Keys))
	}
	if why == "" {
		fmt.Fprintln(out, "  classifier: onnx")
	} else {
		fmt.Fprintf(out, "  classifier: HEURISTIC, the model does not run: %s\n", strings.TrimSpace(why))
	}
	fmt.Fprintf(out, "  tiers:      %s, %s evidence, of %s\n", w.tiers.ID, w.tiers.Evidence, w.tiers.CreatedAt.UTC().Format("2006-01-02 15:04 UTC"))
	for _, p := range w.Problems() {
		fmt.Fprintf(out, "  problem:    %s\n", p)
	}
}

func newLogger(conf logConfig, out io.Writer) *slog.Logger {
	level, _ := logLevel(conf.Level) // validated on load
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: api.Discreet}
	if conf.Format == "json" {
		return slog.New(slog.NewJSONHandler(out, o))
	}
	return slog.New(slog.NewTextHandler(out, o))
}

func logLevel(s string) (slog.Level, error) {
	var l slog.Level
	if s == "" {
		return l, nil
	}
	if err := l.UnmarshalText([]byte(s)); err != nil {
		return l, fmt.Errorf("%q; want debug, info, warn or error", s)
	}
	return l, nil
}
