package openai

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func readAll(r io.Reader) (out []string, err error) {
	e := NewEventReader(r)
	for {
		data, err := e.Next()
		if err != nil {
			return out, err
		}
		out = append(out, string(data))
	}
}

func TestEventReaderFollowsTheStandard(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"LF":                         {"data: a\n\ndata: b\n\n", []string{"a", "b"}},
		"CR LF":                      {"data: a\r\n\r\ndata: b\r\n\r\n", []string{"a", "b"}},
		"CR":                         {"data: a\r\rdata: b\r\r", []string{"a", "b"}},
		"no space":                   {"data:a\n\n", []string{"a"}},
		"only one space goes":        {"data:  a\n\n", []string{" a"}},
		"lines join":                 {"data: a\ndata: b\n\n", []string{"a\nb"}},
		"comments and fields skip":   {": ping\n\nevent: x\nid: 1\nretry: 5\ndata: a\n\n", []string{"a"}},
		"other field with data name": {"database: x\n\ndata: a\n\n", []string{"a"}},
		"empty data":                 {"data\n\ndata:\n\n", []string{"", ""}},
		"not UTF-8":                  {"data: a\xff\xfeb\n\n", []string{"a\uFFFDb"}},
		"unfinished event drops":     {"data: a\n\ndata: b\n", []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			for how, r := range map[string]io.Reader{"whole": strings.NewReader(c.in), "byte by byte": iotest.OneByteReader(strings.NewReader(c.in))} {
				got, err := readAll(r)
				if !errors.Is(err, io.EOF) {
					t.Fatalf("%s: %v", how, err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", how, diff)
				}
			}
		})
	}
}

func TestEventReaderGivesTheErrorOfABrokenStream(t *testing.T) {
	broken := errors.New("connection reset")
	got, err := readAll(io.MultiReader(strings.NewReader("data: a\n\ndata: b"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || len(got) != 1 {
		t.Errorf("got %v, %v; want one event and the reader's error", got, err)
	}
}

func TestEventReaderBoundsAnEvent(t *testing.T) {
	_, err := readAll(io.MultiReader(strings.NewReader("data: "), io.LimitReader(endless{}, MaxEvent+10)))
	if !errors.Is(err, ErrEventTooLong) {
		t.Errorf("got %v; want ErrEventTooLong", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte("x"), len(p))), nil }

// Whatever is written as an event is read back as the same data.
func FuzzEvents(f *testing.F) {
	f.Add([]byte("data: a\n\ndata: [DONE]\n\n"))
	f.Add([]byte("data: {\"choices\":[]}\r\n\r\n: x\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := readAll(bytes.NewReader(in))
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		var out []byte
		for _, g := range got {
			DecodeChunk([]byte(g))
			out = AppendEvent(out, []byte(g))
		}
		again, _ := readAll(bytes.NewReader(out))
		if diff := cmp.Diff(got, again); diff != "" {
			t.Fatalf("written and read again (-first +second):\n%s", diff)
		}
	})
}
