package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"assay/deploy/faults"
)

// TestHangUpCancelsTheProvidersCall protects the operator's money: when a
// client goes away, its provider's call ends. The median of 20 is printed, for
// answers in one piece and for streams in the middle; 100 ms is the aim.
func TestHangUpCancelsTheProvidersCall(t *testing.T) {
	for _, mode := range []string{"json", "stream"} {
		t.Run(mode, func(t *testing.T) {
			calls := watchedCalls{make(chan time.Time, 100), make(chan time.Time, 100)}
			faulty := faults.New(faults.Options{OnCall: calls.note})
			server := httptest.NewServer(faulty)
			t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
			g := startGateway(t, nil, "--config", write(t, t.TempDir()+"/assay.yaml", "log: {level: error}\nproviders:\n  openai: {base_url: \""+server.URL+"/hang-half/v1\", keyless: true}\n"))
			var took []time.Duration
			for range 20 {
				took = append(took, hangUp(t, g.url, mode, &calls))
			}
			slices.Sort(took)
			median := took[len(took)/2]
			t.Logf("the provider's call ends %v after the client hung up (median of %d; longest %v)", median, len(took), took[len(took)-1])
			if median > 2*time.Second {
				t.Errorf("%v; want well below", median)
			}
			eventually(t, "no call is left", func() bool { return faulty.Total().Running == 0 })
			if total := faulty.Total(); total.HungUp != total.Calls || total.Calls != 20 {
				t.Errorf("%+v; want 20 calls that were all left", total)
			}
		})
	}
}

// watchedCalls hears when calls begin and end.
type watchedCalls struct{ begun, end chan time.Time }

func (w *watchedCalls) note(c faults.Call) {
	if c.Ended {
		w.end <- c.At
	} else {
		w.begun <- c.At
	}
}

// hangUp goes away once the call is under way, of a stream after its first
// event, and gives how long the provider was kept busy after that.
func hangUp(t *testing.T, url, mode string, calls *watchedCalls) time.Duration {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	body := strings.Replace(askFor("", "", mode), `"/"`, `"gpt-4o-mini"`, 1)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	first := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			first <- err
			return
		}
		defer res.Body.Close()
		_, err = res.Body.Read(make([]byte, 1))
		first <- err
	}()
	<-calls.begun
	if mode == "stream" {
		if err := <-first; err != nil {
			t.Fatal(err)
		}
	}
	at := time.Now()
	cancel()
	return (<-calls.end).Sub(at)
}

// TestAStormLeavesNothingBehind protects a gateway that runs for months: after
// every fault at once, with clients that leave in the middle, as many goroutines
// run and as many connections are open as before; and none once it has stopped.
func TestAStormLeavesNothingBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	var open connections
	t.Run("while serving", func(t *testing.T) { // ends with the gateway stopped
		providers := map[string]string{}
		for i, f := range faults.List() {
			if !heavy[f.Name] {
				providers[fmt.Sprintf("storm%d", i)] = f.Name
			}
		}
		args, faulty := illConfig(t, providers, open.state)
		g := startGateway(t, nil, args...)
		client := &http.Client{Timeout: faultPatience, Transport: &http.Transport{}}
		storm := func() {
			var wg sync.WaitGroup
			for name, fault := range providers {
				for i := range 4 { // of which breakers don't open
					wg.Go(func() { gust(t, client, g.url, name, fault, i) })
				}
			}
			wg.Wait()
			client.CloseIdleConnections()
			eventually(t, "the storm's calls end", func() bool { return faulty.Total().Running == 0 })
			eventually(t, "their connections close", func() bool { return open.count(http.StateActive) == 0 })
		}
		storm()
		settled := goleak.IgnoreCurrent() // idle connections to providers may stay
		storm()
		if err := goleak.Find(append(idleConnections, settled)...); err != nil {
			t.Errorf("while serving: %v", err)
		}
		eventually(t, "no request is inside the gateway", func() bool { return insideGateway() == 0 })
		t.Logf("%d calls of %d faults; %d idle connections to providers are kept", faulty.Total().Calls, len(providers), open.count(http.StateIdle))
	})
	if err := goleak.Find(before); err != nil {
		t.Errorf("after the stop: %v", err)
	}
	if n := open.count(http.StateIdle) + open.count(http.StateActive); n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

// idleConnections are the goroutines of a connection that is kept for later, at
// its client's end and at its server's.
var idleConnections = []goleak.Option{
	goleak.IgnoreAnyFunction("net/http.(*conn).serve"),
	goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
}

// insideGateway counts the requests that a handler of this process works on.
func insideGateway() int {
	stacks := make([]byte, 64<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "assay/api.(*Server).chatCompletions(")
}

// gust is one request of a storm; every third client leaves in the middle.
func gust(t *testing.T, client *http.Client, url, name, fault string, i int) {
	mode := []string{"json", "stream"}[i%2]
	ctx, cancel := context.WithTimeout(t.Context(), faultPatience)
	if i%3 == 2 {
		cancel()
		ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	}
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", strings.NewReader(askFor(name, fault, mode)))
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("X-Gateway-Timeout", "2s")
	res, err := client.Do(req)
	if err == nil {
		_, err = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	if err != nil && ctx.Err() == nil {
		t.Errorf("%s, %s: %v", fault, mode, err)
	}
}

// connections counts a server's connections by state.
type connections struct {
	mu     sync.Mutex
	states map[string]http.ConnState // by the client's address
}

func (c *connections) count(s http.ConnState) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, state := range c.states {
		if state == s {
			n++
		}
	}
	return n
}

func (c *connections) state(conn net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.states == nil {
		c.states = map[string]http.ConnState{}
	}
	key := conn.RemoteAddr().String()
	if c.states[key] = s; s == http.StateClosed || s == http.StateHijacked {
		delete(c.states, key)
	}
}
