package assess

import "strings"

// maxScanned bounds how much of a prompt is looked at, in bytes: half from its
// beginning, half from its end, where instructions stand.
const maxScanned = 16 << 10

// mentions says whether a word of one of the lists, all in lower case, is in
// the text.
func mentions(text string, lists ...[]string) bool {
	if text == "" {
		return false
	}
	text = strings.ToLower(straight.Replace(ends(text)))
	for _, words := range lists {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
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
