package assess

import "strings"

// maxScanned bounds how much of a prompt is looked at, in bytes: half from its
// beginning, half from its end, where instructions stand.
const maxScanned = 16 << 10

// words finds words of a list in a text: one pass over the text, whatever the
// list's length.
type words struct{ by [256][]string } // by first byte

// newWords takes words in lower case.
func newWords(list ...string) *words {
	w := &words{}
	for _, word := range list {
		w.by[word[0]] = append(w.by[word[0]], word)
	}
	return w
}

// in reports whether a word is in the text, in any case of ASCII letters.
func (w *words) in(text string) bool {
	for i := range len(text) {
		for _, word := range w.by[lower(text[i])] {
			if len(text)-i >= len(word) && starts(text[i:], word) {
				return true
			}
		}
	}
	return false
}

// starts reports whether text begins with a word in lower case.
func starts(text, word string) bool {
	for j := 1; j < len(word); j++ {
		if lower(text[j]) != word[j] {
			return false
		}
	}
	return true
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// mentions says whether a word of one of the lists is in the text.
func mentions(text string, lists ...*words) bool {
	text = ends(text)
	if strings.Contains(text, "’") || strings.Contains(text, "‘") {
		text = straight.Replace(text)
	}
	for _, w := range lists {
		if w.in(text) {
			return true
		}
	}
	return false
}

// ends gives the beginning and the end of a long text.
func ends(text string) string {
	if len(text) <= maxScanned {
		return text
	}
	return text[:maxScanned/2] + "\n" + text[len(text)-maxScanned/2:]
}

// straight makes apostrophes of typography plain.
var straight = strings.NewReplacer("’", "'", "‘", "'")
