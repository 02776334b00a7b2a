package evals_test

import (
	"testing"

	"assay/evals"
	"assay/evals/evalstest"
)

func TestMemoryStore(t *testing.T) {
	evalstest.TestStore(t, func(*testing.T) evalstest.Store { return evals.NewMemory() })
}
