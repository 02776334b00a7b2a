package replay

import (
	"math"

	"assay/scoring/success"
)

// neighbours is k of the nearest neighbours router, as RouterBench has it.
const neighbours = 40

// near is one neighbour: its place in the arena and its likeness.
type near struct {
	at   int
	like float32
}

// byNeighbours expects of a prompt the mean outcome of its nearest training
// prompts, by the mean of the cosines of what the features hold: embeddings
// and words weighted by rarity.
func (a *arena) byNeighbours(pl *plan) *expectations {
	e := newExpectations(pl.groups, len(a.items))
	nearest := a.nearest(pl)
	for _, p := range pl.pairs() {
		all := a.standing(p)
		sights := a.sights(pl, p)
		each(len(sights), func(k int) {
			s := sights[k]
			var known []near
			for g, of := range nearest[s.i] {
				if g != p.a && g != p.b {
					known = merge(known, of)
				}
			}
			e.set(s.g, s.i, a.meanOf(known, all, s.i), a.meanCost(known, all))
		})
	}
	return e
}

// nearest gives for every item the nearest training items in each other group.
func (a *arena) nearest(pl *plan) [][][]near {
	index := newWordIndex(a.items)
	out := make([][][]near, len(a.items))
	each(len(a.items), func(i int) {
		likes := index.likes(i)
		groups := make([][]near, pl.groups)
		for j, it := range a.items {
			if it.train && j != i {
				like := likes[j] + dot(a.items[i].prompt.Embedding, it.prompt.Embedding)
				groups[it.group] = insert(groups[it.group], near{j, like})
			}
		}
		out[i] = groups
	})
	return out
}

// insert keeps the nearest so far, nearest first; of equals the earlier.
func insert(list []near, n near) []near {
	if len(list) == neighbours && n.like <= list[neighbours-1].like {
		return list
	}
	if len(list) < neighbours {
		list = append(list, n)
	}
	k := len(list) - 1
	for ; k > 0 && list[k-1].like < n.like; k-- {
		list[k] = list[k-1]
	}
	list[k] = n
	return list
}

func merge(list, more []near) []near {
	for _, n := range more {
		list = insert(list, n)
	}
	return list
}

func (a *arena) meanOf(known []near, all standing, i int) []float32 {
	p := make([]float32, len(a.models))
	for m := range p {
		sum, n := 0.0, 0.0
		for _, k := range known {
			if y := a.score[k.at][m]; !math.IsNaN(y) {
				sum, n = sum+y, n+1
			}
		}
		if p[m] = float32(sum / n); n == 0 {
			p[m] = float32(all.score[m])
		}
		if math.IsNaN(a.score[i][m]) {
			p[m] = float32(nan)
		}
	}
	return p
}

func (a *arena) meanCost(known []near, all standing) []float32 {
	if notional := a.notional(all); notional != nil {
		return notional
	}
	c := make([]float32, len(a.models))
	for m := range c {
		sum, n := 0.0, 0.0
		for _, k := range known {
			if y := a.cost[k.at][m]; !math.IsNaN(y) {
				sum, n = sum+y, n+1
			}
		}
		if c[m] = float32(sum / n); n == 0 {
			c[m] = float32(all.cost[m])
		}
		if c[m] != c[m] {
			c[m] = math.MaxFloat32
		}
	}
	return c
}

func dot(x, y []float32) float32 {
	var sum float32
	if len(x) != len(y) {
		return 0
	}
	for i, v := range x {
		sum += v * y[i]
	}
	return sum
}

// posting is one prompt that has a word, with the word's weight in it.
type posting struct {
	at     int32
	weight float32
}

// wordIndex finds the prompts that share words. Rarities are of the training
// prompts of all groups: counts of words hold no outcome.
type wordIndex struct {
	weights []success.Words // of unit length
	lists   map[uint32][]posting
}

// tooCommon is the share of prompts from which a word tells nothing.
const tooCommon = 0.3

func newWordIndex(items []*item) *wordIndex {
	x := &wordIndex{lists: map[uint32][]posting{}, weights: make([]success.Words, len(items))}
	count, n := map[uint32]float64{}, 0.0
	for _, it := range items {
		if it.train {
			n++
			for _, w := range it.prompt.Words {
				count[w.ID]++
			}
		}
	}
	for i, it := range items {
		var words success.Words
		length := 0.0
		for _, w := range it.prompt.Words {
			if c := count[w.ID]; c > 0 && (c <= tooCommon*n || n < 2*neighbours) {
				w.Weight *= float32(math.Log((1 + n) / c))
				length += float64(w.Weight) * float64(w.Weight)
				words = append(words, w)
			}
		}
		for k := range words {
			words[k].Weight /= float32(math.Sqrt(length))
			if it.train {
				x.lists[words[k].ID] = append(x.lists[words[k].ID], posting{int32(i), words[k].Weight})
			}
		}
		x.weights[i] = words
	}
	return x
}

// likes gives the cosine of item i with every training item.
func (x *wordIndex) likes(i int) []float32 {
	out := make([]float32, len(x.weights))
	for _, w := range x.weights[i] {
		for _, p := range x.lists[w.ID] {
			out[p.at] += w.Weight * p.weight
		}
	}
	return out
}
