package success

import (
	"math"
	"slices"
	"unicode"
)

// Words are the hashed words of a text with their weights, sorted by ID.
type Words []Word

// Word is one hashed n-gram: its ID below WordSpace, and 1 + ln of how often it occurs.
type Word struct {
	ID     uint32
	Weight float32
}

// WordSpace is the number of different IDs.
const WordSpace = 1 << 16

// maxWords bounds how much of a text is read, in words.
const maxWords = 4000

// WordsOf hashes the words of a text and their pairs, in lower case. A Han
// character counts as a word.
func WordsOf(text string) Words {
	count := map[uint32]int{}
	var last, word uint32
	n, inside := 0, false
	end := func() {
		if !inside {
			return
		}
		count[word%WordSpace]++
		if n > 0 {
			count[mix(last, word)%WordSpace]++
		}
		last, inside = word, false
		n++
	}
	for _, r := range text {
		if n >= maxWords {
			break
		}
		switch {
		case unicode.Is(unicode.Han, r):
			end()
			word, inside = mix(2166136261, uint32(r)), true
			end()
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if !inside {
				word, inside = 2166136261, true
			}
			word = mix(word, uint32(unicode.ToLower(r)))
		case unicode.IsSpace(r):
			end()
		default: // marks and operators are words of their own: they tell code and sums
			end()
			word, inside = mix(2166136261, uint32(r)), true
			end()
		}
	}
	end()
	out := make(Words, 0, len(count))
	for id, c := range count {
		out = append(out, Word{id, float32(1 + math.Log(float64(c)))})
	}
	slices.SortFunc(out, func(a, b Word) int { return int(a.ID) - int(b.ID) })
	return out
}

// mix is one step of FNV-1a over 32-bit units, with the final avalanche of
// MurmurHash3 so that neighbouring inputs spread.
func mix(h, x uint32) uint32 {
	h = (h ^ x) * 16777619
	h ^= h >> 15
	h *= 0x85ebca6b
	h ^= h >> 13
	return h
}
