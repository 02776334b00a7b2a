package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"assay/models/openai"
	"assay/router"
)

func routeCommand(env environment) *cobra.Command {
	var s setup
	c := &cobra.Command{
		Use: "route", Short: "Explain which model would answer: JSON lines in, one decision a line, no network",
		Long: "Reads lines {\"id\",\"request\":{chat completion body},\"headers\":{},\"org\"} and writes one decision for each, in order.",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return route(c.Context(), s, env) },
	}
	s.flags(c)
	return c
}

// route decides for every line of stdin.
func route(ctx context.Context, s setup, env environment) error {
	log := newLogger(logConfig{Level: "warn"}, env.Stderr)
	w, err := s.load(env, log)
	if err != nil {
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
	explainSetup(env.Stderr, w, why)
	r := router.New(w.table, router.Options{Classifier: guard, Tokens: tokens, Log: log})
	bad, err := routeLines(ctx, r, env.Stdin, env.Stdout)
	if err == nil && bad > 0 {
		err = usagef("%d lines were no requests; each has an error line in the output", bad)
	}
	return err
}

// explainSetup says on the error stream what the decisions rest on.
func explainSetup(out io.Writer, w *world, why string) {
	if w.simulated {
		fmt.Fprintln(out, "assay: simulated providers (no provider key is set): every model counts as callable")
	}
	for _, a := range leftOut(w.table) {
		fmt.Fprintf(out, "assay: left out: %s (%d models): %s\n", a.Provider, a.Models, a.Why)
	}
	for _, p := range w.Problems() {
		fmt.Fprintln(out, "assay: problem:", p)
	}
	if why != "" {
		fmt.Fprintln(out, "assay: the heuristic classifies, the model does not run:", why)
	}
}

type routeLine struct {
	ID      json.RawMessage   `json:"id"`
	Request json.RawMessage   `json:"request"`
	Headers map[string]string `json:"headers"`
	Org     string            `json:"org"`
}

// decisionLine is a decision with the id of its line first.
type decisionLine struct {
	ID json.RawMessage `json:"id"`
	router.Decision
	Error json.RawMessage `json:"error,omitempty"`
}

// maxRouteLine bounds a line of the input, in bytes.
const maxRouteLine = 64 << 20

// routeLines answers line by line. A request that no model may serve gets its
// decision with an error; a line that is no request counts as bad.
func routeLines(ctx context.Context, r *router.Router, in io.Reader, out io.Writer) (bad int, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxRouteLine)
	w := bufio.NewWriter(out)
	defer w.Flush()
	for n := 1; lines.Scan(); n++ {
		if err := ctx.Err(); err != nil {
			return bad, err
		}
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		d, ok := routeOne(ctx, r, lines.Bytes(), n)
		if !ok {
			bad++
		}
		b, err := json.Marshal(d)
		if err != nil {
			return bad, fmt.Errorf("line %d: %w", n, err)
		}
		w.Write(append(b, '\n'))
		if err := w.Flush(); err != nil {
			return bad, fmt.Errorf("write: %w", err)
		}
	}
	if err := lines.Err(); err != nil {
		return bad, usagef("read input: %w", err)
	}
	return bad, nil
}

func routeOne(ctx context.Context, r *router.Router, line []byte, n int) (any, bool) {
	var l routeLine
	type badLine struct {
		ID    json.RawMessage `json:"id,omitempty"`
		Error string          `json:"error"`
		Line  int             `json:"line"`
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return badLine{Error: fmt.Sprintf("not a JSON object {\"id\",\"request\",\"headers\"}: %v", err), Line: n}, false
	}
	req, err := openai.DecodeRequest(l.Request)
	if err != nil {
		return badLine{ID: l.ID, Error: err.Error(), Line: n}, false
	}
	headers := http.Header{}
	for name, v := range l.Headers {
		headers.Add(name, v)
	}
	ask := router.Ask{Request: req, Org: l.Org}
	if ask.Policy, err = router.ReadHeaders(headers); err != nil {
		return badLine{ID: l.ID, Error: err.Error(), Line: n}, false
	}
	d, err := r.Route(ctx, ask)
	out := decisionLine{ID: l.ID, Decision: d}
	var oe *openai.Error
	if errors.As(err, &oe) {
		var body struct{ Error json.RawMessage }
		_ = json.Unmarshal(oe.Body(), &body) // our own encoding
		out.Error = body.Error
	}
	return out, true
}
