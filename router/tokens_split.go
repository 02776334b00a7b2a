package router

import "unicode/utf8"

// pieceEnd gives where the first piece of text ends. The text is valid UTF-8
// and not empty. The pieces are the matches, one after the other, of the
// pattern that o200k_base is defined by, a choice of seven in this order
// (C = Lm Lo M, U = Lu Lt C, L = Ll C):
//
//	[^\r\n\p{L}\p{N}]? U* L+ (?i:'s|'t|'re|'ve|'m|'ll|'d)?
//	[^\r\n\p{L}\p{N}]? U+ L* (?i:'s|'t|'re|'ve|'m|'ll|'d)?
//	\p{N}{1,3}
//	 ?[^\s\p{L}\p{N}]+[\r\n/]*
//	\s*[\r\n]+
//	\s+(?!\S)
//	\s+
//
// Every character begins a match, so nothing is left between pieces.
func pieceEnd(text string) int {
	c, w := classAt(text, 0)
	switch {
	case c&charLetter != 0:
		end, _ := wordEnd(text, 0)
		return end
	case c&charNumber != 0:
		return numbersEnd(text, w)
	case c&charEOL == 0 && w < len(text):
		if next, _ := classAt(text, w); next&(charUpper|charLower) != 0 {
			return prefixedEnd(text, c, w)
		}
	}
	if c&charMark == charMark { // and no letter or mark after it
		return contractionEnd(text, w)
	}
	if c&charSpace == 0 {
		return signsEnd(text, w)
	}
	if text[0] == ' ' && len(text) > 1 {
		if next, w := classAt(text, 1); next&(charSpace|charLetter|charNumber) == 0 {
			return signsEnd(text, 1+w)
		}
	}
	return spacesEnd(text)
}

// prefixedEnd ends a piece of letters or marks after one other character of
// class c and w bytes. A mark may be both: if the word after it has no L, the
// first alternative takes the mark alone before the second is tried.
func prefixedEnd(text string, c charClass, w int) int {
	end, ends := wordEnd(text, w)
	if c&charMark == charMark && !ends {
		return w
	}
	return end
}

// wordEnd ends the word that begins at i, a contraction included, and tells
// whether it is U* L+ rather than U+. Where U* has taken all there is for L+,
// it gives back up to the last character that is of both.
func wordEnd(text string, i int) (int, bool) {
	both := -1 // where the last character of U* that is also of L ends
	for i < len(text) {
		c, w := classAt(text, i)
		if c&charUpper == 0 {
			if c&charLower != 0 {
				return contractionEnd(text, lowerEnd(text, i+w)), true
			}
			break
		}
		i += w
		if c&charLower != 0 {
			both = i
		}
	}
	if both >= 0 {
		return contractionEnd(text, both), true
	}
	return contractionEnd(text, i), false
}

func lowerEnd(text string, i int) int {
	for i < len(text) {
		c, w := classAt(text, i)
		if c&charLower == 0 {
			break
		}
		i += w
	}
	return i
}

// contractionEnd moves i past 's, 't, 're, 've, 'm, 'll or 'd, of any case.
func contractionEnd(text string, i int) int {
	if i+1 >= len(text) || text[i] != '\'' {
		return i
	}
	const toLower = 0x20
	switch text[i+1] | toLower {
	case 's', 't', 'm', 'd':
		return i + 2
	case 'r', 'v':
		if i+2 < len(text) && text[i+2]|toLower == 'e' {
			return i + 3
		}
	case 'l':
		if i+2 < len(text) && text[i+2]|toLower == 'l' {
			return i + 3
		}
	}
	return i
}

// numbersEnd moves i, after one number, past up to two more.
func numbersEnd(text string, i int) int {
	for range 2 {
		if i == len(text) {
			break
		}
		c, w := classAt(text, i)
		if c&charNumber == 0 {
			break
		}
		i += w
	}
	return i
}

// signsEnd moves i past what is neither space, letter nor number, and line
// ends and slashes after it.
func signsEnd(text string, i int) int {
	for i < len(text) {
		c, w := classAt(text, i)
		if c&(charSpace|charLetter|charNumber) != 0 {
			break
		}
		i += w
	}
	for i < len(text) && (text[i] == '\n' || text[i] == '\r' || text[i] == '/') {
		i++
	}
	return i
}

// spacesEnd ends a piece of white space: after its last line end, else before
// the last space if a word follows that, else where it ends.
func spacesEnd(text string) int {
	i, last, line := 0, 0, 0
	for i < len(text) {
		c, w := classAt(text, i)
		if c&charSpace == 0 {
			break
		}
		last, i = i, i+w
		if c&charEOL != 0 {
			line = i
		}
	}
	switch {
	case line > 0:
		return line
	case i < len(text) && last > 0:
		return last
	}
	return i
}

// classAt gives the class of the character at byte i and its width in bytes.
func classAt(text string, i int) (charClass, int) {
	if b := text[i]; b < utf8.RuneSelf {
		return charClasses[b], 1
	}
	return wideClassAt(text, i)
}

func wideClassAt(text string, i int) (charClass, int) {
	if b := text[i]; b>>4 == 0xe && i+2 < len(text) { // most of what is not ASCII
		return charClasses[rune(b&0xf)<<12|rune(text[i+1]&0x3f)<<6|rune(text[i+2]&0x3f)], 3
	}
	r, w := utf8.DecodeRuneInString(text[i:])
	if r < charTabled {
		return charClasses[r], w
	}
	return charClassOf(r), w
}
