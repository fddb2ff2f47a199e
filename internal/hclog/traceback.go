package hclog

import (
	"fmt"
	"log/slog"
	"strings"
)

// Limits of a traceback that is held back.
const (
	tracebackHead  = 48 << 10 // bytes of text kept from its beginning
	tracebackLast  = 15 << 10 // bytes kept of its last line if the beginning is full
	tracebackTotal = 1 << 20  // bytes after which it is given up as endless
	tracebackMixed = 16       // lines of others that may come between
)

const (
	tracebackStart = "Traceback (most recent call last):"
	groupStart     = "+ Exception Group Traceback (most recent call last):"
)

// feeding is what a traceback makes of a line.
type feeding uint8

const (
	taken  feeding = iota // it is a part of the traceback
	passed                // it is not, and the traceback is still open
	over                  // it is not, and the traceback is complete
)

// tracebackState is how far a traceback has come.
type tracebackState uint8

const (
	noTraceback   tracebackState = iota
	inFrames                     // after the first line, before the exception
	inGroup                      // within an exception group, which is all indented
	afterEnd                     // after the exception: another may be chained to it
	beforeChained                // after the sentence that announces the next one
)

// traceback collects the lines of one traceback of Python. The zero value is
// closed.
type traceback struct {
	state  tracebackState
	text   strings.Builder
	last   string // the line that names the exception, else the last one
	blanks int    // blank lines not yet in text
	total  int    // bytes seen
	left   int    // bytes not kept
	mixed  int    // lines passed
	indent int    // of an exception group's first line
}

func (t *traceback) open() bool { return t.state != noTraceback }

// begin opens the traceback if the line is the first of one. A syntax error in
// the program itself has no headline and begins with the place.
func (t *traceback) begin(text string) bool {
	if t.open() || !isTracebackStart(text) {
		return false
	}
	t.add(text)
	t.state = inFrames
	if strings.TrimSpace(text) == groupStart {
		t.state = inGroup
		t.indent = indentOf(text)
	}
	return true
}

// feed offers the next line to an open traceback.
func (t *traceback) feed(text string) feeding {
	if t.total > tracebackTotal {
		return over
	}
	if isBlank(text) {
		t.blanks++
		return taken
	}
	switch t.state {
	case inGroup:
		return t.feedGroup(text)
	case afterEnd:
		if !isChaining(text) {
			return over
		}
		t.add(text)
		t.state = beforeChained
		return taken
	case beforeChained:
		if isException(text) {
			return t.end(text)
		}
		if !isTracebackStart(text) {
			return over
		}
		t.state = noTraceback
		t.begin(text)
		return taken
	default:
		return t.feedFrame(text)
	}
}

// feedFrame offers a line between the first one and the exception.
func (t *traceback) feedFrame(text string) feeding {
	switch {
	case indentOf(text) > 0:
		t.add(text)
		return taken
	case text == tracebackStart, isPanic(text):
		return over
	case isException(text):
		return t.end(text)
	}
	t.mixed++
	if t.mixed > tracebackMixed {
		return over
	}
	return passed
}

// feedGroup offers a line of an exception group. Its last line is a rule, two
// columns to the right of the first line; the exception that the message names
// is the first one at the group's own depth.
func (t *traceback) feedGroup(text string) feeding {
	indent := indentOf(text)
	if indent < t.indent || indent == 0 {
		return over
	}
	named := t.last
	t.add(text)
	inner := strings.TrimPrefix(strings.TrimSpace(text), "| ")
	switch {
	case named != "":
		t.last = named
	case indent != t.indent || !isException(inner):
		t.last = ""
	default:
		t.last = inner
	}
	if indent == t.indent+2 && strings.Trim(text, " -") == "+" {
		t.state = afterEnd
	}
	return taken
}

// end takes the line that names the exception.
func (t *traceback) end(text string) feeding {
	t.add(text)
	t.state = afterEnd
	return taken
}

// add keeps a line, and the blank ones before it.
func (t *traceback) add(text string) {
	t.last = text
	if strings.HasSuffix(text, groupStart) {
		t.last = ""
	}
	size := t.blanks + len(text) + 1
	t.total += size
	if t.left > 0 || t.text.Len()+size > tracebackHead {
		t.left += size
	} else {
		if t.text.Len() > 0 {
			t.text.WriteByte('\n')
		}
		t.text.WriteString(strings.Repeat("\n", t.blanks))
		t.text.WriteString(text)
	}
	t.blanks = 0
}

// close returns the entry and makes the traceback ready for the next one.
func (t *traceback) close() Entry {
	text, last := t.text.String(), strings.TrimSpace(t.last)
	if t.left > 0 {
		last = strings.ToValidUTF8(last[:min(len(last), tracebackLast)], "")
		text = strings.TrimPrefix(fmt.Sprintf("%s\n… (%d bytes left out)\n%s", text, t.left, last), "\n")
	}
	if last == "" {
		last = strings.TrimSpace(text)
		last, _, _ = strings.Cut(last, "\n")
	}
	*t = traceback{}
	return Entry{Level: slog.LevelError, Message: last, Attrs: []slog.Attr{slog.String("traceback", text)}}
}

// isTracebackStart tells whether a line is the first of a traceback.
func isTracebackStart(text string) bool {
	trimmed := strings.TrimSpace(text)
	return text == tracebackStart || trimmed == groupStart ||
		strings.HasPrefix(text, `  File "`) && strings.Contains(text, `", line `)
}

// isChaining tells whether a line announces a traceback that belongs to the one
// before it.
func isChaining(text string) bool {
	return strings.HasPrefix(text, "During handling of the above exception") ||
		strings.HasPrefix(text, "The above exception was the direct cause")
}

// isException tells whether a line names an exception: a dotted name, alone or
// followed by a colon, a space and a text. Level words in capitals and panics look
// the same and are none.
func isException(text string) bool {
	name, _, _ := strings.Cut(text, ": ")
	name = strings.TrimSuffix(name, ":")
	if name == "" || isPanic(text) {
		return false
	}
	for i, r := range strings.ReplaceAll(name, "<locals>", "") {
		switch {
		case r == '_', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= 0x80:
		case i > 0 && (r == '.' || r >= '0' && r <= '9'):
		default:
			return false
		}
	}
	_, isLevel := parseForeignLevel(name)
	return !isLevel || name != strings.ToUpper(name)
}

// indentOf returns how many blanks lead a line.
func indentOf(text string) int {
	return len(text) - len(strings.TrimLeft(text, " \t"))
}
