package api

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// underway counts requests and streams while they run.
func (s *Server) underway(c *gin.Context) {
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	w := &flushed{ResponseWriter: c.Writer, m: s.metrics}
	c.Writer = w
	defer w.end()
	c.Next()
}

// flushed takes an answer whose first part is flushed for a stream: whole
// answers never are.
type flushed struct {
	gin.ResponseWriter
	m      *metrics
	stream bool
}

// Flush counts the stream and flushes.
func (f *flushed) Flush() {
	if !f.stream {
		f.stream = true
		f.m.streams.Inc()
	}
	f.ResponseWriter.Flush()
}

// Unwrap gives the writer beneath, for http.ResponseController.
func (f *flushed) Unwrap() http.ResponseWriter { return f.ResponseWriter }

func (f *flushed) end() {
	if f.stream {
		f.m.streams.Dec()
	}
}
