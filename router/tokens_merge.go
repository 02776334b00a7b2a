package router

import (
	"math"
	"math/bits"
)

// count gives the number of tokens of one piece of valid UTF-8: one if the
// piece is a token, else what is left when, beginning with single bytes, the
// neighbours whose union has the lowest rank (the leftmost of equals) are merged
// until no union is a token. Its time grows with n log n for a piece of n bytes,
// since strangers choose the pieces and may send a megabyte without a space.
func (v *vocabulary) count(piece string) int64 {
	if len(piece) == 1 || v.rank(piece) != noRank {
		return 1
	}
	if len(piece) <= shortPiece {
		var parts [shortPiece + 1]part
		var best [2 * shortPiece]uint64
		return v.merge(piece, parts[:], best[:])
	}
	return v.merge(piece, make([]part, len(piece)+1), make([]uint64, 2*leaves(len(piece))))
}

// shortPiece is the longest piece that is merged without allocating, in bytes.
const shortPiece = 128

// part is a token on the way: the byte at which it begins and the numbers of
// its neighbours. A part keeps its number; of two merged the left one stays.
type part struct{ at, left, right int32 }

// merge does the merging for count. The slices are its working space: a part
// for each byte and one more, and twice leaves(len(piece)) numbers.
func (v *vocabulary) merge(piece string, parts []part, best []uint64) int64 {
	n := v.begin(piece, parts)
	unions := newTournament(best[:2*leaves(int(n))])
	for i := range n - 1 {
		unions.start(i, v.rank(piece[parts[i].at:parts[i+2].at]))
	}
	unions.play()
	for tokens := int64(n); ; tokens-- {
		i, ok := unions.least()
		if !ok {
			return tokens
		}
		gone := parts[i].right
		right := parts[gone].right
		parts[i].right, parts[right].left = right, i
		unions.set(gone, noRank)
		if right < n {
			unions.set(i, v.rank(piece[parts[i].at:parts[parts[right].right].at]))
		} else {
			unions.set(i, noRank)
		}
		if left := parts[i].left; left >= 0 {
			unions.set(left, v.rank(piece[parts[left].at:parts[right].at]))
		}
	}
}

// begin lists the parts that merging begins with, and the end after the last,
// and gives their number: bytes, and the characters that are merged anyhow.
func (v *vocabulary) begin(piece string, parts []part) int32 {
	var n, at int32
	for int(at) < len(piece) {
		parts[n] = part{at, n - 1, n + 1}
		at += v.wholes.width(piece, int(at))
		n++
	}
	parts[n] = part{at, n - 1, n + 1}
	return n
}

// tournament finds the union of two neighbouring tokens with the lowest rank,
// the leftmost of equals. Leaf i, in the upper half, holds the rank of the union
// of part i with its right neighbour in the upper bits and i in the lower; a
// node holds the lesser of its two children.
type tournament []uint64

// leaves is the number of leaves of a tournament over n parts, a power of two.
func leaves(n int) int { return 1 << bits.Len(uint(n-1)) }

// nothing is the leaf of a part that no right neighbour can be merged with.
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
