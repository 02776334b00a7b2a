package policy

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Schema gives the JSON Schema (draft 2020-12) of a policy file, made from the
// structs that it is read into, with the words of the table of keys. A file
// that it accepts may still name models or presets that are not there: Parse
// decides.
func Schema() []byte {
	s := object(reflect.TypeFor[File](), "")
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Assay policy"
	s["required"] = []string{"version"}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil { // maps of strings always marshal
		panic(err)
	}
	return append(b, '\n')
}

// object describes a struct; path is where it stands.
func object(t reflect.Type, path string) map[string]any {
	props := map[string]any{}
	for name, f := range fields(t) {
		props[name] = describe(f, join(path, name))
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": props}
}

// fields gives the YAML fields of a struct, embedded ones included.
func fields(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case opts == "inline":
			for n, inner := range fields(f.Type) {
				out[n] = inner
			}
		case name != "":
			out[name] = f.Type
		}
	}
	return out
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// describe gives the schema of one field.
func describe(t reflect.Type, path string) map[string]any {
	s := shape(t, path)
	if k, ok := keyAt(path); ok && k.Doc != "" {
		s["description"] = k.Doc
		if k.Header != "" {
			s["description"] = fmt.Sprintf("%s (header %s)", k.Doc, k.Header)
		}
		if k.oneOf != nil {
			s["enum"] = k.oneOf
		}
	}
	return s
}

func shape(t reflect.Type, path string) map[string]any {
	switch {
	case t == reflect.TypeFor[USD]():
		return map[string]any{"type": []string{"number", "string"}, "minimum": 0, "pattern": `^[0-9]+(\.[0-9]+)?$`}
	case t == reflect.TypeFor[time.Duration]():
		return map[string]any{"type": "string", "pattern": `^([0-9.]+(ns|us|ms|s|m|h))+$`}
	case t.Kind() == reflect.Pointer:
		return shape(t.Elem(), path)
	}
	switch t.Kind() {
	case reflect.Struct:
		return object(t, path)
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": describe(t.Elem(), join(path, "[]"))}
	case reflect.Slice:
		return map[string]any{"type": "array", "minItems": 1, "items": map[string]any{"type": "string"}}
	case reflect.Int:
		return map[string]any{"type": "integer", "minimum": 0}
	case reflect.Float64:
		return map[string]any{"type": "number", "minimum": 0}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	}
	return map[string]any{"type": "string"}
}

// keyAt finds the line of the table for a path, in which [] stands for any
// name. Rules stand once in the table, wherever they may be written.
func keyAt(path string) (*Key, bool) {
	at := strings.Split(path, ".")
	for len(at) > 0 {
		for i := range keys {
			if matchesPath(keys[i].Name, at) {
				return &keys[i], true
			}
		}
		if len(at) < 3 || at[1] != "[]" { // drop "orgs.[]", "presets.[]", "workloads.[]"
			return nil, false
		}
		at = at[2:]
	}
	return nil, false
}

func matchesPath(name string, at []string) bool {
	want := strings.Split(name, ".")
	if len(want) != len(at) {
		return false
	}
	for i, w := range want {
		if w != at[i] && !(at[i] == "[]" && strings.HasPrefix(w, "[")) {
			return false
		}
	}
	return true
}

// Markdown gives the table of keys as documentation.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| key | where | header | values | |\n|---|---|---|---|---|\n")
	for _, k := range keys {
		name, header := "", ""
		if k.Name != "" {
			name = "`" + k.Name + "`"
		}
		if k.Header != "" {
			header = "`" + k.Header + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", name, k.In, header, k.Values, k.Doc)
	}
	return b.String()
}
