package router

import (
	"strings"
	"sync"
	"testing"
)

func TestOnlyTheSameHashIsRemembered(t *testing.T) {
	m := newPieceMemo()
	const hash = 0xfedcba9876543210
	if n, ok := m.get(hash); ok {
		t.Errorf("an empty memo says %d", n)
	}
	if n, ok := m.get(hash & memoMask); ok {
		t.Errorf("an empty memo says %d of a hash without upper bits", n)
	}
	m.put(hash, memoPiece)
	if n, ok := m.get(hash); !ok || n != memoPiece {
		t.Errorf("%d, %v, want %d", n, ok, memoPiece)
	}
	for bit := range 64 {
		if n, ok := m.get(hash ^ 1<<bit); ok {
			t.Errorf("a hash that differs in bit %d is taken for the same: %d", bit, n)
		}
	}
	other := uint64(hash ^ 1<<63) // the same slot
	m.put(other, 1)
	if _, ok := m.get(hash); ok {
		t.Error("the older of two hashes in a slot is still known")
	}
	if n, ok := m.get(other); !ok || n != 1 {
		t.Errorf("the newer of two hashes in a slot: %d, %v, want 1", n, ok)
	}
}

func TestCountsAreTheSameForManyAtOnce(t *testing.T) {
	tk := &Tokens{vocabulary: tokens().vocabulary, memo: newPieceMemo()}
	words := strings.Fields("anticonstitutionnellement 今天天气很好我们一起去公园散步吧 xqzzyv unfathomableness Ωμέγα")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				for _, w := range words {
					if got, want := tk.Count(w), tk.vocabulary.count(w); got != want {
						t.Errorf("%s: %d tokens, want %d", w, got, want)
					}
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkNewTokens(b *testing.B) {
	for b.Loop() {
		if _, err := NewTokens(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTabulateClasses(b *testing.B) {
	for b.Loop() {
		tabulateClasses()
	}
}
