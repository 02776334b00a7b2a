package savings

import (
	"fmt"
	"strings"
)

// InputError is something that the caller can mend: a parameter or a line of
// an import that cannot be used as it is.
type InputError struct {
	Line   int    // of the import, counted from 1; 0: not a line's fault
	Field  string // parameter or column; "" if none is to blame alone
	Reason string
}

func (e *InputError) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&b, "import: line %d: ", e.Line)
	}
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(e.Reason)
	return b.String()
}

// Errorf makes an InputError about a parameter.
func Errorf(field, format string, args ...any) error {
	return &InputError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// lineErrorf makes one about a line of an import.
func lineErrorf(line int, field, format string, args ...any) error {
	return &InputError{Line: line, Field: field, Reason: fmt.Sprintf(format, args...)}
}
