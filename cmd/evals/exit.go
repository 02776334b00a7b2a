package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"assay/datasets"
	"assay/evals"
	"assay/evals/duckdb"
	"assay/evals/replay"
	"assay/scoring"
)

// Exit codes of the command.
const (
	exitClean       = 0
	exitInternal    = 1
	exitUsage       = 2
	exitRegression  = 3
	exitBudget      = 4
	exitErrors      = 5
	exitLocked      = 6
	exitInterrupted = 130
)

// usageError marks what the caller can mend: bad configuration or usage.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errRegression is found by compare.
var errRegression = errors.New("regression found")

// errNothingKept marks an interruption after which the work starts anew.
var errNothingKept = errors.New("nothing was written")

// exitCodes is the one table from error to exit code, first match first.
var exitCodes = []struct {
	is   error
	code int
}{
	{evals.ErrLocked, exitLocked},
	{errRegression, exitRegression},
	{evals.ErrTooManyErrors, exitErrors},
	{evals.ErrUnreachable, exitErrors},
	{evals.ErrUnpriced, exitUsage},
	{evals.ErrBudget, exitBudget},
	{context.Canceled, exitInterrupted},
	{evals.ErrUnknownBenchmark, exitUsage},
	{evals.ErrUnknownRun, exitUsage},
	{evals.ErrIncomparable, exitUsage},
	{datasets.ErrNoSet, exitUsage},
	{replay.ErrData, exitUsage},
	{duckdb.ErrNotDatabase, exitUsage},
	{duckdb.ErrNoDatabase, exitUsage},
	{duckdb.ErrNewerSchema, exitUsage},
	{scoring.ErrMixedKinds, exitUsage},
	{fs.ErrNotExist, exitUsage},
	{fs.ErrPermission, exitUsage},
	{fs.ErrExist, exitUsage},
}

func exitCode(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitClean
	case errors.As(err, &usage):
		return exitUsage
	}
	for _, e := range exitCodes {
		if errors.Is(err, e.is) {
			return e.code
		}
	}
	return exitInternal
}

// report prints an error and gives its exit code.
func report(stderr io.Writer, err error) int {
	code := exitCode(err)
	switch code {
	case exitClean:
	case exitInterrupted:
		if errors.Is(err, errNothingKept) {
			fmt.Fprintln(stderr, "evals: interrupted; nothing was written")
			break
		}
		fmt.Fprintln(stderr, "evals: interrupted; every answer is kept, the same command goes on from here")
	default:
		fmt.Fprintln(stderr, "evals:", err)
	}
	return code
}
