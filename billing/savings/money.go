package savings

import (
	"encoding/json"
	"math/big"

	"assay/models"
)

// Money is an amount in nano-dollars; $1 = 1_000_000_000. JSON shows it twice,
// as the integer and as a decimal number of dollars in a string, since many
// JSON readers keep only 53 bits of a number.
type Money int64

type moneyJSON struct {
	Nano int64  `json:"nano_usd"`
	USD  string `json:"usd"`
}

// MarshalJSON writes {"nano_usd":1500000000,"usd":"1.5"}.
func (m Money) MarshalJSON() ([]byte, error) {
	return json.Marshal(moneyJSON{int64(m), models.FormatUSD(int64(m))})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Money) UnmarshalJSON(b []byte) error {
	var v moneyJSON
	err := json.Unmarshal(b, &v)
	*m = Money(v.Nano)
	return err
}

// share is a fraction from 0 to 1 in parts per billion.
type share int64

const (
	whole   share = 1_000_000_000
	million       = 1_000_000
)

func (s share) rat() *big.Rat { return big.NewRat(int64(s), int64(whole)) }

// String is the fraction as a plain decimal.
func (s share) String() string { return models.FormatUSD(int64(s)) } // both have nine decimals

// errTooLarge is what every overflow ends in.
var errTooLarge = &InputError{Reason: "the amounts are too large: tokens and nano-dollars must fit 63 bits ($9.2 billion)"}

// charge is tokens · s · perMillion / 10⁶ in nano-dollars, rounded once, half up.
func charge(tokens int64, s share, perMillion int64) (Money, error) {
	x := big.NewInt(tokens)
	x.Mul(x, big.NewInt(int64(s)))
	x.Mul(x, big.NewInt(perMillion))
	return roundedQuotient(x, int64(whole)*million)
}

// roundedQuotient is x/d rounded half up, for x from 0.
func roundedQuotient(x *big.Int, d int64) (Money, error) {
	x.Add(x, big.NewInt(d/2))
	x.Quo(x, big.NewInt(d))
	if !x.IsInt64() {
		return 0, errTooLarge
	}
	return Money(x.Int64()), nil
}

// add is a+b, for amounts and counts alike; false if it does not fit.
func add[T ~int64](a, b T) (T, bool) {
	sum := a + b
	return sum, (sum >= a) == (b >= 0)
}

// times is a·b for counts from 0; false if it does not fit.
func times(a, b int64) (int64, bool) {
	x := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
	return x.Int64(), x.IsInt64()
}

// decimals writes a rational with n decimals, rounded half away from zero,
// never as "-0.00".
func decimals(x *big.Rat, n int) string {
	s := x.FloatString(n)
	if y, _ := new(big.Rat).SetString(s); y != nil && y.Sign() == 0 && s[0] == '-' {
		return s[1:]
	}
	return s
}
