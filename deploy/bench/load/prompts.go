package load

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"encoding/json"
)

// Mode says how prompts follow each other.
type Mode string

const (
	// Repeated cycles through RepeatedPrompts prompts.
	Repeated Mode = "repeated"
	// Distinct never sends a prompt twice.
	Distinct Mode = "distinct"
)

// RepeatedPrompts is how many different prompts a repeated load consists of.
const RepeatedPrompts = 64

// distinctPrompts is how many prompts of a distinct load are composed ahead;
// each use of one carries another serial number.
const distinctPrompts = 4096

// serialDigits is the width of a serial number, which stands where people
// put the number of a ticket or a case.
const serialDigits = 10

var serialMark = []byte(strings.Repeat("9", serialDigits))

// Bodies gives request bodies. They are composed ahead, so that giving one
// out costs a copy; safe for concurrent use.
type Bodies struct {
	mode  Mode
	pool  [][]byte
	marks [][]int // where a body's serial numbers stand
}

// BodyOptions say what requests ask for.
type BodyOptions struct {
	Mode   Mode
	Model  string
	Stream bool
	Seed   uint64
}

// NewBodies composes request bodies. The same options give the same bodies.
func NewBodies(o BodyOptions) (*Bodies, error) {
	n := RepeatedPrompts
	switch o.Mode {
	case Repeated:
	case Distinct:
		n = distinctPrompts
	default:
		return nil, fmt.Errorf("prompts %q: want %s or %s", o.Mode, Repeated, Distinct)
	}
	b := &Bodies{mode: o.Mode}
	rng := rand.New(rand.NewPCG(o.Seed, 1))
	for i := range n {
		body, err := encode(compose(rng), o)
		if err != nil {
			return nil, err
		}
		marks := indexAll(body, serialMark)
		if o.Mode == Repeated {
			stamp(body, marks, uint64(i))
		}
		b.pool, b.marks = append(b.pool, body), append(b.marks, marks)
	}
	return b, nil
}

// Append appends request number i to dst. Numbers of distinct loads must not
// repeat for the prompts not to.
func (b *Bodies) Append(dst []byte, i uint64) []byte {
	k := i % uint64(len(b.pool))
	from := len(dst)
	dst = append(dst, b.pool[k]...)
	if b.mode == Distinct {
		stamp(dst[from:], b.marks[k], i)
	}
	return dst
}

// Sizes gives quantiles of the bodies' lengths in bytes.
func (b *Bodies) Sizes(qs ...float64) []int64 {
	var all Samples
	for _, body := range b.pool {
		all = append(all, int64(len(body)))
	}
	return all.Quantiles(qs...)
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

func encode(messages []message, o BodyOptions) ([]byte, error) {
	type options struct {
		IncludeUsage bool `json:"include_usage"`
	}
	req := struct {
		Model         string    `json:"model"`
		Messages      []message `json:"messages"`
		Temperature   float64   `json:"temperature"`
		MaxTokens     int       `json:"max_tokens"`
		Stream        bool      `json:"stream,omitempty"`
		StreamOptions *options  `json:"stream_options,omitempty"`
	}{Model: o.Model, Messages: messages, Temperature: 0.7, MaxTokens: 1024, Stream: o.Stream}
	if o.Stream {
		req.StreamOptions = &options{true}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(req)
	return bytes.TrimSpace(buf.Bytes()), err
}

// stamp writes a serial number at each mark.
func stamp(body []byte, marks []int, serial uint64) {
	var digits [serialDigits]byte
	text := strconv.AppendUint(digits[:0], serial%1e10, 10)
	for _, at := range marks {
		field := body[at : at+serialDigits]
		for i := range field {
			field[i] = '0'
		}
		copy(field[serialDigits-len(text):], text)
	}
}

func indexAll(body, mark []byte) (at []int) {
	for from := 0; ; {
		i := bytes.Index(body[from:], mark)
		if i < 0 {
			return at
		}
		at = append(at, from+i)
		from += i + len(mark)
	}
}

// compose makes a conversation: a third of them Chinese, a third with a system
// prompt, a fifth with an earlier exchange. A task comes with background of a
// log-normal length (median 2 sentences, one in twenty above 13, at most 40):
// most prompts are short and some are pages, as in published chat logs.
func compose(rng *rand.Rand) []message {
	lang := english
	if rng.IntN(3) == 0 {
		lang = chinese
	}
	var out []message
	if rng.IntN(3) == 0 {
		out = append(out, message{"system", pick(rng, lang.systems)})
	}
	subject := pick(rng, lang.subjects)
	if rng.IntN(5) == 0 {
		out = append(out, message{"user", lang.task(rng, subject, 1)}, message{"assistant", lang.background(rng, subject, 3)})
	}
	sentences := int(math.Exp(rng.NormFloat64()*1.15 + math.Log(2.5)))
	return append(out, message{"user", lang.task(rng, subject, min(sentences, 40))})
}

// language is what prompts in one language are made of. In frames and facts
// %s stands for the subject and # for a number.
type language struct {
	systems, subjects, frames, facts, limits []string
	serial                                   string // with one %s
	space                                    string // between sentences
}

// task composes what a user asks for: number, background, question, limits.
func (l language) task(rng *rand.Rand, subject string, sentences int) string {
	parts := []string{fmt.Sprintf(l.serial, serialMark), l.fill(rng, pick(rng, l.frames), subject)}
	if sentences > 0 {
		parts = append(parts, l.background(rng, subject, sentences))
	}
	if rng.IntN(2) == 0 {
		parts = append(parts, pick(rng, l.limits))
	}
	return strings.Join(parts, l.space)
}

// background is a run of sentences about the subject and what is near it.
func (l language) background(rng *rand.Rand, subject string, sentences int) string {
	var parts []string
	for range sentences {
		about := subject
		if rng.IntN(3) == 0 {
			about = pick(rng, l.subjects)
		}
		parts = append(parts, l.fill(rng, pick(rng, l.facts), about))
	}
	return strings.Join(parts, l.space)
}

func (l language) fill(rng *rand.Rand, frame, subject string) string {
	frame = strings.ReplaceAll(frame, "%s", subject)
	for strings.Contains(frame, "#") {
		frame = strings.Replace(frame, "#", strconv.Itoa(2+rng.IntN(997)), 1)
	}
	return frame
}

func pick(rng *rand.Rand, from []string) string { return from[rng.IntN(len(from))] }
