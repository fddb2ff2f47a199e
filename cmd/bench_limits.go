package cmd

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// benchLimit is one --fail-if.
type benchLimit struct {
	text     string
	metric   string
	operator string
	value    float64 // nanoseconds of a latency
}

// limitError is a result beyond a --fail-if.
type limitError struct{ found []string }

func (e *limitError) Error() string { return strings.Join(e.found, "\n") }

// latencyMetrics are the percentiles that a result has.
var latencyMetrics = []struct { //nolint:gochecknoglobals // a constant
	name string
	q    float64
}{{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}, {"max", 1}}

const limitHint = "for example --fail-if 'p99>5ms' --fail-if 'calls/s<1000' --fail-if 'errors>0'; also mean, max, p50 to p99.99, unfinished, never-sent"

// parseLimits reads all --fail-if.
func parseLimits(texts []string) ([]benchLimit, error) {
	form := regexp.MustCompile(`^\s*([a-z0-9./-]+)\s*(<=|>=|<|>)\s*(\S+)\s*$`)
	var limits []benchLimit
	for _, text := range texts {
		parts := form.FindStringSubmatch(text)
		if parts == nil {
			return nil, usagef(limitHint, "--fail-if %q is not of the form METRIC>VALUE", text)
		}
		limit := benchLimit{text: text, metric: parts[1], operator: parts[2]}
		var err error
		switch {
		case limit.isLatency():
			var span time.Duration
			span, err = time.ParseDuration(parts[3])
			limit.value = float64(span)
			if err != nil || span < 0 {
				return nil, usagef(limitHint, "--fail-if %q compares %s with %q, expected a time such as \"5ms\"", text, limit.metric, parts[3])
			}
		case slices.Contains([]string{"calls/s", "errors", "unfinished", "never-sent"}, limit.metric):
			limit.value, err = strconv.ParseFloat(parts[3], 64)
			if err != nil || !(limit.value >= 0) {
				return nil, usagef(limitHint, "--fail-if %q compares %s with %q, expected a number", text, limit.metric, parts[3])
			}
		default:
			return nil, usagef(limitHint, "--fail-if %q is about %q, which is not measured", text, limit.metric)
		}
		limits = append(limits, limit)
	}
	return limits, nil
}

func (l benchLimit) isLatency() bool {
	for _, metric := range latencyMetrics {
		if metric.name == l.metric {
			return true
		}
	}
	return l.metric == "mean"
}

// over is a limitError if a limit holds for any cell.
func (r *benchReport) over(limits []benchLimit) error {
	var found []string
	for _, limit := range limits {
		for _, cell := range r.Cells {
			value := cell.metric(limit.metric)
			if !limit.holds(value) {
				continue
			}
			shown := strconv.FormatFloat(value, 'f', -1, 64)
			switch {
			case limit.isLatency():
				shown = spanText(value)
			case limit.metric == "calls/s":
				shown = rateText(value)
			}
			where := ""
			if len(r.Cells) > 1 {
				where = " with " + cell.Name
			}
			found = append(found, fmt.Sprintf("--fail-if %q holds: %s is %s%s", limit.text, limit.metric, shown, where))
		}
	}
	if len(found) == 0 {
		return nil
	}
	return &limitError{found}
}

func (l benchLimit) holds(value float64) bool {
	switch l.operator {
	case "<":
		return value < l.value
	case "<=":
		return value <= l.value
	case ">":
		return value > l.value
	default:
		return value >= l.value
	}
}

// metric is a measured value by its name in --fail-if.
func (c *benchCellReport) metric(name string) float64 {
	switch name {
	case "calls/s":
		return c.CallsPerSecond
	case "errors":
		return float64(c.Errors)
	case "unfinished":
		return float64(c.Unfinished)
	case "never-sent":
		return float64(c.NeverSent)
	default:
		return float64(c.Latency[name])
	}
}
