package onnx

import (
	"errors"
	"math"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// fastStage is the bag of embeddings: microseconds a prompt. Safe for
// concurrent use.
type fastStage struct {
	session *ort.DynamicAdvancedSession
	fold    []int32 // token to the id of its form without case and digits
	folded  int     // how many such forms there are
	buckets int     // of hashed pairs
	edge    int     // pieces that count as beginning, and as end
	scratch sync.Pool
}

func newFastStage(graph []byte, tokens *tokenizer, info fastInfo) (*fastStage, error) {
	if info.Buckets <= 0 || info.Edge <= 0 {
		return nil, errors.New("model.json: fast.buckets and fast.edge must be positive")
	}
	f := &fastStage{buckets: info.Buckets, edge: info.Edge}
	f.fold, f.folded = foldTable(tokens.ids)
	f.scratch.New = func() any { return new(features) }
	var err error
	f.session, err = newSession(graph, []string{"ids", "weights"}, []string{"logits", "difficulty"})
	return f, err
}

// foldTable gives every token the id of its form without case and digits:
// without context they cannot be told apart usefully. Ids go by first occurrence.
func foldTable(ids map[string]int32) ([]int32, int) {
	tokens := make([]string, len(ids))
	for token, id := range ids {
		tokens[id] = token
	}
	table, seen := make([]int32, len(ids)), make(map[string]int32, len(ids))
	for i, token := range tokens {
		if i >= len(specials) {
			token = foldToken(token)
		}
		id, ok := seen[token]
		if !ok {
			id = int32(len(seen))
			seen[token] = id
		}
		table[i] = id
	}
	return table, len(seen)
}

func foldToken(token string) string {
	for i := range len(token) {
		if token[i] >= 0x80 {
			return token // only ASCII is folded
		}
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '1' && r <= '9':
			return '0'
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, token)
}

// run classifies the pieces of one text.
func (s *fastStage) run(pieces []int32) (out output, err error) {
	f := s.scratch.Get().(*features)
	defer s.scratch.Put(f)
	f.fill(pieces, s.fold, s.folded, s.buckets, s.edge)
	n := int64(len(f.ids))
	err = runSession(s.session, []tensor{wrap(f.ids, n), wrap(f.weights, 3, n)},
		[]tensor{wrap(out.logits[:], 1, 16), wrap(out.difficulty[:], 1, 2)})
	return out, err
}

// tryOut runs the largest ids, so that files which do not fit together are
// found at the start and not on a request.
func (s *fastStage) tryOut() error {
	f := features{ids: []int64{0, int64(s.folded + s.buckets - 1)}, weights: make([]float32, 6)}
	var out output
	return runSession(s.session, []tensor{wrap(f.ids, 2), wrap(f.weights, 3, 2)},
		[]tensor{wrap(out.logits[:], 1, 16), wrap(out.difficulty[:], 1, 2)})
}

// features are the inputs of the fast stage for one text.
type features struct {
	ids     []int64   // folded pieces, then hashed pairs of neighbours; n of them
	weights []float32 // 3 rows of n: whole text, beginning, end; row sums of squares are 1
}

// fill computes the features of pieces, reusing the slices of f. No pieces
// count as one padding piece.
func (f *features) fill(pieces, fold []int32, folded, buckets, edge int) {
	if len(pieces) == 0 {
		pieces = []int32{padToken}
	}
	k := len(pieces)
	n := 2*k - 1
	f.ids = f.ids[:0]
	for _, p := range pieces {
		f.ids = append(f.ids, int64(fold[p]))
	}
	for i := 1; i < k; i++ {
		h := pairHash(uint32(f.ids[i-1]), uint32(f.ids[i]))
		f.ids = append(f.ids, int64(folded)+int64(h%uint32(buckets)))
	}
	if cap(f.weights) < 3*n {
		f.weights = make([]float32, 3*n)
	}
	f.weights = f.weights[:3*n]
	clear(f.weights)
	// A pair belongs to an edge if both of its pieces do.
	in := min(k, edge)
	whole, part := invSqrt(n), invSqrt(2*in-1)
	for i := range n {
		f.weights[i] = whole
	}
	begin, end := f.weights[n:2*n], f.weights[2*n:]
	for i := range in {
		begin[i], end[k-1-i] = part, part
	}
	for i := range in - 1 {
		begin[k+i], end[n-1-i] = part, part
	}
}

func invSqrt(n int) float32 { return float32(1 / math.Sqrt(float64(n))) }

// pairHash mixes two pieces into 32 bits (multiply and xor-shift).
func pairHash(a, b uint32) uint32 {
	h := a*0x9E3779B1 ^ b*0x85EBCA6B
	h ^= h >> 15
	h *= 0x2C1B3C6D
	return h ^ h>>12
}
