package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"assay/classifier/onnx"
	"assay/scoring/success"
)

// What was fitted to one encoder's embeddings means nothing with another's.
func TestOutcomesWereFittedToTheEncoderThatShips(t *testing.T) {
	m := shippedModel(t)
	defer m.Close()
	_, from, err := success.Default()
	if err != nil {
		t.Fatal(err)
	}
	if from.Encoder != m.Encoder() {
		t.Errorf("fitted to %s, ships %s: run `bin/evals fit` anew", from.Encoder, m.Encoder())
	}
}

// shippedModel opens the model that ships. Without the library the test is
// skipped, unless ASSAY_REQUIRE_ONNX=1 says that it must be there.
func shippedModel(t *testing.T) *onnx.Classifier {
	t.Helper()
	m, err := onnx.New(onnx.Options{})
	if errors.Is(err, onnx.ErrNoLibrary) && os.Getenv("ASSAY_REQUIRE_ONNX") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// outcomes: true changes what is predicted for a prompt like a benchmark's, of
// models that outcomes are known of, and of no other.
func TestOutcomesAreWeighedInOnRequest(t *testing.T) {
	shippedModel(t).Close()
	line := `{"id":1,"request":{"model":"assay/balanced","messages":[{"role":"user","content":"Which of the following statements about the law of negligence is correct?\nA. A duty of care is owed to the whole world.\nB. Causation need not be shown.\nC. Contributory negligence reduces damages.\nD. Breach is judged by a subjective standard."}]}}` + "\n"
	p := map[string]map[string]float64{}
	for name, config := range map[string]string{"off": "outcomes: false\n", "on": "outcomes: true\n"} {
		code, out, errs := runCommand(t, nil, line, "route", "--config", write(t, filepath.Join(t.TempDir(), "c.yaml"), "classifier: {stages: deep, deep_deadline: 60s, timeout: 70s}\n"+config))
		if code != exitOK {
			t.Fatalf("exit %d: %s", code, errs)
		}
		if strings.Contains(errs, "heuristic") {
			t.Fatal(errs)
		}
		p[name] = map[string]float64{}
		for _, c := range gjson.Get(out, "candidates").Array() {
			p[name][c.Get("model").Str] = c.Get("p_success").Num
		}
	}
	if p["on"]["openai/gpt-4o"] == p["off"]["openai/gpt-4o"] {
		t.Error("gpt-4o, of which outcomes are known, is predicted the same")
	}
	if a, b := p["on"]["openai/gpt-5-nano"], p["off"]["openai/gpt-5-nano"]; a == 0 || a != b {
		t.Errorf("gpt-5-nano, of which none are known: %v and %v", a, b)
	}
}
