package onnx

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/sugarme/tokenizer/model"
	"github.com/sugarme/tokenizer/model/wordpiece"
	"golang.org/x/text/unicode/norm"
)

// The rules by which text becomes features. classifier/training/tokens.py has
// the same ones, and testdata/parity.jsonl holds both to them.
const (
	headChars, tailChars   = 2000, 1000 // code points of a long text that are read
	headPieces, tailPieces = 384, 128   // pieces of a long text that count
	maxWord                = 100        // characters; a longer word is unknown
	maxMemo                = 1 << 15    // words remembered with their pieces
	maxMemoWord            = 32         // bytes; longer words are rarely met again

	padToken, unknownToken, newlineToken = "[PAD]", "[UNK]", "[NL]"
)

// tokenizer splits text into words itself and asks the library's WordPiece
// model for the pieces of each, remembering the answers: the library's own
// pipeline is ten times slower. Safe for concurrent use.
type tokenizer struct {
	pieces           wordpiece.WordPiece
	size             int
	newline, unknown int32

	mu   sync.RWMutex
	memo map[string][]int32
}

// newTokenizer takes the vocabulary, one token a line, the line number its id.
func newTokenizer(vocabulary string) (*tokenizer, error) {
	vocab := make(model.Vocab)
	for i, token := range strings.Split(strings.TrimSuffix(vocabulary, "\n"), "\n") {
		if _, twice := vocab[token]; twice {
			return nil, fmt.Errorf("vocabulary line %d: %q occurs twice", i+1, token)
		}
		vocab[token] = i
	}
	for _, special := range []string{padToken, unknownToken, newlineToken} {
		if _, ok := vocab[special]; !ok {
			return nil, fmt.Errorf("vocabulary has no %s", special)
		}
	}
	if vocab[padToken] != 0 {
		return nil, fmt.Errorf("vocabulary: %s must be the first line", padToken)
	}
	build := wordpiece.NewWordPieceBuilder()
	return &tokenizer{
		pieces: build.Vocab(&vocab).UnkToken(unknownToken).ContinuingSubwordPrefix("##").MaxInputCharsPerWord(maxWord).Build(),
		size:   len(vocab), newline: int32(vocab[newlineToken]), unknown: int32(vocab[unknownToken]),
		memo: make(map[string][]int32),
	}, nil
}

// encode appends the pieces of text to ids and returns them, at most
// headPieces + tailPieces of them.
func (t *tokenizer) encode(ids []int32, text string) []int32 {
	var word []byte
	var last kind
	flush := func() {
		if len(word) > 0 {
			ids = t.appendWord(ids, word)
			word = word[:0]
		}
	}
	newline := false // the last word was a line break
	for _, r := range clean(text) {
		k := kindOf(r)
		if k == invisible {
			continue
		}
		if k != last || k == single {
			flush()
			last = k
		}
		switch k {
		case lineBreak:
			if !newline {
				ids = append(ids, t.newline)
			}
			newline = true
		case digit:
			word, newline = append(word, '0'), false
		case letter, single:
			word, newline = utf8.AppendRune(word, unicode.ToLower(r)), false
		}
	}
	flush()
	if n := len(ids); n > headPieces+tailPieces {
		ids = append(ids[:headPieces], ids[n-tailPieces:]...)
	}
	return ids
}

// appendWord appends the pieces of one word.
func (t *tokenizer) appendWord(ids []int32, word []byte) []int32 {
	t.mu.RLock()
	known, ok := t.memo[string(word)]
	t.mu.RUnlock()
	if ok {
		return append(ids, known...)
	}
	found := t.split(string(word))
	if len(word) <= maxMemoWord {
		t.mu.Lock()
		if len(t.memo) >= maxMemo {
			clear(t.memo) // rare: refilling it with what is in use costs little
		}
		t.memo[string(word)] = found
		t.mu.Unlock()
	}
	return append(ids, found...)
}

// split asks the library. Should it panic or fail, the word is unknown.
func (t *tokenizer) split(word string) (ids []int32) {
	defer func() {
		if recover() != nil {
			ids = []int32{t.unknown}
		}
	}()
	tokens, err := t.pieces.Tokenize(word)
	if err != nil {
		return []int32{t.unknown}
	}
	ids = make([]int32, len(tokens))
	for i, tok := range tokens {
		ids[i] = int32(tok.Id)
	}
	return ids
}

// clean cuts a long text to head and tail, replaces every run of invalid bytes
// by one U+FFFD and applies NFKC.
func clean(text string) string {
	if len(text) > headChars+tailChars {
		text = headAndTail(text)
	}
	return norm.NFKC.String(strings.ToValidUTF8(text, "\uFFFD"))
}

