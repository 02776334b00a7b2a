package assess

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/maypok86/otter/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// Schemas come from strangers, and the answers they are held against partly
// do: these bound what either may cost. Beyond a bound nothing is decided.
const (
	maxSchemaBytes  = 64 << 10
	maxSchemaNodes  = 5000 // JSON values in a schema
	maxDepth        = 100  // of nesting, in schemas and answers
	maxAnswerBytes  = 1 << 20
	maxNumber       = 300     // characters of a number; exponents have three digits at most
	workLimit       = 4 << 20 // steps of one validation, see type work: some tenths of a second at worst
	schemasKept     = 128
	maxPattern      = 300 // bytes of a regular expression
	maxPatternTotal = 4 << 10
)

// schemas compiles JSON schemas and keeps the last of them, by hash.
type schemas struct {
	cache *otter.Cache[[sha256.Size]byte, *schema]
}

func newSchemas() *schemas {
	return &schemas{otter.Must(&otter.Options[[sha256.Size]byte, *schema]{MaximumSize: schemasKept})}
}

// schema is a compiled schema; compiled is nil if it could not be, which is
// the client's fault and never the answer's.
type schema struct {
	mu       sync.Mutex // work belongs to one validation at a time
	work     work
	compiled *jsonschema.Schema
}

// violation names the keyword of a schema that a JSON text is against; "" if
// the text conforms, or if that cannot be decided: the schema is invalid, too
// large, refers to other documents, or the check would take too long.
func (s *schemas) violation(raw json.RawMessage, text string) string {
	if len(raw) > maxSchemaBytes || len(text) > maxAnswerBytes || !plain(text) {
		return ""
	}
	key := sha256.Sum256(raw)
	sch, ok := s.cache.GetIfPresent(key)
	if !ok {
		sch = compile(raw)
		s.cache.Set(key, sch)
	}
	if sch.compiled == nil {
		return ""
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return ""
	}
	return sch.check(value)
}

// check validates a value within the limit on work.
func (s *schema) check(value any) (why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if r := recover(); r != nil && !errors.Is(asError(r), errWork) {
			panic(r)
		} else if r != nil {
			why = ""
		}
	}()
	s.work.left = workLimit
	var invalid *jsonschema.ValidationError
	if err := s.compiled.Validate(value); errors.As(err, &invalid) {
		return keyword(invalid)
	}
	return ""
}

func asError(r any) error {
	err, _ := r.(error)
	return err
}

// keyword names the schema's keyword at the root of a violation, "" for what is
// none. Nothing else
// of the error is told: it holds text of the answer.
func keyword(e *jsonschema.ValidationError) string {
	for len(e.Causes) > 0 {
		e = e.Causes[0]
	}
	switch k := e.ErrorKind.(type) {
	case *kind.FalseSchema:
		return "false"
	case *kind.RefCycle, *kind.InvalidJsonValue: // the schema's fault, or ours
		return ""
	default:
		if path := k.KeywordPath(); len(path) > 0 {
			return path[0]
		}
	}
	return ""
}

// noLoader refuses every document but the schema itself.
type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("schemas may not refer to other documents")
}

// compile makes a schema ready. Any trouble leaves it undecidable.
func compile(raw json.RawMessage) *schema {
	s := &schema{}
	if !plain(string(raw)) {
		return s
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		return s
	}
	if s.work.width, err = instrument(doc); err != nil {
		return s
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	c.UseRegexpEngine((&patterns{work: &s.work}).compile)
	c.RegisterFormat(&jsonschema.Format{Name: workFormat, Validate: s.work.visit})
	c.AssertFormat() // every other format was taken out
	if err := c.AddResource("schema:", doc); err != nil {
		return s
	}
	if s.compiled, err = c.Compile("schema:"); err != nil {
		s.compiled = nil
	}
	return s
}
