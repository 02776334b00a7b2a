package faults

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
)

// nonsense are 200s that hold no answer.
var nonsense = []Fault{
	{"html", "200 with a page", func(x *exchange) { x.headOf("text/html"); x.write(page) }},
	{"empty", "200 with nothing", func(x *exchange) { x.head() }},
	{"error-200", "200 with an error body, or as the first event", func(x *exchange) { x.head(); x.write(x.framed(errorBody)) }},
	{"error-late", "an error in the middle of a stream", func(x *exchange) { x.head(); x.write(x.half() + "data: " + errorBody + "\n\n") }},
	{"error-late-done", "the same, then [DONE]", func(x *exchange) { x.head(); x.write(x.half() + "data: " + errorBody + "\n\n" + done) }},
	{"null", "200 with null", func(x *exchange) { x.head(); x.write(x.framed("null")) }},
	{"other", "200 with JSON that is no completion", func(x *exchange) { x.head(); x.write(x.framed(`{"hello":"world"}`)) }},
	{"no-choices", "200 with no choices", func(x *exchange) { x.head(); x.write(x.framed(`{"id":"1","object":"chat.completion","choices":[]}`)) }},
	{"bad-json", "half a JSON object, well framed", func(x *exchange) { x.head(); x.write(x.framed(`{"id":"chatcmpl-1","choices":[{"in`)) }},
	{"bad-json-late", "half a JSON object in the middle of a stream", func(x *exchange) {
		x.head()
		x.write(x.half() + `data: {"choices":[{"in` + "\n\n" + done)
	}},
	{"no-blank-lines", "events without the blank lines between them", func(x *exchange) {
		x.head()
		x.write(strings.ReplaceAll(x.full(), "\n\n", "\n") + "\n")
	}},
	{"done-only", "[DONE] and nothing else", func(x *exchange) { x.head(); x.write(done) }},
	{"giant-event", "an event of 17 MiB", func(x *exchange) { x.head(); x.write(say(strings.Repeat("x", 17<<20)) + done) }},
	{"giant-late", "the same in the middle of a stream", func(x *exchange) { x.head(); x.write(x.half() + say(strings.Repeat("x", 17<<20)) + done) }},
	{"giant", "an answer of 65 MiB", func(x *exchange) { x.head(); x.write(whole(strings.Repeat("x", 65<<20))) }},
	{"gzip", "a good answer, compressed though nobody asked", func(x *exchange) {
		x.w.Header().Set("Content-Encoding", "gzip")
		x.head()
		z := gzip.NewWriter(x.w)
		_, _ = z.Write([]byte(x.full()))
		_ = z.Close()
	}},
	{"json-for-stream", "one JSON object though a stream was asked for", func(x *exchange) { x.headOf("application/json"); x.write(whole(Answer)) }},
	{"stream-for-json", "a stream though JSON was asked for", func(x *exchange) {
		x.stream = true
		good(x)
	}},
	{"204", "204 without a body", func(x *exchange) { x.w.WriteHeader(http.StatusNoContent) }},
}

const errorBody = `{"error":{"message":"the engine is on fire","type":"server_error","code":"on_fire"}}`

// framed is JSON as the caller expects it: bare, or as an event.
func (x *exchange) framed(json string) string {
	if x.stream {
		return fmt.Sprintf("data: %s\n\n", json)
	}
	return json
}

// quirks are good answers in an unusual form.
var quirks = []Fault{
	{"ok", "a good answer", good},
	{"wrong-type", "a good answer as text/plain", func(x *exchange) { x.headOf("text/plain"); x.write(x.full()) }},
	{"crlf", "lines that end in CR LF", func(x *exchange) { x.head(); x.write(strings.ReplaceAll(x.full(), "\n", "\r\n")) }},
	{"cr", "lines that end in CR", func(x *exchange) { x.head(); x.write(strings.ReplaceAll(x.full(), "\n", "\r")) }},
	{"no-space", "data: without the space", func(x *exchange) { x.head(); x.write(strings.ReplaceAll(x.full(), "data: ", "data:")) }},
	{"fields", "events with id, event and comments", func(x *exchange) {
		x.head()
		x.write(strings.ReplaceAll(x.full(), "data: ", ": hello\nid: 7\nevent: message\ndata: "))
	}},
	{"double-done", "[DONE] twice, and a chunk after it", func(x *exchange) { x.head(); x.write(x.full() + x.after(done+say("late"))) }},
	{"no-usage", "no usage, though it was asked for", func(x *exchange) {
		x.usage = false
		x.head()
		before, _, _ := strings.Cut(x.full(), `,"usage"`)
		if !x.stream {
			before += "}"
		}
		x.write(before)
	}},
	{"bad-utf8", "bytes that are no UTF-8 inside the text", func(x *exchange) { x.head(); x.write(strings.Replace(x.full(), "two", "tw\xffo", 1)) }},
	{"long", "a chunk of 1 MiB", func(x *exchange) {
		x.head()
		x.write(strings.Replace(x.full(), "two", "two"+strings.Repeat("o", 1<<20), 1))
	}},
	{"bytes", "a good answer in packets of one byte", func(x *exchange) {
		x.head()
		for _, b := range []byte(x.full()) {
			x.write(string(rune(b)))
		}
	}},
}

// after is what follows a stream, and nothing after JSON.
func (x *exchange) after(events string) string {
	if x.stream {
		return events
	}
	return ""
}
