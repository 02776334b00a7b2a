package api

import (
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// stall is how long a client may make us wait at a time: for the next piece of
// its body, or to take what it was sent. Without it a client that stops reading
// would hold its goroutine and its upstream's stream for as long as it likes.
type stall struct {
	conn *http.ResponseController
	most time.Duration
}

func (s *Server) stall(c *gin.Context) stall {
	return stall{http.NewResponseController(c.Writer), s.o.MaxStall}
}

// Deadlines of sockets are those of the real clock. Setting one fails only on
// what has no connection, such as a recorder in a test.

func (l stall) writing() { _ = l.conn.SetWriteDeadline(time.Now().Add(l.most)) }

// over lifts the deadlines: the connection may carry other requests.
func (l stall) over() {
	_ = l.conn.SetReadDeadline(time.Time{})
	_ = l.conn.SetWriteDeadline(time.Time{})
}

// body is a client's body, each piece of which has to come in time.
type body struct {
	stall
	r io.Reader
}

// Read waits for the next piece.
func (b body) Read(p []byte) (int, error) {
	_ = b.conn.SetReadDeadline(time.Now().Add(b.most))
	return b.r.Read(p)
}
