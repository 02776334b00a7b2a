package router

import (
	"fmt"
	"math"
	"math/bits"

	tiktokenloader "github.com/pkoukk/tiktoken-go-loader"
)

// vocabulary is the tokens of an encoding with their ranks; a lower rank is
// merged first.
type vocabulary struct {
	ranks   map[string]int
	pairs   [1 << 16]uint32 // the same for the tokens of two bytes; noRank for none
	longest int             // bytes of the longest token
}

const noRank = math.MaxUint32

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
		v.longest = max(v.longest, len(token))
		if len(token) == 2 {
			v.pairs[int(token[0])<<8|int(token[1])] = uint32(rank)
		}
	}
	return v, nil
}

func (v *vocabulary) rank(token string) uint32 {
	if len(token) == 2 {
		return v.pairs[int(token[0])<<8|int(token[1])]
	}
	if len(token) <= v.longest {
		if rank, ok := v.ranks[token]; ok {
			return uint32(rank)
		}
	}
	return noRank
}

// count gives the number of tokens of one piece: one if the piece is a token,
// else what is left when, beginning with single bytes, the neighbours whose
// union has the lowest rank (the leftmost of equals) are merged until no union
// is a token. Its time grows with n log n for a piece of n bytes, since
// strangers choose the pieces and may send a megabyte without a space.
func (v *vocabulary) count(piece string) int64 {
	if len(piece) == 1 || v.rank(piece) != noRank {
		return 1
	}
	if len(piece) <= shortPiece {
		var links [shortPiece]neighbours
		var best [2 * shortPiece]uint64
		return v.merge(piece, links[:], best[:])
	}
	return v.merge(piece, make([]neighbours, len(piece)), make([]uint64, 2*leaves(len(piece))))
}

// shortPiece is the longest piece that is merged without allocating, in bytes.
const shortPiece = 128

// neighbours tells where the token left of a token and the one right of it begin.
type neighbours struct{ left, right int32 }

// merge does the merging for count. The slices are its working space: two neighbours a
// byte, and twice leaves(len(piece)) numbers.
func (v *vocabulary) merge(piece string, links []neighbours, best []uint64) int64 {
	n := int32(len(piece))
	unions := newTournament(best[:2*leaves(len(piece))])
	for i := range n {
		links[i] = neighbours{i - 1, i + 1}
		if i+1 < n {
			unions.start(i, v.rank(piece[i:i+2]))
		}
	}
	unions.play()
	for tokens := int64(n); ; tokens-- {
		at, ok := unions.least()
		if !ok {
			return tokens
		}
		gone := links[at].right
		right := links[gone].right
		links[at].right = right
		unions.set(gone, noRank)
		if right < n {
			links[right].left = at
			unions.set(at, v.rank(piece[at:links[right].right]))
		} else {
			unions.set(at, noRank)
		}
		if left := links[at].left; left >= 0 {
			unions.set(left, v.rank(piece[left:right]))
		}
	}
}

// tournament finds the union of two neighbouring tokens with the lowest rank,
// the leftmost of equals. A token is known by the byte that it begins at: leaf
// i, in the upper half, holds the rank of the union of the token at i with its
// right neighbour in the upper bits and i in the lower; a node holds the lesser
// of its two children.
type tournament []uint64

// leaves is the number of leaves of a tournament over n bytes, a power of two.
func leaves(n int) int { return 1 << bits.Len(uint(n-1)) }

// nothing is the leaf of a token that no right neighbour can be merged with.
const nothing = math.MaxUint64

func newTournament(space []uint64) tournament {
	for i := range space {
		space[i] = nothing
	}
	return space
}

func standing(at int32, rank uint32) uint64 {
	if rank == noRank {
		return nothing
	}
	return uint64(rank)<<32 | uint64(at)
}

// start sets a leaf before play fills the nodes.
func (t tournament) start(at int32, rank uint32) { t[len(t)/2+int(at)] = standing(at, rank) }

func (t tournament) play() {
	for i := len(t)/2 - 1; i > 0; i-- {
		t[i] = min(t[2*i], t[2*i+1])
	}
}

// set changes a leaf and the nodes above it, as far as they change.
func (t tournament) set(at int32, rank uint32) {
	i := len(t)/2 + int(at)
	e := standing(at, rank)
	for t[i] != e {
		t[i] = e
		if i /= 2; i == 0 {
			return
		}
		e = min(t[2*i], t[2*i+1])
	}
}

func (t tournament) least() (int32, bool) { return int32(uint32(t[1])), t[1] != nothing }
