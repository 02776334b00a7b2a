package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// cores says who runs where, as lists for taskset.
type cores struct {
	system, rest string
	count        int // that the driver may use
}

func (c cores) shared() bool { return c.count < 2 }

// pinnedEnv marks a driver that has been pinned; it holds the cores that were
// allowed before.
const pinnedEnv = "BENCH_CORES"

// allowedCores gives the first core to the system and the others to the load.
func allowedCores() (cores, error) {
	list := os.Getenv(pinnedEnv)
	if list == "" {
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			return cores{}, fmt.Errorf("the benchmark needs Linux: %w", err)
		}
		_, after, _ := strings.Cut(string(status), "Cpus_allowed_list:")
		list, _, _ = strings.Cut(strings.TrimSpace(after), "\n")
	}
	all, err := parseCores(list)
	if err != nil {
		return cores{}, err
	}
	return split(all), nil
}

func split(all []int) cores {
	c := cores{system: join(all[:1]), rest: join(all[1:]), count: len(all)}
	if c.shared() {
		c.rest = c.system
	}
	return c
}

func join(list []int) string {
	var out []string
	for _, n := range list {
		out = append(out, strconv.Itoa(n))
	}
	return strings.Join(out, ",")
}

// parseCores reads a list as the kernel writes it: 0-3,8.
func parseCores(list string) (out []int, err error) {
	for part := range strings.SplitSeq(list, ",") {
		from, to, ok := strings.Cut(part, "-")
		if !ok {
			to = from
		}
		a, err1 := strconv.Atoi(from)
		b, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || a < 0 || b < a {
			return nil, fmt.Errorf("list of cores %q: cannot read %q", list, part)
		}
		for n := a; n <= b; n++ {
			out = append(out, n)
		}
	}
	return out, nil
}

// pinSelf starts the driver anew, in its own place, on the cores of the load.
// It returns at once if that was done already.
func pinSelf(c cores, args []string) error {
	if os.Getenv(pinnedEnv) != "" {
		return nil
	}
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		return fmt.Errorf("taskset (util-linux) is needed: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	all := c.system
	if !c.shared() {
		all += "," + c.rest
	}
	return syscall.Exec(taskset, append([]string{"taskset", "-c", c.rest, self}, args...), append(os.Environ(), pinnedEnv+"="+all))
}
