package cmd

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// roff is a man page under way, in the macros of man(7).
type roff struct {
	strings.Builder
	heading bool // the last line is one: no paragraph need begin
}

// macro writes a request, its arguments quoted.
func (r *roff) macro(name string, args ...string) {
	r.WriteString("." + name)
	for _, arg := range args {
		r.WriteString(` "` + strings.ReplaceAll(manText(arg), `"`, `\(dq`) + `"`)
	}
	r.WriteByte('\n')
	r.heading = name == "SH" || name == "SS"
}

// line writes what is escaped already.
func (r *roff) line(text string) {
	r.WriteString(text + "\n")
	r.heading = false
}

// tagged writes a tag, escaped already, and beside it what it means.
func (r *roff) tagged(tag, text string) {
	r.macro("TP")
	r.line(tag)
	r.line(manText(text))
}

// text writes paragraphs as the help has them: those that are indented are to be
// shown as they are.
func (r *roff) text(text string) {
	for paragraph := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		if paragraph == "" {
			continue
		}
		if !strings.HasPrefix(paragraph, "  ") {
			if !r.heading {
				r.macro("PP")
			}
			r.line(manText(paragraph))
			continue
		}
		r.line(".sp\n.RS 4\n.EX")
		for line := range strings.SplitSeq(paragraph, "\n") {
			r.line(manText(strings.TrimPrefix(line, "  ")))
		}
		r.line(".EE\n.RE")
	}
}

// manText escapes text: nothing in it is a request, quotes and dashes are those
// that a shell takes, and all is ASCII, which every man reads.
func manText(text string) string {
	var b strings.Builder
	start := true
	for _, char := range text {
		if start && (char == '.' || char == '\'') {
			b.WriteString(`\&`)
		}
		start = char == '\n'
		switch char {
		case '\\':
			b.WriteString(`\e`)
		case '-':
			b.WriteString(`\-`)
		case '\'':
			b.WriteString(`\(aq`)
		case '`':
			b.WriteString(`\(ga`)
		case '^':
			b.WriteString(`\(ha`)
		case '~':
			b.WriteString(`\(ti`)
		case '…': // which a terminal of ASCII cannot show
			b.WriteString("...")
		default:
			if char < utf8.RuneSelf {
				b.WriteRune(char)
			} else {
				fmt.Fprintf(&b, `\[u%04X]`, char)
			}
		}
	}
	return b.String()
}
