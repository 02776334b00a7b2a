package router

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pkoukk/tiktoken-go"
	tiktokenloader "github.com/pkoukk/tiktoken-go-loader"
)

// Tokens counts tokens with OpenAI's o200k_base, the published encoding whose
// tables ship inside the binary. Other vendors' tokenisers differ by some ten
// per cent, which is good enough to compare prices before a call; the bill
// uses what the provider reports.
type Tokens struct{ enc *tiktoken.Tiktoken }

// NewTokens loads the encoding (about a tenth of a second, once a process).
func NewTokens() (*Tokens, error) {
	tiktoken.SetBpeLoader(tiktokenloader.NewOfflineLoader())
	enc, err := tiktoken.GetEncoding("o200k_base")
	if err != nil {
		return nil, fmt.Errorf("load the o200k_base token tables: %w", err)
	}
	return &Tokens{enc: enc}, nil
}

// exactRunes is how much of a text is counted exactly; the rest is extrapolated
// from slices spread over it, for a megabyte of prompt must not cost a second.
const exactRunes = 16 << 10

// Count gives the number of tokens of text: exact up to 16 Ki characters,
// beyond that estimated from sixteen evenly spread slices of 1 Ki.
func (t *Tokens) Count(text string) int64 {
	if len(text) <= exactRunes {
		return t.exact(text)
	}
	n := utf8.RuneCountInString(text)
	if n <= exactRunes {
		return t.exact(text)
	}
	const slices, width = 16, exactRunes / 16
	var sample strings.Builder
	rs := []rune(text)
	for i := range slices {
		at := i * (n - width) / (slices - 1)
		sample.WriteString(string(rs[at : at+width]))
	}
	return t.exact(sample.String()) * int64(n) / exactRunes
}

// maxRun bounds a run of characters without white space: the encoder's time
// grows with the square of a word's length, and strangers choose the words.
const maxRun = 256

func (t *Tokens) exact(text string) int64 {
	return int64(len(t.enc.EncodeOrdinary(breakRuns(text))))
}

// breakRuns puts a space into every run of more than maxRun characters.
func breakRuns(text string) string {
	run := 0
	long := false
	for _, r := range text {
		if r == ' ' || r == '\n' {
			run = 0
		} else if run++; run > maxRun {
			long = true
			break
		}
	}
	if !long {
		return text
	}
	var b strings.Builder
	run = 0
	for _, r := range text {
		if r == ' ' || r == '\n' {
			run = 0
		} else if run++; run > maxRun {
			b.WriteByte(' ')
			run = 1
		}
		b.WriteRune(r)
	}
	return b.String()
}

// perMessage and perReply are the tokens of the chat format around each
// message and before the answer, as OpenAI documents them for its models.
const perMessage, perReply = 3, 3

// imageTokens is a middling price of one image part: 765 tokens is what OpenAI
// documents for a 1024 x 1024 image at high detail.
const imageTokens = 765

// Prompt counts a request's prompt: message text, the format around it, images
// and tool definitions (raw JSON).
func (t *Tokens) Prompt(text string, messages, images int, tools string) int64 {
	n := t.Count(text) + int64(messages)*perMessage + perReply + int64(images)*imageTokens
	if tools != "" {
		n += t.Count(tools)
	}
	return n
}
