package models

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// nanoDigits is the number of decimals of a dollar that a nano-dollar has.
const nanoDigits = 9

// ParseUSD reads a plain decimal number of dollars ("0.09", "15") as integer
// nano-dollars. It uses no floating point, so nothing is lost: a figure finer
// than a nano-dollar, with a sign, an exponent or separators is an error.
func ParseUSD(s string) (int64, error) {
	whole, frac, dot := strings.Cut(s, ".")
	if !digits(whole) || (dot && !digits(frac)) {
		return 0, fmt.Errorf("%q is no plain decimal number of dollars such as 0.25", s)
	}
	frac = strings.TrimRight(frac, "0")
	if len(frac) > nanoDigits {
		return 0, fmt.Errorf("%q is finer than a nano-dollar (9 decimals)", s)
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", nanoDigits-len(frac)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is too large", s)
	}
	return n, nil
}

func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// FormatUSD writes nano-dollars as a plain decimal number of dollars, exact
// and without trailing zeros. ParseUSD reads it back for amounts that are not
// negative.
func FormatUSD(nano int64) string {
	sign, u := "", uint64(nano)
	if nano < 0 {
		sign, u = "-", -u
	}
	frac := strings.TrimRight(fmt.Sprintf("%09d", u%1e9), "0")
	if frac != "" {
		frac = "." + frac
	}
	return sign + strconv.FormatUint(u/1e9, 10) + frac
}

// charge is quantity·perMillion/10⁶ rounded half up, in nano-dollars; ok is
// false if an argument is negative or the result does not fit.
func charge(quantity, perMillion int64) (nano int64, ok bool) {
	if quantity < 0 || perMillion < 0 {
		return 0, false
	}
	const million = 1_000_000
	hi, lo := bits.Mul64(uint64(quantity), uint64(perMillion))
	lo, carry := bits.Add64(lo, million/2, 0)
	hi += carry
	if hi >= million {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, million)
	return int64(q), q <= 1<<63-1
}
