package changes

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// receiver is a webhook's other end, without a network.
type receiver struct {
	t      *testing.T
	answer []int // status of each attempt; 0 breaks the connection; then 200
	got    []Delivery
	at     []time.Time
	tries  int
}

// RoundTrip checks the signature as a receiver would and answers.
func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	r.tries++
	r.at = append(r.at, time.Now())
	stamp, sum, ok := strings.Cut(strings.TrimPrefix(req.Header.Get(SignatureHeader), "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte("s3cret"))
	mac.Write([]byte(stamp + "." + string(body)))
	if !ok || sum != hex.EncodeToString(mac.Sum(nil)) {
		r.t.Errorf("signature %q", req.Header.Get(SignatureHeader))
	}
	status := 200
	if r.tries <= len(r.answer) {
		status = r.answer[r.tries-1]
	}
	if status == 0 {
		return nil, errors.New("connection reset")
	}
	if status == 200 {
		var d Delivery
		if err := json.Unmarshal(body, &d); err != nil || d.ID != req.Header.Get(DeliveryHeader) {
			r.t.Errorf("delivery %s: %v", body, err)
		}
		r.got = append(r.got, d)
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{}}, nil
}

// entries are changes of some selectors.
func entries(selectors ...string) []Entry {
	var out []Entry
	for _, s := range selectors {
		e := Entry{At: time.Now().UTC(), Selector: s, Cells: []Cell{}}
		e.identify()
		out = append(out, e)
	}
	return out
}

func (r *receiver) selectors() []string {
	var out []string
	for _, d := range r.got {
		for _, raw := range d.Data {
			var e Entry
			if err := json.Unmarshal(raw, &e); err != nil {
				r.t.Error(err)
			}
			out = append(out, e.Selector)
		}
	}
	return out
}

// hook opens a log and a webhook in a directory.
func hook(t *testing.T, dir string, r *receiver, log io.Writer) *Webhook {
	t.Helper()
	l, err := OpenLog(filepath.Join(dir, "changes.jsonl"), DefaultKeep)
	if err != nil {
		t.Fatal(err)
	}
	w := &Webhook{URL: "https://example.com/hook?token=t0ken", Secret: []byte("s3cret"), Log: l, State: filepath.Join(dir, "delivered"),
		Client: &http.Client{Transport: r}, Logger: slog.New(slog.NewTextHandler(log, nil))}
	if err := w.Open(); err != nil {
		t.Fatal(err)
	}
	return w
}

// A receiver that fails twice gets everything once it answers, after pauses of
// one second and two; nothing secret is logged.
func TestWebhookTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := &receiver{t: t, answer: []int{0, 503}}
		w := hook(t, t.TempDir(), r, &log)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { w.Run(ctx); close(done) }()
		synctest.Wait()
		if err := w.Log.Append(entries("assay/cost", "assay/fast")); err != nil { // returns although nobody answers
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := r.selectors(); !slices.Equal(got, []string{"assay/cost", "assay/fast"}) || r.tries != 3 {
			t.Errorf("delivered %v in %d tries", got, r.tries)
		}
		if len(r.at) == 3 && (r.at[1].Sub(r.at[0]) != time.Second || r.at[2].Sub(r.at[1]) != 2*time.Second) {
			t.Errorf("tried at %v", r.at)
		}
		if err := w.Log.Append(entries("assay/quality")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := r.selectors(); len(got) != 3 || got[2] != "assay/quality" {
			t.Errorf("delivered %v", got)
		}
		cancel()
		<-done
		if s := log.String(); strings.Contains(s, "s3cret") || strings.Contains(s, "t0ken") || !strings.Contains(s, "503") {
			t.Errorf("log:\n%s", s)
		}
	})
}

// What was not delivered before a restart is delivered after it, once.
func TestOutboxSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		run := func(r *receiver, more ...string) {
			w := hook(t, dir, r, io.Discard)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { w.Run(ctx); close(done) }()
			if err := w.Log.Append(entries(more...)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
			cancel()
			<-done
		}
		first := &receiver{t: t}
		run(first, "assay/cost")
		down := &receiver{t: t, answer: slices.Repeat([]int{500}, 100)}
		run(down, "assay/fast")
		second := &receiver{t: t}
		run(second, "assay/quality")
		if a, b, c := first.selectors(), down.selectors(), second.selectors(); len(a) != 1 || len(b) != 0 || !slices.Equal(c, []string{"assay/fast", "assay/quality"}) {
			t.Errorf("delivered %v, %v, then %v", a, b, c)
		}
	})
}

// A webhook that is new gets no history.
func TestANewWebhookGetsNoHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		l, err := OpenLog(filepath.Join(dir, "changes.jsonl"), DefaultKeep)
		if err == nil {
			err = l.Append(entries("assay/cost"))
		}
		if err != nil {
			t.Fatal(err)
		}
		r := &receiver{t: t}
		w := hook(t, dir, r, io.Discard)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		w.Run(ctx)
		if r.tries != 0 {
			t.Errorf("delivered %v", r.selectors())
		}
	})
}

// A torn last line is dropped, and the log goes on after it; what is old is
// dropped as well.
func TestLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "changes.jsonl")
	l, err := OpenLog(path, 3)
	if err == nil {
		err = l.Append(entries("a", "b"))
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = f.WriteString(`{"seq":3,"selec`); err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if l, err = OpenLog(path, 3); err != nil || l.Last() != 2 {
		t.Fatalf("%v; last %d", err, l.Last())
	}
	for _, s := range []string{"c", "d", "e", "f", "g", "h"} { // compacts on the way
		if err := l.Append(entries(s)); err != nil {
			t.Fatal(err)
		}
	}
	again, err := OpenLog(path, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*Log{l, again} {
		got, more := l.Since(time.Time{}, 2)
		var newest Entry
		if err := json.Unmarshal(got[0], &newest); err != nil || newest.Selector != "h" || newest.Seq != 8 || len(got) != 2 || !more {
			t.Errorf("newest %+v of %d, more %v", newest, len(got), more)
		}
		if got, more = l.Since(time.Now().Add(time.Hour), 10); len(got) != 0 || more {
			t.Errorf("from the future: %d", len(got))
		}
		if got, more = l.Since(time.Time{}, 10); len(got) != 3 || more {
			t.Errorf("kept %d, want 3", len(got))
		}
	}
	b, err := os.ReadFile(path)
	if err != nil || bytes.Count(b, []byte("\n")) > 6 {
		t.Errorf("the file has %d lines, %v", bytes.Count(b, []byte("\n")), err)
	}
}
