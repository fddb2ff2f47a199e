package dynamic

import (
	"errors"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

const (
	// mostDigits bounds the text of a number and its exponent: what is computed from
	// them grows with both. A double needs no more than 1077.
	mostDigits = 5000
	// sureDigits is how many decimal digits the 512 bits of Terraform's numbers
	// always keep.
	sureDigits = 153
)

var (
	errNumber     = errors.New("a decimal number is expected")
	errRange      = errors.New("it has more than " + strconv.Itoa(mostDigits) + " digits")
	errPrecision  = errors.New("it has more digits than the 512 bits of Terraform's numbers keep")
	numberGrammar = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
)

// parseNumber reads a decimal number exactly, or fails.
func parseNumber(text string) (cty.Value, error) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if !numberGrammar.MatchString(text) {
		return cty.NilVal, errNumber
	}
	if len(mantissa) > mostDigits {
		return cty.NilVal, errRange
	}
	if exponent != "" {
		if n, err := strconv.Atoi(exponent); err != nil || n > mostDigits || n < -mostDigits {
			return cty.NilVal, errRange
		}
	}
	value, err := cty.ParseNumberVal(text)
	if err != nil {
		return cty.NilVal, errNumber
	}
	if len(mantissa) <= sureDigits {
		return value, nil
	}
	exact, ok := new(big.Rat).SetString(text)
	if !ok {
		return cty.NilVal, errNumber
	}
	if got, _ := value.AsBigFloat().Rat(nil); got != nil && got.Cmp(exact) == 0 {
		return value, nil
	}
	if exact.IsInt() {
		return cty.NumberVal(new(big.Float).SetInt(exact.Num())), nil
	}
	return cty.NilVal, errPrecision
}

// floatText writes a double exactly, as JSON.
func floatText(f float64) (string, error) {
	switch {
	case math.IsNaN(f):
		return "", errNumber
	case math.IsInf(f, 0):
		return infinityText(f < 0), nil
	}
	exact := new(big.Float).SetFloat64(f)
	fraction := int(exact.MinPrec()) - exact.MantExp(nil) // binary places are decimal places
	return exact.Text('f', max(fraction, 0)), nil
}

// infinityText is the notation of infinity.
func infinityText(negative bool) string {
	if negative {
		return `{"$number":"-inf"}`
	}
	return `{"$number":"inf"}`
}

// numberText writes a number that travels as text.
func numberText(text string) (string, error) {
	if numberGrammar.MatchString(text) {
		return text, nil // kept as it is
	}
	// Terraform's reader also takes signs and zeros in front, and infinity.
	negative := strings.HasPrefix(text, "-")
	rest := strings.TrimLeft(text, "+-")
	switch {
	case len(text)-len(rest) > 1:
		return "", errNumber
	case strings.EqualFold(rest, "inf"):
		return infinityText(negative), nil
	}
	rest = strings.TrimLeft(rest, "0")
	if rest == "" || rest[0] < '0' || rest[0] > '9' {
		rest = "0" + rest
	}
	if negative {
		rest = "-" + rest
	}
	if len(text) == 0 || !strings.ContainsAny(text, "0123456789") || !numberGrammar.MatchString(rest) {
		return "", errNumber
	}
	return rest, nil
}
