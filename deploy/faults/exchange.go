package faults

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Answer is the text of every good answer.
const Answer = "one two three four"

// pieces are what streams say of it, one a chunk.
var pieces = strings.SplitAfter(Answer, " ")

// exchange is one call under way.
type exchange struct {
	w        http.ResponseWriter
	r        *http.Request
	stream   bool // the caller asked for one
	usage    bool // and for its usage chunk
	interval time.Duration
	now      func() time.Time
}

// status answers with a status and an error body.
func (x *exchange) status(code int, body string) {
	x.w.Header().Set("Content-Type", "application/json")
	x.w.WriteHeader(code)
	x.write(body)
}

// head sends the headers of a 200.
func (x *exchange) head() {
	kind := "application/json"
	if x.stream {
		kind = "text/event-stream"
	}
	x.headOf(kind)
}

func (x *exchange) headOf(kind string) {
	x.w.Header().Set("Content-Type", kind)
	x.w.WriteHeader(http.StatusOK)
	x.flush()
}

// write sends text at once. Whether it arrives is no concern of a provider that
// fails on purpose.
func (x *exchange) write(text string) {
	_, _ = x.w.Write([]byte(text))
	x.flush()
}

func (x *exchange) flush() { _ = http.NewResponseController(x.w).Flush() }

// wait passes one interval; false: the caller is gone.
func (x *exchange) wait() bool {
	t := time.NewTimer(x.interval)
	defer t.Stop()
	select {
	case <-x.r.Context().Done():
		return false
	case <-t.C:
		return true
	}
}

// hang does nothing until the caller goes away.
func (x *exchange) hang() { <-x.r.Context().Done() }

// cut ends the connection in the middle of what was being said.
func (x *exchange) cut() { panic(http.ErrAbortHandler) }

// drip sends text byte by byte, one an interval.
func (x *exchange) drip(text string) {
	for i := range len(text) {
		x.write(text[i : i+1])
		if !x.wait() {
			return
		}
	}
}

// whole is a good answer in one piece.
func whole(text string) string {
	return fmt.Sprintf(`{"id":"chatcmpl-1","object":"chat.completion","created":1767225600,"model":"faulty","choices":[{"index":0,"message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}],`+
		`"usage":{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14}}`, text)
}

// chunk is one piece of a streamed answer, as an event.
func chunk(choices string) string {
	return `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1767225600,"model":"faulty","choices":[` + choices + `]}` + "\n\n"
}

func say(text string) string {
	return chunk(fmt.Sprintf(`{"index":0,"delta":{"content":"%s"},"finish_reason":null}`, text))
}

const (
	finishChoice = `{"index":0,"delta":{},"finish_reason":"stop"}`
	done         = "data: [DONE]\n\n"
)

// text is the content chunks of a good stream.
func text() string {
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(say(p))
	}
	return b.String()
}

// usageChunk is the last chunk but one, where the caller asked for it.
func (x *exchange) usageChunk() string {
	if !x.usage {
		return ""
	}
	return strings.TrimSuffix(chunk(""), "}\n\n") + `,"usage":{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14}}` + "\n\n"
}

// full is a good answer as the caller asked for it, in one string.
func (x *exchange) full() string {
	if !x.stream {
		return whole(Answer)
	}
	return text() + chunk(finishChoice) + x.usageChunk() + done
}

func good(x *exchange) {
	x.head()
	x.write(x.full())
}
