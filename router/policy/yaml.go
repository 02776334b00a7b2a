package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/goccy/go-yaml"
)

// DecodeYAML reads one YAML document into v; a key that v does not have is an
// error. The library panics on some malformed documents (a tag without a value,
// for one): that is an error here too, because a policy file that is broken
// while the gateway serves must leave the old policy in force.
func DecodeYAML(data []byte, v any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("not valid YAML (the parser failed: %v)", p)
		}
	}()
	err = yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(v)
	if errors.Is(err, io.EOF) {
		return nil // an empty document leaves v as it is
	}
	return err
}
