package cmd

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// convert turns the text of a form into that of our settings.
func (v pyviderValue) convert(form string) (string, error) {
	text := strings.TrimSpace(v.text)
	if v.bad != nil {
		return "", v.refuse("a value or a list")
	}
	switch form {
	case formTruth:
		return v.truth(strings.ToLower(text))
	case formSeconds, formMilliseconds:
		return v.span(form, text)
	case formCount:
		if !isCount(text) {
			return "", v.refuse(kindCount.expected(nil))
		}
	case formNumber:
		if !kindNumber.fits(text, nil) {
			return "", v.refuse(kindNumber.expected(nil))
		}
	case formVersions:
		parts := v.list()
		if text = strings.Join(parts, ","); !kindVersions.fits(text, nil) {
			return "", v.refuse(kindVersions.expected(nil))
		}
	case formTransports:
		return v.network()
	case formLevel:
		levels := map[string]string{"warning": "warn", "critical": "error", "notset": "trace"}
		if short, is := levels[strings.ToLower(text)]; is {
			return short, nil
		}
		return strings.ToLower(text), nil
	}
	return text, nil
}

// truth reads what pyvider-rpcplugin takes for true, and what is meant as false.
func (v pyviderValue) truth(text string) (string, error) {
	switch text {
	case "true", "1", "yes", "on":
		return "true", nil
	case "false", "0", "no", "off":
		return "false", nil
	default:
		return "", v.refuse("true or false")
	}
}

// span reads a time span, which has no unit.
func (v pyviderValue) span(form, text string) (string, error) {
	unit := time.Second
	if form == formMilliseconds {
		unit = time.Millisecond
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || !(number >= 0) || number*float64(unit) > float64(1<<62) {
		return "", v.refuse("a number of " + form + " such as 5 or 2.5")
	}
	return time.Duration(number * float64(unit)).String(), nil
}

// network is the one of the list, "auto" for both.
func (v pyviderValue) network() (string, error) {
	parts := v.list()
	slices.Sort(parts)
	parts = slices.Compact(parts)
	for _, part := range parts {
		if part != "unix" && part != "tcp" {
			return "", v.refuse("unix, tcp or both")
		}
	}
	switch len(parts) {
	case 0:
		return "", v.refuse("unix, tcp or both")
	case 1:
		return parts[0], nil
	default:
		return "auto", nil
	}
}

// list are the parts between commas.
func (v pyviderValue) list() []string {
	var parts []string
	for part := range strings.SplitSeq(v.text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// refuse is the error of a value that is none.
func (v pyviderValue) refuse(expected string) error {
	text := shown(kindText, v.text)
	if v.bad != nil {
		return usagef("correct it there", "%s: %w", v.origin, v.bad)
	}
	return usagef("correct it there; \"rpcplugin config list\" has the names that go before it", "%s is %q, expected %s", v.origin, text, expected)
}
