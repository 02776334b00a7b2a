package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"assay/models"
	"assay/router"
	"assay/router/policy"
)

// policyCommand checks a policy file, or prints what one may hold.
func policyCommand(env environment) *cobra.Command {
	var schema, keys bool
	var config string
	c := &cobra.Command{
		Use: "policy [FILE]", Short: "Check a policy file, or print the schema of one",
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case schema:
				_, err := env.Stdout.Write(policy.Schema())
				return err
			case keys:
				_, err := fmt.Fprint(env.Stdout, policy.Markdown())
				return err
			case len(args) == 0:
				return usagef("name the file to check, or ask for --schema or --keys")
			}
			return checkPolicy(env, config, args[0])
		},
	}
	c.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of policy files")
	c.Flags().BoolVar(&keys, "keys", false, "print the table of keys and headers")
	c.Flags().StringVar(&config, "config", "", "configuration whose catalogue and orgs the policy is checked against")
	return c
}

func checkPolicy(env environment, config, path string) error {
	conf, err := loadConfig(config)
	if err != nil {
		return err
	}
	c, err := models.Embedded()
	if conf.Catalog != "" {
		c, err = models.LoadDir(conf.Catalog)
	}
	if err != nil {
		return usagef("catalogue: %w", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return usagef("policy: %w", err)
	}
	known := router.KnownTo(c)
	known.Orgs = conf.orgs()
	f, err := policy.Parse(data, known)
	if err != nil {
		return usagef("%w", err)
	}
	fmt.Fprintf(env.Stdout, "%s is a valid policy: id %s, %d orgs, %d presets, %d aliases, %d rollouts\n", path, f.ID, len(f.Orgs), len(f.Presets), len(f.Aliases), len(f.Rollouts))
	return nil
}
