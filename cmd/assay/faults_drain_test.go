package main

import (
	"net/http"
	"syscall"
	"testing"
	"time"
)

// TestStopSignalDrains protects the answers that run when a gateway is told to
// stop: they finish, whole or streamed; new requests are refused in words;
// /readyz says so; and the process ends with 0 once the last answer is out.
func TestStopSignalDrains(t *testing.T) {
	args, faulty := illConfig(t, map[string]string{"slow-json": "slow", "slow-stream": "slow", "quick": "ok"})
	p := startProcess(t, args...)
	client := &http.Client{Timeout: faultPatience, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	running := map[string]chan seen{"json": make(chan seen, 1), "stream": make(chan seen, 1)}
	for mode, to := range running {
		go func() { to <- look(client, p.url, askFor("slow-"+mode, "slow", mode)) }()
	}
	eventually(t, "both are under way", func() bool { return faulty.Total().Running == 2 })
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "/readyz turns false", func() bool { return get(t, p.url+"/readyz").status == http.StatusServiceUnavailable })
	if r := get(t, p.url+"/healthz"); r.status != http.StatusOK {
		t.Errorf("/healthz: %d while answers run", r.status)
	}
	if s := look(client, p.url, askFor("quick", "ok", "json")); s.status != 503 || s.code != "shutting_down" || s.header.Get("Retry-After") != "1" {
		t.Errorf("a new request: %+v", s)
	}
	for mode, from := range running {
		if err := answered.check(<-from, mode); err != nil {
			t.Errorf("the %s that ran: %v", mode, err)
		}
	}
	select {
	case <-p.ended:
	case <-time.After(faultPatience):
		t.Fatal("it does not end")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, p.stderr.String())
	}
	if calls := faulty.Stats("quick", "ok").Calls; calls != 0 {
		t.Errorf("the refused request was passed on %d times", calls)
	}
}
