package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/tidwall/gjson"

	"assay/deploy/bench/load"
)

// classifiedPrompts is how many prompts the classifier's time is taken of.
var classifiedPrompts = map[string]int{"fast": 2000, "both": 300}

// classifiers measures what classifying a prompt of the distinct load costs
// on the system's core, for each set of stages that a measured system uses.
func (b *bench) classifiers(ctx context.Context) error {
	for _, s := range b.systems {
		stages := map[string]string{onFast: "fast", onBoth: "both"}[s.Name]
		if stages == "" || b.out.isOut(s.Name) {
			continue
		}
		took, err := b.classify(ctx, stages)
		if err != nil {
			return fmt.Errorf("time the classifier: %w", err)
		}
		b.out.Classify[stages] = int64(took)
	}
	return nil
}

// classify gives the mean time of one prompt, reading and writing its line
// included, without the time to load the model.
func (b *bench) classify(ctx context.Context, stages string) (time.Duration, error) {
	bodies, err := load.NewBodies(load.BodyOptions{Mode: load.Distinct, Model: "m", Seed: 1})
	if err != nil {
		return 0, err
	}
	n := classifiedPrompts[stages]
	var in, body []byte
	for i := range n {
		body = bodies.Append(body[:0], b.serial+uint64(i))
		line, err := json.Marshal(map[string]any{"id": fmt.Sprint(i), "messages": json.RawMessage(gjson.GetBytes(body, "messages").Raw)})
		if err != nil {
			return 0, err
		}
		in = append(append(in, line...), '\n')
	}
	b.serial += uint64(n)
	cmd := exec.CommandContext(ctx, "taskset", "-c", b.cores.system, filepath.Join(b.root, "bin", "assay"), "classify", "--stages", stages)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	var first time.Time
	lines := 0
	for scan := bufio.NewScanner(out); scan.Scan(); lines++ {
		if lines == 0 {
			first = time.Now()
		}
	}
	took := time.Since(first)
	if err := cmd.Wait(); err != nil {
		return 0, err
	}
	if lines != n {
		return 0, fmt.Errorf("%d of %d prompts came back", lines, n)
	}
	return took / time.Duration(n-1), nil
}
