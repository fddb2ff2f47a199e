package hclog

import (
	"bytes"
	"context"
	"log/slog"
	"time"
)

// Keys of a line that have a meaning of their own. A string attribute with the
// key [ModuleKey], outside every group, names the module of its line.
const (
	LevelKey   = "@level"
	MessageKey = "@message"
	ModuleKey  = "@module"
	TimeKey    = "@timestamp"
)

// TimeFormat is the form of @timestamp: six digits after the point, always. A
// host takes a line with any other form as text.
const TimeFormat = "2006-01-02T15:04:05.000000Z07:00"

// MaxLineBytes is the longest line, its newline included, that a host of
// go-plugin reads in one piece. It takes a longer one for text of level debug.
const MaxLineBytes = 64 << 10

// An Entry is one log message, as read off a line of a plugin's stderr.
type Entry struct {
	// Level is one of [LevelTrace], debug, info, warn and error, or what slog's
	// JSON of another program says between them.
	Level slog.Level
	// Message is valid UTF-8 and may be empty.
	Message string
	// Module is the logger's name, empty if the line gives none.
	Module string
	// Time is zero if the line gives none.
	Time time.Time
	// Attrs are the other facts, in the order of the line. Strings, numbers,
	// booleans and null have values of the matching kinds (null is a nil any);
	// an object or an array is a [RawJSON].
	Attrs []slog.Attr
}

// Log passes the entry to a logger, with its own time, or the present if it has
// none. The module travels as an attribute of the key [ModuleKey], which
// [Handler] writes where it belongs. Errors of the handler are dropped, as slog
// does.
func (e Entry) Log(ctx context.Context, logger *slog.Logger) {
	handler := logger.Handler()
	if !handler.Enabled(ctx, e.Level) {
		return
	}
	at := e.Time
	if at.IsZero() {
		at = time.Now()
	}
	record := slog.NewRecord(at, e.Level, e.Message, 0)
	if e.Module != "" {
		record.AddAttrs(slog.String(ModuleKey, e.Module))
	}
	record.AddAttrs(e.Attrs...)
	_ = handler.Handle(ctx, record)
}

// appendHead writes the opening of a line: everything up to the attributes.
// A message longer than limit bytes in JSON is cut; 0 is no limit.
func appendHead(buf []byte, level slog.Level, message, module string, at time.Time, limit int) []byte {
	buf = append(buf, `{"`+LevelKey+`":"`...)
	buf = append(buf, LevelName(level)...)
	buf = append(buf, `","`+MessageKey+`":`...)
	buf = appendString(buf, message, limit)
	if module != "" {
		buf = append(buf, `,"`+ModuleKey+`":`...)
		buf = appendString(buf, module, limit)
	}
	if !at.IsZero() {
		buf = append(buf, `,"`+TimeKey+`":"`...)
		buf = at.AppendFormat(buf, TimeFormat)
		buf = append(buf, '"')
	}
	return buf
}

// appendTail closes a line.
func appendTail(buf []byte) []byte {
	return append(buf, '}', '\n')
}

// ParseLine reads one line of stderr, with or without its newline, as an entry
// in hclog's JSON form. It reports false for any other line, to be taken as
// text: one that is no JSON object, has no @message or no known @level, or has
// one of @message, @level and @timestamp in a wrong form. @timestamp and @module
// may be missing. Of a key that comes twice the last one counts. The result
// shares no memory with line.
func ParseLine(line []byte) (Entry, bool) {
	fields, ok := splitObject(bytes.ToValidUTF8(line, replacement()))
	if !ok {
		return Entry{}, false
	}
	return entryOf(fields)
}

// entryOf reads the fields of an object as hclog's.
func entryOf(fields []field) (Entry, bool) {
	var entry Entry
	var hasLevel, hasMessage bool
	for i, f := range fields {
		text, isString := f.text()
		switch {
		case f.key == MessageKey:
			entry.Message, hasMessage = text, isString
		case f.key == LevelKey:
			entry.Level, hasLevel = parseLevel(text)
		case f.key == TimeKey:
			at, err := time.Parse(TimeFormat, text)
			if err != nil {
				return Entry{}, false
			}
			entry.Time = at
		case f.key == ModuleKey && isString:
			entry.Module = text
		default:
			if entry.Attrs == nil {
				entry.Attrs = make([]slog.Attr, 0, len(fields)-i)
			}
			entry.Attrs = append(entry.Attrs, f.attr())
		}
	}
	if !hasLevel || !hasMessage {
		return Entry{}, false
	}
	return entry, true
}

// replacement stands in for bytes that are no UTF-8.
func replacement() []byte { return []byte("\uFFFD") }
