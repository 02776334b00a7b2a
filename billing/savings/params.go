package savings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/models"
)

// Text is a parameter as it was written: JSON may give a string, a number or a
// boolean, and no digit is lost on the way.
type Text string

// UnmarshalJSON takes strings, numbers, booleans and null.
func (t *Text) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case '"':
		var s string
		err := json.Unmarshal(b, &s)
		*t = Text(s)
		return err
	case '{', '[':
		return fmt.Errorf("%s is no plain value", b)
	case 'n':
		return nil
	}
	*t = Text(b)
	return nil
}

// Params are the parameters of a calculation; the empty ones have defaults.
// The command line, a query string and a JSON body all fill this one struct.
type Params struct {
	Requests      Text `json:"requests"`
	HardShare     Text `json:"hard_share"`
	InputTokens   Text `json:"input_tokens"`
	CachedTokens  Text `json:"cached_tokens"`
	OutputTokens  Text `json:"output_tokens"`
	EverydayPrice Text `json:"everyday_price"`
	HardPrice     Text `json:"hard_price"`

	FlatPrice         Text `json:"flat_price"`
	FlatBillsThinking Text `json:"flat_bills_thinking"`
	Fee               Text `json:"fee"`
	Flagship          Text `json:"flagship"`
	Alias             Text `json:"alias"`
	Thinking          Text `json:"thinking_tokens"`
	HardAbove         Text `json:"hard_above"`
	At                Text `json:"at"`

	Routes []string `json:"route"`
	Prices []string `json:"price"`

	Format Text              `json:"format"`
	Import *string           `json:"import"` // the text of a usage export; nil: none
	Usage  []json.RawMessage `json:"usage"`  // or its lines as JSON objects
}

// Field is one parameter that has a single value or a list of them.
type Field struct {
	Name  string
	Value *Text     // nil for lists
	List  *[]string // nil for single values
	Help  string
}

// mixFields is how many of the first Fields describe the assumed mix.
const mixFields = 7

// Fields lists the parameters that fit a command line and a query string.
func (p *Params) Fields() []Field {
	return []Field{
		{"requests", &p.Requests, nil, "requests of the assumed mix (default 1000000)"},
		{"hard_share", &p.HardShare, nil, "share of hard requests, 0 to 1 (default 0.2)"},
		{"input_tokens", &p.InputTokens, nil, "input tokens per request, or EVERYDAY/HARD (default 1000)"},
		{"cached_tokens", &p.CachedTokens, nil, "cached ones among them, or EVERYDAY/HARD (default 0)"},
		{"output_tokens", &p.OutputTokens, nil, "output tokens per request, or EVERYDAY/HARD (default 250)"},
		{"everyday_price", &p.EverydayPrice, nil, "former price of everyday requests, dollars per million tokens IN/OUT[/CACHED] (default 0.40/1.60)"},
		{"hard_price", &p.HardPrice, nil, "former price of hard requests, IN/OUT[/CACHED] (default 8/32)"},
		{"flat_price", &p.FlatPrice, nil, "the flat plan's price, IN/OUT[/CACHED] (default 3/12)"},
		{"flat_bills_thinking", &p.FlatBillsThinking, nil, "the flat plan bills the thinking of the models that Assay chose as output (default false)"},
		{"fee", &p.Fee, nil, "pass-through's fee on deposits, 0 to 1 (default 0.04)"},
		{"flagship", &p.Flagship, nil, "catalogue model that \"always flagship\" means (default " + DefaultFlagship + ")"},
		{"alias", &p.Alias, nil, "alias or tier selector whose choices answer (default assay/balanced)"},
		{"thinking_tokens", &p.Thinking, nil, "thinking tokens per request of the models that answer, EVERYDAY/HARD (default: what the router expects of reasoning models)"},
		{"hard_above", &p.HardAbove, nil, "imported lines without a class are hard above this input price per million (default 1)"},
		{"at", &p.At, nil, "date whose prices hold, YYYY-MM-DD (default today)"},
		{"format", &p.Format, nil, "csv or jsonl (default: by the first character)"},
		{"route", nil, &p.Routes, "who answers instead of the current choices: CLASS=MODEL[@SHARE], CLASS everyday or hard; may be repeated"},
		{"price", nil, &p.Prices, "price of a model: MODEL=IN/OUT[/CACHED]; may be repeated"},
	}
}

