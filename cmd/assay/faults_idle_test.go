package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"
)

// idleConns is how many clients keep a connection without asking anything.
const idleConns = 10_000

// TestIdleConnectionsDisturbNobody protects clients from each other: 10,000
// that keep their connections open, in a process of its own with the program's
// usual build, while others are answered as ever; and it prints what one costs.
func TestIdleConnectionsDisturbNobody(t *testing.T) {
	n := raiseFiles(t, idleConns+500) - 500
	args, _ := illConfig(t, map[string]string{"quick": "ok"})
	p := startProcess(t, args...)
	client := &http.Client{Timeout: faultPatience, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	ask := func(when string) {
		t.Helper()
		for i := range 40 {
			mode := []string{"json", "stream"}[i%2]
			if err := answered.check(look(client, p.url, askFor("quick", "ok", mode)), mode); err != nil {
				t.Fatalf("%s: %v", when, err)
			}
		}
	}
	ask("before")
	memory, goroutines := p.rss(t), p.metric(t, "go_goroutines")
	conns := keepIdle(t, strings.TrimPrefix(p.url, "http://"), n)
	ask("beside idle connections")
	with := p.rss(t)
	t.Logf("%d idle connections: %.1f KiB of memory each, %.1f goroutines each", n, float64(with-memory)/1024/float64(n), (p.metric(t, "go_goroutines")-goroutines)/float64(n))
	for _, i := range []int{0, n / 2, n - 1} {
		if err := knock(conns[i], bufio.NewReader(conns[i])); err != nil {
			t.Errorf("idle connection %d can't be used: %v", i, err)
		}
	}
	for _, c := range conns {
		c.Close()
	}
	eventually(t, "they leave no goroutines", func() bool { return p.metric(t, "go_goroutines") < goroutines+20 })
	ask("afterwards")
}

// raiseFiles raises the limit of open files, as far as it may, and gives how
// many there may be.
func raiseFiles(t *testing.T, want int) int {
	t.Helper()
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	if l.Cur < uint64(want) {
		l.Cur = min(uint64(want), l.Max)
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
			t.Logf("the limit of open files stays: %v", err)
			_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) // it worked above
		}
	}
	if l.Cur < uint64(want) {
		t.Logf("only %d open files are allowed here", l.Cur)
	}
	return int(min(uint64(want), l.Cur))
}

// keepIdle opens connections that have each been used once, until the test ends.
func keepIdle(t *testing.T, addr string, n int) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, n)
	var mu sync.Mutex
	t.Cleanup(func() {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
	})
	var g errgroup.Group
	g.SetLimit(64)
	for i := range n {
		g.Go(func() error {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				return fmt.Errorf("connection %d: %w", i, err)
			}
			mu.Lock()
			conns[i] = c
			mu.Unlock()
			return knock(c, bufio.NewReaderSize(c, 512))
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return conns
}

// knock asks whether the gateway is alive, over a connection that stays open.
func knock(c net.Conn, in *bufio.Reader) error {
	if _, err := fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return err
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d, %v", res.StatusCode, err)
	}
	return nil
}
