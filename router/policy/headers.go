package policy

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/models"
)

// Request is what a request says about its own treatment, in headers. It may
// only narrow.
type Request struct {
	Rules
	Explicit bool
	Strict   bool
	Preset   string
	Workload Workload
	Swaps    string // "on", "off" or "" for the org's setting
	Table    string
	Hold     bool
	Timeout  time.Duration
}

// BadHeader is a header that can't be acted on.
type BadHeader struct{ Header, Problem string }

// Error names the header and its problem.
func (b *BadHeader) Error() string { return "header " + b.Header + " " + b.Problem }

// prefix of all headers that steer. One that is not in the table of keys is
// refused: a misspelt restriction must not pass for none.
const prefix = "X-Gateway-"

// FromHeaders reads the headers that steer a request. The error is a
// *BadHeader.
func FromHeaders(h http.Header) (Request, error) {
	var r Request
	for name, values := range h {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		k, ok := byHeader[name]
		if !ok {
			return r, &BadHeader{name, fmt.Sprintf("is not known; known: %s", strings.Join(slices.Sorted(maps.Keys(byHeader)), ", "))}
		}
		if len(values) > 1 && k.Type != "list" {
			return r, &BadHeader{name, "stands more than once"}
		}
		value := strings.TrimSpace(strings.Join(values, ","))
		if value == "" {
			return r, &BadHeader{name, "is empty; leave it out or say " + k.Values}
		}
		if err := k.read(&r, value); err != nil {
			return r, &BadHeader{name, fmt.Sprintf("is %q: %v", clip(value), err)}
		}
	}
	return r, nil
}

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "..."
	}
	return s
}

// Vocabulary is what rules may name.
type Vocabulary struct {
	Regions, Providers map[string]bool
	Models             map[string]bool // by ID, name and family, lower case
	IDs                map[string]bool // by ID alone
	Tiers              map[string]bool
}

// Check reports a name in the request's rules that the catalogue lacks. The
// error is a *BadHeader.
func (r *Request) Check(v *Vocabulary) error {
	for _, c := range []struct {
		header string
		names  []string
		known  map[string]bool
	}{
		{"X-Gateway-Regions", r.Regions, v.Regions},
		{"X-Gateway-Providers", r.Providers.Allow, v.Providers},
		{"X-Gateway-Deny-Providers", r.Providers.Deny, v.Providers},
		{"X-Gateway-Models", r.Models.Allow, v.IDs},
		{"X-Gateway-Deny-Models", r.Models.Deny, v.IDs},
	} {
		for _, name := range c.names {
			if !c.known[name] && name != "*" {
				return &BadHeader{c.header, fmt.Sprintf("names %q, which is unknown%s", clip(name), hint(c.known))}
			}
		}
	}
	return nil
}

// hint lists a vocabulary that is short enough to be read.
func hint(known map[string]bool) string {
	if len(known) > 30 {
		return "; see GET /v1/models"
	}
	return "; known: " + strings.Join(slices.Sorted(maps.Keys(known)), ", ")
}

// The readers of header values.

func readList(s string) ([]string, error) {
	var out []string
	for _, part := range strings.Split(s, ",") {
		if part = strings.TrimSpace(part); part == "" {
			return nil, fmt.Errorf("a name between commas is missing")
		}
		out = append(out, part)
	}
	return out, nil
}

func readOneOf(s string, values ...string) (string, error) {
	if s = strings.ToLower(s); !slices.Contains(values, s) {
		return "", fmt.Errorf("want %s", strings.Join(values, " or "))
	}
	return s, nil
}

func readUSD(s string) (USD, error) {
	nano, err := models.ParseUSD(s)
	return USD{nano, true}, err
}

func readNumber(s string, most float64) (float64, error) {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || !(x >= 0 && x <= most) {
		return 0, fmt.Errorf("want a number from 0 to %g", most)
	}
	return x, nil
}

func readDays(s string) (*int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("want a whole number of days")
	}
	return &n, nil
}

func readDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("want a duration such as 30s")
	}
	return d, nil
}
