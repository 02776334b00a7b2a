package assess

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The library validates without a limit on time, and a schema of a page can
// ask for 2^100 steps (anyOf of two references to an anyOf of two references
// ...). So before it is compiled every subschema gets our own "format", which
// the library checks before it descends, and which counts. Formats of the
// client give way: they are not judged.

// workFormat is the name of the format that counts.
const workFormat = "assay-work"

// errWork ends a validation that would take too long.
var errWork = errors.New("too much work")

// work counts down the steps that a validation may still take.
type work struct {
	left  int64
	width int64 // of the schema, see instrument
}

// spend takes steps away, and ends the validation if none are left.
func (w *work) spend(n int64) {
	if w.left -= n; w.left < 0 {
		panic(errWork)
	}
}

// visit counts one value against one subschema: the library will look at each
// of its members, perhaps several times over, as the schema's width says.
func (w *work) visit(v any) error {
	n := int64(1)
	switch v := v.(type) {
	case map[string]any:
		n += int64(len(v))
	case []any:
		n += int64(len(v))
	}
	w.spend(n * w.width)
	return nil
}

// patterns compiles the regular expressions of one schema.
type patterns struct {
	work  *work
	bytes int
}

// pattern is a regular expression whose matching counts as work.
type pattern struct {
	*regexp.Regexp
	work *work
	size int64 // instructions, which matching passes through once a character at worst
}

// compile makes Go's regular expression, which matches in linear time, of a
// pattern. ECMA's look-around and back-references fail, and with them the schema.
func (p *patterns) compile(s string) (jsonschema.Regexp, error) {
	if p.bytes += len(s); len(s) > maxPattern || p.bytes > maxPatternTotal {
		return nil, errors.New("pattern too long")
	}
	tree, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	return &pattern{re, p.work, int64(len(prog.Inst))}, nil
}

// MatchString matches, if the work it takes is left.
func (p *pattern) MatchString(s string) bool {
	p.work.spend(1 + int64(len(s))*p.size/8)
	return p.Regexp.MatchString(s)
}

// plain says whether JSON text is free of what parsers take long over: deep
// nesting, and numbers of hundreds of digits or with large exponents.
func plain(text string) bool {
	depth, number, exponent := 0, 0, -1
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			number, exponent = 0, -1
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return false
			}
		case c == '}' || c == ']':
			depth--
		}
		if !strings.ContainsRune("0123456789+-.eE", rune(c)) {
			number, exponent = 0, -1
			continue
		}
		number++
		switch {
		case c == 'e' || c == 'E':
			exponent = 0
		case exponent >= 0 && c >= '0' && c <= '9':
			exponent++
		}
		if number > maxNumber || exponent > 3 {
			return false
		}
	}
	return true
}
