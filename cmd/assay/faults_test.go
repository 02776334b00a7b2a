package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"assay/deploy/faults"
	"assay/models/openai"
)

// faultPolicy shortens every wait. A client that is still without an answer
// after faultPatience has been left hanging.
const (
	faultPolicy   = "version: 1\nid: faults\nfirst_byte_timeout: 3s\nidle_timeout: 3s\ntimeout: 6s\n"
	faultPatience = 25 * time.Second
)

// quiet keeps what servers say of faults on purpose out of the test's output.
var quiet = log.New(io.Discard, "", 0)

// ill is a gateway in front of a provider per case, each ill in its own way, so
// that what one shows opens no other's breaker.
type ill struct {
	*gateway
	faulty *faults.Server
}

// caseName is the provider of one client's case: one of its own.
func caseName(client, fault, mode string) string {
	return client + "-" + strings.ReplaceAll(fault, "@", "-x") + "-" + mode
}

// startIll serves with the given providers.
func startIll(t testing.TB, cases map[string]string) *ill {
	t.Helper()
	args, faulty := illConfig(t, cases)
	return &ill{startGateway(t, nil, args...), faulty}
}

// illConfig gives the arguments of a gateway with the given providers, by name
// with their faults, each with one model named after its fault; and the server
// that plays them, with its connections watched.
func illConfig(t testing.TB, cases map[string]string, watch ...func(net.Conn, http.ConnState)) (args []string, faulty *faults.Server) {
	t.Helper()
	faulty = faults.New(faults.Options{})
	server := httptest.NewUnstartedServer(faulty)
	server.Config.ErrorLog = quiet
	if len(watch) > 0 {
		server.Config.ConnState = watch[0]
	}
	server.Start()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	dir := t.TempDir()
	bases := brokenDoors(t, server)
	var providers, models, prices, conf strings.Builder
	providers.WriteString("name,kind,base_url,note\n")
	models.WriteString("id,kind,family,region,context,max_output,tools\n")
	prices.WriteString("id,unit,direction,service_class,from_tokens,usd_per_million_units,valid_from,source\n")
	conf.WriteString("catalog: catalog\nsimulated: {mode: never}\nlog: {level: error}\nproviders:\n")
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		fault := cases[name]
		base, ok := bases[fault]
		if !ok {
			base = server.URL + "/" + name + "/v1"
		}
		id := name + "/" + fault
		fmt.Fprintf(&providers, "%s,host,%s,test\n", name, base)
		fmt.Fprintf(&models, "%s,chat,gpt-4o-mini,global,200000,64000,true\n", id)
		for _, direction := range []string{"in", "out"} {
			fmt.Fprintf(&prices, "%s,token,%s,standard,0,1,2026-11-01,test\n", id, direction)
		}
		fmt.Fprintf(&conf, "  %s: {base_url: %q, keyless: true}\n", name, base)
	}
	rows := filepath.Join(dir, "catalog")
	if err := os.Mkdir(rows, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(rows, "providers.csv"), providers.String())
	write(t, filepath.Join(rows, "models.csv"), models.String())
	write(t, filepath.Join(rows, "prices.csv"), prices.String())
	return []string{"--config", write(t, filepath.Join(dir, "assay.yaml"), conf.String()),
		"--policy", write(t, filepath.Join(dir, "policy.yaml"), faultPolicy)}, faulty
}

// brokenDoors are base URLs of the faults at the door.
func brokenDoors(t testing.TB, plain *httptest.Server) map[string]string {
	t.Helper()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	unknown := httptest.NewUnstartedServer(http.NotFoundHandler())
	unknown.Config.ErrorLog = quiet
	unknown.StartTLS()
	t.Cleanup(unknown.Close)
	return map[string]string{
		"refused":     "http://" + closed.Addr().String() + "/v1",
		"dns":         "http://no-such-host.invalid/v1",
		"tls-none":    strings.Replace(plain.URL, "http:", "https:", 1) + "/v1",
		"tls-unknown": unknown.URL + "/v1",
	}
}

// clientCases are the providers that one client needs for all cases.
func clientCases(client string) map[string]string {
	m := map[string]string{}
	eachCase(func(c faultCase, mode string, _ want) { m[caseName(client, c.fault, mode)] = c.fault })
	return m
}

// eachCase goes through all faults in both modes, but for those that don't exist
// in one.
func eachCase(do func(c faultCase, mode string, w want)) {
	for _, c := range faultCases {
		for mode, w := range map[string]want{"json": c.json, "stream": c.stream} {
			if w.skip == "" {
				do(c, mode, w)
			}
		}
	}
}

// seen is what a client saw.
type seen struct {
	status  int
	code    string // of an error body or frame
	text    string
	done    bool // [DONE] came
	finish  bool // a finish_reason came
	header  http.Header
	raw     string
	err     error // of the connection
	elapsed time.Duration
}

// look sends a request over plain HTTP and reads the answer to its end.
func look(client *http.Client, url, body string, header ...string) (s seen) {
	begun := time.Now()
	defer func() { s.elapsed = time.Since(begun) }()
	req, err := http.NewRequest(http.MethodPost, url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return seen{err: err}
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		return seen{err: err}
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	s = seen{status: res.StatusCode, header: res.Header, raw: string(data), err: err}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		s.readEvents(data)
		return s
	}
	s.code = gjson.GetBytes(data, "error.code").Str
	s.text = gjson.GetBytes(data, "choices.0.message.content").Str
	return s
}

