package router

import "unicode/utf8"

// Tokens counts tokens with OpenAI's o200k_base, the published encoding whose
// tables ship inside the binary. Other vendors' tokenisers differ by some ten
// per cent, which is good enough to compare prices before a call; the bill
// uses what the provider reports. It is safe for concurrent use.
//
// A text is cut into pieces (tokens_split.go), and the tokens of each piece
// are remembered (tokens_memo.go) or found by merging (tokens_merge.go).
type Tokens struct {
	vocabulary *vocabulary
	memo       *pieceMemo
}

// NewTokens loads the encoding (about a tenth of a second, once a process).
func NewTokens() (*Tokens, error) {
	v, err := loadVocabulary()
	if err != nil {
		return nil, err
	}
	return &Tokens{vocabulary: v, memo: newPieceMemo()}, nil
}

// exactBytes is how long a text is counted exactly. A longer one is
// extrapolated from slices spread over it, for the text is a stranger's and
// its count must not cost a tenth of a second.
const exactBytes = 256 << 10

// Count gives the number of tokens of text: exact up to 256 KiB, beyond that
// estimated from sixteen evenly spread slices of 16 KiB. Bytes that are not
// UTF-8 count as U+FFFD each.
func (t *Tokens) Count(text string) int64 {
	if len(text) <= exactBytes {
		return t.exact(text)
	}
	const slices, width = 16, exactBytes / 16
	var tokens, bytes int64
	for i := range slices {
		at := i * (len(text) - width) / (slices - 1)
		slice := text[runeStart(text, at):runeStart(text, at+width)]
		tokens += t.exact(slice)
		bytes += int64(len(slice))
	}
	return int64(float64(tokens) * float64(len(text)) / float64(bytes))
}

// runeStart moves at back to where a character of text begins, if one begins
// near.
func runeStart(text string, at int) int {
	for back := 0; back < utf8.UTFMax && at-back > 0 && at-back < len(text); back++ {
		if utf8.RuneStart(text[at-back]) {
			return at - back
		}
	}
	return at
}

func (t *Tokens) exact(text string) int64 {
	if !utf8.ValidString(text) {
		text = string([]rune(text))
	}
	var n int64
	for len(text) > 0 {
		end := pieceEnd(text)
		n += t.piece(text[:end])
		text = text[end:]
	}
	return n
}

func (t *Tokens) piece(piece string) int64 {
	if len(piece) == 1 {
		return 1 // every byte is a token
	}
	if len(piece) > memoPiece {
		return t.vocabulary.count(piece)
	}
	h := t.memo.hash(piece)
	if n, ok := t.memo.get(h); ok {
		return n
	}
	n := t.vocabulary.count(piece)
	t.memo.put(h, n)
	return n
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
