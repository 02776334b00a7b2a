package mock

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"
)

const ask = `{"model":"m","messages":[{"role":"user","content":"hi, \"stream\":true"}]}`

func post(t *testing.T, p *Server, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest("POST", "/v1/chat/completions", strings.NewReader(body)))
	return w
}

func TestAnswersAreWhatOpenAISends(t *testing.T) {
	p := New(DefaultScript)
	body := post(t, p, ask).Body.String()
	if !gjson.Valid(body) || gjson.Get(body, "choices.0.message.content").Str != Answer || gjson.Get(body, "usage.total_tokens").Int() <= 0 {
		t.Errorf("answer: %s", body)
	}
	if w := post(t, p, `{"model":"m"}`); w.Code != http.StatusBadRequest || p.Stats().Refused != 1 || p.Stats().Requests != 1 {
		t.Errorf("a request without messages: status %d, stats %+v; want it refused and counted as such", w.Code, p.Stats())
	}
}

func TestChunksComeAtTheirPaceAndSayWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Script{FirstByte: time.Second, Chunks: 3, Pace: 5 * time.Millisecond})
		start := time.Now().UnixNano()
		w := post(t, p, strings.TrimSuffix(ask, "}")+`,"stream":true,"stream_options":{"include_usage":true}}`)
		var at []time.Duration
		events := strings.Split(strings.TrimSuffix(w.Body.String(), "\n\n"), "\n\n")
		for _, e := range events {
			if nanos, ok := Stamp([]byte(e)); ok {
				at = append(at, time.Duration(nanos-start))
			}
		}
		want := []time.Duration{time.Second, time.Second + 5*time.Millisecond, time.Second + 10*time.Millisecond}
		if len(at) != 3 || at[0] != want[0] || at[1] != want[1] || at[2] != want[2] {
			t.Errorf("chunks stamped %v after the request; want %v", at, want)
		}
		// role, three chunks, finish_reason, usage, [DONE]
		if len(events) != 7 || !strings.Contains(events[5], `"choices":[],"usage"`) || events[6] != "data: [DONE]" {
			t.Errorf("%d events, the last ones %q", len(events), events[len(events)-2:])
		}
		for _, e := range events[:6] {
			if !gjson.Valid(strings.TrimPrefix(e, "data: ")) {
				t.Errorf("event is no JSON: %s", e)
			}
		}
	})
}

func TestScriptsAreCheckedBeforeTheyAreFollowed(t *testing.T) {
	p := New(DefaultScript)
	for body, want := range map[string]int{`{"chunks":7}`: 200, `{"chunks":0}`: 400, `{"chunks":1,"pace":-1}`: 400, `{`: 400} {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest("PUT", "/script", strings.NewReader(body)))
		if text, _ := io.ReadAll(w.Body); w.Code != want {
			t.Errorf("script %s: status %d (%s); want %d", body, w.Code, text, want)
		}
	}
	if got := p.script.Load().Chunks; got != 7 {
		t.Errorf("the script in force has %d chunks; want 7", got)
	}
}

func TestStampsAreReadStrictly(t *testing.T) {
	for event, want := range map[string]int64{"x @12~ y": 12, "@1764057600123456789~": 1764057600123456789, "@~": 0, "@1x~": 0, "@12": 0, "12~": 0, "": 0} {
		if got, ok := Stamp([]byte(event)); got != want && ok {
			t.Errorf("Stamp(%q) = %d; want %d", event, got, want)
		} else if ok != (want != 0) {
			t.Errorf("Stamp(%q) ok = %v", event, ok)
		}
	}
}
