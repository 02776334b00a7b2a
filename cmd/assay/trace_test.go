package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// collector takes what an OTLP collector would be sent.
type collector struct {
	*httptest.Server
	mu   sync.Mutex
	got  bytes.Buffer
	path string
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.path = r.URL.Path
		c.got.Write(body)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) sent() (path, spans string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.path, c.got.String()
}

// Spans of a request are at the collector when the gateway has stopped, under
// the name that the configuration gives it.
func TestSpansAreSentBeforeTheGatewayEnds(t *testing.T) {
	c := newCollector(t)
	conf := write(t, filepath.Join(t.TempDir(), "assay.yaml"), "tracing: {otlp_endpoint: "+c.URL+", sample: 1, service_name: gateway-7}\n")
	g := startGateway(t, nil, "--config", conf)
	if r := post(t, g.url+"/v1/chat/completions", chat("assay/balanced", "xylophone marmalade")); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if code := g.stop(); code != exitOK {
		t.Fatalf("stopped with %d:\n%s", code, g.stderr)
	}
	path, spans := c.sent()
	if path != "/v1/traces" {
		t.Errorf("sent to %q", path)
	}
	for _, want := range []string{"gateway-7", "gen_ai.provider.name", "assay.intent", "POST /v1/chat/completions"} {
		if !strings.Contains(spans, want) {
			t.Errorf("%s is not in what was sent (%d bytes)", want, len(spans))
		}
	}
	if strings.Contains(spans, "xylophone") {
		t.Error("the prompt was sent")
	}
}

func TestNothingIsTracedUnlessSampledAndWanted(t *testing.T) {
	c := newCollector(t)
	for rule, conf := range map[string]string{
		"a share of none": "tracing: {otlp_endpoint: " + c.URL + ", sample: 0}\n",
		"no endpoint":     "tracing: {sample: 1}\n",
	} {
		g := startGateway(t, nil, "--config", write(t, filepath.Join(t.TempDir(), "assay.yaml"), conf))
		post(t, g.url+"/v1/chat/completions", chat("assay/balanced", "hi"))
		g.stop()
		if _, spans := c.sent(); spans != "" {
			t.Errorf("%s: %d bytes were sent", rule, len(spans))
		}
	}
}

// A collector that is away costs no request and no clean stop.
func TestACollectorThatIsAwayIsLogged(t *testing.T) {
	c := newCollector(t)
	c.Close()
	g := startGateway(t, nil, "--config", write(t, filepath.Join(t.TempDir(), "assay.yaml"), "tracing: {otlp_endpoint: "+c.URL+"}\n"))
	if r := post(t, g.url+"/v1/chat/completions", chat("assay/balanced", "hi")); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if code := g.stop(); code != exitOK {
		t.Errorf("stopped with %d", code)
	}
	if !strings.Contains(g.stderr.String(), "trace") {
		t.Errorf("nothing is said:\n%s", g.stderr)
	}
}

func TestTracingIsWanted(t *testing.T) {
	for _, c := range []struct {
		rule string
		conf tracingConfig
		env  map[string]string
		want bool
	}{
		{"nothing says so", tracingConfig{}, nil, false},
		{"configured", tracingConfig{OTLPEndpoint: "http://c"}, nil, true},
		{"by the standard variable", tracingConfig{}, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, true},
		{"by the one for traces", tracingConfig{}, map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c"}, true},
		{"switched off", tracingConfig{OTLPEndpoint: "http://c"}, map[string]string{"OTEL_SDK_DISABLED": "TRUE"}, false},
		{"other signals alone", tracingConfig{}, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_TRACES_EXPORTER": "none"}, false},
	} {
		if got := c.conf.wanted(getenv(c.env)); got != c.want {
			t.Errorf("%s: %v", c.rule, got)
		}
	}
}

func TestTracesURL(t *testing.T) {
	for base, want := range map[string]string{
		"http://127.0.0.1:4318":           "http://127.0.0.1:4318/v1/traces",
		"https://c.example/":              "https://c.example/v1/traces",
		"https://c.example/otlp/v1/spans": "https://c.example/otlp/v1/spans",
	} {
		if got := tracesURL(base); got != want {
			t.Errorf("%s: %s, want %s", base, got, want)
		}
	}
}

func TestBadTracingIsRefused(t *testing.T) {
	for _, c := range []struct{ conf, want string }{
		{"tracing: {otlp_endpoint: 'localhost:4318'}", "tracing.otlp_endpoint"},
		{"tracing: {sample: 1.5}", "tracing.sample"},
		{"tracing: {sample: .nan}", "tracing.sample"},
		{"tracing: {endpoint: 'http://c'}", "endpoint"},
	} {
		code, _, stderr := runCommand(t, nil, "", "serve", "--config", write(t, filepath.Join(t.TempDir(), "assay.yaml"), c.conf+"\n"))
		if code != exitUsage || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: %d %s", c.conf, code, stderr)
		}
	}
}
