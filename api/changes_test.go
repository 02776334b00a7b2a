package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"assay/router"
)

func TestChanges(t *testing.T) {
	var asked time.Time
	var most int
	s := New(Options{Router: router.New(table(), router.Options{}), Changes: func(since time.Time, limit int) ([]json.RawMessage, bool) {
		asked, most = since, limit
		return []json.RawMessage{json.RawMessage(`{"seq":2}`), json.RawMessage(`{"seq":1}`)}, true
	}})
	call := func(s *Server, query string) (int, string) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/changes"+query, nil))
		return w.Code, w.Body.String()
	}
	code, body := call(s, "?since=2026-11-25T00:00:00%2B01:00&limit=7")
	if code != 200 || gjson.Get(body, "data.0.seq").Int() != 2 || !gjson.Get(body, "has_more").Bool() || most != 7 || !asked.Equal(time.Date(2026, 11, 24, 23, 0, 0, 0, time.UTC)) {
		t.Errorf("%d %s; asked for %d since %s", code, body, most, asked)
	}
	if call(s, ""); most != defaultChanges || !asked.IsZero() {
		t.Errorf("by default %d since %s", most, asked)
	}
	for query, want := range map[string]string{"?since=yesterday": "invalid_since", "?limit=0": "invalid_limit", "?limit=1001": "invalid_limit", "?limit=x": "invalid_limit"} {
		if code, body := call(s, query); code != 400 || gjson.Get(body, "error.code").Str != want {
			t.Errorf("%s: %d %s; want %s", query, code, body, want)
		}
	}
	if code, body := call(New(Options{Router: router.New(table(), router.Options{})}), ""); code != 200 || gjson.Get(body, "data.#").Int() != 0 {
		t.Errorf("without any: %d %s", code, body)
	}
}
