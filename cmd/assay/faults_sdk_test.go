package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/deploy/faults"
)

// officialSDK is an official SDK as `make sdk` installs it, with the script that asks
// for us.
type officialSDK struct {
	name    string
	command []string
}

// installedSDK skips the test, or under ASSAY_REQUIRE fails it, where the SDK is
// missing.
func installedSDK(t *testing.T, name string) officialSDK {
	t.Helper()
	cache, err := filepath.Abs("../../.cache/sdk")
	if err != nil {
		t.Fatal(err)
	}
	s := officialSDK{name, []string{filepath.Join(cache, "python/bin/python"), "testdata/sdk/faults_client.py"}}
	if name == "node" {
		s.command = []string{"node", filepath.Join(cache, "node/faults_client.mjs")}
	}
	missing := func(why error) {
		if os.Getenv("ASSAY_REQUIRE") != "" {
			t.Fatalf("the SDK is not installed: run make sdk (%v)", why)
		}
		t.Skipf("the SDK is not installed: run make sdk (%v)", why)
	}
	if _, err := os.Stat(filepath.Join(cache, name+".done")); err != nil {
		missing(err)
	}
	if _, err := exec.LookPath(s.command[0]); err != nil {
		missing(err)
	}
	if _, err := os.Stat(s.command[1]); err != nil {
		missing(err)
	}
	return s
}

// question is a line of the scripts' input, observation of their output.
type question struct {
	Name    string            `json:"name"`
	Model   string            `json:"model"`
	Stream  bool              `json:"stream"`
	Retries int               `json:"retries"`
	Timeout float64           `json:"timeout"` // seconds; the client's deadline for one try
	Headers map[string]string `json:"headers,omitempty"`
}

type observation struct {
	Name    string  `json:"name"`
	Text    string  `json:"text"`
	Finish  bool    `json:"finish"`
	Error   string  `json:"error"`
	Status  int     `json:"status"`
	Code    string  `json:"code"`
	Seconds float64 `json:"seconds"`
}

// ask puts all questions at once and gives what came of each, by name.
func (s officialSDK) ask(t *testing.T, url string, questions []question) map[string]observation {
	t.Helper()
	var in bytes.Buffer
	for _, q := range questions {
		line, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	cmd := exec.CommandContext(t.Context(), s.command[0], append(s.command[1:], url+"/v1")...)
	var errs bytes.Buffer
	cmd.Stdin, cmd.Stderr = &in, &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	seen := map[string]observation{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 32<<20)
	for lines.Scan() {
		var o observation
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			t.Fatalf("%v: %.200s", err, lines.Text())
		}
		seen[o.Name] = o
	}
	if len(seen) != len(questions) {
		t.Errorf("%d answers to %d questions\n%s", len(seen), len(questions), errs.String())
	}
	return seen
}

// raises is the class that the SDKs raise for a status; both have the same.
func raises(status int) string {
	switch {
	case status == 400:
		return "BadRequestError"
	case status == 404:
		return "NotFoundError"
	case status == 429:
		return "RateLimitError"
	case status >= 500:
		return "InternalServerError"
	}
	return "APIError"
}

// checkSDK holds what an application saw against the table: an answer, the class
// of the status, or for a stream that breaks an APIError with the frame's code.
func (w want) checkSDK(o observation) error {
	text := w.text
	if text == "" {
		text = faults.Answer
	}
	switch {
	case w.code == "" && (o.Error != "" || o.Text != text || !o.Finish):
		return fmt.Errorf("error %q, text of %d bytes %.60q, finished %v; want the answer", o.Error, len(o.Text), o.Text, o.Finish)
	case w.code == "":
		return nil
	case o.Error == "":
		return fmt.Errorf("it looks like success, with %.60q; want %q", o.Text, w.code)
	case o.Code != w.code || o.Error != raises(w.status):
		return fmt.Errorf("%s %d %q; want %s %q", o.Error, o.Status, o.Code, raises(w.status), w.code)
	case w.status != 200 && o.Status != w.status:
		return fmt.Errorf("status %d; want %d", o.Status, w.status)
	case !strings.HasPrefix(text, o.Text):
		return fmt.Errorf("before the failure it said %.60q", o.Text)
	}
	return nil
}

