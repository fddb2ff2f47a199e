package cmd

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/pyvider/rpcplugin/pkg/server"
)

// kind is what values a setting takes: the type of its field, or what the tag
// "form" of that says.
type kind string

const (
	kindText      kind = "text"
	kindChoice    kind = "choice" // one of the words of the tag "enum"
	kindTruth     kind = "true or false"
	kindSpan      kind = "time span"
	kindCount     kind = "whole number"
	kindNumber    kind = "number"
	kindVersions  kind = "whole numbers"
	kindList      kind = "list"
	kindWords     kind = "command"
	kindVariables kind = "variables"
	kindHost      kind = "host"
	kindCookie    kind = "cookie"
	kindAddress   kind = "address"
)

// kindOf is the kind of a flag.
func kindOf(flag *kong.Flag) kind {
	switch form := flag.Tag.Get("form"); {
	case form != "":
		return kind(form)
	case flag.Name == execFlag:
		return kindWords
	case flag.Enum != "":
		return kindChoice
	}
	of := flag.Target.Type()
	if of.Kind() == reflect.Pointer { // which knows whether it was set
		of = of.Elem()
	}
	switch {
	case of == reflect.TypeFor[time.Duration]():
		return kindSpan
	case of == reflect.TypeFor[[]int]():
		return kindVersions
	case of.Kind() == reflect.Bool, of == reflect.TypeFor[*bool]():
		return kindTruth
	case of.Kind() == reflect.Int:
		return kindCount
	case of.Kind() == reflect.Float64:
		return kindNumber
	case of.Kind() == reflect.Slice:
		return kindList
	default:
		return kindText
	}
}

// isList reports whether a value of the kind may have parts.
func (k kind) isList() bool {
	return k == kindVersions || k == kindList || k == kindWords || k == kindVariables
}

// fits reports whether a text is a value of the kind, of a list each part.
// choices are those of a choice.
func (k kind) fits(text string, choices []string) bool {
	switch k {
	case kindChoice, kindHost:
		return slices.Contains(choices, text)
	case kindTruth:
		return slices.Contains([]string{"true", "false", "yes", "no", "1", "0"}, strings.ToLower(text))
	case kindSpan:
		span, err := time.ParseDuration(text)
		return err == nil && span >= 0
	case kindCount:
		return isCount(text)
	case kindNumber:
		number, err := strconv.ParseFloat(text, 64)
		return err == nil && number >= 0 && !math.IsInf(number, 0)
	case kindVersions:
		return !slices.ContainsFunc(strings.Split(text, ","), func(part string) bool { return !isCount(part) })
	case kindVariables:
		return strings.Index(text, "=") > 0
	case kindCookie:
		key, value, _ := strings.Cut(text, "=")
		return key != "" && value != ""
	case kindAddress:
		return text != "" && server.CheckAddress(text) == nil
	case kindText, kindList, kindWords:
		return true
	default:
		return true
	}
}

// isCount reports whether a text is a whole number from 0.
func isCount(text string) bool {
	_, err := strconv.ParseUint(text, 10, 31)
	return err == nil
}

// expected says what the kind takes.
func (k kind) expected(choices []string) string {
	switch k {
	case kindChoice, kindHost:
		return "one of " + strings.Join(choices, ", ")
	case kindTruth:
		return "true or false"
	case kindSpan:
		return "a time span such as 500ms, 10s or 2m"
	case kindCount:
		return "a whole number from 0"
	case kindNumber:
		return "a number from 0"
	case kindVersions:
		return "whole numbers such as 5,6"
	case kindVariables, kindCookie:
		return "the form NAME=VALUE"
	case kindAddress:
		return "unix:/path, a path, or host:port"
	case kindWords:
		return "a command"
	case kindText, kindList:
		return "text"
	default:
		return string(k)
	}
}

// choicesOf are the words that a flag takes, if it takes no others.
func choicesOf(flag *kong.Flag) []string {
	switch kindOf(flag) {
	case kindChoice:
		return flag.EnumSlice()
	case kindHost:
		return strings.Split(hostNames(), ", ")
	default:
		return nil
	}
}
