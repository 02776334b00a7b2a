package datasets

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// EachLine hands every line that is not blank to a function, trimmed, without a
// byte order mark at the beginning. A line may have most bytes. Errors, the
// function's too, begin with file:line.
func EachLine(r io.Reader, file string, most int, each func(line int, text []byte) error) error {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, min(64<<10, most)), most)
	line := 0
	for scanner.Scan() {
		line++
		text := bytes.TrimSpace(scanner.Bytes())
		if line == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff"))
		}
		if len(text) == 0 {
			continue
		}
		if err := each(line, text); err != nil {
			return fmt.Errorf("%s:%d: %w", file, line, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("%s:%d: %w", file, line+1, err)
	}
	return nil
}