// TestFaultsThroughSDKs protects what applications see: every fault, in both
// modes, through the official SDKs, inside the client's deadline.
func TestFaultsThroughSDKs(t *testing.T) {
	for _, name := range []string{"python", "node"} {
		t.Run(name, func(t *testing.T) {
			s := installedSDK(t, name)
			g := startIll(t, clientCases(name))
			var light []question
			saw := map[string]observation{}
			eachCase(func(c faultCase, mode string, _ want) {
				id := caseName(name, c.fault, mode)
				q := question{Name: id, Model: id + "/" + c.fault, Stream: mode == "stream", Timeout: faultPatience.Seconds()}
				if heavy[c.fault] {
					maps.Copy(saw, s.ask(t, g.url, []question{q}))
				} else {
					light = append(light, q)
				}
			})
			maps.Copy(saw, s.ask(t, g.url, light))
			eachCase(func(c faultCase, mode string, w want) {
				id := caseName(name, c.fault, mode)
				o := saw[id]
				if err := w.checkSDK(o); err != nil {
					t.Errorf("%s, %s: %v", c.fault, mode, err)
				}
				if calls := g.faulty.Stats(id, c.fault).Calls; atTheDoor[c.fault] == "" && calls != 1 {
					t.Errorf("%s, %s: %d upstream calls for one request", c.fault, mode, calls)
				}
				t.Logf("%-16s %-6s %-20s %-24s after %4.1f s", c.fault, mode, o.Error, o.Code, o.Seconds)
			})
		})
	}
}

// TestSDKRetriesAreNotPaidTwice protects the operator's money where SDKs try
// again by themselves, as they do twice: a failure that passes is retried, at a
// call each; one that stays is not, since the gateway says so or its breaker
// leaves the provider alone; nothing is retried once text has arrived.
func TestSDKRetriesAreNotPaidTwice(t *testing.T) {
	cases := []struct {
		fault   string
		stream  bool
		headers map[string]string
		calls   int // of the provider
		want    want
	}{
		{fault: "ok", calls: 1, want: answered},
		{fault: "500@1", calls: 2, want: answered},
		{fault: "500@2", stream: true, calls: 3, want: answered},
		{fault: "429-seconds@1", calls: 2, want: answered},
		{fault: "429-date@1", stream: true, calls: 2, want: answered},
		{fault: "503-seconds@1", calls: 2, want: answered},
		{fault: "cut-half@1", calls: 2, want: answered},
		{fault: "error-200@1", calls: 2, want: answered},
		{fault: "500", calls: 3, want: fails(502, "upstream_error")},
		{fault: "429-long", calls: 1, want: fails(429, "rate_limit_exceeded")},
		{fault: "quota", calls: 1, want: fails(503, "upstream_quota")},
		{fault: "401", stream: true, calls: 1, want: fails(502, "upstream_auth")},
		{fault: "400", calls: 1, want: fails(400, "context_length_exceeded")},
		{fault: "hang", headers: map[string]string{"X-Gateway-Timeout": "1s"}, calls: 1, want: fails(504, "deadline_exceeded")},
		{fault: "drip", headers: map[string]string{"X-Gateway-Timeout": "1s"}, calls: 1, want: fails(504, "deadline_exceeded")},
		{fault: "cut-half", stream: true, calls: 1, want: breaks("upstream_broken")},
		{fault: "error-late-done", stream: true, calls: 1, want: breaks("upstream_broken")},
	}
	for _, name := range []string{"python", "node"} {
		t.Run(name, func(t *testing.T) {
			s := installedSDK(t, name)
			providers := map[string]string{}
			var questions []question
			for _, c := range cases {
				id := caseName(name, c.fault, fmt.Sprint(c.stream))
				maps.Copy(providers, map[string]string{id: c.fault})
				questions = append(questions, question{Name: id, Model: id + "/" + c.fault, Stream: c.stream, Retries: 2, Timeout: faultPatience.Seconds(), Headers: c.headers})
			}
			g := startIll(t, providers)
			t.Parallel()
			saw := s.ask(t, g.url, questions)
			for i, c := range cases {
				id := questions[i].Name
				if err := c.want.checkSDK(saw[id]); err != nil {
					t.Errorf("%s: %v", c.fault, err)
				}
				if calls := g.faulty.Stats(id, c.fault).Calls; calls != c.calls {
					t.Errorf("%s: the provider was called %d times; want %d", c.fault, calls, c.calls)
				}
				t.Logf("%-16s %d calls, %-20s %-24s after %4.1f s", c.fault, c.calls, saw[id].Error, saw[id].Code, saw[id].Seconds)
			}
		})
	}
}
