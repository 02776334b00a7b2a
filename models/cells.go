package models

import (
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bad notes a problem in one column of the row.
func (r row) bad(column, format string, args ...any) {
	r.problems.at(r.origin, column, format, args...)
}

// text is the cell without surrounding space; "" if blank or absent.
func (r row) text(column string) string {
	i, ok := r.index[column]
	if !ok {
		return ""
	}
	return strings.TrimSpace(r.cells[i])
}

// needed is text that may not be blank.
func (r row) needed(column string) string {
	s := r.text(column)
	if s == "" {
		r.bad(column, "is blank; a value is needed")
	}
	return s
}

// matching is needed text of a given form.
func (r row) matching(column string, form *regexp.Regexp, allowed string) string {
	s := r.needed(column)
	if s != "" && !form.MatchString(s) {
		r.bad(column, "%q is not allowed; allowed: %s", s, allowed)
	}
	return s
}

// oneOf is needed text out of a list.
func (r row) oneOf(column string, allowed []string) string {
	s := r.needed(column)
	if s != "" && !slices.Contains(allowed, s) {
		r.bad(column, "%q is not allowed; allowed: %s", s, strings.Join(allowed, ", "))
	}
	return s
}

// flag is true, false or blank for unknown.
func (r row) flag(column string) Flag {
	switch s := r.text(column); s {
	case "true":
		return Yes
	case "false":
		return No
	case "":
		return Unknown
	default:
		r.bad(column, "%q is not allowed; allowed: true, false, or blank for unknown", s)
		return Unknown
	}
}

// yesNo is yes, no or blank for unknown.
func (r row) yesNo(column string) Flag {
	switch s := r.text(column); s {
	case "yes":
		return Yes
	case "no":
		return No
	case "":
		return Unknown
	default:
		r.bad(column, "%q is not allowed; allowed: yes, no, or blank for unknown", s)
		return Unknown
	}
}

// retention is a whole number of days from zero, which stands for not kept;
// blank reads as UnknownRetention.
func (r row) retention(column string) int {
	s := r.text(column)
	if s == "" {
		return UnknownRetention
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		r.bad(column, "%q is not allowed; allowed: a whole number of days from 0 (not kept), or blank for unknown", s)
		return UnknownRetention
	}
	return int(n)
}

// count is a whole number above zero; blank reads as 0, unknown.
func (r row) count(column string) int {
	s := r.text(column)
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n <= 0 {
		r.bad(column, "%q is not allowed; allowed: a whole number from 1 to %d, or blank for unknown", s, math.MaxInt32)
		return 0
	}
	return int(n)
}

// fromZero is a whole number from zero; blank reads as 0.
func (r row) fromZero(column string) int64 {
	s := r.text(column)
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		r.bad(column, "%q is not allowed; allowed: a whole number from 0", s)
		return 0
	}
	return n
}

// day is a date, in UTC; blank reads as the zero time.
func (r row) day(column string) time.Time {
	s := r.text(column)
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 2000 {
		r.bad(column, "%q is no date; allowed: a day from 2000-01-01 on, as YYYY-MM-DD, or blank", s)
		return time.Time{}
	}
	return t
}

// usd is an amount of dollars from zero, in nano-dollars.
func (r row) usd(column string) int64 {
	s := r.needed(column)
	if s == "" {
		return 0
	}
	n, err := ParseUSD(s)
	if err != nil {
		r.bad(column, "%v; allowed: dollars from 0 with at most 9 decimals (an unknown price is no row)", err)
	}
	return n
}

// number is a finite number between two bounds.
func (r row) number(column string, lo, hi float64) float64 {
	s := r.needed(column)
	if s == "" {
		return 0
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= lo && f <= hi) {
		r.bad(column, "%q is not allowed; allowed: a number from %g to %g", s, lo, hi)
		return 0
	}
	return f
}

// link is an absolute http or https URL without query, or blank.
func (r row) link(column string) string {
	s := r.text(column)
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		r.bad(column, "%q is not allowed; allowed: an http or https URL without user, query and fragment, or blank", s)
	}
	return s
}
