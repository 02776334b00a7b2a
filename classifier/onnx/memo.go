package onnx

import (
	"hash/maphash"
	"sync"

	"assay/classifier"
)

// memo remembers the answers to recent tasks by a 128-bit seeded hash; the
// prompts themselves are not kept. It holds two generations: when the young one
// is full it becomes the old one, and what is asked for again moves back. So
// it is bounded, and frequent tasks stay, at the price of two map look-ups.
type memo struct {
	seeds [2]maphash.Seed
	size  int // of one generation; 0: nothing is remembered

	mu         sync.Mutex
	young, old map[memoKey]classifier.Classification
}

type memoKey struct {
	hash          [2]uint64
	tools, images bool
}

func newMemo(size int) *memo {
	if size == 0 {
		size = 4096
	}
	return &memo{
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, size: max(size, 0) / 2,
		young: make(map[memoKey]classifier.Classification),
	}
}

func (m *memo) key(task string, tools, images bool) memoKey {
	if m.size == 0 {
		return memoKey{}
	}
	k := memoKey{hash: [2]uint64{maphash.String(m.seeds[0], task), maphash.String(m.seeds[1], task)}}
	k.tools, k.images = tools, images
	return k
}

func (m *memo) get(k memoKey) (classifier.Classification, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, ok := m.young[k]; ok {
		return c, true
	}
	c, ok := m.old[k]
	if ok {
		m.add(k, c)
	}
	return c, ok
}

func (m *memo) put(k memoKey, c classifier.Classification) {
	if m.size == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(k, c)
}

func (m *memo) add(k memoKey, c classifier.Classification) {
	if len(m.young) >= m.size {
		m.young, m.old = make(map[memoKey]classifier.Classification, m.size), m.young
	}
	m.young[k] = c
}
