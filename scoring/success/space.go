package success

import (
	"math"
	"slices"
)

// space turns prompts into vectors: a constant, the centred embedding of unit
// length, and words weighted by how rare they are, of unit length.
type space struct {
	embedding int       // its dimension, 0 without
	mean      []float64 // of embeddings of unit length
	spread    float64   // mean length of what is left after centring
	rarity    []float32 // per word ID; nil without words
	column    []uint32  // per word ID, of those with a rarity, behind the head
	columns   int
}

// vector is one prompt: a dense and a sparse part.
type vector struct {
	head  []float64 // constant and embedding
	words Words     // by column; weights final
}

// size is the number of weights that dot needs.
func (s *space) size() int { return 1 + s.embedding + s.columns }

// newSpace learns means and rarities from prompts.
func newSpace(prompts []Prompt) space {
	s := space{embedding: len(prompts[0].Embedding)}
	words := slices.ContainsFunc(prompts, func(p Prompt) bool { return len(p.Words) > 0 })
	if words {
		s.rarity = make([]float32, WordSpace)
		for _, p := range prompts {
			for _, w := range p.Words {
				s.rarity[w.ID]++
			}
		}
		s.column = make([]uint32, WordSpace)
		for i, df := range s.rarity { // smoothed inverse document frequency
			if s.rarity[i] = 0; df < 2 {
				continue // seen once: says nothing about another prompt
			}
			s.rarity[i] = float32(1 + math.Log(float64(1+len(prompts))/float64(1+df)))
			s.column[i] = uint32(1 + s.embedding + s.columns)
			s.columns++
		}
	}
	if s.embedding > 0 {
		s.mean = make([]float64, s.embedding)
		for _, p := range prompts {
			for i, x := range unit(p.Embedding) {
				s.mean[i] += x / float64(len(prompts))
			}
		}
		for _, p := range prompts {
			q := 0.0
			for i, x := range unit(p.Embedding) {
				q += (x - s.mean[i]) * (x - s.mean[i])
			}
			s.spread += math.Sqrt(q) / float64(len(prompts))
		}
		if s.spread < 1e-9 {
			s.spread = 1
		}
	}
	return s
}

func unit(e []float32) []float64 {
	out := make([]float64, len(e))
	q := 0.0
	for i, x := range e {
		out[i] = float64(x)
		q += out[i] * out[i]
	}
	if q > 0 {
		for i := range out {
			out[i] /= math.Sqrt(q)
		}
	}
	return out
}

// vector of a prompt. An embedding of another dimension counts as none.
func (s *space) vector(p Prompt) vector {
	v := vector{head: make([]float64, 1+s.embedding)}
	v.head[0] = 1
	if len(p.Embedding) == s.embedding {
		for i, x := range unit(p.Embedding) {
			v.head[1+i] = (x - s.mean[i]) / s.spread
		}
	}
	if s.rarity == nil {
		return v
	}
	v.words = make(Words, 0, len(p.Words))
	q := 0.0
	for _, w := range p.Words {
		if x := w.Weight * s.rarity[w.ID]; x != 0 {
			v.words = append(v.words, Word{s.column[w.ID], x})
			q += float64(x) * float64(x)
		}
	}
	for i := range v.words {
		v.words[i].Weight /= float32(math.Sqrt(q))
	}
	return v
}

func (v vector) dot(w []float64) float64 {
	sum := 0.0
	for i, x := range v.head {
		sum += x * w[i]
	}
	for _, x := range v.words {
		sum += float64(x.Weight) * w[x.ID]
	}
	return sum
}

// add adds scale times v to w.
func (v vector) add(w []float64, scale float64) {
	for i, x := range v.head {
		w[i] += scale * x
	}
	for _, x := range v.words {
		w[x.ID] += scale * float64(x.Weight)
	}
}

// dense gives the coordinates in which kinds are found: the embedding. Without
// one all prompts are of one kind: words alone cluster by topic and length.
func (s *space) dense(v vector) []float64 { return v.head[1 : 1+s.embedding] }
