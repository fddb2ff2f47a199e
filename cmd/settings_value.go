package cmd

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/pyvider/rpcplugin/internal/typo"
)

// checkValue refuses what flag cannot take. The parser would do so as well, but
// cannot say where the value came from.
func checkValue(flag *kong.Flag, where string, value any) error {
	text, single := value.(string)
	if !single {
		return nil // words, of which all are taken
	}
	expected := ""
	switch kind := flag.Target.Type(); {
	case flag.Enum != "":
		if !slices.Contains(flag.EnumSlice(), text) {
			expected = "one of " + strings.Join(flag.EnumSlice(), ", ")
		}
	case kind == reflect.TypeFor[time.Duration]():
		if _, err := time.ParseDuration(text); err != nil {
			expected = "a time span such as 500ms, 10s or 2m"
		}
	case kind.Kind() == reflect.Bool:
		if !slices.Contains([]string{"true", "false", "yes", "no", "1", "0"}, strings.ToLower(text)) {
			expected = "true or false"
		}
	case kind == reflect.TypeFor[[]int]():
		for _, part := range strings.Split(text, ",") {
			if _, err := strconv.Atoi(part); err != nil {
				expected = "whole numbers such as 5,6"
			}
		}
	}
	if expected == "" {
		return nil
	}
	return usagef("correct it there, or give --"+flag.Name+" on the command line", "%s %q, expected %s", where, text, expected)
}

// nearest returns the word that takes the fewest edits to get to.
func nearest(word string, words []string) string {
	return slices.MinFunc(words, func(a, b string) int { return typo.Edits(word, a) - typo.Edits(word, b) })
}
