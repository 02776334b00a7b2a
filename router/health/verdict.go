package health

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Failure says what went wrong besides, or instead of, an HTTP status.
type Failure uint8

// The kinds of failure.
const (
	None       Failure = iota // the status tells all
	Timeout                   // no first byte in time, or silence in between
	Broken                    // the answer broke off
	Nonsense                  // the answer is none: not JSON, empty, an error inside a stream
	NoRoute                   // no connection: refused, DNS, TLS
	NoQuota                   // the operator's quota or credit is used up, whatever the status
	Fault                     // the request was at fault, whatever the status
	ClientGone                // the client hung up
)

// Result is how a call ended.
type Result struct {
	Status     int    // HTTP status; 0: none came
	RetryAfter string // that header as it came
	Failure    Failure
	Detail     string // what the upstream said, for operators; cut at 200 bytes

	// Stream: the answer came in pieces, and FirstByte is the time to the first.
	// Otherwise Duration is the time to the whole answer.
	Stream              bool
	FirstByte, Duration time.Duration
}

// FailureOf classifies an error of the network or of reading an answer.
func FailureOf(err error) Failure {
	var op *net.OpError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var timeout net.Error
	switch {
	case err == nil:
		return None
	case errors.Is(err, context.Canceled):
		return ClientGone
	case errors.As(err, &dns), errors.As(err, &cert), errors.As(err, &record), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, http.ErrSchemeMismatch),
		errors.As(err, &op) && op.Op == "dial":
		return NoRoute
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return Timeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &op):
		return Broken
	}
	return Nonsense
}

// verdictKind is what a result means to one breaker.
type verdictKind uint8

const (
	nothing verdictKind = iota
	good
	bad     // counts towards the failure rate
	limited // opens at once, for as long as the upstream says
	refused // opens at once: the operator's trouble
)

type verdict struct {
	kind   verdictKind
	why    Why
	detail string
	after  time.Duration // of limited; 0: the upstream named no time
}

// judge says what a result means for the model's breaker and the provider's.
// docs/resilience.md has it as a table.
func (r Result) judge(now time.Time, longest time.Duration) (model, provider verdict) {
	switch r.Failure {
	case ClientGone, Fault:
		return
	case NoRoute:
		return model, verdict{kind: bad, why: Unreachable, detail: r.detail("no connection")}
	case NoQuota:
		return model, verdict{kind: refused, why: Operator, detail: r.detail("quota used up")}
	case Timeout:
		return verdict{kind: bad, why: Failing, detail: r.detail("timeout")}, provider
	case Broken:
		return verdict{kind: bad, why: Failing, detail: r.detail("answer broke off")}, provider
	case Nonsense:
		return verdict{kind: bad, why: Failing, detail: r.detail("nonsense")}, provider
	}
	return r.judgeStatus(now, longest)
}

func (r Result) judgeStatus(now time.Time, longest time.Duration) (model, provider verdict) {
	after, named := RetryAfter(r.RetryAfter, now, longest)
	switch s := r.Status; {
	case s >= 200 && s < 300:
		return verdict{kind: good}, verdict{kind: good}
	case s == http.StatusTooManyRequests, named && (s == http.StatusServiceUnavailable || s == statusOverloaded):
		return verdict{kind: limited, why: Limited, detail: r.detail(""), after: after}, provider
	case s == http.StatusUnauthorized, s == http.StatusPaymentRequired, s == http.StatusForbidden:
		return model, verdict{kind: refused, why: Operator, detail: r.detail("")}
	case s >= 500, s >= 300 && s < 400, s == http.StatusRequestTimeout:
		return verdict{kind: bad, why: Failing, detail: r.detail("")}, provider
	}
	return // any other 4xx is the request's fault; no status is no news
}

// statusOverloaded is what several providers answer when they have no capacity.
const statusOverloaded = 529

const maxDetail = 200

func (r Result) detail(what string) string {
	text := what
	if r.Status != 0 {
		text = fmt.Sprintf("HTTP %d %s", r.Status, what)
		if what == "" {
			text = fmt.Sprintf("HTTP %d", r.Status)
		}
	}
	if r.Detail != "" {
		text += ": " + r.Detail
	}
	return text[:min(len(text), maxDetail)]
}
