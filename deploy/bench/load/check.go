package load

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

	"assay/deploy/bench/mock"
)

// wholeText is the provider's text as most gateways pass it on.
var wholeText = []byte(`"content":"` + mock.Answer + `"`)

// checker reads answers and says what is wrong with them. One worker's.
type checker struct {
	buf    bytes.Buffer
	lines  *bufio.Reader
	chunks int // content chunks that a whole stream has
	// onChunk hears when a chunk was written, in nanoseconds since 1970, as
	// soon as it is here.
	onChunk func(sent int64)
	bytes   int64 // of bodies, in all
}

// whole reads an answer that is not a stream: complete JSON with the
// provider's text, the reason why it ended, and usage.
func (k *checker) whole(res *http.Response) error {
	k.buf.Reset()
	n, err := k.buf.ReadFrom(res.Body)
	k.bytes += n
	if err != nil {
		return fmt.Errorf("answer broke off after %d bytes: %w", n, err)
	}
	body := k.buf.Bytes()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d: %.200s", res.StatusCode, body)
	}
	if !json.Valid(body) {
		return fmt.Errorf("answer is no JSON: %.200s", body)
	}
	// The order of fields is the gateway's; white space and escapes too.
	if !bytes.Contains(body, wholeText) && gjson.GetBytes(body, "choices.0.message.content").Str != mock.Answer {
		return fmt.Errorf("answer has not the provider's text: %.200s", body)
	}
	if gjson.GetBytes(body, "choices.0.finish_reason").Str != "stop" || gjson.GetBytes(body, "usage.completion_tokens").Int() <= 0 {
		return fmt.Errorf("answer without finish_reason or usage: %.200s", body)
	}
	return nil
}

// stream reads a stream to its end: all content chunks with their stamps in
// order, a finish_reason, usage, [DONE], and nothing after it.
func (k *checker) stream(res *http.Response) error {
	if res.StatusCode != http.StatusOK {
		return k.whole(res)
	}
	if t := res.Header.Get("Content-Type"); !strings.HasPrefix(t, "text/event-stream") {
		return fmt.Errorf("stream has content type %q", t)
	}
	if k.lines == nil {
		k.lines = bufio.NewReaderSize(nil, 16<<10)
	}
	k.lines.Reset(res.Body)
	s := streamState{}
	for {
		line, err := k.lines.ReadSlice('\n')
		k.bytes += int64(len(line))
		if err == io.EOF && len(line) == 0 {
			return s.end(k.chunks)
		}
		if err != nil {
			return fmt.Errorf("stream broke off after %d chunks: %w", s.chunks, err)
		}
		data, ok := bytes.CutPrefix(bytes.TrimRight(line, "\r\n"), []byte("data:"))
		if !ok {
			continue // between events, or a comment
		}
		sent, err := s.event(bytes.TrimSpace(data))
		if err != nil {
			return err
		}
		if sent > 0 && k.onChunk != nil {
			k.onChunk(sent)
		}
	}
}

// streamState is what has been seen of a stream.
type streamState struct {
	chunks                int
	last                  int64
	finished, usage, done bool
}

// event looks at the data of one event; sent is the stamp of a content chunk.
func (s *streamState) event(data []byte) (sent int64, err error) {
	if s.done {
		return 0, fmt.Errorf("stream goes on after [DONE]: %.200s", data)
	}
	if bytes.Equal(data, []byte("[DONE]")) {
		s.done = true
		return 0, nil
	}
	if nanos, ok := mock.Stamp(data); ok {
		if nanos < s.last {
			return 0, fmt.Errorf("chunk %d is older than the one before it", s.chunks)
		}
		s.last = nanos
		s.chunks++
		return nanos, nil
	}
	if !json.Valid(data) {
		return 0, fmt.Errorf("event is no JSON: %.200s", data)
	}
	if e := gjson.GetBytes(data, "error"); e.Exists() && e.Type != gjson.Null {
		return 0, fmt.Errorf("error in the stream: %.200s", e.Raw)
	}
	s.finished = s.finished || gjson.GetBytes(data, "choices.0.finish_reason").Str == "stop"
	s.usage = s.usage || gjson.GetBytes(data, "usage.completion_tokens").Int() > 0
	return 0, nil
}

func (s *streamState) end(chunks int) error {
	switch {
	case s.chunks != chunks:
		return fmt.Errorf("stream of %d chunks instead of %d", s.chunks, chunks)
	case !s.done:
		return fmt.Errorf("stream ended without [DONE]")
	case !s.finished:
		return fmt.Errorf("stream without finish_reason")
	case !s.usage:
		return fmt.Errorf("stream without the usage that was asked for")
	}
	return nil
}
