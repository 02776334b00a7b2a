package faults

import (
	"bufio"
	"net"
	"net/http"
)

// breaks are answers that end too early.
var breaks = []Fault{
	{"cut", "the connection closes before the headers", func(x *exchange) { x.cut() }},
	{"cut-headers", "the connection closes after the headers of a 200", func(x *exchange) { x.head(); x.cut() }},
	{"cut-half", "the connection closes in the middle", func(x *exchange) { x.head(); x.write(x.half()); x.cut() }},
	{"cut-event", "the connection closes in the middle of an event", func(x *exchange) {
		x.head()
		x.write(x.half() + `data: {"id":"chatcmpl-1","obj`)
		x.cut()
	}},
	{"cut-finished", "the connection closes after finish_reason, before [DONE]", func(x *exchange) {
		x.head()
		x.write(text() + chunk(finishChoice))
		x.cut()
	}},
	{"end-half", "the answer ends well formed but in the middle", func(x *exchange) { x.head(); x.write(x.half()) }},
	{"end-half-n", "of two choices only one is finished when the stream ends", func(x *exchange) {
		x.head()
		x.write(text() + chunk(`{"index":1,"delta":{"content":"un"},"finish_reason":null}`) + chunk(finishChoice))
	}},
	{"no-done", "a stream without [DONE]", func(x *exchange) { x.head(); x.write(text() + chunk(finishChoice) + x.usageChunk()) }},
	{"reset", "the connection is reset before the headers", func(x *exchange) {
		conn, _, err := newHijack(x)
		if err != nil {
			return
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // the close below is then a reset
		}
		conn.Close()
	}},
}

// newHijack takes the connection from the server.
func newHijack(x *exchange) (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(x.w).Hijack()
}
