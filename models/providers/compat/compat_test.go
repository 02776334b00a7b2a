package compat

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"assay/models"
	"assay/router"
)

var call = router.Call{Model: models.Model{ID: "p/m", Provider: "p", Name: "m"}, Body: []byte(`{"model":"m"}`), ID: "req_7"}

func client(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(s.URL+"/v1/", "sk-operator", nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDoSendsBodyAndKey(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || r.URL.Path != "/v1/chat/completions" || string(body) != `{"model":"m"}` ||
			r.Header.Get("Authorization") != "Bearer sk-operator" || r.Header.Get("X-Client-Request-Id") != "req_7" || r.Header.Get("X-Request-Id") != "" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s %q %v", r.Method, r.URL, body, r.Header)
		}
		w.WriteHeader(418)
		io.WriteString(w, "teapot")
	})
	res, err := c.Do(context.Background(), call)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if res.Status != 418 || string(body) != "teapot" || res.Simulated {
		t.Errorf("%d %q", res.Status, body)
	}
}

// A key must never follow a redirect to another host.
func TestRedirectsAreNotFollowed(t *testing.T) {
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the thief got %v", r.Header) }))
	defer thief.Close()
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
	})
	res, err := c.Do(context.Background(), call)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.Status != http.StatusTemporaryRedirect {
		t.Errorf("status %d", res.Status)
	}
}

func TestCancelEndsTheCall(t *testing.T) {
	gone := make(chan struct{})
	c := client(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Do(ctx, call); err == nil {
		t.Error("no error")
	}
	<-gone
}

func TestAnotherGatewaysSimulationStaysMarked(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("x-assay-simulated", "true") })
	res, err := c.Do(context.Background(), call)
	if err != nil || !res.Simulated {
		t.Errorf("%v, simulated %v", err, res)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for _, c := range [][2]string{{"", "k"}, {"host/v1", "k"}, {"ftp://host", "k"}, {"https://", "k"}, {"https://host/v1", "k\n"}, {"https://host/v1", " k"}} {
		if _, err := New(c[0], c[1], nil); err == nil {
			t.Errorf("New(%q, %q) was accepted", c[0], c[1])
		} else if strings.Contains(err.Error(), "sk-") {
			t.Errorf("the error shows a key: %v", err)
		}
	}
}
