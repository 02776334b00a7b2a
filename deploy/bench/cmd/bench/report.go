package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// report is everything that a run has measured, and where.
type report struct {
	Date     time.Time         `json:"date"`
	Commit   string            `json:"commit"` // with "+changes" if the tree had some
	Host     host              `json:"host"`
	Rounds   int               `json:"rounds"`
	Window   time.Duration     `json:"window_ns"`
	Warmup   time.Duration     `json:"warmup_ns"`
	Versions map[string]string `json:"versions"` // of systems that are not of this tree
	Out      []absent          `json:"left_out,omitempty"`
	Classify map[string]int64  `json:"classify_ns"` // mean of a prompt, by stages
	Samples  []sample          `json:"samples"`
}

// host is the machine.
type host struct {
	CPU         string `json:"cpu"`
	Cores       int    `json:"cores"` // that the run could use
	SystemCores string `json:"system_cores"`
	LoadCores   string `json:"load_cores"`
	Kernel      string `json:"kernel"`
	Go          string `json:"go"`
	Load        string `json:"load_average"` // at the beginning: what else ran
}

// absent is a system that was not measured, and why.
type absent struct {
	System string `json:"system"`
	Why    string `json:"why"`
	Failed bool   `json:"failed"` // it should have run
}

func newReport(ctx context.Context, p *plan) *report {
	return &report{Date: time.Now().UTC().Truncate(time.Second), Commit: commit(ctx), Rounds: p.rounds, Window: p.window, Warmup: p.warmup,
		Host:     host{CPU: cpuModel(), Cores: p.cores.count, SystemCores: p.cores.system, LoadCores: p.cores.rest, Kernel: kernel(), Go: runtime.Version(), Load: loadAverage()},
		Versions: map[string]string{}, Classify: map[string]int64{}}
}

func (r *report) add(s sample) { r.Samples = append(r.Samples, s) }

func (r *report) version(system, v string) {
	if v != "" {
		r.Versions[system] = v
	}
}

// leaveOut notes a system that can't be measured; one that was not skipped
// for a reason outside this tree is a failure.
func (r *report) leaveOut(s spec, err error) {
	r.Out = append(r.Out, absent{s.Name, err.Error(), !errors.Is(err, errSkip)})
}

func (r *report) isOut(system string) bool {
	for _, a := range r.Out {
		if a.System == system {
			return true
		}
	}
	return false
}

// failed says whether anything went wrong that must not.
func (r *report) failed() bool {
	for _, a := range r.Out {
		if a.Failed {
			return true
		}
	}
	for _, s := range r.Samples {
		if s.Errors > 0 {
			return true
		}
	}
	return len(r.Samples) == 0
}

func (r *report) write(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

func commit(ctx context.Context) string {
	head, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	c := strings.TrimSpace(string(head))
	if changes, err := exec.CommandContext(ctx, "git", "status", "--porcelain").Output(); err != nil || len(changes) > 0 {
		c += "+changes"
	}
	return c
}

func cpuModel() string {
	info, _ := os.ReadFile("/proc/cpuinfo") // some architectures name no model
	for line := range strings.Lines(string(info)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(release))
}

func loadAverage() string {
	avg, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	oneMinute, _, _ := strings.Cut(string(avg), " ")
	return oneMinute
}
