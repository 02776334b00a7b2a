package main

import (
	"net/http"
	"sync"

	"assay/models/openai"
)

// gate stands before the gateway's handler and lets it run dry: once shut, new
// requests are refused with words that SDKs act on (another try may reach
// another replica), while those inside finish and probes are still answered.
type gate struct {
	next http.Handler

	mu      sync.Mutex
	inside  int
	drained chan struct{} // nil while open; closed when nobody is inside
}

// probes are answered whatever the state: they tell it.
var probes = map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true}

var errStopping = &openai.Error{Status: http.StatusServiceUnavailable, Type: "server_error", Code: "shutting_down", RetryAfter: 1,
	Message: "this gateway is stopping and takes no new requests; try again"}

// ServeHTTP passes a request on, or refuses it.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case probes[r.URL.Path]:
		g.next.ServeHTTP(w, r)
	case g.enter():
		defer g.leave()
		g.next.ServeHTTP(w, r)
	default:
		h := w.Header()
		h.Set("Content-Type", "application/json; charset=utf-8")
		h.Set("Retry-After", "1")
		h.Set("Connection", "close")
		w.WriteHeader(errStopping.Status)
		_, _ = w.Write(errStopping.Body()) // to a client that may be gone
	}
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.drained != nil {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside--; g.inside == 0 && g.drained != nil {
		close(g.drained)
	}
}

// shut refuses new requests from now on. What it gives is closed when the last
// one inside has left. It may be called once.
func (g *gate) shut() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drained = make(chan struct{})
	if g.inside == 0 {
		close(g.drained)
	}
	return g.drained
}
