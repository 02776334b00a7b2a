package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"assay/api"
	"assay/billing/savings"
)

// maxUsageFile bounds an imported usage export, in bytes.
const maxUsageFile = 256 << 20

func savingsCommand(env environment) *cobra.Command {
	var s setup
	var p savings.Params
	var file string
	var asJSON bool
	c := &cobra.Command{
		Use: "savings", Short: "Compare a former mix of models and always-flagship with what Assay's plans would charge",
		Long: "Compares what a mix of models costs, and what a flagship for everything would, with Assay's flat price and with\n" +
			"pass-through. Without --import the mix is an assumed one. docs/savings.md has the formulas and the columns of an import.",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("import") {
				text, err := readUsageFile(file, env.Stdin)
				if err != nil {
					return err
				}
				p.Import = &text
			}
			return compareSavings(s, p, asJSON, env)
		},
	}
	s.flags(c)
	for _, f := range p.Fields() {
		name := strings.ReplaceAll(f.Name, "_", "-")
		switch {
		case f.List != nil:
			c.Flags().StringArrayVar(f.List, name, nil, f.Help)
		case f.Name == "flat_bills_thinking":
			c.Flags().StringVar((*string)(f.Value), name, "", f.Help)
			c.Flags().Lookup(name).NoOptDefVal = "true"
		default:
			c.Flags().StringVar((*string)(f.Value), name, "", f.Help)
		}
	}
	c.Flags().StringVar(&file, "import", "", "usage export to compare instead of an assumed mix (CSV or JSONL; - is standard input)")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, as GET /v1/savings answers")
	return c
}

func compareSavings(s setup, p savings.Params, asJSON bool, env environment) error {
	w, err := s.load(env, newLogger(logConfig{Level: "warn"}, env.Stderr))
	if err != nil {
		return err
	}
	for _, problem := range w.Problems() {
		fmt.Fprintln(env.Stderr, "assay: problem:", problem)
	}
	report, err := savings.Compute(api.SavingsBasis(w.table, w.now()), p)
	var input *savings.InputError
	switch {
	case errors.As(err, &input):
		return usagef("savings: %w", err)
	case err != nil:
		return err
	case !asJSON:
		return report.WriteText(env.Stdout)
	}
	out := json.NewEncoder(env.Stdout)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(report)
}

// readUsageFile reads a usage export whole, up to a limit.
func readUsageFile(path string, stdin io.Reader) (string, error) {
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", usagef("import: %w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxUsageFile+1))
	switch {
	case err != nil:
		return "", usagef("import: %w", err)
	case len(text) > maxUsageFile:
		return "", usagef("import: larger than %d bytes; sum it up by model first", maxUsageFile)
	}
	return string(text), nil
}
