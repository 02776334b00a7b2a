package duckdb

import (
	"context"
	"path/filepath"
	"testing"

	"assay/evals/evalstest"
)

func openTest(t *testing.T) *Store {
	t.Helper()
	s, err := Open(context.Background(), filepath.Join(t.TempDir(), "evals.duckdb"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	evalstest.TestStore(t, func(t *testing.T) evalstest.Store { return openTest(t) })
}
