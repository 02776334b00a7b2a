package classifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// echo answers with what it was given, so that a test sees what was parsed.
type echo struct{ seen []Input }

func (e *echo) Classify(_ context.Context, in Input) Classification {
	e.seen = append(e.seen, in)
	return Classification{Intent: Math, IntentConfidence: 0.5, Level: L3, Difficulty: 0.25, DifficultySD: 1, Source: Fast}
}

const answered = `,"intent":"math","intent_confidence":0.5,"level":"L3","difficulty":0.25,"difficulty_sd":1,"source":"fast"}`

func TestStreamAnswersEveryLineInOrder(t *testing.T) {
	in := strings.Join([]string{
		`{"id":"a","prompt":"2+2"}`,
		``,
		`{"id":7,"messages":[{"role":"system","content":"be brief"},{"role":"user","content":[{"type":"text","text":"what"},{"type":"image_url","image_url":{"url":"data:"}},{"type":"text","text":"is it?"}]},{"role":"assistant","content":null,"tool_calls":[]}],"tools":[{},{}]}`,
		`not json`,
		`{"id":"b"}`,
		`{"id":"c","prompt":"x","messages":[{"role":"user","content":"y"}]}`,
		`{"id":"d","messages":[{"content":"y"}]}`,
		`{"id":"e","messages":[{"role":"user","content":5}]}`,
		`{"prompt":"last, without id or newline"}`,
	}, "\n")
	clf := &echo{}
	var out strings.Builder
	counts, err := Stream(t.Context(), strings.NewReader(in), &out, clf, nil)
	if err != nil || counts != (StreamCounts{Classified: 3, Bad: 5}) {
		t.Fatalf("Stream: %+v, %v; want 3 classified, 5 bad", counts, err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	wantPrefix := []string{
		`{"id":"a"` + answered, `{"id":7` + answered,
		`{"error":"not a valid line: invalid character`, `{"id":"b","error":"line has neither`,
		`{"id":"c","error":"line has both`, `{"id":"d","error":"not a valid line: message has no`,
		`{"id":"e","error":"not a valid line: content of a user message`, `{"id":null` + answered,
	}
	if len(lines) != len(wantPrefix) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(wantPrefix), out.String())
	}
	for i, want := range wantPrefix {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d: %s\nwant prefix %s", i, lines[i], want)
		}
	}
	if !strings.HasSuffix(lines[2], `"line":4}`) {
		t.Errorf("a bad line must be named by its number, got %s", lines[2])
	}
	want := Input{Tools: 2, Messages: []Message{
		{Role: "system", Text: "be brief"}, {Role: "user", Text: "what\nis it?", Images: 1}, {Role: "assistant"}}}
	if diff := cmp.Diff(want, clf.seen[1]); diff != "" {
		t.Errorf("messages were read wrongly (-want +got):\n%s", diff)
	}
}

func TestStreamAnswersBeforeTheInputEnds(t *testing.T) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := Stream(t.Context(), inR, outW, &echo{}, nil)
		outW.Close()
		done <- err
	}()
	dec := json.NewDecoder(outR)
	for _, id := range []string{"first", "second"} {
		io.WriteString(inW, `{"id":"`+id+`","prompt":"x"}`+"\n")
		var got struct{ ID string }
		if err := dec.Decode(&got); err != nil || got.ID != id {
			t.Fatalf("answer while the input is open: %q, %v; want %q", got.ID, err, id)
		}
	}
	inW.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestStreamReadsOverALineThatIsTooLong(t *testing.T) {
	in := `{"id":"a","prompt":"` + strings.Repeat("x", MaxLine) + `"}` + "\n" + `{"id":"b","prompt":"x"}`
	var out strings.Builder
	counts, err := Stream(t.Context(), strings.NewReader(in), &out, &echo{}, nil)
	if err != nil || counts != (StreamCounts{Classified: 1, Bad: 1}) {
		t.Errorf("Stream: %+v, %v", counts, err)
	}
	if !strings.Contains(out.String(), "longer than") || !strings.Contains(out.String(), `"id":"b"`) {
		t.Errorf("got %s", out.String())
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestStreamStops(t *testing.T) {
	line := `{"id":"a","prompt":"x"}` + "\n"
	if _, err := Stream(t.Context(), strings.NewReader(line), brokenWriter{}, &echo{}, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("writer gone: %v, want %v", err, io.ErrClosedPipe)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Stream(ctx, strings.NewReader(line), io.Discard, &echo{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v, want %v", err, context.Canceled)
	}
}

// lateFirst answers the first prompt last.
type lateFirst struct{ took time.Duration }

func (l lateFirst) Classify(_ context.Context, in Input) Classification {
	if in.Messages[0].Text == "0" {
		time.Sleep(l.took)
	}
	return Classification{Intent: Math, Level: L1, Source: Fast}
}

func TestStreamAtARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in strings.Builder
		for i := range 100 {
			fmt.Fprintf(&in, "{\"id\":%d,\"prompt\":\"%d\"}\n", i, i)
		}
		in.WriteString("broken\n")
		var out strings.Builder
		start := time.Now()
		counts, err := Stream(t.Context(), strings.NewReader(in.String()), &out, lateFirst{time.Minute}, func() time.Duration { return time.Second })
		if err != nil || counts != (StreamCounts{Classified: 100, Bad: 1}) {
			t.Fatalf("%+v, %v; want 100 classified, 1 bad", counts, err)
		}
		// a line a second, the first answered after a minute: nobody waited for it
		if took := time.Since(start); took != 101*time.Second {
			t.Errorf("took %v, want 101 s", took)
		}
		for i, line := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")[:100] {
			if want := fmt.Sprintf(`{"id":%d,`, i); !strings.HasPrefix(line, want) {
				t.Fatalf("line %d is %s, want %s...: answers keep the order", i, line, want)
			}
		}
	})
}

func TestStreamAtARateEndsEarly(t *testing.T) {
	lines := strings.Repeat("{\"prompt\":\"x\"}\n", 50)
	at := func() time.Duration { return time.Microsecond }
	if _, err := Stream(t.Context(), strings.NewReader(lines), brokenWriter{}, &lateFirst{}, at); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("writer broken: %v, want %v", err, io.ErrClosedPipe)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Stream(ctx, strings.NewReader(lines), io.Discard, &lateFirst{}, at); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v, want %v", err, context.Canceled)
	}
}

func FuzzStream(f *testing.F) {
	f.Add(`{"id":1,"prompt":"hi"}`)
	f.Add(`{"id":{"x":[]},"messages":[{"role":"user","content":[{"type":"text","text":"\ud800"}]}]}`)
	f.Add("\x00\n[]\nnull\n\"\"")
	f.Fuzz(func(t *testing.T, in string) {
		var out strings.Builder
		counts, err := Stream(t.Context(), strings.NewReader(in), &out, &echo{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(out.String(), "\n")
		if lines != counts.Classified+counts.Bad {
			t.Fatalf("%d lines out, counted %+v", lines, counts)
		}
		for l := range strings.Lines(out.String()) {
			if !json.Valid([]byte(l)) {
				t.Fatalf("not JSON: %q", l)
			}
		}
	})
}
