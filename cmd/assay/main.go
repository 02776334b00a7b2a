// Command assay is the gateway and its tools: serve, classify, route, ladder, savings, catalog.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes of the command.
const (
	exitOK       = 0
	exitInternal = 1
	exitUsage    = 2 // bad configuration or usage
)

func main() {
	if os.Getenv("GOGC") == "" {
		// Most of the heap is tables and vocabularies that live on: collecting half as
		// often costs a few dozen MB and gives back a twentieth of the time.
		debug.SetGCPercent(200)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], environment{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv})
	stop()
	os.Exit(code)
}

// environment is what the command takes from the world around it.
type environment struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Data           string // directory of what is kept where nothing is configured; default data
}

// usageError marks what the caller can mend: bad configuration or usage.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run executes the command line and gives the exit code.
func run(ctx context.Context, args []string, env environment) int {
	root := &cobra.Command{
		Use:           "assay",
		Short:         "An OpenAI-compatible gateway that sends each request to the cheapest model that is good enough",
		SilenceErrors: true, SilenceUsage: true,
	}
	root.SetArgs(args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%w\nrun %q for the flags", err, c.CommandPath()+" --help")
	})
	ran := false
	root.PersistentPreRun = func(*cobra.Command, []string) { ran = true }
	root.AddCommand(serveCommand(env), classifyCommand(env), routeCommand(env), ladderCommand(env), savingsCommand(env), catalogCommand(env), policyCommand(env))
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage) || !ran: // cobra's own errors come before anything ran
		fmt.Fprintln(env.Stderr, "assay:", err)
		return exitUsage
	}
	fmt.Fprintln(env.Stderr, "assay:", err)
	return exitInternal
}
