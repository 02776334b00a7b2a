package scoring

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// traits is what a family's name, list price and first appearance tell of it
// before any score of its own is seen.
type traits struct {
	maker, line, stem string
	size              float64 // log of billions of parameters, centred and scaled
	sized             bool    // the name states a size
	small             bool    // named as the small one of its line
	coder             bool    // named after programming
	price             float64 // centred log price
	priced            bool
	date              float64 // years from the typical first appearance; 0 unknown
}

// typicalDate is about the middle of the first appearances of the catalogue's
// families; a family without a date is taken to be of then.
const typicalDate = 2025.5

// traitsOf reads a family's traits; first is the year of its oldest score.
func (l *latent) traitsOf(family string, first float64) traits {
	t := traits{maker: makerOf(family), line: lineOf(family), stem: stemOf(family)}
	t.size, t.sized = logSize(family)
	t.small = smallRE.MatchString(family)
	t.coder = strings.Contains(family, "code") || strings.HasPrefix(family, "devstral")
	t.price, t.priced = l.price[family]
	if first > 0 {
		t.date = first - typicalDate
	}
	return t
}

var (
	dateTailRE = regexp.MustCompile(`-(\d{8}|\d{6}|\d{4}|\d{2}-\d{2}|\d{2}-\d{4}|\d{4}-\d{2}-\d{2})$`)
	wordTailRE = regexp.MustCompile(`-(preview|instruct|chat|latest|thinking|reasoning|exp|it|base|terminus)$`)
)

// stemOf takes dates and words that name a state of the same weights off a
// family's name: "gemini-2.5-flash-preview-09-2025" is of "gemini-2.5-flash".
func stemOf(family string) string {
	for {
		s := wordTailRE.ReplaceAllString(dateTailRE.ReplaceAllString(family, ""), "")
		if s == family || s == "" {
			return family
		}
		family = s
	}
}

// logSize gives the parameters that a name states, as (ln billions - 3)/1.5:
// 0 at 20 billion, 1 at 90, -1 at 4.5.
func logSize(family string) (float64, bool) {
	m := sizeRE.FindStringSubmatch(family)
	if m == nil {
		return 0, false
	}
	b, err := strconv.ParseFloat(m[1], 64)
	if err != nil || b <= 0 {
		return 0, false
	}
	return (math.Log(b) - 3) / 1.5, true
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// level are the covariates of general ability.
func (t traits) level() []float64 {
	return []float64{1, t.size, indicator(t.sized), t.date, indicator(t.small), t.price, indicator(t.priced)}
}

// shape are the covariates of an item's residual: what thinking, youth, size
// and a programming model add on this item beyond what ability says.
func (t traits) shape(m Mode) []float64 {
	thinks := indicator(m == Thinking) + indicator(m == Brief)/2
	return []float64{1, thinks, indicator(m == Unstated), t.date, t.size, indicator(t.sized), indicator(t.coder)}
}
