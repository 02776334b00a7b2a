package allowance

import (
	"fmt"
	"strings"
	"time"
)

// Limits is what a provider gives a key for nothing. 0: no such limit.
type Limits struct {
	RequestsPerMinute int64 `json:"requests_per_minute,omitempty" yaml:"requests_per_minute"`
	RequestsPerDay    int64 `json:"requests_per_day,omitempty" yaml:"requests_per_day"`
	TokensPerMinute   int64 `json:"tokens_per_minute,omitempty" yaml:"tokens_per_minute"` // input and output
	TokensPerDay      int64 `json:"tokens_per_day,omitempty" yaml:"tokens_per_day"`
	// Resets says when a day begins: "rolling", the default, for the last 24
	// hours, or a time and a zone like "00:00 America/Los_Angeles".
	Resets string `json:"resets,omitempty" yaml:"resets"`
}

// Check says what is wrong with limits, in terms of the configuration.
func (l Limits) Check() error {
	for name, n := range map[string]int64{"requests_per_minute": l.RequestsPerMinute, "requests_per_day": l.RequestsPerDay,
		"tokens_per_minute": l.TokensPerMinute, "tokens_per_day": l.TokensPerDay} {
		if n < 0 {
			return fmt.Errorf("%s is %d: it must not be negative; leave it out for no limit", name, n)
		}
	}
	if l.RequestsPerMinute == 0 && l.RequestsPerDay == 0 && l.TokensPerMinute == 0 && l.TokensPerDay == 0 {
		return fmt.Errorf("no limit is set: give at least one of requests_per_minute, requests_per_day, tokens_per_minute, tokens_per_day")
	}
	_, err := parseResets(l.Resets)
	return err
}

// day is when days begin. The zero value is the rolling one.
type day struct {
	zone         *time.Location
	hour, minute int
}

func parseResets(text string) (day, error) {
	if text == "" || text == "rolling" {
		return day{}, nil
	}
	clock, name, ok := strings.Cut(text, " ")
	at, err := time.Parse("15:04", clock)
	if !ok || err != nil || len(clock) != len("15:04") {
		return day{}, fmt.Errorf(`resets is %q: it must be "rolling" or a time and a zone like "00:00 America/Los_Angeles"`, text)
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return day{}, fmt.Errorf("resets is %q: there is no time zone %q; use a name like UTC or Asia/Shanghai", text, name)
	}
	return day{zone: zone, hour: at.Hour(), minute: at.Minute()}, nil
}

// around gives the beginning of the day that t lies in, and of the next. A day
// is 23 or 25 hours long where clocks change.
func (d day) around(t time.Time) (start, next time.Time) {
	local := t.In(d.zone)
	at := func(days int) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+days, d.hour, d.minute, 0, 0, d.zone)
	}
	if start = at(0); start.After(t) {
		return at(-1), start
	}
	return start, at(1)
}
