package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"assay/classifier"
)

func classifyCommand(env environment) *cobra.Command {
	var configPath string
	c := &cobra.Command{
		Use: "classify", Short: "Classify prompts: JSON lines in, JSON lines out",
		Long: "Reads lines {\"id\",\"prompt\"} or {\"id\",\"messages\":[...]} and writes one line for each, in order:\n" +
			"{\"id\",\"intent\",\"intent_confidence\",\"level\",\"difficulty\",\"difficulty_sd\",\"source\"}.",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := loadConfig(configPath)
			if err != nil {
				return err
			}
			guard, closeModel, why, err := openClassifier(conf.Classifier, env, newLogger(conf.Log, env.Stderr))
			if err != nil {
				return err
			}
			defer closeModel()
			if why != "" {
				fmt.Fprintln(env.Stderr, "assay: the heuristic answers, the model does not run:", why)
			}
			counts, err := classifier.Stream(c.Context(), env.Stdin, env.Stdout, guard)
			if err != nil {
				return err
			}
			if counts.Bad > 0 {
				return usagef("%d of %d lines could not be read; each has an error line in the output", counts.Bad, counts.Bad+counts.Classified)
			}
			return nil
		},
	}
	c.Flags().StringVar(&configPath, "config", "", "configuration file (YAML); its classifier section applies")
	return c
}
