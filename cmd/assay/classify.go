package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/spf13/cobra"

	"assay/classifier"
	"assay/classifier/onnx"
)

// patience is the deadline where nobody waits.
const patience = time.Minute

// poisson gives the gaps between arrivals that do not know of each other, the
// same ones in every run.
func poisson(perSecond float64) func() time.Duration {
	random := rand.New(rand.NewPCG(1, 1))
	return func() time.Duration { return time.Duration(random.ExpFloat64() / perSecond * float64(time.Second)) }
}

func classifyCommand(env environment) *cobra.Command {
	var configPath, stages string
	var rate float64
	c := &cobra.Command{
		Use: "classify", Short: "Classify prompts: JSON lines in, JSON lines out",
		Long: "Reads lines {\"id\",\"prompt\"} or {\"id\",\"messages\":[...]} and writes one line for each, in order:\n" +
			"{\"id\",\"intent\",\"intent_confidence\",\"level\",\"difficulty\",\"difficulty_sd\",\"source\"}.\n\n" +
			"Nobody waits for a single answer here, so every prompt is classified in full. With --rate the lines arrive\n" +
			"at random at so many a second and the deadlines of the gateway hold: that shows what load does.",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := loadConfig(configPath)
			if err != nil {
				return err
			}
			if stages != "" {
				conf.Classifier.Stages = onnx.Stages(stages)
			}
			if err := conf.Classifier.Stages.Validate(); err != nil {
				return usagef("--stages: %v", err)
			}
			if rate < 0 {
				return usagef("--rate: %v; want a positive number of lines a second", rate)
			}
			if rate == 0 {
				conf.Classifier.Timeout, conf.Classifier.DeepDeadline = patience, patience
			}
			guard, closeModel, why, err := openClassifier(conf.Classifier, env, newLogger(conf.Log, env.Stderr))
			if err != nil {
				return err
			}
			defer closeModel()
			if why != "" {
				fmt.Fprintln(env.Stderr, "assay: the heuristic answers, the model does not run:", why)
			}
			var gap func() time.Duration // nil: one line after the other
			if rate > 0 {
				gap = poisson(rate)
			}
			counts, err := classifier.Stream(c.Context(), env.Stdin, env.Stdout, guard, gap)
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
	c.Flags().StringVar(&stages, "stages", "", "stages that answer: both, fast or deep (default: as configured)")
	c.Flags().Float64Var(&rate, "rate", 0, "lines that arrive a second, at random; 0 takes one after the other")
	return c
}
