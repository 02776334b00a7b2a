// Package load sends chat completion requests to a gateway and measures what
// comes back: Closed keeps c requests under way, Streams keeps n paced streams
// open. Every answer is checked to be whole (check.go); prompts.go says what
// is asked. The client is deliberately thin, one connection a worker and
// requests written as prepared bytes, since it often shares a core with the
// provider behind the gateway.
package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Target is where requests go.
type Target struct {
	Addr   string   // host:port, plain HTTP
	Path   string   // default /v1/chat/completions
	Header []string // further lines, "Name: value"
}

// answerWithin bounds how long one answer may take.
const answerWithin = 60 * time.Second

// client is one connection that is kept alive and opened anew where needed.
type client struct {
	head   string // the request up to the value of Content-Length
	addr   string
	conn   net.Conn
	unhook func() bool // of the context that closes conn
	reader *bufio.Reader
	out    []byte
}

func newClient(t Target) *client {
	path := t.Path
	if path == "" {
		path = "/v1/chat/completions"
	}
	lines := append([]string{"POST " + path + " HTTP/1.1", "Host: " + t.Addr, "Content-Type: application/json"}, t.Header...)
	return &client{addr: t.Addr, head: strings.Join(lines, "\r\n") + "\r\nContent-Length: "}
}

func (c *client) close() {
	if c.conn != nil {
		c.unhook()
		c.conn.Close()
		c.conn = nil
	}
}

// errStale: the server closed a connection that had been idle, before it read
// the request, as servers may.
var errStale = errors.New("connection closed before any answer")

// do sends body and has read read the whole answer. All calls of a client come
// with the same context.
func (c *client) do(ctx context.Context, body []byte, read func(*http.Response) error) error {
	reused := c.conn != nil
	err := c.once(ctx, body, read)
	if reused && errors.Is(err, errStale) && ctx.Err() == nil {
		err = c.once(ctx, body, read)
	}
	return err
}

func (c *client) once(ctx context.Context, body []byte, read func(*http.Response) error) (err error) {
	if c.conn == nil {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", c.addr)
		if err != nil {
			return err
		}
		c.conn, c.reader = conn, bufio.NewReaderSize(conn, 16<<10)
		c.unhook = context.AfterFunc(ctx, func() { conn.Close() })
	}
	conn := c.conn
	keep := false
	defer func() {
		if !keep {
			c.close()
		}
	}()
	if err := conn.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return err
	}
	c.out = append(c.out[:0], c.head...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(append(c.out, "\r\n\r\n"...), body...)
	if _, err := conn.Write(c.out); err != nil {
		return fmt.Errorf("%w: %w", errStale, err)
	}
	if _, err := c.reader.Peek(1); err != nil {
		var slow net.Error
		if errors.As(err, &slow) && slow.Timeout() {
			return fmt.Errorf("no answer within %s", answerWithin)
		}
		return fmt.Errorf("%w: %w", errStale, err)
	}
	res, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	defer res.Body.Close()
	if err := read(res); err != nil {
		return err
	}
	keep = !res.Close
	return nil
}
