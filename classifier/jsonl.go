package classifier

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Answerer classifies and never fails; *Guard is one.
type Answerer interface {
	Classify(ctx context.Context, in Input) Classification
}

// MaxLine is the longest line Stream accepts, in bytes.
const MaxLine = 16 << 20

// StreamCounts say what a Stream did.
type StreamCounts struct {
	Classified int
	Bad        int // lines that could not be read; each got an error line
}

// Stream classifies JSON lines: {"id","prompt"} or {"id","messages":[...]},
// optionally with "tools":[...], messages in the forms of the OpenAI API. For
// every line that is not blank it writes one line, in order:
// {"id","intent","intent_confidence","level","difficulty","difficulty_sd","source"},
// or {"id","error","line"} where the line could not be read, and goes on. It
// returns when r ends, when ctx is done (with its error), or when reading or
// writing fails.
//
// With gap nil a line is read when the one before is answered. Else line after
// line is started when gap() has passed since the one before, answered or not;
// at most maxPending are under way.
func Stream(ctx context.Context, r io.Reader, w io.Writer, clf Answerer, gap func() time.Duration) (StreamCounts, error) {
	var counts StreamCounts
	if gap == nil {
		err := eachLine(ctx, r, func(l inputLine) error {
			return writeAnswer(w, l.n, l.answer(ctx, clf), &counts)
		})
		return counts, err
	}
	type pending struct {
		n      int
		answer chan lineAnswer
	}
	queue := make(chan pending, maxPending)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	written := make(chan struct{})
	go func() {
		defer close(written)
		for p := range queue {
			if err := writeAnswer(w, p.n, <-p.answer, &counts); err != nil {
				cancel(err)
			}
		}
	}()
	next := time.Now()
	err := eachLine(ctx, r, func(l inputLine) error {
		next = next.Add(gap())
		select {
		case <-time.After(time.Until(next)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		p := pending{l.n, make(chan lineAnswer, 1)}
		go func() { p.answer <- l.answer(ctx, clf) }()
		queue <- p
		return nil
	})
	close(queue)
	<-written
	if cause := context.Cause(ctx); cause != nil {
		return counts, cause
	}
	return counts, err
}

// maxPending bounds the lines under way when they are not waited for.
const maxPending = 4096

type inputLine struct {
	n       int
	text    []byte
	tooLong bool
}

// eachLine calls do with every line that is not blank.
func eachLine(ctx context.Context, r io.Reader, do func(inputLine) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, tooLong, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read line %d: %w", n, err)
		}
		if tooLong || len(bytes.TrimSpace(line)) > 0 {
			if derr := do(inputLine{n, line, tooLong}); derr != nil {
				return derr
			}
		}
		if err != nil {
			return nil
		}
	}
}

func writeAnswer(w io.Writer, n int, a lineAnswer, counts *StreamCounts) error {
	if a.bad {
		counts.Bad++
	} else {
		counts.Classified++
	}
	if _, err := w.Write(a.text); err != nil {
		return fmt.Errorf("write answer to line %d: %w", n, err)
	}
	return nil
}

// classifiedLine is the output of the command line contract.
type classifiedLine struct {
	ID               json.RawMessage `json:"id"`
	Intent           Intent          `json:"intent"`
	IntentConfidence float64         `json:"intent_confidence"`
	Level            Level           `json:"level"`
	Difficulty       float64         `json:"difficulty"`
	DifficultySD     float64         `json:"difficulty_sd"`
	Source           Source          `json:"source"`
	Note             string          `json:"note,omitempty"`
}

type badLine struct {
	ID    json.RawMessage `json:"id,omitempty"`
	Error string          `json:"error"`
	Line  int             `json:"line"`
}

// lineAnswer is the line to write.
type lineAnswer struct {
	text []byte
	bad  bool
}

func (l inputLine) answer(ctx context.Context, clf Answerer) lineAnswer {
	if l.tooLong {
		return lineAnswer{encodeLine(badLine{Error: fmt.Sprintf("line is longer than %d bytes", MaxLine), Line: l.n}), true}
	}
	id, input, err := parseLine(l.text)
	if err != nil {
		return lineAnswer{encodeLine(badLine{ID: id, Error: err.Error(), Line: l.n}), true}
	}
	c := clf.Classify(ctx, input)
	return lineAnswer{encodeLine(classifiedLine{
		ID: id, Intent: c.Intent, IntentConfidence: c.IntentConfidence, Level: c.Level,
		Difficulty: c.Difficulty, DifficultySD: c.DifficultySD, Source: c.Source, Note: c.Note,
	}), false}
}

// encodeLine gives v as one line of JSON. The values it is given always encode:
// ids were read as JSON, levels are in range, numbers are finite.
func encodeLine(v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		buf.Reset()
		enc.Encode(badLine{Error: "encode answer: " + err.Error()})
	}
	return buf.Bytes()
}

// readLine reads up to and including the next newline. What exceeds MaxLine is
// read over, so that one bad line does not end the stream.
func readLine(in *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if tooLong = tooLong || len(line)+len(part) > MaxLine; tooLong {
			line = nil
		} else {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}

// parseLine reads one input line. The id is returned with an error too, where
// it could be read; a line without an id has id null.
func parseLine(line []byte) (json.RawMessage, Input, error) {
	var raw struct {
		ID       json.RawMessage   `json:"id"`
		Prompt   *string           `json:"prompt"`
		Messages []chatMessage     `json:"messages"`
		Tools    []json.RawMessage `json:"tools"`
	}
	if err := json.Unmarshal(line, &raw); err != nil {
		return raw.ID, Input{}, fmt.Errorf("not a valid line: %w", err)
	}
	if raw.ID == nil {
		raw.ID = json.RawMessage("null")
	}
	var in Input
	switch {
	case raw.Prompt != nil && raw.Messages != nil:
		return raw.ID, Input{}, errors.New(`line has both "prompt" and "messages": give one of them`)
	case raw.Prompt != nil:
		in = Prompt(*raw.Prompt)
	case len(raw.Messages) > 0:
		for _, m := range raw.Messages {
			in.Messages = append(in.Messages, Message(m))
		}
	default:
		return raw.ID, Input{}, errors.New(`line has neither "prompt" nor "messages"`)
	}
	in.Tools = len(raw.Tools)
	return raw.ID, in, nil
}

// chatMessage reads a message of the OpenAI API: content is a string, null, or
// an array of parts of which text and images count here.
type chatMessage Message

func (m *chatMessage) UnmarshalJSON(b []byte) error {
	var raw struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	if raw.Role == "" {
		return errors.New(`message has no "role"`)
	}
	m.Role = raw.Role
	switch {
	case len(raw.Content) == 0 || string(raw.Content) == "null":
		return nil
	case raw.Content[0] == '"':
		return json.Unmarshal(raw.Content, &m.Text)
	}
	return m.readParts(raw.Content)
}

func (m *chatMessage) readParts(content json.RawMessage) error {
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(content, &parts); err != nil {
		return fmt.Errorf("content of a %s message is neither a string nor an array of parts: %w", m.Role, err)
	}
	var texts []string
	for _, p := range parts {
		switch p.Type {
		case "text", "input_text", "output_text":
			texts = append(texts, p.Text)
		case "image_url", "input_image", "image":
			m.Images++
		}
	}
	m.Text = strings.Join(texts, "\n")
	return nil
}
