package assess

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// shape is what one pass over a text counts in its prose. Code in fences and
// in backticks, tables, addresses and LaTeX commands are no prose.
type shape struct {
	tokens   []uint32 // hashes of words, numbers and Han characters, in order
	table    *[]uint32
	fail     *[]int32
	han      int // Han characters
	latin    int // Latin letters
	other    int // letters of every other script, kana and hangul included
	words    int // Latin words
	function int // of them, English function words
	inFence  bool
}

// scratch is the memory of one pass, used again by the next.
type scratch struct {
	tokens, table []uint32
	fail          []int32
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func getScratch() *scratch { return scratches.Get().(*scratch) }

// putScratch gives memory back; that of a huge answer goes to the collector.
func putScratch(s *scratch) {
	if cap(s.table) <= 1<<17 {
		scratches.Put(s)
	}
}

// read counts a text. The shape's tokens live until the scratch is put back.
func (s *scratch) read(text string) shape {
	sh := shape{tokens: s.tokens[:0], table: &s.table, fail: &s.fail}
	for len(text) > 0 {
		line := text
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = ""
		}
		trimmed := strings.TrimLeft(line, " \t")
		switch {
		case strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~"):
			sh.inFence = !sh.inFence
		case sh.inFence, strings.HasPrefix(trimmed, "|"):
		default:
			sh.line(trimmed)
		}
	}
	s.tokens = sh.tokens
	return sh
}

// Constants of the FNV-1a hash, 32 bits.
const (
	fnvStart = 2166136261
	fnvPrime = 16777619
)

// line counts one line of prose.
func (sh *shape) line(s string) {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '`':
			i = after(s, i+1, '`')
		case c == '\\' && i+1 < len(s) && isLetter(s[i+1]):
			for i++; i < len(s) && isLetter(s[i]); i++ {
			}
		case isLetter(c):
			i = sh.word(s, i)
		case c >= '0' && c <= '9':
			h := uint32(fnvStart)
			for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
				h = (h ^ uint32(s[i])) * fnvPrime
			}
			sh.tokens = append(sh.tokens, h)
		case c < utf8.RuneSelf:
			i++
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			sh.letter(r)
			i += size
		}
	}
}

// word counts a Latin word that begins at i and gives where it ends. An
// address is skipped to its end.
func (sh *shape) word(s string, i int) int {
	h, n, start := uint32(fnvStart), 0, i
	for ; i < len(s) && (isLetter(s[i]) || s[i] == '\'' && i+1 < len(s) && isLetter(s[i+1])); i++ {
		h = (h ^ uint32(s[i]|0x20)) * fnvPrime
		n++
	}
	if strings.HasPrefix(s[i:], "://") {
		for i < len(s) && s[i] > ' ' && s[i] < utf8.RuneSelf {
			i++
		}
		return i
	}
	sh.tokens = append(sh.tokens, h)
	sh.latin += n
	sh.words++
	if n <= 5 && functionWord(s[start:i]) {
		sh.function++
	}
	return i
}

// letter counts a letter beyond ASCII.
func (sh *shape) letter(r rune) {
	switch {
	case r >= 0x4e00 && r <= 0x9fff || r >= 0x3400 && r <= 0x4dbf || r >= 0x20000 && r <= 0x3ffff || r >= 0xf900 && r <= 0xfaff:
		sh.han++
	case r < 0x250 || r >= 0x1e00 && r < 0x1f00:
		if !unicode.IsLetter(r) {
			return
		}
		sh.latin++
	case unicode.IsLetter(r):
		sh.other++
	default:
		return
	}
	sh.tokens = append(sh.tokens, uint32(r)*fnvPrime^fnvStart)
}

// after gives the place behind the next c from i on, or i if there is none.
func after(s string, i int, c byte) int {
	if j := strings.IndexByte(s[i:], c); j >= 0 {
		return i + j + 1
	}
	return i
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// functionWord says whether w is one of the commonest words of English: prose
// is a quarter to a half of them, while code, names, formulas, other languages
// and romanised Chinese have few.
func functionWord(w string) bool {
	var b [5]byte
	for i := range len(w) {
		b[i] = w[i] | 0x20
	}
	switch string(b[:len(w)]) {
	case "the", "of", "and", "to", "is", "in", "that", "for", "it", "with", "on", "this", "are", "you", "be", "as", "at", "by", "or", "an", "was", "can",
		"from", "which", "we", "your", "have", "has", "not", "if", "how", "what", "do", "does", "there", "their", "they", "these", "will", "would", "should",
		"but", "its", "into", "about", "when", "then", "who", "why", "where", "my", "me", "our", "his", "her", "he", "she", "i", "a", "so", "than", "each":
		return true
	}
	return false
}
