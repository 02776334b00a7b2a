// Command bench measures gateways against a provider that costs nothing: how
// many requests, with what delay, memory and processor time, beside nginx and
// beside no gateway at all. It starts and stops every process itself. Run it
// from the root of the tree after make build; docs/bench-gateway.md says what
// it measures and how to read it.
//
// Follow a figure: plan.go (what is run), measure.go (one window of one
// system), summary.go (medians and ratios), targets.go and print.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Exit codes.
const (
	exitOK     = 0
	exitErrors = 1 // answers were wrong or missing, or a system that must run did not
	exitUsage  = 2
)

// init keeps main on the process's first thread: the kernel ends children
// when the thread that started them ends.
func init() { runtime.LockOSThread() }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the command line.
type options struct {
	rounds         int
	window, warmup time.Duration
	systems, loads string
	save           string
	maxStreams     int
	peers          bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 2 && args[0] == "mock" {
		if err := serveMock(ctx, args[1]); err != nil {
			fmt.Fprintln(stderr, "bench: mock:", err)
			return exitErrors
		}
		return exitOK
	}
	o := options{peers: strings.Trim(os.Getenv("PEERS"), "0 ") != ""} // PEERS=0 is none
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rounds, "rounds", 3, "measurements of each system under each load; medians are printed")
	flags.DurationVar(&o.window, "window", 3*time.Second, "length of a measurement")
	flags.DurationVar(&o.warmup, "warmup", time.Second, "load before each measurement that is not counted")
	flags.StringVar(&o.systems, "systems", "", "systems to measure, with commas (default all): "+names(specs))
	flags.StringVar(&o.loads, "loads", "", "loads to put on them, with commas (default all): "+names(jobs))
	flags.IntVar(&o.maxStreams, "max-streams", 1024, "most concurrent paced streams that are tried")
	flags.StringVar(&o.save, "save", "", "write everything measured to this file (JSON)")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK
		}
		return exitUsage
	}
	p, err := o.plan(flags.Args())
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitUsage
	}
	if err := pinSelf(p.cores, args); err != nil {
		fmt.Fprintln(stderr, "bench: not pinned to cores:", err)
	}
	if p.cores.shared() {
		fmt.Fprintf(stderr, "bench: WARNING: one core (%s) for the gateway, the provider and the load: they slow each other down, the figures say little\n", p.cores.system)
	}
	rep, err := p.run(ctx, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitErrors
	}
	rep.print(stdout)
	if o.save != "" {
		if err := rep.write(o.save); err != nil {
			fmt.Fprintln(stderr, "bench: save:", err)
			return exitErrors
		}
	}
	if rep.failed() {
		return exitErrors
	}
	return exitOK
}
