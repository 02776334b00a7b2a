package changes

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// The headers of a delivery. The signature is "t=SECONDS,v1=HEX" with the HMAC
// of SECONDS, a point and the body, by SHA-256 under the shared secret; the
// delivery's id is the same when it is tried again, unless the gateway was
// started anew meanwhile; the ids of the entries in it never change.
const (
	SignatureHeader = "X-Assay-Signature"
	DeliveryHeader  = "X-Assay-Delivery"
)

// Webhook posts every entry of a log to a URL, at least once and in order:
// until the receiver answers 2xx the same entries are sent again, with growing
// pauses. What was delivered is a number in a file, so that nothing is lost by a
// restart as long as the log still has it.
type Webhook struct {
	URL    string
	Secret []byte
	Log    *Log
	State  string           // file with the number of the last delivered entry; "": in memory alone
	Client *http.Client     // default: 10 seconds, no redirects
	Now    func() time.Time // default time.Now
	Random func() float64   // 0..1, spreads the pauses; default: none
	Logger *slog.Logger     // default: discard

	done int64
}

const (
	// batch is how many entries a delivery holds at most.
	batch = 50
	// firstPause and longestPause bound the pauses between attempts, which double.
	firstPause, longestPause = time.Second, 5 * time.Minute
)

// Delivery is the body that a receiver gets.
type Delivery struct {
	Object string            `json:"object"` // "change.list"
	ID     string            `json:"id"`
	Data   []json.RawMessage `json:"data"` // entries, the oldest first
}

// Open finds out what was delivered before. Of a log that had no webhook yet,
// only what comes from now on will be.
func (w *Webhook) Open() error {
	if w.Client == nil {
		w.Client = &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if w.Now == nil {
		w.Now = time.Now
	}
	if w.Random == nil {
		w.Random = func() float64 { return 0 }
	}
	if w.Logger == nil {
		w.Logger = slog.New(slog.DiscardHandler)
	}
	w.done = w.Log.Last()
	if w.State == "" {
		return nil
	}
	b, err := os.ReadFile(w.State)
	if errors.Is(err, fs.ErrNotExist) {
		return w.save()
	}
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return fmt.Errorf("webhook: %s holds no number: remove it, and only new changes are delivered", w.State)
	}
	w.done = min(n, w.done) // a log that was removed counts from the start again
	return nil
}

func (w *Webhook) save() error {
	if w.State == "" {
		return nil
	}
	if err := replaceFile(w.State, fmt.Appendf(nil, "%d\n", w.done)); err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	return nil
}

// Run delivers until the context ends.
func (w *Webhook) Run(ctx context.Context) {
	for {
		entries, last, grown := w.Log.After(w.done, batch)
		if len(entries) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-grown:
			}
			continue
		}
		if !w.insist(ctx, entries, last) {
			return
		}
		w.done = last
		if err := w.save(); err != nil {
			w.Logger.Error("deliveries may be repeated after a restart", "error", err)
		}
	}
}

// insist tries until entries are delivered; false: the context has ended.
func (w *Webhook) insist(ctx context.Context, entries []json.RawMessage, last int64) bool {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := w.deliver(ctx, entries, last)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		wait := pause + time.Duration(w.Random()*float64(pause)/2)
		w.Logger.Warn("changes not delivered, will be tried again", "entries", len(entries), "in", wait, "error", err)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
}

// deliver makes one attempt.
func (w *Webhook) deliver(ctx context.Context, entries []json.RawMessage, last int64) error {
	id := fmt.Sprintf("dlv_%d", last)
	body, err := json.Marshal(Delivery{"change.list", id, entries})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the webhook's URL is not valid")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "assay")
	req.Header.Set(DeliveryHeader, id)
	req.Header.Set(SignatureHeader, Sign(w.Secret, body, w.Now()))
	res, err := w.Client.Do(req)
	if err != nil {
		var u *url.Error // names the whole URL, which may hold a token
		if errors.As(err, &u) {
			err = u.Err
		}
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection is used again
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the receiver answered %d", res.StatusCode)
	}
	return nil
}

// Sign gives the signature of a body that is sent at a time.
func Sign(secret, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(t + "."))
	h.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(h.Sum(nil))
}
