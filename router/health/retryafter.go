package health

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RetryAfter reads that header: seconds, with a fraction if need be, or an HTTP
// date (RFC 9110, 10.2.3). The result lies in (0, longest]. ok is false for
// anything else, for a date that has passed and for 0 s: the upstream then
// named no time to wait.
func RetryAfter(header string, now time.Time, longest time.Duration) (after time.Duration, ok bool) {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0, false
	}
	if strings.Trim(header, "0123456789.") == "" {
		s, err := strconv.ParseFloat(header, 64)
		if err != nil && !math.IsInf(s, 1) {
			return 0, false
		}
		if s >= longest.Seconds() {
			return longest, true
		}
		after = time.Duration(s * float64(time.Second))
		return after, after > 0
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0, false
	}
	after = min(at.Sub(now), longest)
	return max(after, 0), after > 0
}

// Backoff is how long to wait before attempt number attempt+1 of a call, the
// first being 0: what the upstream asked for if it did, else BackoffBase
// doubled per attempt, BackoffMax at most, and of that a random part between
// the half and the whole, so that clients that failed together do not come
// back together.
func (h *Health) Backoff(attempt int, retryAfter string) time.Duration {
	if after, ok := RetryAfter(retryAfter, time.Now(), h.c.RetryAfterMax); ok {
		return after
	}
	return grown(h.c.BackoffBase, h.c.BackoffMax, attempt, h.c.Rand())
}

// grown is base·2^n, longest at most, times a factor in [1/2, 1) from random in
// [0, 1). No delay is shorter than the one before unless the cap is reached.
func grown(base, longest time.Duration, n int, random float64) time.Duration {
	d := longest
	if n = max(n, 0); n < 62 && base <= longest>>n {
		d = base << n
	}
	return d/2 + time.Duration(float64(d/2)*random)
}
