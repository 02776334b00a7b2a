package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ticksPerSecond is the kernel's USER_HZ, 100 on every Linux that Go runs on.
const ticksPerSecond = 100

// usage is what a tree of processes has used. Memory is the sum over its
// processes, pages that they share counted once for each.
type usage struct {
	CPU  float64 // seconds since they started
	RSS  int64   // resident bytes now
	Peak int64   // sum of each one's most resident bytes
}

// usageOf measures a process and all its descendants from /proc.
func usageOf(root int) (usage, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return usage{}, err
	}
	all := map[int]procStat{}
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // ended since
		}
		if s, ok := parseStat(data); ok {
			all[s.pid] = s
		}
	}
	if _, ok := all[root]; !ok {
		return usage{}, fmt.Errorf("process %d is gone", root)
	}
	var u usage
	for pid, s := range all {
		if !descends(all, pid, root) {
			continue
		}
		u.CPU += float64(s.ticks) / ticksPerSecond
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		u.RSS += kilobytes(status, "VmRSS:")
		u.Peak += kilobytes(status, "VmHWM:")
	}
	return u, nil
}

type procStat struct {
	pid, parent int
	ticks       int64 // user and system time, ended and awaited children included
}

// parseStat reads /proc/PID/stat. The name of the program, in parentheses,
// may hold anything, parentheses and spaces too.
func parseStat(data []byte) (s procStat, ok bool) {
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 1 || end < open {
		return s, false
	}
	fields := strings.Fields(string(data[end+1:])) // from field 3 of proc(5), the state
	if len(fields) < 15 {
		return s, false
	}
	pid, err1 := strconv.Atoi(strings.TrimSpace(string(data[:open])))
	parent, err2 := strconv.Atoi(fields[1])
	s = procStat{pid: pid, parent: parent}
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return s, false
		}
		s.ticks += n
	}
	return s, err1 == nil && err2 == nil
}

func descends(all map[int]procStat, pid, root int) bool {
	for range len(all) {
		if pid == root {
			return true
		}
		s, ok := all[pid]
		if !ok {
			return false
		}
		pid = s.parent
	}
	return false
}

// kilobytes reads a line of /proc/PID/status in bytes; 0 if it is not there.
func kilobytes(status []byte, key string) int64 {
	_, after, ok := bytes.Cut(status, []byte("\n"+key))
	if !ok {
		return 0
	}
	line, _, _ := bytes.Cut(after, []byte("\n"))
	n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(string(line), "kB")), 10, 64)
	return n << 10
}
