package api

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"

	"github.com/gin-gonic/gin"

	"assay/models/openai"
	"assay/router"
)

var errInternal = &openai.Error{Status: http.StatusInternalServerError, Type: "server_error", Code: "internal_error", Message: "internal error; the operator finds it in the log under the request id"}

// statusClientGone is what nginx logs for a client that hung up.
const statusClientGone = 499

// toOpenAI is the one table from errors to error bodies. An error that is not
// in it is logged in full and shown as an internal error.
func (s *Server) toOpenAI(ctx context.Context, id string, err error) *openai.Error {
	var oe *openai.Error
	switch {
	case errors.As(err, &oe):
		return oe
	case errors.Is(err, router.ErrBroken):
		return &openai.Error{Status: http.StatusBadGateway, Type: "server_error", Code: "upstream_broken", Message: "the model's provider broke off in the middle of the answer"}
	case errors.Is(err, context.Canceled):
		return &openai.Error{Status: statusClientGone, Type: "invalid_request_error", Code: "client_closed_request", Message: "the client closed the request"}
	}
	s.o.Log.ErrorContext(ctx, "internal error", "request", id, "error", err)
	return errInternal
}

// fail answers with an error, unless an answer has begun.
func (s *Server) fail(c *gin.Context, err error) {
	e := s.toOpenAI(c.Request.Context(), requestID(c), err)
	c.Abort()
	s.metrics.errors.WithLabelValues(e.Code).Inc()
	if c.Writer.Written() {
		return
	}
	if e.RetryAfter > 0 {
		c.Header("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	if hopeless(e) {
		c.Header("X-Should-Retry", "false")
	}
	c.Data(e.Status, "application/json; charset=utf-8", e.Body())
}

// longestWait is the longest Retry-After that the official SDKs wait for, in
// seconds; after a longer one they try again at once.
const longestWait = 60

// hopeless reports whether the SDKs should not try again by themselves, as they
// do after 408, 409, 429 and 5xx: the operator has to act first, the wait is
// longer than they would wait, or the time that the client gave is over.
func hopeless(e *openai.Error) bool {
	switch e.Code {
	case "upstream_auth", "upstream_quota", "deadline_exceeded":
		return true
	}
	return e.RetryAfter > longestWait
}

func stack() string { return string(debug.Stack()) }
