// Package faults is a provider that fails on demand: an OpenAI-compatible
// upstream that answers as its caller's fault says. The fault is what Break set
// for the label in the path, else what the header X-Fault names, else the
// model, else the label; any other name gets a good answer, so that one server
// plays a healthy provider and all ill ones. It is what the gateway's fault suite runs against, and can
// be run by hand (cmd/faulty). Start with List, then New.
package faults

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"
)

// Options are what a Server takes. The zero value works.
type Options struct {
	// Interval is the pause of everything slow: between the bytes of a drip, the
	// events of a slow stream. Default: 1 s.
	Interval time.Duration
	// OnCall hears of every call, twice, from the call's own goroutine; may be nil.
	OnCall func(Call)
	// Now is the clock of Call.At and of dates in headers. Default: time.Now.
	Now func() time.Time
}

// Call is a call that has begun or ended.
type Call struct {
	Label string // first step of the path: whose call it is, "" nobody's
	Model string // as asked for
	Ended bool
	// HungUp: the caller went away before its answer was over.
	HungUp bool
	At     time.Time
}

// Stats counts calls.
type Stats struct {
	Calls   int `json:"calls"`   // begun
	Running int `json:"running"` // not over yet
	HungUp  int `json:"hung_up"` // that the caller left before the end
}

// Server is the provider's HTTP handler: POST [/LABEL]/v1/chat/completions, and
// for whoever watches GET /faults, GET /stats and POST /break?label=L&fault=F.
// Safe for concurrent use.
type Server struct {
	o     Options
	mu    sync.Mutex
	stats map[string]*Stats // by label and model
	set   map[string]string // fault by label
}

// New makes a provider.
func New(o Options) *Server {
	o.Interval = cmp.Or(o.Interval, time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Server{o: o, stats: map[string]*Stats{}, set: map[string]string{}}
}

// Break makes all calls of a label suffer a fault from now on; "" ends it.
func (s *Server) Break(label, fault string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set[label] = fault
}

// Stats gives the counts of a label's calls of a model.
func (s *Server) Stats(label, model string) Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.stats[label+"/"+model]; st != nil {
		return *st
	}
	return Stats{}
}

// Total gives the counts of all calls.
func (s *Server) Total() (sum Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.stats {
		sum.Calls += st.Calls
		sum.Running += st.Running
		sum.HungUp += st.HungUp
	}
	return sum
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	label, isCall := strings.CutSuffix(r.URL.Path, "/v1/chat/completions")
	switch {
	case isCall && r.Method == http.MethodPost:
		s.complete(w, r, strings.Trim(label, "/"))
	case r.URL.Path == "/faults":
		_ = json.NewEncoder(w).Encode(List()) // to a caller who went away
	case r.URL.Path == "/break" && r.Method == http.MethodPost:
		s.Break(r.FormValue("label"), r.FormValue("fault"))
	case r.URL.Path == "/stats":
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(s.stats)
	default:
		http.NotFound(w, r)
	}
}

// complete answers one call with its fault.
func (s *Server) complete(w http.ResponseWriter, r *http.Request, label string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	model := gjson.GetBytes(body, "model").Str
	st, number, set := s.begin(label, model)
	x := &exchange{w: w, r: r, interval: s.o.Interval, now: s.o.Now,
		stream: gjson.GetBytes(body, "stream").Bool(), usage: gjson.GetBytes(body, "stream_options.include_usage").Bool()}
	defer func() { s.end(st, Call{Label: label, Model: model, Ended: true, HungUp: r.Context().Err() != nil}) }()
	choose(number, set, r.Header.Get("X-Fault"), model, label)(x)
}

func (s *Server) begin(label, model string) (st *Stats, number int, set string) {
	s.mu.Lock()
	key := label + "/" + model
	if st = s.stats[key]; st == nil {
		st = &Stats{}
		s.stats[key] = st
	}
	st.Calls++
	st.Running++
	number, set = st.Calls, s.set[label]
	s.mu.Unlock()
	s.tell(Call{Label: label, Model: model})
	return st, number, set
}

func (s *Server) end(st *Stats, c Call) {
	s.mu.Lock()
	st.Running--
	if c.HungUp {
		st.HungUp++
	}
	s.mu.Unlock()
	s.tell(c)
}

func (s *Server) tell(c Call) {
	if s.o.OnCall != nil {
		c.At = s.o.Now()
		s.o.OnCall(c)
	}
}

// choose finds the fault of call number n: the first name that is one. NAME@N
// stops failing after N calls.
func choose(n int, names ...string) func(*exchange) {
	for _, name := range names {
		name, times, limited := strings.Cut(name, "@")
		f, ok := byName[name]
		if !ok {
			continue
		}
		if most, err := strconv.Atoi(times); limited && err == nil && n > most {
			return good
		}
		return f.serve
	}
	return good
}
