package router

import "unicode/utf8"

// wholeRunes tells which characters of two or three bytes merging makes whole
// before any of their bytes goes elsewhere, so that it may begin with them. It
// saves two thirds of the merging of Chinese.
//
// Let R be the highest rank among the merges that make a character a token when
// it stands alone. While it is not yet whole, one of these is possible, so no
// merge above R is chosen. If then no token of rank R or below holds it and
// more, and no token whatever holds only some of its bytes and some of its
// neighbour's, all merges chosen before it is whole are its own or happen far
// from it, and would be the same, in the same order, had it been whole at first.
type wholeRunes struct {
	// made has a bit for each character that is made whole if no token crosses
	// its ends.
	made [1 << 16 / 64]uint64
	// crossed has a bit for the last byte of one character and the first of the
	// next if a token goes over that border and has only some bytes of the one
	// or the other.
	crossed [1 << 16 / 64]uint64
}

func has(set *[1 << 16 / 64]uint64, i int) bool { return set[i/64]>>(i%64)&1 != 0 }

func add(set *[1 << 16 / 64]uint64, i int) { set[i/64] |= 1 << (i % 64) }

func border(left, right byte) int { return int(left)<<8 | int(right) }

// width gives the bytes of the part that merging may begin with at i.
func (w *wholeRunes) width(piece string, i int) int32 {
	if piece[i] < utf8.RuneSelf {
		return 1
	}
	r, n := utf8.DecodeRuneInString(piece[i:])
	if n > 3 || n == 1 || !has(&w.made, int(r)) ||
		i > 0 && has(&w.crossed, border(piece[i-1], piece[i])) ||
		i+n < len(piece) && has(&w.crossed, border(piece[i+n-1], piece[i+n])) {
		return 1
	}
	return int32(n)
}

func findWholeRunes(v *vocabulary) (w wholeRunes) {
	lowest := map[rune]uint32{} // of the ranks of tokens that hold a character and more
	for token, rank := range v.ranks {
		eachRune(token, func(r rune, at, n int, whole bool) {
			if whole && n < len(token) {
				if least, ok := lowest[r]; !ok || uint32(rank) < least {
					lowest[r] = uint32(rank)
				}
			}
			if !whole && at > 0 {
				add(&w.crossed, border(token[at-1], token[at]))
			}
			if end := at + n; !whole && end < len(token) {
				add(&w.crossed, border(token[end-1], token[end]))
			}
		})
	}
	for token := range v.ranks {
		r, n := utf8.DecodeRuneInString(token)
		if n != len(token) || n < 2 || n > 3 {
			continue
		}
		least, ok := lowest[r]
		if highest := v.highest(token); highest != noRank && (!ok || highest < least) {
			add(&w.made, int(r))
		}
	}
	return w
}

// eachRune calls do for the characters of a token, with the byte each begins
// at, its number of bytes, and whether it is whole: at either end of a token
// may be a part of one.
func eachRune(token string, do func(r rune, at, n int, whole bool)) {
	for at := 0; at < len(token); {
		r, n := utf8.DecodeRuneInString(token[at:])
		whole := r != utf8.RuneError || n > 1
		if !whole {
			for at+n < len(token) && !utf8.RuneStart(token[at+n]) {
				n++
			}
		}
		do(r, at, n, whole)
		at += n
	}
}

// highest gives the highest rank among the merges that make a token of two or
// three bytes out of them, noRank if they do not.
func (v *vocabulary) highest(token string) uint32 {
	rank := v.rank(token)
	if len(token) == 2 {
		return rank
	}
	first := min(v.rank(token[:2]), v.rank(token[1:]))
	return max(first, rank)
}
