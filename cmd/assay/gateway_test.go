package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"assay/models"
	"assay/models/providers/sim"
	"assay/router"
)

// lockedBuffer can be read while a gateway writes to it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// runCommand runs the command line to its end.
func runCommand(t *testing.T, env map[string]string, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs lockedBuffer
	code = run(t.Context(), args, environment{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Getenv: getenv(env), Data: t.TempDir()})
	return code, out.String(), errs.String()
}

// getenv hides the machine's provider keys from a test, not its ONNX Runtime.
func getenv(env map[string]string) func(string) string {
	return func(name string) string {
		if v, ok := env[name]; ok {
			return v
		}
		if name == "ONNXRUNTIME_LIB" {
			return os.Getenv(name)
		}
		return ""
	}
}

// gateway is a running `assay serve`.
type gateway struct {
	url    string
	stderr *lockedBuffer
	stop   func() int // ends it and gives the exit code
}

var servingOn = regexp.MustCompile(`serving on (http://\S+)`)

// startGateway runs `assay serve` on a free port until the test ends.
func startGateway(t testing.TB, env map[string]string, args ...string) *gateway {
	t.Helper()
	data := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	g := &gateway{stderr: &lockedBuffer{}}
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...), environment{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: g.stderr, Getenv: getenv(env), Data: data})
	}()
	g.stop = sync.OnceValue(func() int { cancel(); return <-done })
	t.Cleanup(func() { g.stop() })
	for {
		if m := servingOn.FindStringSubmatch(g.stderr.String()); m != nil {
			g.url = m[1]
			return g
		}
		select {
		case code := <-done:
			done <- code
			t.Fatalf("the gateway ended with %d:\n%s", code, g.stderr.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

type reply struct {
	status int
	header http.Header
	body   string
}

func post(t testing.TB, url, body string) reply {
	t.Helper()
	res, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return read(t, res)
}

func get(t *testing.T, url string) reply {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, res)
}

func read(t testing.TB, res *http.Response) reply {
	t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

func chat(model, content string) string {
	b, err := json.Marshal(map[string]any{"model": model, "messages": []any{map[string]string{"role": "user", "content": content}}})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// eventually waits for something that a running gateway does by itself.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 600 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("never happened: %s", what)
}

func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// fakeProvider is an OpenAI-compatible provider over real HTTP. It answers as
// the simulator does, fails for "please fail", and cuts the connection in the
// middle of a stream for "please die mid-stream".
func fakeProvider(t testing.TB) *httptest.Server {
	t.Helper()
	answers := sim.New(sim.Options{Profiles: map[string]sim.Profile{"*": {FirstByte: time.Millisecond}}})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Authorization") != "Bearer sk-provider" {
			http.Error(w, `{"error":{"message":"bad key"}}`, http.StatusUnauthorized)
			return
		}
		switch content := gjson.GetBytes(body, "messages.@reverse.0.content").Str; {
		case strings.Contains(content, "please fail"):
			http.Error(w, `{"error":{"message":"it failed"}}`, http.StatusInternalServerError)
			return
		case strings.Contains(content, "please die mid-stream"):
			w.Header().Set("Content-Type", "text/event-stream")
			for i := range 3 {
				fmt.Fprintf(w, "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word%d \"},\"finish_reason\":null}]}\n\n", i)
				w.(http.Flusher).Flush()
			}
			panic(http.ErrAbortHandler)
		}
		name := gjson.GetBytes(body, "model").Str
		res, err := answers.Do(r.Context(), router.Call{Model: models.Model{ID: "openai/" + name, Name: name}, Body: body, Stream: gjson.GetBytes(body, "stream").Bool(), ID: "1"})
		if err != nil {
			return
		}
		defer res.Body.Close()
		w.WriteHeader(res.Status)
		io.Copy(w, res.Body)
	}))
	t.Cleanup(s.Close)
	return s
}

// realGateway is a gateway with one real provider, reached over HTTP.
func realGateway(t testing.TB, args ...string) *gateway {
	t.Helper()
	conf := write(t, filepath.Join(t.TempDir(), "assay.yaml"), "providers:\n  openai: {base_url: "+fakeProvider(t).URL+"/v1}\n")
	return startGateway(t, map[string]string{"OPENAI_API_KEY": "sk-provider"}, append([]string{"--config", conf}, args...)...)
}
