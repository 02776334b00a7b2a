package router

import (
	"fmt"
	"math"

	tiktokenloader "github.com/pkoukk/tiktoken-go-loader"
)

// vocabulary is the tokens of an encoding with their ranks; a lower rank is
// merged first.
type vocabulary struct {
	ranks  map[string]int
	pairs  [1 << 16]uint32              // the ranks of the tokens of two bytes; noRank for none
	sieve  [1 << (sieveBits - 6)]uint64 // a bit for each token's sieveHash
	wholes wholeRunes
}

const noRank = math.MaxUint32

// sieveBits makes the sieve 256 KiB, which stays near the processor as the map
// does not, and lets a tenth of what is no token pass.
const sieveBits = 21

func loadVocabulary() (*vocabulary, error) {
	ranks, err := tiktokenloader.NewOfflineLoader().LoadTiktokenBpe("o200k_base.tiktoken")
	if err != nil {
		return nil, fmt.Errorf("load the o200k_base token tables: %w", err)
	}
	v := &vocabulary{ranks: ranks}
	for i := range v.pairs {
		v.pairs[i] = noRank
	}
	for token, rank := range ranks {
		switch {
		case len(token) == 2:
			v.pairs[int(token[0])<<8|int(token[1])] = uint32(rank)
		case len(token) > 2:
			h := sieveHash(token)
			v.sieve[h/64] |= 1 << (h % 64)
		}
	}
	v.wholes = findWholeRunes(v)
	return v, nil
}

// rank gives the rank of a token of two bytes or more, noRank if there is no
// such token. Most calls of merging are for what is none.
func (v *vocabulary) rank(token string) uint32 {
	if len(token) == 2 {
		return v.pairs[int(token[0])<<8|int(token[1])]
	}
	if h := sieveHash(token); v.sieve[h/64]>>(h%64)&1 == 0 {
		return noRank
	}
	if rank, ok := v.ranks[token]; ok {
		return uint32(rank)
	}
	return noRank
}

// sieveHash mixes the length and the first and last eight bytes of a token of
// three bytes or more.
func sieveHash(token string) uint64 {
	var first, last uint64
	switch n := len(token); {
	case n >= 8:
		first, last = load8(token), load8(token[n-8:])
	case n >= 4:
		first, last = load4(token), load4(token[n-4:])
	default:
		first = uint64(token[0]) | uint64(token[1])<<8 | uint64(token[2])<<16
	}
	const odd1, odd2 = 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f // spread bits; any odd numbers without a pattern do
	h := (first ^ uint64(len(token))<<56) * odd1
	h = (h ^ h>>32 ^ last) * odd2
	return h >> (64 - sieveBits)
}

func load8(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func load4(s string) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}
