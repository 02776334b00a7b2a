package onnx

import (
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/sugarme/tokenizer/model"
	"github.com/sugarme/tokenizer/model/wordpiece"
	"golang.org/x/text/unicode/norm"
)

// The rules by which text becomes pieces. classifier/training/tokens.py has the
// same ones, and testdata/parity.jsonl holds both to them.
const (
	headChars, tailChars   = 2000, 1000 // code points of a long text that are read
	headPieces, tailPieces = 384, 128   // pieces of a long text that count
	hanWord                = 4          // characters of the longest Chinese word of the vocabulary
	maxWord                = 100        // characters; a longer word is unknown
	maxMemo                = 1 << 15    // split words remembered with their pieces
	maxMemoWord            = 32         // bytes; longer words are rarely met again
)

// The first lines of every vocabulary. No text contains them: brackets are
// words of their own.
const (
	padToken = iota
	unknownToken
	newlineToken
	beginToken
	endToken
	toolsToken  // the request offers tools
	imagesToken // the request has images
	firstToken  // of a text
)

var specials = [firstToken]string{"[PAD]", "[UNK]", "[NL]", "[BEGIN]", "[END]", "[TOOLS]", "[IMAGES]"}

// tokenizer splits text into words itself, looks whole words up, and asks the
// library's WordPiece model for the pieces of the others, remembering the
// answers: the library's own pipeline is ten times slower. Both stages read its
// pieces. Safe for concurrent use.
type tokenizer struct {
	ids    map[string]int32 // token to its line in the vocabulary
	pieces wordpiece.WordPiece

	mu   sync.RWMutex
	memo map[string][]int32
}

// newTokenizer takes the vocabulary, one token a line, the line number its id.
func newTokenizer(vocabulary string) (*tokenizer, error) {
	lines := strings.Split(strings.TrimSuffix(vocabulary, "\n"), "\n")
	vocab, ids := make(model.Vocab, len(lines)), make(map[string]int32, len(lines))
	for i, token := range lines {
		if i < len(specials) && token != specials[i] {
			return nil, fmt.Errorf("vocabulary line %d: %q, want %s", i+1, token, specials[i])
		}
		if _, twice := vocab[token]; twice {
			return nil, fmt.Errorf("vocabulary line %d: %q occurs twice", i+1, token)
		}
		vocab[token], ids[token] = i, int32(i)
	}
	if len(lines) <= len(specials) {
		return nil, fmt.Errorf("vocabulary has %d lines, want more than %d", len(lines), len(specials))
	}
	build := wordpiece.NewWordPieceBuilder()
	return &tokenizer{
		ids:    ids,
		pieces: build.Vocab(&vocab).UnkToken(specials[unknownToken]).ContinuingSubwordPrefix("##").MaxInputCharsPerWord(maxWord).Build(),
		memo:   make(map[string][]int32),
	}, nil
}

// encode appends the pieces of text to ids and returns them, at most
// headPieces + tailPieces of them.
func (t *tokenizer) encode(ids []int32, text string) []int32 {
	var word []byte
	start := len(ids)
	last := space
	flush := func() {
		switch {
		case len(word) == 0:
		case last == han:
			ids = t.appendHan(ids, word)
		default:
			ids = t.appendWord(ids, word)
		}
		word = word[:0]
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
		case space:
		case lineBreak:
			if !newline {
				ids = append(ids, newlineToken)
			}
			newline = true
		default:
			word, newline = utf8.AppendRune(word, r), false
		}
	}
	flush()
	if n := len(ids) - start; n > headPieces+tailPieces {
		ids = append(ids[:start+headPieces], ids[len(ids)-tailPieces:]...)
	}
	return ids
}

// appendHan appends a run of Chinese characters as the longest words of the
// vocabulary, from the left; a character of which no word begins stands alone.
func (t *tokenizer) appendHan(ids []int32, run []byte) []int32 {
	for len(run) > 0 {
		var ends [hanWord]int // bytes of the first 1, 2, ... characters
		n, end := 0, 0
		for n < hanWord && end < len(run) {
			_, size := utf8.DecodeRune(run[end:])
			end += size
			ends[n] = end
			n++
		}
		id, ok := int32(0), false
		for ; n > 0 && !ok; n-- {
			id, ok = t.ids[string(run[:ends[n-1]])]
			end = ends[n-1]
		}
		if !ok {
			id = unknownToken
		}
		ids = append(ids, id)
		run = run[end:]
	}
	return ids
}

// appendWord appends the pieces of one word. A word that is in the vocabulary
// is its own only piece.
func (t *tokenizer) appendWord(ids []int32, word []byte) []int32 {
	if id, ok := t.ids[string(word)]; ok {
		return append(ids, id)
	}
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
			ids = []int32{unknownToken}
		}
	}()
	tokens, err := t.pieces.Tokenize(word)
	if err != nil {
		return []int32{unknownToken}
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
	digit          // runs of these are words
	letter         // runs of these are words
	han            // runs of these are cut into words of the vocabulary
	single         // a word each: punctuation, symbols
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
	case r >= 0x4e00 && r <= 0x9fff, r >= 0x3400 && r <= 0x4dbf, r >= 0xf900 && r <= 0xfaff, r >= 0x20000 && r <= 0x2fa1f:
		return han
	case r >= 0x2010 && r < 0x2c00, r >= 0x1f000 && r < 0x1fb00:
		return single
	case r < 0x1f000 && (unicode.IsPunct(r) || unicode.IsSymbol(r)):
		return single
	}
	return letter
}
