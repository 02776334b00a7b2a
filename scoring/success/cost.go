package success

import "math"

// line is the expected cost of a call: base + perToken·tokens, nano-dollars.
type line struct {
	base, perToken float64
	n              int
}

func (l line) at(tokens float64) float64 { return l.base + l.perToken*tokens }

// minForLine is the number of calls from which a kind has a line of its own.
const minForLine = 15

// fitLine minimises squared relative errors, since costs of one model range
// over powers of ten; neither part may be negative.
func fitLine(tokens, cost []float64) line {
	var s, st, stt, sc, sct float64
	n := 0
	for i, c := range cost {
		if c <= 0 || math.IsNaN(c) {
			continue
		}
		w, t := 1/(c*c), tokens[i]
		s, st, stt, sc, sct = s+w, st+w*t, stt+w*t*t, sc+w*c, sct+w*c*t
		n++
	}
	if n == 0 {
		return line{}
	}
	l := line{n: n}
	if det := s*stt - st*st; n > 2 && det > 1e-9*s*stt {
		l.base, l.perToken = (sc*stt-sct*st)/det, (s*sct-st*sc)/det
	}
	switch {
	case l.perToken <= 0:
		l.base, l.perToken = sc/s, 0
	case l.base < 0:
		l.base, l.perToken = 0, sct/stt
	}
	return l
}

// fitCosts fits a line for every model and kind, and one for each model alone.
func fitCosts(d Data, kind []int, kinds int) (byKind [][]line, alone []line) {
	for m := range d.Models {
		tokens, cost := make([][]float64, kinds+1), make([][]float64, kinds+1)
		for i, row := range d.Costs {
			if math.IsNaN(row[m]) {
				continue
			}
			for _, k := range []int{kind[i], kinds} {
				tokens[k], cost[k] = append(tokens[k], d.Tokens[i]), append(cost[k], row[m])
			}
		}
		lines := make([]line, kinds)
		for k := range kinds {
			if len(cost[k]) >= minForLine {
				lines[k] = fitLine(tokens[k], cost[k])
			}
		}
		byKind, alone = append(byKind, lines), append(alone, fitLine(tokens[kinds], cost[kinds]))
	}
	return byKind, alone
}
