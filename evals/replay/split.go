package replay

import (
	"crypto/sha256"
	"encoding/binary"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// optionLine begins the first answer option of a multiple choice question.
// White space is what Python's \s means by it, for the split is shared with
// classifier/training (corpus.py).
var optionLine = regexp.MustCompile(`(?m)^[\s\v\x1c-\x1f\x{85}\p{Z}]*\(?[Aa][).:、.．]`)

func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// normalise gives NFKC, lower case, white space collapsed and trimmed.
func normalise(text string) string {
	lower := cases.Lower(language.Und).String(norm.NFKC.String(text))
	return strings.Join(strings.FieldsFunc(lower, isSpace), " ")
}

// Key is the text by which prompts are split and compared: what stands before
// the first option line (all of it, if nothing does), normalised.
func Key(prompt string) string {
	if at := optionLine.FindStringIndex(prompt); at != nil {
		if head := normalise(prompt[:at[0]]); head != "" {
			return head
		}
	}
	return normalise(prompt)
}

// Bucket is the first 8 bytes, big-endian, of the SHA-256 of a key. Bucket mod
// 10 = 0 is the test split, (Bucket div 10) mod N the fold.
func Bucket(key string) uint64 {
	sum := sha256.Sum256([]byte(key))
	return binary.BigEndian.Uint64(sum[:8])
}

// Fold gives the fold of a bucket among n.
func Fold(bucket uint64, n int) int { return int(bucket / 10 % uint64(n)) }
