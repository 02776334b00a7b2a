package main

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"assay/datasets"
	"assay/evals"
)

func scoreCommand(w world) *cobra.Command {
	var benchmark, items, outputs, extractor string
	var asJSON bool
	c := &cobra.Command{
		Use:   "score --benchmark NAME --items FILE --outputs FILE",
		Short: "Grade recorded outputs, without asking anybody",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, name := range []string{"benchmark", "items", "outputs"} {
				if !c.Flags().Changed(name) {
					return usagef("required flag --%s is missing", name)
				}
			}
			results, err := regrade(benchmark, items, outputs, extractor)
			if err != nil {
				return usageError{err}
			}
			if asJSON {
				return printJSON(w.stdout, results, extractor == "all")
			}
			printRegraded(w.stdout, results)
			return nil
		},
	}
	fs := c.Flags()
	fs.StringVar(&benchmark, "benchmark", "", "benchmark whose graders are used")
	fs.StringVar(&items, "items", "", "items, JSONL, optionally gzip")
	fs.StringVar(&outputs, "outputs", "", `recorded outputs {"id","output"}, JSONL, optionally gzip`)
	fs.StringVar(&extractor, "extractor", "", `version of the extractor, or "all"; none: the benchmark's default`)
	fs.BoolVar(&asJSON, "json", false, "print JSON; with --extractor all a list")
	return c
}

func regrade(benchmark, items, outputs, extractor string) ([]evals.Regraded, error) {
	tasks, err := evals.Lookup([]string{benchmark})
	if err != nil {
		return nil, err
	}
	task := tasks[0]
	versions := []string{extractor}
	if extractor == "all" {
		versions = nil
		for _, s := range task.Scorers {
			versions = append(versions, s.Version())
		}
	}
	samples, err := readFile(items, func(r io.Reader) ([]datasets.Sample, error) { return datasets.Read(r, items, task.Kind) })
	if err != nil {
		return nil, err
	}
	recorded, err := readFile(outputs, func(r io.Reader) ([]evals.Output, error) { return evals.ReadOutputs(r, outputs) })
	if err != nil {
		return nil, err
	}
	var results []evals.Regraded
	for _, v := range versions {
		r, err := evals.Regrade(task, samples, recorded, v)
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}

// readFile opens a file, unpacking .gz, and reads it.
func readFile[T any](path string, read func(io.Reader) (T, error)) (T, error) {
	var zero T
	f, err := os.Open(path)
	if err != nil {
		return zero, err
	}
	defer f.Close()
	if !strings.HasSuffix(path, ".gz") {
		return read(f)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return zero, fmt.Errorf("%s: not a gzip file: %w", path, err)
	}
	v, err := read(z)
	return v, errors.Join(err, z.Close())
}

func printJSON[T any](w io.Writer, list []T, all bool) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if all {
		return e.Encode(list)
	}
	return e.Encode(list[0])
}

func printRegraded(w io.Writer, results []evals.Regraded) {
	t := newTable("benchmark", "extractor", "n", "score", "unparsed", "coverage")
	t.right = map[int]bool{2: true, 3: true, 4: true, 5: true}
	for _, r := range results {
		t.add(r.Benchmark, r.Extractor, fmt.Sprint(r.N), fmt.Sprintf("%.2f ± %.2f %%", 100*r.Score, 100*r.StdErr), fmt.Sprint(r.Unparsed),
			fmt.Sprintf("%.0f %%", 100*r.Coverage))
	}
	t.print(w)
}
