package classifier

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// splitWords gives the words of a lower-case text: runs of letters, digits and
// apostrophes, Chinese apart from everything else ("选c" is two words). Thus
// the punctuation and emoji around a "yes!" do not matter.
func splitWords(text string) []string {
	var words []string
	start, han := -1, false // of the word being read
	for i, r := range text {
		in, h := isWordRune(r), unicode.Is(unicode.Han, r)
		if start >= 0 && (!in || h != han) {
			words = append(words, text[start:i])
			start = -1
		}
		if in && start < 0 {
			start, han = i, h
		}
	}
	if start >= 0 {
		words = append(words, text[start:])
	}
	for i, w := range words {
		words[i] = strings.ReplaceAll(w, "’", "'")
	}
	return words
}

func isWordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '\'' || r == '’'
}

// isHanWord tells whether a word of splitWords is Chinese.
func isHanWord(w string) bool {
	r, _ := utf8.DecodeRuneInString(w)
	return unicode.Is(unicode.Han, r)
}

func isNumber(w string) bool {
	return strings.IndexFunc(w, func(r rune) bool { return !unicode.IsDigit(r) }) < 0 && len(w) <= 2
}

// squeezed are the phrases as squeeze leaves them, longWords those in which
// isSlip looks for slips: in a short word a slip is too often another word.
var squeezed, longWords = slippery()

func slippery() (short map[string]kind, long []string) {
	short = make(map[string]kind)
	for _, p := range slices.Sorted(maps.Keys(phrases)) { // in order, so that every process decides alike
		k := phrases[p]
		if isHanWord(p) {
			continue
		}
		if s := squeeze(p); phrases[s] == unknown || s == p { // "too" is not to hide "to"
			short[s] = k
		}
		if len(p) >= 6 {
			long = append(long, p)
		}
	}
	return short, long
}

// squeeze makes one letter of repeated ones: "yesss" and "yess" are "yes".
func squeeze(w string) string {
	var b strings.Builder
	last := rune(-1)
	for _, r := range w {
		if r != last {
			b.WriteRune(r)
		}
		last = r
	}
	return b.String()
}

// isSlip tells whether w is want with two neighbouring letters swapped or with
// one letter missing: "contineu", "contnue".
func isSlip(w, want string) bool {
	if len(w) != len(want) && len(w) != len(want)-1 {
		return false
	}
	i := 0
	for i < len(w) && w[i] == want[i] {
		i++
	}
	a, b := w[i:], want[i:]
	if len(a) < len(b) {
		return a == b[1:]
	}
	return len(a) >= 2 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
}

func wordSet(words string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}
