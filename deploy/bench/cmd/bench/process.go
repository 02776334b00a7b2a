package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a program that was started, with its children.
type process struct {
	pid   int
	ended chan struct{} // closed when it has ended
	log   string        // file with what it printed
}

// start runs a program on some cores. What it prints goes to dir/NAME.log. It
// has a group of its own and ends if the driver is killed, even while paused.
func start(name, cores, dir string, argv, env []string) (*process, error) {
	log := filepath.Join(dir, name+".log")
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the child has its own
	argv = append([]string{"-c", cores}, argv...)
	cmd := exec.Command("taskset", argv...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{pid: cmd.Process.Pid, ended: make(chan struct{}), log: log}
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(p.ended)
	}()
	return p, nil
}

// pause stops the clock for a process that is not measured now; resume undoes it.
func (p *process) pause()  { p.signal(syscall.SIGSTOP) }
func (p *process) resume() { p.signal(syscall.SIGCONT) }

func (p *process) signal(s syscall.Signal) {
	if p != nil {
		_ = syscall.Kill(-p.pid, s) // it may have ended
	}
}

// stop ends the process and its children, kindly at first.
func (p *process) stop() {
	if p == nil {
		return
	}
	p.resume()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
	}
	p.signal(syscall.SIGKILL) // what is left of the group
	<-p.ended
}

// await asks ready every 50 ms until it has no error.
func (p *process) await(ctx context.Context, within time.Duration, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("it ended at once: %s", p.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("not ready within %s: %w; %s", within, err, p.lastWords())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// lastWords are the last lines that the process printed.
func (p *process) lastWords() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " | ")
}

// freeAddr finds a free port of the loopback interface.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// answers200 is ready when a GET is answered with 200.
func answers200(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s", url, res.Status)
		}
		return nil
	}
}

// listens is ready when a connection is accepted.
func listens(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		return c.Close()
	}
}

// errSkip marks a system that can't be had here.
var errSkip = errors.New("skipped")
