package assess

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

var errSchema = errors.New("schema beyond what is decided")

// instrument puts the format that counts work into every subschema of a
// decoded schema, and gives the schema's width: the largest number of members
// of one of its lists and objects. The error is for what would escape the
// count, or is not JSON Schema.
func instrument(doc any) (width int64, err error) {
	in := &instrumenter{marked: map[string]bool{}, width: 1}
	in.schema(doc, "#")
	for _, ref := range in.refs {
		if !in.marked[ref] {
			return 0, errSchema
		}
	}
	if in.bad || in.nodes > maxSchemaNodes {
		return 0, errSchema
	}
	return in.width, nil
}

type instrumenter struct {
	marked map[string]bool // JSON pointers of subschemas that count
	refs   []string        // JSON pointers that are referred to
	nodes  int
	width  int64
	bad    bool
}

// values are keywords that hold values, not schemas.
var values = map[string]bool{"enum": true, "const": true, "default": true, "examples": true, "example": true, "required": true, "type": true, "dependentRequired": true}

// named are keywords that hold schemas by name.
var named = map[string]bool{"properties": true, "patternProperties": true, "$defs": true, "definitions": true, "dependentSchemas": true, "dependencies": true}

// schema marks a schema and all below it. Whatever stands under an unknown
// keyword is taken for a schema: a reference may make it one.
func (in *instrumenter) schema(v any, at string) {
	in.count(v)
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			in.schema(item, at+"/"+strconv.Itoa(i))
		}
	case map[string]any:
		in.special(v, at)
		for key, val := range v {
			below := at + "/" + escape(key)
			switch m, object := val.(map[string]any); {
			case values[key]:
				in.value(val)
			case named[key] && object:
				in.count(val)
				for name, sub := range m {
					in.schema(sub, below+"/"+escape(name))
				}
			default:
				in.schema(val, below)
			}
		}
		v["format"] = workFormat
		in.marked[at] = true
	}
}

// special looks at the keywords that could lead elsewhere: references other
// than to a place in this document, other base addresses, and OpenAPI's
// "nullable", which JSON Schema would leave out.
func (in *instrumenter) special(v map[string]any, at string) {
	if v["nullable"] == true || at != "#" && (isString(v["$id"]) || isString(v["id"])) {
		in.bad = true
	}
	for _, key := range []string{"$ref", "$dynamicRef", "$recursiveRef"} {
		ref, ok := v[key].(string)
		if !ok {
			continue
		}
		fragment, local := strings.CutPrefix(ref, "#")
		fragment, err := url.PathUnescape(fragment)
		if !local || err != nil {
			in.bad = true
		}
		if fragment == "" || fragment[0] == '/' { // else the name of an anchor, which is in a subschema
			in.refs = append(in.refs, "#"+fragment)
		}
	}
}

// value counts a value that is no schema.
func (in *instrumenter) value(v any) {
	in.count(v)
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			in.value(item)
		}
	case map[string]any:
		for _, val := range v {
			in.value(val)
		}
	}
}

func (in *instrumenter) count(v any) {
	in.nodes++
	switch v := v.(type) {
	case []any:
		in.width = max(in.width, int64(len(v)))
	case map[string]any:
		in.width = max(in.width, int64(len(v)))
	}
}

func isString(v any) bool { _, ok := v.(string); return ok }

// escape writes a key as part of a JSON pointer (RFC 6901).
func escape(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}
