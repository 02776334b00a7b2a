package router

import (
	"hash/maphash"
	"sync/atomic"
)

// pieceMemo remembers how many tokens a piece of text has: a fixed 512 KiB,
// without locks. The lower bits of a piece's hash choose a slot, the slot holds
// the other bits and the count, and the newer piece takes it. No text is kept,
// so nothing of a prompt outlives its request here. Two pieces are taken for
// each other only if all 64 bits of a hash seeded at random agree.
type pieceMemo struct {
	seed  maphash.Seed
	slots [memoSlots]atomic.Uint64
}

const (
	memoSlots = 1 << 16
	memoMask  = memoSlots - 1
	// memoPiece is the longest piece kept, in bytes; longer ones hardly come
	// again. A piece has at most a token a byte, so the count fits beside the
	// hash.
	memoPiece = 1 << 10
)

func newPieceMemo() *pieceMemo { return &pieceMemo{seed: maphash.MakeSeed()} }

func (m *pieceMemo) hash(piece string) uint64 { return maphash.String(m.seed, piece) }

// get tells the count stored for a hash; no piece has 0 tokens, so an empty
// slot is no answer.
func (m *pieceMemo) get(hash uint64) (int64, bool) {
	slot := m.slots[hash&memoMask].Load()
	return int64(slot & memoMask), (slot^hash)&^memoMask == 0 && slot&memoMask != 0
}

func (m *pieceMemo) put(hash uint64, tokens int64) {
	m.slots[hash&memoMask].Store(hash&^memoMask | uint64(tokens))
}
