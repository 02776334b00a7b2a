// Command evals measures models and turns measurements into tiers: run, score,
// scores, retier, history, query, snapshot, compare, datasets, replay.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the next one kills at once.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Getenv)
	stop()
	os.Exit(code)
}

// world is what the subcommands take from outside.
type world struct {
	stdout, stderr io.Writer
	getenv         func(string) string
}

// run executes a command line and gives the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, getenv func(string) string) int {
	w := world{stdout, stderr, getenv}
	root := &cobra.Command{
		Use:           "evals",
		Short:         "Measure models and turn the measurements into tiers",
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%w\nrun %q for the flags", err, c.CommandPath()+" --help")
	})
	started := false
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	root.AddCommand(runCommand(w), scoreCommand(w), scoresCommand(w), retierCommand(w), historyCommand(w), queryCommand(w),
		snapshotCommand(w), compareCommand(w), datasetsCommand(w), replayCommand(w), fitCommand(w))
	err := root.ExecuteContext(ctx)
	if err != nil && !started { // cobra's own errors come before anything ran
		err = usageError{err}
	}
	return report(stderr, err)
}
