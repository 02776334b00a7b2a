package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"math/big"
	"strings"
	"time"

	duckdb "github.com/marcboeker/go-duckdb/v2"
)

// Query runs SQL of the user's and gives the column names and the rows as they
// come. Values are plain: nil, bool, int64, float64, string, or lists and maps
// of them; decimals and wide integers are strings with every digit, times are
// RFC 3339 in UTC, dates are dates. The rows must be read to the end or
// the loop left; then the query is over.
func (s *Store) Query(ctx context.Context, q string) ([]string, iter.Seq2[[]any, error], error) {
	rows, err := s.db.QueryContext(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		rows.Close()
		return nil, nil, err
	}
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.Name()
	}
	return names, func(yield func([]any, error) bool) {
		defer rows.Close()
		for rows.Next() {
			values, err := scanPlain(rows, types)
			if !yield(values, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, err)
		}
	}, nil
}

func scanPlain(rows *sql.Rows, types []*sql.ColumnType) ([]any, error) {
	values, into := make([]any, len(types)), make([]any, len(types))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	for i, v := range values {
		values[i] = plain(v, types[i].DatabaseTypeName())
	}
	return values, nil
}

// plain turns the driver's values into ones that print and encode everywhere.
func plain(v any, kind string) any {
	switch v := v.(type) {
	case time.Time:
		switch kind {
		case "DATE":
			return v.Format(time.DateOnly)
		case "TIME":
			return v.Format("15:04:05.999999")
		}
		return v.UTC().Format("2006-01-02T15:04:05.999999Z")
	case duckdb.Decimal:
		return decimal(v)
	case *big.Int:
		return v.String()
	case duckdb.UUID:
		return fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:])
	case duckdb.Interval:
		return fmt.Sprintf("%d months %d days %s", v.Months, v.Days, time.Duration(v.Micros)*time.Microsecond)
	case []byte:
		return fmt.Sprintf("%x", v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e, "")
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = plain(e, "")
		}
		return out
	case duckdb.Map:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[fmt.Sprint(plain(k, ""))] = plain(e, "")
		}
		return out
	}
	return v
}

// decimal writes a DECIMAL with all digits of its scale.
func decimal(d duckdb.Decimal) string {
	if d.Value == nil {
		return "0"
	}
	digits, scale := new(big.Int).Abs(d.Value).String(), int(d.Scale)
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	out := digits
	if scale > 0 {
		out = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if d.Value.Sign() < 0 {
		out = "-" + out
	}
	return out
}
