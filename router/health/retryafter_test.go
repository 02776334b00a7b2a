package health

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		header string
		want   time.Duration
	}{
		{"7", 7 * time.Second}, {" 7 ", 7 * time.Second}, {"1.5", 1500 * time.Millisecond},
		{"Wed, 25 Nov 2026 12:00:30 GMT", 30 * time.Second},
		{"Wednesday, 25-Nov-26 12:00:30 GMT", 30 * time.Second},
		{"Wed Nov 25 12:00:30 2026", 30 * time.Second},
		{"3600", 10 * time.Minute}, {"99999999999999999999999", 10 * time.Minute}, {strings.Repeat("9", 400), 10 * time.Minute},
		{"Thu, 25 Nov 2100 12:00:00 GMT", 10 * time.Minute},
		{"", 0}, {"0", 0}, {"-5", 0}, {"+5", 0}, {"soon", 0}, {"NaN", 0}, {"Inf", 0}, {"0x10", 0}, {"1e3", 0}, {"1.2.3", 0}, {".", 0}, {"5s", 0},
		{"Wed, 25 Nov 2026 11:59:30 GMT", 0}, {"2026-11-25T12:00:30Z", 0},
	} {
		got, ok := RetryAfter(c.header, now, 10*time.Minute)
		if ok != (c.want > 0) || ok && got != c.want {
			t.Errorf("%q: %s, %v; want %s", c.header, got, ok, c.want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"7", "1.5", "Wed, 25 Nov 2026 12:00:30 GMT", "-1", "1e400", "99999999999999999999", "\x00"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header string) {
		d, ok := RetryAfter(header, now, time.Minute)
		if ok && (d <= 0 || d > time.Minute) {
			t.Errorf("%q: %s", header, d)
		}
	})
}

func TestBackoffDoublesWithJitterUpToTheCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, random := range []float64{0, 0.5, 0.999999} {
			h, last := New(Config{Rand: func() float64 { return random }}), time.Duration(0)
			for attempt, whole := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
				whole *= time.Second
				d := h.Backoff(attempt, "")
				if d < whole/2 || d > whole || d < last {
					t.Errorf("attempt %d: %s, want within %s and %s and not less than %s", attempt, d, whole/2, whole, last)
				}
				last = d
			}
			for _, attempt := range []int{-1, 61, 62, 1 << 40} {
				if d := h.Backoff(attempt, ""); d <= 0 || d > time.Minute {
					t.Errorf("attempt %d: %s", attempt, d)
				}
			}
		}
		h := New(Config{})
		if d := h.Backoff(5, "3"); d != 3*time.Second {
			t.Errorf("the upstream asked for 3 s, got %s", d)
		}
	})
}

func TestFailureOfErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Failure
	}{
		{nil, None},
		{context.Canceled, ClientGone},
		{context.DeadlineExceeded, Timeout},
		{fmt.Errorf("call: %w", &net.OpError{Op: "read", Err: timeoutError{}}), Timeout},
		{&net.OpError{Op: "dial", Err: timeoutError{}}, NoRoute},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, NoRoute},
		{&net.DNSError{Err: "no such host", IsNotFound: true}, NoRoute},
		{&tls.CertificateVerificationError{Err: errors.New("expired")}, NoRoute},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, NoRoute},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, Broken},
		{io.EOF, Broken}, {io.ErrUnexpectedEOF, Broken},
		{errors.New("invalid character"), Nonsense},
	} {
		if got := FailureOf(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}

type timeoutError struct{}

func (timeoutError) Error() string   { return "i/o timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// The errors that net/http really gives.
func TestFailureOfRealCalls(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/dies":
			panic(http.ErrAbortHandler)
		case "/half":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
		case "/slow":
			<-r.Context().Done()
		}
	}))
	closed := httptest.NewServer(nil)
	closed.Close()
	defer srv.Close()
	get := func(ctx context.Context, url string) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		_, err = io.ReadAll(res.Body)
		return err
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for _, c := range []struct {
		what string
		err  error
		want Failure
	}{
		{"nobody listens", get(t.Context(), closed.URL), NoRoute},
		{"no such host", get(t.Context(), "http://nobody.invalid/"), NoRoute},
		{"not TLS", get(t.Context(), strings.Replace(srv.URL, "http:", "https:", 1)), NoRoute},
		{"connection cut", get(t.Context(), srv.URL+"/dies"), Broken},
		{"body cut", get(t.Context(), srv.URL+"/half"), Broken},
		{"too slow", get(short, srv.URL+"/slow"), Timeout},
	} {
		if got := FailureOf(c.err); got != c.want {
			t.Errorf("%s: %v is %d, want %d", c.what, c.err, got, c.want)
		}
	}
}
