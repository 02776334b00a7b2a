package router

import "unicode"

// charClass tells what a character is to the pattern that cuts texts into pieces;
// 0 is what is neither letter, mark, number nor space.
type charClass uint8

const (
	charUpper  charClass = 1 << iota // Lu Lt Lm Lo M: what begins a word
	charLower                        // Ll Lm Lo M: what ends one
	charLetter                       // L
	charNumber                       // N
	charSpace                        // what unicode.IsSpace says
	charEOL                          // CR and LF

	charMark = charUpper | charLower // without letter: M
)

// charKinds are the characters of each class; they do not overlap.
var charKinds = []struct {
	table *unicode.RangeTable
	class charClass
}{
	{unicode.Lu, charUpper | charLetter},
	{unicode.Lt, charUpper | charLetter},
	{unicode.Ll, charLower | charLetter},
	{unicode.Lm, charMark | charLetter},
	{unicode.Lo, charMark | charLetter},
	{unicode.M, charMark},
	{unicode.N, charNumber},
	{unicode.White_Space, charSpace},
}

// charTabled bounds the characters whose class is looked up in a table. It covers
// the ideographs; above are some invisible marks and nothing else of a class.
const charTabled = 0x32400

// charClasses gives the class of each character below charTabled.
var charClasses = tabulateClasses()

func tabulateClasses() *[charTabled]charClass {
	var t [charTabled]charClass
	for _, k := range charKinds {
		for _, r := range k.table.R16 {
			fillClass(&t, uint32(r.Lo), uint32(r.Hi), uint32(r.Stride), k.class)
		}
		for _, r := range k.table.R32 {
			fillClass(&t, r.Lo, r.Hi, r.Stride, k.class)
		}
	}
	t['\r'] |= charEOL
	t['\n'] |= charEOL
	return &t
}

func fillClass(t *[charTabled]charClass, lo, hi, stride uint32, c charClass) {
	for r := lo; r <= min(hi, charTabled-1); r += stride {
		t[r] = c
	}
}

// charClassOf gives the class of any character but CR and LF, slowly.
func charClassOf(r rune) charClass {
	for _, k := range charKinds {
		if unicode.Is(k.table, r) {
			return k.class
		}
	}
	return 0
}
