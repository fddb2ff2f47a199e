package cmd

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visibleBytes bounds what is repeated of somebody else's text.
const visibleBytes = 400

// printable quotes what would move the cursor or change the colour.
func printable(value string) string {
	if utf8.ValidString(value) && strings.IndexFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return value
	}
	return strconv.Quote(value)
}

// visible is somebody else's text in which line ends alone have an effect.
func visible(text string) string {
	var b strings.Builder
	for i, r := range text {
		if b.Len() > visibleBytes {
			b.WriteString("…")
			break
		}
		switch {
		case r == utf8.RuneError && text[i] >= utf8.RuneSelf && !strings.HasPrefix(text[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// startOf is the start of what was read, in quotes.
func startOf(raw string) string {
	if len(raw) <= visibleBytes {
		return strconv.Quote(raw)
	}
	return strconv.Quote(raw[:visibleBytes]) + "…"
}

// factTable is a table of two columns that fits a terminal.
type factTable [][2]string

func (t *factTable) row(name, value string) { *t = append(*t, [2]string{name, value}) }

func (t factTable) write(w io.Writer) error {
	width := 0
	for _, row := range t {
		width = max(width, utf8.RuneCountInString(row[0])+2)
	}
	return t.writeAt(w, width)
}

// writeAt begins the right column at the column of that number.
func (t factTable) writeAt(w io.Writer, width int) error {
	var b strings.Builder
	for _, row := range t {
		b.WriteString(row[0] + strings.Repeat(" ", width-utf8.RuneCountInString(row[0])))
		b.WriteString(fold(row[1], width) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// longestWord is the longest word that is not cut: paths stay whole, so that they
// can be copied.
const longestWord = 150

// fold wraps the lines of a text, of which the first begins at column indent.
func fold(text string, indent int) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		var words []string
		for _, word := range strings.Fields(line) {
			words = append(words, cut(word, helpWidth-indent)...)
		}
		lines[i] = wrap(strings.Join(words, " "), indent)
	}
	return strings.Join(lines, "\n"+strings.Repeat(" ", indent))
}

// cut cuts a word that is too long to be of use in pieces of that width.
func cut(word string, width int) (pieces []string) {
	runes := []rune(word)
	if len(runes) <= longestWord {
		return []string{word}
	}
	for len(runes) > width {
		pieces = append(pieces, string(runes[:width]))
		runes = runes[width:]
	}
	return append(pieces, string(runes))
}
