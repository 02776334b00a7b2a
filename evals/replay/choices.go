package replay

// choices are the models that a policy picks: [margin][item], -1 for none.
type choices struct{ picked [][]int16 }

func newChoices(margins, items int) *choices {
	c := &choices{make([][]int16, margins)}
	for m := range c.picked {
		c.picked[m] = make([]int16, items)
		for i := range c.picked[m] {
			c.picked[m][i] = -1
		}
	}
	return c
}

// choose applies the rule to the tested items of an arena.
func (e *expectations) choose(a *arena, margins []float64) *choices {
	c := newChoices(len(margins), len(a.items))
	each(len(a.items), func(i int) {
		it := a.items[i]
		if !it.test {
			return
		}
		if p, cost := e.of(it.group, i); p != nil {
			for k, margin := range margins {
				c.picked[k][i] = int16(choose(p, cost, margin))
			}
		}
	})
	return c
}
