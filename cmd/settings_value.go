package cmd

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/pyvider/rpcplugin/internal/typo"
)

// checkValue refuses what flag cannot take. The parser would do so as well, but
// cannot say where the value came from.
func checkValue(flag *kong.Flag, where string, value any) error {
	k, choices := kindOf(flag), choicesOf(flag)
	var texts []string
	switch value := value.(type) {
	case string:
		texts = []string{value}
	case []any:
		if k == kindWords && (len(value) == 0 || value[0] == "") { // or a built-in plugin would be served
			return usagef("name the program, or leave it out", "%s \"\", expected %s", where, k.expected(nil))
		}
		for _, word := range value {
			texts = append(texts, word.(string)) //nolint:forcetypeassert // anyList made it of strings
		}
	}
	for _, text := range texts {
		if !k.fits(text, choices) {
			return usagef("correct it there; \"rpcplugin config list\" says what it is",
				"%s %q, expected %s", where, shown(k, text), k.expected(choices))
		}
	}
	return nil
}

// shown is a value as it may be shown: nothing of a secret.
func shown(k kind, text string) string {
	if text == "" {
		return ""
	}
	if k == kindCookie || k == kindVariables || strings.Contains(text, "-----BEGIN ") {
		name, _, found := strings.Cut(text, "=")
		if !found || strings.Contains(name, "-----BEGIN ") {
			return hidden
		}
		return name + "=" + hidden
	}
	return text
}

// hidden stands for a value that is not to be seen.
const hidden = "(set)"

// nearest returns the word that takes the fewest edits to get to.
func nearest(word string, words []string) string {
	return slices.MinFunc(words, func(a, b string) int { return typo.Edits(word, a) - typo.Edits(word, b) })
}

// isNear reports whether word is hardly anything but meant.
func isNear(word, meant string) bool {
	return typo.Edits(word, meant) <= min(2, max(1, len(meant)/4))
}