// DecodeParams reads a JSON object of parameters.
func DecodeParams(data []byte) (Params, error) {
	var p Params
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			return p, Errorf(wrong.Field, "got a JSON %s", wrong.Value)
		}
		return p, Errorf("", "no JSON object of parameters: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return p, Errorf("", "something follows the JSON object of parameters")
	}
	return p, nil
}

// QueryParams reads the values of a query string.
func QueryParams(query map[string][]string) (Params, error) {
	var p Params
	fields := p.Fields()
	for name, values := range query {
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
		switch {
		case i < 0:
			return p, Errorf(name, "no such parameter")
		case fields[i].List != nil:
			*fields[i].List = values
		case len(values) > 1:
			return p, Errorf(name, "given %d times", len(values))
		default:
			*fields[i].Value = Text(values[0])
		}
	}
	return p, nil
}

func (t Text) or(def string) string {
	if s := strings.TrimSpace(string(t)); s != "" {
		return s
	}
	return def
}

// count reads an integer from 0.
func count(field, s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, Errorf(field, "%s is too large", s)
	case err != nil || s[0] == '+':
		return 0, Errorf(field, "%q is no whole number", s)
	case n < 0:
		return 0, Errorf(field, "%d is negative", n)
	}
	return n, nil
}

// pair reads "N", meant for both classes, or "EVERYDAY/HARD".
func pair(field, s string) (v [2]int64, err error) {
	a, b, two := strings.Cut(s, "/")
	if v[Everyday], err = count(field, strings.TrimSpace(a)); err != nil {
		return v, err
	}
	v[Hard] = v[Everyday]
	if two {
		v[Hard], err = count(field, strings.TrimSpace(b))
	}
	return v, err
}

var plainDecimal = regexp.MustCompile(`^[0-9]{1,40}(\.[0-9]{1,60})?$`)

// fraction reads a decimal from 0 to 1 with up to nine decimals.
func fraction(field, s string) (share, error) {
	n, err := models.ParseUSD(s) // also nine decimals
	if err != nil || n > int64(whole) {
		return 0, Errorf(field, "%q is no share: a decimal from 0 to 1 with at most nine decimals, such as 0.2", s)
	}
	return share(n), nil
}

func boolean(field, s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true", "1", "yes":
		return true, nil
	case "false", "0", "no", "":
		return false, nil
	}
	return false, Errorf(field, "%q is neither true nor false", s)
}

// date reads the day whose prices hold, as its last moment in UTC.
func (p *Params) date(now time.Time) (time.Time, error) {
	s := p.At.or("")
	if s == "" {
		return now.UTC(), nil
	}
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return d, Errorf("at", "%q is no date YYYY-MM-DD", s)
	}
	return d.Add(24*time.Hour - time.Nanosecond), nil
}

// givenPrices reads the price parameters.
func (p *Params) givenPrices() (map[string]rates, error) {
	given := map[string]rates{}
	for _, s := range p.Prices {
		i := strings.LastIndexByte(s, '=')
		if i < 1 {
			return nil, Errorf("price", "%q: write MODEL=IN/OUT, such as my-model=0.50/1.50", s)
		}
		name := strings.TrimSpace(s[:i])
		r, err := parseRates("price", s[i+1:])
		if err != nil {
			return nil, err
		}
		if _, twice := given[name]; twice {
			return nil, Errorf("price", "two prices of %q", name)
		}
		given[name] = r
	}
	return given, nil
}
