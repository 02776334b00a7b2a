package scoring

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Schema is the version of tiers.json that this package reads and writes.
const Schema = 1

// round6 rounds to six decimals, so that a number survives a write and a read
// unchanged.
func round6(x float64) float64 {
	r := math.Round(x*1e6) / 1e6
	if r == 0 {
		return 0 // never -0
	}
	return r
}

// canonical writes a JSON value as compact JSON with sorted keys: byte for
// byte what Python's json.dumps(v, sort_keys=True, separators=(',', ':'),
// ensure_ascii=False) writes for the value it parsed from the same text, so
// that anybody can check a file's digest in one line.
func canonical(b *strings.Builder, v any) error {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case string:
		canonicalString(b, v)
	case json.Number:
		s, err := canonicalNumber(string(v))
		if err != nil {
			return err
		}
		b.WriteString(s)
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := canonical(b, e); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case map[string]any:
		b.WriteByte('{')
		for i, k := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b.WriteByte(',')
			}
			canonicalString(b, k)
			b.WriteByte(':')
			if err := canonical(b, v[k]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	default:
		return fmt.Errorf("cannot write %T as JSON", v)
	}
	return nil
}

func canonicalString(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20:
			if i := strings.IndexRune("\b\f\n\r\t", r); i >= 0 {
				b.WriteByte('\\')
				b.WriteByte("bfnrt"[i])
			} else {
				fmt.Fprintf(b, `\u%04x`, r)
			}
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

// canonicalNumber keeps integers as they are and writes everything else as
// Python's repr of the double: the shortest digits that read back the same,
// with an exponent below 1e-4 and from 1e16.
func canonicalNumber(s string) (string, error) {
	if !strings.ContainsAny(s, ".eE") {
		if s == "-0" {
			return "0", nil
		}
		return s, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return "", fmt.Errorf("number %s: %w", s, err)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64), nil
	}
	out := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(out, ".") {
		out += ".0"
	}
	return out, nil
}

// digest is the hex SHA-256 of a value's canonical form.
func digest(v map[string]any) (string, error) {
	var b strings.Builder
	if err := canonical(&b, v); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:]), nil
}

// contentID names a table by what it says: everything but the fields that
// differ each time it is written. Equal tables have equal IDs.
func contentID(t Tiers) string {
	t.ID, t.Parent, t.SHA256, t.CreatedAt = "", "", "", time.Time{}
	tree, err := toTree(t)
	if err == nil {
		delete(tree, "created_at")
		var sum string
		if sum, err = digest(tree); err == nil {
			return "tiers-" + sum[:16]
		}
	}
	panic("scoring: tier table with a number that JSON cannot hold: " + err.Error())
}

// sqrtOrZero is the square root, or zero of what rounding made negative.
func sqrtOrZero(x float64) float64 { return math.Sqrt(math.Max(x, 0)) }
