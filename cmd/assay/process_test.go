package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// builtBinary is the real program, built once for all tests that need a process
// of their own: its memory is the product's, not the race detector's.
var builtBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "assay-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "assay")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", errors.New(err.Error() + "\n" + string(out))
	}
	return path, nil
})

// process is a gateway in a process of its own.
type process struct {
	url    string
	cmd    *exec.Cmd
	stderr *lockedBuffer
	ended  chan struct{} // closed when it has ended
}

// startProcess runs the program's serve until the test ends.
func startProcess(t testing.TB, args ...string) *process {
	t.Helper()
	path, err := builtBinary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(path, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...), stderr: &lockedBuffer{}, ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stderr = t.TempDir(), p.stderr
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "ONNXRUNTIME_LIB=" + os.Getenv("ONNXRUNTIME_LIB")}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.ended) }() // its state is read where it matters
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.ended })
	for {
		if m := servingOn.FindStringSubmatch(p.stderr.String()); m != nil {
			p.url = m[1]
			return p
		}
		select {
		case <-p.ended:
			t.Fatalf("the gateway ended:\n%s", p.stderr.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// rss is the memory that the process holds, in bytes, as the kernel counts it.
func (p *process) rss(t testing.TB) int64 {
	t.Helper()
	data, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/statm")
	if err != nil {
		t.Skipf("memory is read from /proc: %v", err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(data))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// metric is the value of a metric without labels.
func (p *process) metric(t *testing.T, name string) float64 {
	t.Helper()
	for line := range strings.Lines(get(t, p.url+"/metrics").body) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
