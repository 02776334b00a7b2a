package faults

import "strings"

// silences are answers that come late, slowly or never to their end.
var silences = []Fault{
	{"hang", "nothing at all", func(x *exchange) { x.hang() }},
	{"hang-headers", "the headers of a 200, then nothing", func(x *exchange) { x.head(); x.hang() }},
	{"hang-error", "the headers of a 500, then nothing", func(x *exchange) { x.w.WriteHeader(500); x.flush(); x.hang() }},
	{"hang-half", "half an answer, then nothing", func(x *exchange) { x.head(); x.write(x.half()); x.hang() }},
	{"hang-finished", "all of a stream but [DONE], then nothing", func(x *exchange) {
		x.head()
		x.write(strings.TrimSuffix(x.full(), done))
		if x.stream {
			x.hang()
		}
	}},
	{"drip", "a good answer, one byte an interval", func(x *exchange) { x.head(); x.drip(x.full()) }},
	{"drip-headers", "a status line, one byte an interval", dripHeaders},
	{"comments", "comments for ever, an interval apart", func(x *exchange) {
		x.head()
		for x.write(": still here\n\n"); x.wait(); {
			x.write(": still here\n\n")
		}
	}},
	{"slow", "a good answer whose pieces come an interval apart, in JSON after white space", slow},
}

// half is a beginning: of JSON some bytes, of a stream some whole events.
func (x *exchange) half() string {
	if x.stream {
		return say(pieces[0]) + say(pieces[1])
	}
	return whole(Answer)[:100]
}

// slow answers as providers do that keep connections open while they think.
func slow(x *exchange) {
	x.head()
	if !x.stream {
		for range 3 {
			if x.write("\n"); !x.wait() {
				return
			}
		}
		x.write(x.full())
		return
	}
	for _, p := range pieces {
		x.write(": still here\n\n" + say(p))
		if !x.wait() {
			return
		}
	}
	x.write(chunk(finishChoice) + x.usageChunk() + done)
}

// dripHeaders writes below HTTP: the server's own writer sends headers whole.
func dripHeaders(x *exchange) {
	conn, _, err := newHijack(x)
	if err != nil {
		return
	}
	defer conn.Close()
	for _, b := range []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n") {
		if _, err := conn.Write([]byte{b}); err != nil || !x.wait() {
			return
		}
	}
}
