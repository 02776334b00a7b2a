package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"assay/models/openai"
	"assay/router"
)

// Logs, metrics and traces get no prompt, no answer and no key. A record has
// none, but what an upstream says of a failure may quote any of them, and what
// was found in an answer may quote the answer. Of such texts only their fixed
// first words leave this package, but for GET /v1/requests/{id}, which the
// client's own key opens.

// beforeDetail cuts a finding or the reason for leaving a candidate alone
// before the part that may quote: "truncated: ends in ..." -> "truncated".
func beforeDetail(s string) string {
	first, _, _ := strings.Cut(s, ": ")
	return first
}

// longestWord bounds an error code, in bytes.
const longestWord = 64

// word passes an error code on if it is one: what a provider writes in its place
// may be anything.
func word(code string) string {
	if len(code) > longestWord {
		return "other"
	}
	for _, r := range code {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.', r == '-':
		default:
			return "other"
		}
	}
	return code
}

// longestName bounds what a client wrote as the model's name, in bytes.
const longestName = 100

func clip(name string) string {
	if len(name) > longestName {
		return strings.ToValidUTF8(name[:longestName], "") + "..."
	}
	return name
}

// failure is how a request ended for its client: the HTTP status that it saw, and
// the code of the error, which comes inside a stream once that has begun.
type failure struct {
	status int
	code   string // "" no error
}

func failureOf(rec *router.Record, err error) failure {
	f := errorOf(rec, err)
	if a, ok := rec.Final(); ok && a.Served { // its head was out
		f.status = http.StatusOK
	}
	return f
}

func errorOf(rec *router.Record, err error) failure {
	var oe *openai.Error
	switch {
	case err == nil:
		return failure{http.StatusOK, ""}
	case errors.As(err, &oe):
		return failure{oe.Status, word(oe.Code)}
	case rec.Outcome == router.ClientGone, errors.Is(err, context.Canceled):
		return failure{statusClientGone, "client_closed_request"}
	case errors.Is(err, router.ErrBroken):
		return failure{http.StatusBadGateway, "upstream_broken"}
	}
	return failure{http.StatusInternalServerError, "internal_error"}
}

// Discreet is the ReplaceAttr of a logger's slog.HandlerOptions: of an error that
// carries a provider's words only what kind it is, its status and its code are
// logged.
func Discreet(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindAny {
		return a
	}
	err, ok := a.Value.Any().(error)
	var oe *openai.Error
	switch {
	case !ok:
	case errors.As(err, &oe):
		return slog.String(a.Key, fmt.Sprintf("%d %s", oe.Status, word(oe.Code)))
	case errors.Is(err, router.ErrBroken):
		return slog.String(a.Key, router.ErrBroken.Error())
	}
	return a
}
