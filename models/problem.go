package models

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong in a catalogue file: where it is, what
// is there and what is allowed.
type Problem struct {
	File   string
	Row    int    // line in the file, the header being 1; 0: the file as a whole
	Column string // "" where the whole row is meant
	Text   string
}

func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Row > 0 {
		fmt.Fprintf(&b, ":%d", p.Row)
	}
	if p.Column != "" {
		fmt.Fprintf(&b, " column %s", p.Column)
	}
	return b.String() + ": " + p.Text
}

// Problems is everything that is wrong with a catalogue. A catalogue is
// accepted or refused as a whole, so all of it is reported at once.
type Problems []Problem

// Error lists every problem on a line of its own.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	head := fmt.Sprintf("catalogue has %d problems", len(ps))
	if len(ps) == 1 {
		head = "catalogue has 1 problem"
	}
	return head + ":\n  " + strings.Join(lines, "\n  ")
}

// origin is the place a value was read from.
type origin struct {
	file string
	line int
}

// at notes a problem in a column of the row the origin names.
func (ps *Problems) at(o origin, column, format string, args ...any) {
	*ps = append(*ps, Problem{o.file, o.line, column, fmt.Sprintf(format, args...)})
}
