package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"assay/datasets"
	"assay/evals"
)

func datasetsCommand(w world) *cobra.Command {
	c := &cobra.Command{Use: "datasets", Short: "Look at data sets", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return usagef("say what to do: datasets list or datasets verify")
		}}
	var dir string
	list := &cobra.Command{
		Use: "list [--data DIR]", Short: "List the data sets of a folder, or the starter items", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return listSets(w, dir) },
	}
	verify := &cobra.Command{
		Use: "verify --data DIR", Short: "Check every item of a folder", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if dir == "" {
				return usagef("--data is missing: name the folder to check")
			}
			return listSets(w, dir)
		},
	}
	for _, sub := range []*cobra.Command{list, verify} {
		sub.Flags().StringVar(&dir, "data", "", "folder of data sets")
		c.AddCommand(sub)
	}
	return c
}

// listSets reads every set whole, so listing is checking. It goes on after a
// bad one and fails at the end.
func listSets(w world, dir string) error {
	sets, bad, err := loadAll(dir)
	if err != nil {
		return usageError{err}
	}
	runnable := map[string]bool{}
	for _, t := range evals.Tasks() {
		runnable[t.Name] = true
	}
	t := newTable("set", "origin", "kind", "items", "exemplars", "hash", "evals run")
	t.right = map[int]bool{3: true, 4: true}
	for _, s := range sets {
		can := "no"
		if runnable[s.Name] {
			can = "yes"
		}
		t.add(s.Name, s.Origin, string(datasets.KindOf(s.Items[0])), fmt.Sprint(len(s.Items)), fmt.Sprint(len(s.Dev)), s.Hash[:12], can)
	}
	t.print(w.stdout)
	if len(bad) > 0 {
		return usagef("%d of %d data sets are bad:\n%s", len(bad), len(bad)+len(sets), strings.Join(bad, "\n"))
	}
	return nil
}

func loadAll(dir string) (sets []datasets.Set, bad []string, err error) {
	if dir == "" {
		for _, t := range evals.Tasks() {
			set, err := datasets.Starter(t.Name, t.Kind)
			if err != nil {
				return nil, nil, err
			}
			sets = append(sets, set)
		}
		return sets, nil, nil
	}
	names, err := datasets.Names(dir)
	if err != nil {
		return nil, nil, err
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("%s has no data sets (*.jsonl or *.jsonl.gz)", dir)
	}
	kinds := map[string]datasets.Kind{}
	for _, t := range evals.Tasks() {
		kinds[t.Name] = t.Kind
	}
	for _, name := range names {
		set, err := datasets.Load(dir, name, kinds[name])
		if err != nil {
			bad = append(bad, err.Error())
			continue
		}
		sets = append(sets, set)
	}
	return sets, bad, nil
}
