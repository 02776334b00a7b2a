package openai

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxEvent bounds the size of one server-sent event, in bytes.
const MaxEvent = 16 << 20

// Done is the data of the event that ends a stream well.
var Done = []byte("[DONE]")

// ErrEventTooLong is returned for an event of more than MaxEvent bytes.
var ErrEventTooLong = errors.New("server-sent event too long")

// EventReader splits a text/event-stream into the data of its events, after
// the rules of the HTML standard, section "Server-sent events": lines end in
// LF, CR LF or CR, several data lines join with LF, comments and other fields
// are skipped, an unfinished event at the end of the stream is dropped, bytes
// that are no UTF-8 become replacement characters.
type EventReader struct {
	r    *bufio.Reader
	skip bool // the last line ended in CR: an LF that follows belongs to it
}

// NewEventReader reads events from r.
func NewEventReader(r io.Reader) *EventReader {
	return &EventReader{r: bufio.NewReaderSize(r, 32<<10)}
}

// Next gives the data of the next event that has any. At the end of the stream
// it gives io.EOF; a stream that breaks gives the reader's error.
func (e *EventReader) Next() ([]byte, error) {
	var data []byte
	has := false
	for {
		line, err := e.line(MaxEvent - len(data))
		if err != nil {
			return nil, err
		}
		if len(line) == 0 {
			if has {
				return bytes.ToValidUTF8(data, []byte("\uFFFD")), nil
			}
			continue
		}
		value, ok := bytes.CutPrefix(line, []byte("data"))
		if !ok || len(value) > 0 && value[0] != ':' {
			continue
		}
		if len(value) > 0 {
			value = bytes.TrimPrefix(value[1:], []byte(" "))
		}
		if has {
			data = append(data, '\n')
		}
		data = append(data, value...)
		has = true
	}
}

// line reads one line without its end, at most limit bytes long.
func (e *EventReader) line(limit int) ([]byte, error) {
	var line []byte
	for {
		b, err := e.r.ReadByte()
		if err != nil {
			return nil, err
		}
		skip := e.skip
		e.skip = false
		switch {
		case b == '\n' && skip:
			continue
		case b == '\n':
			return line, nil
		case b == '\r':
			e.skip = true
			return line, nil
		}
		if len(line) >= limit {
			return nil, fmt.Errorf("%w: more than %d bytes", ErrEventTooLong, MaxEvent)
		}
		line = append(line, b)
	}
}

// AppendEvent appends data as one server-sent event; the lines of data become
// data lines of their own.
func AppendEvent(dst, data []byte) []byte {
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		dst = append(dst, "data: "...)
		dst = append(dst, bytes.TrimSuffix(line, []byte("\r"))...)
		dst = append(dst, '\n')
	}
	return append(dst, '\n')
}
