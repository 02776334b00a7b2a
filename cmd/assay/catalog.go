package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"assay/models"
)

func catalogCommand(env environment) *cobra.Command {
	c := &cobra.Command{Use: "catalog", Short: "Check, compare and install catalogue files"}
	c.AddCommand(catalogDiff(env), catalogApply(env), catalogCheck(env))
	return c
}

// loadCatalogDir reads a catalogue; "" is the embedded one.
func loadCatalogDir(dir string) (*models.Catalog, error) {
	if dir == "" {
		return models.Embedded()
	}
	c, err := models.LoadDir(dir)
	if err != nil {
		return nil, usagef("catalogue %s:\n%w", dir, err)
	}
	return c, nil
}

func catalogDiff(env environment) *cobra.Command {
	var against string
	c := &cobra.Command{
		Use: "diff DIR", Short: "Show what the files in DIR would change", Args: exactly(1, "DIR, a directory with catalogue files"),
		RunE: func(_ *cobra.Command, args []string) error {
			before, err := loadCatalogDir(against)
			if err != nil {
				return err
			}
			after, err := loadCatalogDir(args[0])
			if err != nil {
				return err
			}
			change := models.Diff(before, after)
			if change.Empty() {
				fmt.Fprintln(env.Stdout, "no difference")
				return nil
			}
			fmt.Fprint(env.Stdout, change.String())
			return nil
		},
	}
	c.Flags().StringVar(&against, "against", "", "compare with the catalogue in this directory (default: the embedded one)")
	return c
}

func catalogApply(env environment) *cobra.Command {
	var to string
	c := &cobra.Command{
		Use: "apply DIR", Short: "Check the files in DIR and install them where a running gateway picks them up",
		Long: "Checks the files in DIR on top of the embedded catalogue and installs them, whole or not at all, in the directory\n" +
			"that the gateway's configuration names as catalog. Earlier states stay there and can be applied again.",
		Args: exactly(1, "DIR, a directory with catalogue files"),
		RunE: func(_ *cobra.Command, args []string) error {
			if to == "" {
				return usagef("--to is missing: the directory that the gateway's configuration names as catalog")
			}
			before, err := models.LoadDir(to)
			if err != nil {
				if before, err = models.Embedded(); err != nil {
					return err
				}
			}
			var problems models.Problems
			switch err := models.Apply(args[0], to); {
			case errors.As(err, &problems), errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
				return usagef("catalogue %s not applied:\n%w", args[0], err)
			case err != nil:
				return err
			}
			after, err := models.LoadDir(to)
			if err != nil {
				return err
			}
			if change := models.Diff(before, after); !change.Empty() {
				fmt.Fprint(env.Stdout, change.String())
			}
			fmt.Fprintf(env.Stdout, "catalogue %s is installed in %s\n", after.Version(), to)
			return nil
		},
	}
	c.Flags().StringVar(&to, "to", "", "directory to install in")
	return c
}

func catalogCheck(env environment) *cobra.Command {
	return &cobra.Command{
		Use: "check [DIR]", Short: "Check catalogue files and count what they hold", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := ""
			if len(args) == 1 {
				dir = args[0]
			}
			c, err := loadCatalogDir(dir)
			if err != nil {
				return err
			}
			kinds := map[models.Kind]int{}
			for _, m := range c.Models() {
				kinds[m.Kind]++
			}
			fmt.Fprintf(env.Stdout, "catalogue %s: %d chat models and %d media models of %d providers, %d published scores\n",
				c.Version(), kinds[models.Chat], len(c.Models())-kinds[models.Chat], len(c.Providers()), len(c.Scores()))
			return nil
		},
	}
}

// exactly wants n arguments and says what they are.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s wants %s; got %d arguments", c.CommandPath(), what, len(args))
		}
		return nil
	}
}
