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
	c.Data(e.Status, "application/json; charset=utf-8", e.Body())
}

func stack() string { return string(debug.Stack()) }
