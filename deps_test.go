// Package assay holds no code: its test keeps the structure of the tree.
package assay

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rows is the order of the packages: one imports only from rows above its own.
var rows = map[string]int{
	"assay/classifier": 0, "assay/models": 0, "assay/datasets": 0, "assay/scoring/success": 0,
	"assay/models/openai": 1, "assay/scoring": 1, "assay/router/policy": 1, "assay/router/health": 1, "assay/router/allowance": 1, "assay/router/assess": 1,
	"assay/router": 2, "assay/evals": 2, "assay/billing/savings": 2,
	"assay/api": 3, "assay/router/changes": 3, "assay/classifier/onnx": 3, "assay/evals/duckdb": 3, "assay/evals/evalstest": 3, "assay/evals/replay": 3,
	"assay/models/providers/compat": 3, "assay/models/providers/sim": 3,
	"assay/deploy/faults": 2, "assay/deploy/faults/cmd/faulty": 4,
	"assay/deploy/bench/mock": 2, "assay/deploy/bench/load": 3, "assay/deploy/bench/cmd/bench": 4,
	"assay/cmd/assay": 4, "assay/cmd/evals": 4,
}

// doors are the dependencies that only one package may import, or the few that
// are listed. A longer name has its own doors beside those of a shorter one.
var doors = map[string]string{
	"github.com/gin-gonic/gin":              "assay/api",
	"gonum.org/v1/gonum":                    "assay/scoring",
	"github.com/yalue/onnxruntime_go":       "assay/classifier/onnx",
	"github.com/sugarme/tokenizer":          "assay/classifier/onnx",
	"github.com/marcboeker/go-duckdb":       "assay/evals/duckdb",
	"github.com/pkoukk/tiktoken-go":         "assay/router",
	"github.com/prometheus/client_golang":   "assay/api",
	"github.com/maypok86/otter":             "assay/router",
	"github.com/goccy/go-yaml":              "assay/router",
	"gonum.org/v1/plot":                     "assay/evals/replay",
	"github.com/failsafe-go/failsafe-go":    "assay/router/health",
	"github.com/santhosh-tekuri/jsonschema": "assay/router/assess",
	"go.opentelemetry.io/otel":              "assay/api assay/cmd/assay",
	"go.opentelemetry.io/otel/sdk":          "assay/cmd/assay", // spans are made in api, sent from here
	"go.opentelemetry.io/otel/exporters":    "assay/cmd/assay",
}

func imports(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		all[words[0]] = words[1:]
	}
	return all
}

func TestPackagesImportOnlyFromRowsAbove(t *testing.T) {
	for pkg, deps := range imports(t) {
		if pkg == "assay" {
			continue
		}
		row, ok := rows[pkg]
		if !ok {
			t.Errorf("package %s has no row: add it to the table in this file where it belongs", pkg)
			continue
		}
		for _, dep := range deps {
			if depRow, ours := rows[dep]; ours && depRow >= row {
				t.Errorf("%s (row %d) imports %s (row %d)", pkg, row, dep, depRow)
			}
		}
	}
}

func TestOneDependencyOneDoor(t *testing.T) {
	for pkg, deps := range imports(t) {
		for _, dep := range deps {
			for module, may := range doors {
				behind := func(door string) bool { return pkg == door || strings.HasPrefix(pkg, door+"/") }
				if (dep == module || strings.HasPrefix(dep, module+"/") || strings.HasPrefix(dep, module+"-")) && !slices.ContainsFunc(strings.Fields(may), behind) {
					t.Errorf("%s imports %s; its door is %s", pkg, dep, may)
				}
			}
		}
	}
}