// headAndTail keeps the first and the last code points of a text that has more
// than both together. A run of invalid bytes counts as one code point.
func headAndTail(text string) string {
	head, n := 0, 0
	for head < len(text) && n < headChars {
		head += step(text[head:])
		n++
	}
	tail := len(text)
	for n = 0; tail > head && n < tailChars; n++ {
		tail -= stepBack(text[head:tail])
	}
	if tail == head {
		return text
	}
	return text[:head] + "\n" + text[tail:]
}

// step gives the bytes of the first code point, or run of invalid bytes.
func step(s string) int {
	r, size := utf8.DecodeRuneInString(s)
	if r != utf8.RuneError || size != 1 {
		return size
	}
	for size < len(s) {
		if r, n := utf8.DecodeRuneInString(s[size:]); r != utf8.RuneError || n != 1 {
			break
		}
		size++
	}
	return size
}

// stepBack gives the bytes of the last code point, or run of invalid bytes.
func stepBack(s string) int {
	r, size := utf8.DecodeLastRuneInString(s)
	if r != utf8.RuneError || size != 1 {
		return size
	}
	for size < len(s) {
		if r, n := utf8.DecodeLastRuneInString(s[:len(s)-size]); r != utf8.RuneError || n != 1 {
			break
		}
		size++
	}
	return size
}

type kind uint8

const (
	space     kind = 1 + iota
	lineBreak      // a word of its own; several in a row are one
	invisible      // dropped: controls, zero-width characters, variation selectors
	digit          // becomes 0: the size of a number matters, not its value
	letter         // runs of these are words
	single         // a word each: Chinese characters, punctuation, symbols
)

// kindOf sorts a code point. The blocks of symbols are named, so that the
// version of Unicode that a library knows does not matter.
func kindOf(r rune) kind {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
		return letter
	case r >= '0' && r <= '9':
		return digit
	case r == '\n':
		return lineBreak
	case r == ' ', r == '\t', r == '\v', r == '\f', r == '\r', r == 0x1680, r == 0x2028, r == 0x2029:
		return space
	case r < 0x20, r >= 0x7f && r < 0xa0, r == 0xad, r == 0xfeff,
		r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r >= 0xfe00 && r <= 0xfe0f:
		return invisible
	case r < 0x80:
		return single
	case r >= 0x4e00 && r <= 0x9fff, r >= 0x3400 && r <= 0x4dbf, r >= 0xf900 && r <= 0xfaff, r >= 0x20000 && r <= 0x2fa1f,
		r >= 0x2010 && r < 0x2c00, r >= 0x1f000 && r < 0x1fb00:
		return single
	case r < 0x1f000 && (unicode.IsPunct(r) || unicode.IsSymbol(r)):
		return single
	}
	return letter
}

// features are the inputs of the model for one text.
type features struct {
	ids     []int64   // pieces, then hashed pairs of neighbours; n of them
	weights []float32 // 3 rows of n: whole text, beginning, end; row sums of squares are 1
}

// fill computes the features of pieces, reusing the slices of f. No pieces
// count as one padding piece.
func (f *features) fill(pieces []int32, vocabulary, buckets, edge int) {
	if len(pieces) == 0 {
		pieces = []int32{0}
	}
	k := len(pieces)
	n := 2*k - 1
	f.ids = f.ids[:0]
	for _, p := range pieces {
		f.ids = append(f.ids, int64(p))
	}
	for i := 1; i < k; i++ {
		f.ids = append(f.ids, int64(vocabulary)+int64(pairHash(uint32(pieces[i-1]), uint32(pieces[i]))%uint32(buckets)))
	}
	if cap(f.weights) < 3*n {
		f.weights = make([]float32, 3*n)
	}
	f.weights = f.weights[:3*n]
	clear(f.weights)
	// A pair belongs to an edge if both of its pieces do.
	in := min(k, edge)
	whole, part := invSqrt(n), invSqrt(2*in-1)
	for i := range n {
		f.weights[i] = whole
	}
	begin, end := f.weights[n:2*n], f.weights[2*n:]
	for i := range in {
		begin[i], end[k-1-i] = part, part
	}
	for i := range in - 1 {
		begin[k+i], end[n-1-i] = part, part
	}
}

func invSqrt(n int) float32 { return float32(1 / math.Sqrt(float64(n))) }

// pairHash mixes two pieces into 32 bits (multiply and xor-shift).
func pairHash(a, b uint32) uint32 {
	h := a*0x9E3779B1 ^ b*0x85EBCA6B
	h ^= h >> 15
	h *= 0x2C1B3C6D
	return h ^ h>>12
}
