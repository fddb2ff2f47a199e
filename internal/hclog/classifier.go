package hclog

import (
	"bytes"
	"log/slog"
	"strings"
)

// A Classifier turns the stderr of a program, line by line, into entries with a
// level. It knows, in this order:
//
//   - hclog's JSON, taken as it is
//   - JSON objects of other loggers: a level (a word, or pino's number) and a
//     msg, message or event
//   - a level in brackets at the start, "[WARN] …", from TRACE to FATAL
//   - the default form of Python's logging, "LEVEL:name:message"
//   - "panic: " and "fatal error: ", errors that also make every later line
//     without a level of its own an error
//   - Python's tracebacks, chained ones and exception groups too: one error
//     whose message is the last line and whose attribute "traceback" is the
//     whole, shortened to 64 KiB
//
// All else is text of level debug, as hosts of go-plugin have it. Blank lines
// are dropped, carriage returns at the end trimmed, bytes that are no UTF-8
// replaced. A Classifier is for one stream and one goroutine; the zero value is
// ready for use.
type Classifier struct {
	traceback traceback
	panicking bool
}

// NewClassifier returns a classifier for one stream.
func NewClassifier() *Classifier { return &Classifier{} }

// Line takes the next line, with or without its line end, and returns what is
// known by now, in order: mostly one entry, none for a line that is blank or
// belongs to a traceback still open, two when the line ends one. It keeps no
// reference to line.
func (c *Classifier) Line(line []byte) []Entry {
	valid := bytes.ToValidUTF8(bytes.TrimRight(line, "\r\n"), replacement())
	text := string(valid)
	var entries []Entry
	if c.traceback.open() {
		switch c.traceback.feed(text) {
		case taken:
			return nil
		case over:
			entries = append(entries, c.traceback.close())
		case passed:
		}
	}
	if isBlank(text) {
		return entries
	}
	if c.traceback.begin(text) {
		return entries
	}
	return append(entries, c.classify(text, valid))
}

// Pending tells whether a traceback is held back. It may go on with the next
// line, so a program that stays silent after one leaves it here: a reader should
// call [Classifier.Flush] when nothing has come for a moment (100 ms is plenty).
func (c *Classifier) Pending() bool { return c.traceback.open() }

// Flush returns what is held back: the traceback that is open, whole or not. To
// be called at the end of the stream, and may be called whenever it is quiet;
// the classifier stays usable.
func (c *Classifier) Flush() []Entry {
	if !c.traceback.open() {
		return nil
	}
	return []Entry{c.traceback.close()}
}

// classify finds the form of a line that belongs to no traceback.
func (c *Classifier) classify(text string, line []byte) Entry {
	if fields, ok := splitObject(line); ok {
		if entry, ok := entryOf(fields); ok {
			return entry
		}
		if entry, ok := foreignEntryOf(fields); ok {
			return entry
		}
	}
	if entry, ok := parseBracketed(text); ok {
		return entry
	}
	if entry, ok := parsePythonLogging(text); ok {
		return entry
	}
	if isPanic(text) {
		c.panicking = true
	}
	entry := Entry{Level: slog.LevelDebug, Message: text}
	if c.panicking {
		entry.Level = slog.LevelError
	}
	return entry
}

// isBlank tells whether a line shows nothing.
func isBlank(text string) bool { return strings.TrimSpace(text) == "" }