func (s *seen) readEvents(data []byte) {
	events := openai.NewEventReader(bytes.NewReader(data))
	for {
		event, err := events.Next()
		if err != nil {
			return
		}
		s.done = s.done || bytes.Equal(event, openai.Done)
		s.finish = s.finish || gjson.GetBytes(event, "choices.0.finish_reason").Str != ""
		s.text += gjson.GetBytes(event, "choices.#(index==0).delta.content").Str
		if code := gjson.GetBytes(event, "error.code"); code.Exists() {
			s.code = code.String()
		}
	}
}

// ask is a request for the model of a case.
func askFor(name, fault, mode string) string {
	stream := ""
	if mode == "stream" {
		stream = `"stream":true,"stream_options":{"include_usage":true},`
	}
	return fmt.Sprintf(`{%s"model":"%s/%s","messages":[{"role":"user","content":"count to four"}]}`, stream, name, fault)
}

// check holds what a client saw against the table.
func (w want) check(s seen, mode string) error {
	switch {
	case s.err != nil:
		return fmt.Errorf("the connection broke: %w", s.err)
	case s.status != w.status || s.code != w.code:
		return fmt.Errorf("%d %q; want %d %q", s.status, s.code, w.status, w.code)
	case w.code != "" && s.done:
		return fmt.Errorf("a failure ends in [DONE]")
	case w.code == "" && mode == "stream" && (!s.done || !s.finish):
		return fmt.Errorf("a whole stream ends without finish_reason or [DONE]")
	}
	text := w.text
	if text == "" {
		text = faults.Answer
	}
	if w.code == "" && s.text != text {
		return fmt.Errorf("the text is %d bytes, %.60q; want %d bytes, %.60q", len(s.text), s.text, len(text), text)
	}
	if w.code != "" && !strings.HasPrefix(text, s.text) {
		return fmt.Errorf("before the failure it said %.60q", s.text)
	}
	return nil
}

// TestFaultsOverHTTP protects docs/faults.md: what a plain HTTP client sees of
// every fault, one upstream call each.
func TestFaultsOverHTTP(t *testing.T) {
	g := startIll(t, clientCases("raw"))
	client := &http.Client{Timeout: faultPatience, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	try := func(c faultCase, mode string, w want) {
		name := caseName("raw", c.fault, mode)
		s := look(client, g.url, askFor(name, c.fault, mode))
		if err := w.check(s, mode); err != nil {
			t.Errorf("%s, %s: %v\n%.300s", c.fault, mode, err, s.raw)
		}
		if calls := g.faulty.Stats(name, c.fault).Calls; atTheDoor[c.fault] == "" && calls != 1 {
			t.Errorf("%s, %s: %d upstream calls for one request", c.fault, mode, calls)
		}
		checkRetryHeaders(t, c.fault, s)
		t.Logf("%-16s %-6s %d %-24s after %5d ms", c.fault, mode, s.status, s.code, s.elapsed.Milliseconds())
	}
	var wg sync.WaitGroup
	eachCase(func(c faultCase, mode string, w want) {
		if !heavy[c.fault] {
			wg.Go(func() { try(c, mode, w) })
		}
	})
	wg.Wait()
	eachCase(func(c faultCase, mode string, w want) {
		if heavy[c.fault] {
			try(c, mode, w)
		}
	})
	eventually(t, "the provider has no call left", func() bool { return g.faulty.Total().Running == 0 })
}

// checkRetryHeaders protects what clients are told about trying again: the
// upstream's own wait in whole seconds, nothing where it names none, and a plain
// no where another try can't help.
func checkRetryHeaders(t *testing.T, fault string, s seen) {
	t.Helper()
	for _, r := range []struct {
		fault    string
		min, max int // of Retry-After; 0: none
		again    bool
	}{
		{"429", 0, 0, true}, {"429-garbage", 0, 0, true}, {"429-seconds", 1, 1, true}, {"429-date", 1, 2, true}, {"503-seconds", 1, 1, true},
		{"429-long", 300, 300, false}, {"quota", 0, 0, false}, {"401", 0, 0, false}, {"402", 0, 0, false}, {"403", 0, 0, false}, {"500", 0, 0, true},
	} {
		if r.fault != fault {
			continue
		}
		after, _ := strconv.Atoi(s.header.Get("Retry-After"))
		if after < r.min || after > r.max {
			t.Errorf("%s: Retry-After %q; want %d to %d", fault, s.header.Get("Retry-After"), r.min, r.max)
		}
		if no := s.header.Get("X-Should-Retry") == "false"; no == r.again {
			t.Errorf("%s: x-should-retry %q", fault, s.header.Get("X-Should-Retry"))
		}
	}
}

// TestFaultsAreDocumented holds the tables of docs/faults.md against the cases.
func TestFaultsAreDocumented(t *testing.T) {
	const path, from, to = "../../docs/faults.md", "| fault | the provider does | JSON | stream |\n|---|---|---|---|\n", "\n<!-- end of the table -->"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	does := maps.Clone(atTheDoor)
	for _, f := range faults.List() {
		does[f.Name] = f.Does
	}
	var table strings.Builder
	for _, c := range faultCases {
		if does[c.fault] == "" {
			t.Errorf("there is no fault %s", c.fault)
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", c.fault, does[c.fault], c.json.says(), c.stream.says())
		delete(does, c.fault)
	}
	for fault := range does {
		t.Errorf("nobody tries the fault %s", fault)
	}
	before, rest, ok := strings.Cut(string(doc), from)
	old, after, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatalf("%s has no table between %q and %q", path, from, to)
	}
	switch {
	case *update:
		write(t, path, before+from+table.String()+to+after)
	case old != table.String():
		t.Errorf("%s says otherwise than the cases; -update writes its table anew", path)
	}
}
