package hclog

import (
	"log/slog"
	"math"
	"time"
)

// foreignEntryOf reads the fields of an object as those of another JSON logger:
// slog, zap, pino, bunyan, winston, structlog and their like. It needs a level
// that is known and a message.
func foreignEntryOf(fields []field) (Entry, bool) {
	level, at, found := foreignLevel(fields)
	if !found {
		return Entry{}, false
	}
	entry := Entry{Level: level}
	_, isText := fields[at].text()
	hasMessage := false
	for i, f := range fields {
		text, isString := f.text()
		switch {
		case i == at:
		case !hasMessage && isString && isMessageKey(f.key):
			entry.Message, hasMessage = text, true
		case entry.Module == "" && isString && isModuleKey(f.key, isText):
			entry.Module = text
		case entry.Time.IsZero() && isTimeKey(f.key) && f.time(&entry.Time):
		default:
			entry.Attrs = append(entry.Attrs, f.attr())
		}
	}
	if !hasMessage {
		return Entry{}, false
	}
	return entry, true
}

// foreignLevel finds the level among the fields, and which of them it is.
func foreignLevel(fields []field) (level slog.Level, at int, found bool) {
	for i, f := range fields {
		switch f.key {
		case "level", "levelname", "severity":
		default:
			continue
		}
		if text, ok := f.text(); ok {
			level, found = parseForeignLevel(text)
		} else if n, ok := f.number(); ok {
			level, found = numericLevel(n)
		}
		if found {
			return level, i, true
		}
	}
	return 0, 0, false
}

func isMessageKey(key string) bool { return key == "msg" || key == "message" || key == "event" }

func isTimeKey(key string) bool { return key == "time" || key == "ts" || key == "timestamp" }

// isModuleKey: loggers with a number for a level call their module "name"; with
// the others that may be anybody's.
func isModuleKey(key string, levelIsText bool) bool {
	return key == "logger" || key == "name" && !levelIsText
}

// time stores the field's value in at if it is a time: RFC 3339 or ISO 8601, or
// a number since 1970, of seconds, or of milliseconds if it is that large.
func (f field) time(at *time.Time) bool {
	if text, ok := f.text(); ok {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"} {
			if t, err := time.Parse(layout, text); err == nil {
				*at = t
				return true
			}
		}
		return false
	}
	const asMillis = 1e11 // as seconds: the year 5138
	n, ok := f.number()
	if !ok || n <= 0 || n > 1e15 {
		return false
	}
	if n < asMillis {
		seconds, fraction := math.Modf(n)
		*at = time.Unix(int64(seconds), int64(math.Round(fraction*1e6))*1e3).UTC()
		return true
	}
	*at = time.UnixMicro(int64(math.Round(n * 1e3))).UTC()
	return true
}
