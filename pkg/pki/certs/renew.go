package certs

import (
	"crypto/x509"
	"strconv"
	"strings"
	"time"
)

// A Threshold says how early a certificate is to be renewed. If both are set
// the earlier one counts, and if neither is, a third of its lifetime.
type Threshold struct {
	// Within is the time before its end.
	Within time.Duration
	// Share is the part of its lifetime before its end, from 0 to 1.
	Share float64
}

// ParseThreshold reads a duration as [ParseLifetime] does, or a share of the
// lifetime such as "20%"; "" is the default. It fails with [ReasonFormat].
func ParseThreshold(given string) (Threshold, error) {
	text := strings.TrimSpace(given)
	if text == "" {
		return Threshold{}, nil
	}
	if number, found := strings.CutSuffix(text, "%"); found {
		if percent, err := strconv.ParseFloat(number, 64); err == nil && percent > 0 && percent <= 100 {
			return Threshold{Share: percent / 100}, nil
		}
	} else if within, err := ParseLifetime(text); err == nil {
		return Threshold{Within: within}, nil
	}
	return Threshold{}, &Error{Reason: ReasonFormat, Found: shorten(given), Expected: `a duration such as "30d", or a share such as "20%"`}
}

// NeedsRenewal says whether a certificate is to be renewed at a time, and when
// that begins. For a chain, ask for each: an intermediate ends its leaves.
func NeedsRenewal(c *x509.Certificate, at time.Time, threshold Threshold) (needed bool, from time.Time) {
	const third = 1.0 / 3
	if threshold.Within <= 0 && threshold.Share <= 0 {
		threshold.Share = third
	}
	// In seconds, as thirty thousand years are no time.Duration.
	lifetime := float64(c.NotAfter.Unix() - c.NotBefore.Unix())
	early := max(threshold.Within.Seconds(), lifetime*min(threshold.Share, 1))
	from = time.Unix(c.NotAfter.Unix()-int64(early), 0).UTC()
	return !at.Before(from), from
}
