package certs

import (
	"math"
	"strconv"
	"strings"
	"time"
)

const (
	day = 24 * time.Hour
	// year is 365 days: "1y" is the same everywhere.
	year = 365 * day
)

// ParseLifetime reads a duration: whole years, weeks and days in that order,
// and then what [time.ParseDuration] takes, as in "1y", "30d", "1y6w",
// "1d12h", "8760h". A year has 365 days. It fails with [ReasonValidity] if the
// text is no duration or not above zero.
func ParseLifetime(given string) (time.Duration, error) {
	fault := &Error{Reason: ReasonValidity, Found: shorten(given), Expected: `a duration such as "30d", "1y" or "8760h"`}
	rest, total := strings.TrimSpace(given), time.Duration(0)
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"y", year}, {"w", 7 * day}, {"d", day}} {
		number, after, found := strings.Cut(rest, unit.letter)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 31)
		if err != nil || n > uint64((math.MaxInt64-total)/unit.length) {
			return 0, fault
		}
		total, rest = total+time.Duration(n)*unit.length, after
	}
	if rest != "" {
		clock, err := time.ParseDuration(rest)
		if err != nil || clock < 0 || total+clock < total {
			return 0, fault
		}
		total += clock
	}
	if total <= 0 {
		return 0, fault
	}
	return total, nil
}

// ParseInstant reads a point in time: RFC 3339, "2027-01-31" for the beginning
// of that day in UTC, "now" for now, or a lifetime as [ParseLifetime] reads it,
// counted from now; a "-" before that counts backwards. It fails with
// [ReasonValidity].
func ParseInstant(given string, now time.Time) (time.Time, error) {
	text := strings.TrimSpace(given)
	if text == "now" {
		return now, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if instant, err := time.Parse(layout, text); err == nil {
			return instant, nil
		}
	}
	back := strings.HasPrefix(text, "-")
	lifetime, err := ParseLifetime(strings.TrimPrefix(text, "-"))
	if err != nil {
		return time.Time{}, &Error{Reason: ReasonValidity, Found: shorten(given), Expected: `an instant such as "2027-01-31T12:00:00Z", or a duration such as "30d"`}
	}
	if back {
		lifetime = -lifetime
	}
	return now.Add(lifetime), nil
}
