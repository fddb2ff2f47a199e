package hclog

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// cutMark ends a string that was shortened.
const cutMark = "… (cut)"

// appendAttr writes an attribute as further keys of a line, each led by a comma.
// A group becomes one key for each of its members, prefix and keys joined with
// a point.
func appendAttr(buf []byte, prefix string, attr slog.Attr) []byte {
	value := attr.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if attr.Key != "" {
			prefix += attr.Key + "."
		}
		for _, member := range value.Group() {
			buf = appendAttr(buf, prefix, member)
		}
		return buf
	}
	if attr.Equal(slog.Attr{}) {
		return buf
	}
	buf = appendKey(buf, prefix, attr.Key)
	return appendValue(buf, value)
}

// appendKey writes a comma, a key and its colon.
func appendKey(buf []byte, prefix, key string) []byte {
	buf = append(buf, ',', '"')
	if prefix == "" && isReserved(key) {
		buf = append(buf, '_')
	}
	buf = appendEscaped(buf, prefix, 0)
	buf = appendEscaped(buf, key, 0)
	return append(buf, '"', ':')
}

// isReserved tells whether the line itself owns the key.
func isReserved(key string) bool {
	return key == LevelKey || key == MessageKey || key == ModuleKey || key == TimeKey
}

// appendValue writes a resolved value that is no group. Durations are written
// as text ("1.5s"), times in RFC 3339, numbers JSON has no form for as text.
func appendValue(buf []byte, value slog.Value) []byte {
	switch value.Kind() {
	case slog.KindString:
		return appendString(buf, value.String(), 0)
	case slog.KindInt64:
		return strconv.AppendInt(buf, value.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(buf, value.Uint64(), 10)
	case slog.KindBool:
		return strconv.AppendBool(buf, value.Bool())
	case slog.KindDuration:
		return appendString(buf, value.Duration().String(), 0)
	case slog.KindTime:
		buf = append(buf, '"')
		buf = value.Time().AppendFormat(buf, time.RFC3339Nano)
		return append(buf, '"')
	case slog.KindFloat64:
		return appendFloat(buf, value.Float64())
	default:
		return appendAny(buf, value.Any())
	}
}

// appendFloat writes a number, or the text of one that JSON cannot write.
func appendFloat(buf []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return appendString(buf, strconv.FormatFloat(f, 'g', -1, 64), 0)
	}
	return strconv.AppendFloat(buf, f, 'g', -1, 64)
}

// appendAny writes a value of any type: its own JSON if it has one, the text of
// an error, else what encoding/json makes of it. A value that cannot be encoded,
// or panics on the way, leaves a text that says so.
func appendAny(buf []byte, value any) (out []byte) {
	start := len(buf)
	defer func() {
		if p := recover(); p != nil {
			out = appendString(buf[:start], fmt.Sprintf("!PANIC: %v", p), 0)
		}
	}()
	if err, ok := value.(error); ok && !encodesItself(value) {
		return appendString(buf, err.Error(), 0)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return appendString(buf, "!ERROR: "+err.Error(), 0)
	}
	return append(buf, encoded...)
}

// encodesItself tells whether encoding/json asks the value for its form.
func encodesItself(value any) bool {
	switch value.(type) {
	case json.Marshaler, encoding.TextMarshaler:
		return true
	default:
		return false
	}
}

// appendString writes a JSON string. Bytes that are no UTF-8 are replaced. If
// it takes more than limit bytes it is cut, and says so; 0 is no limit.
func appendString(buf []byte, s string, limit int) []byte {
	buf = append(buf, '"')
	buf = appendEscaped(buf, s, limit)
	return append(buf, '"')
}

// appendEscaped writes the inside of a JSON string.
func appendEscaped(buf []byte, s string, limit int) []byte {
	const hex = "0123456789abcdef"
	end := len(buf) + limit
	done := 0 // s[:done] is written
	for i := 0; i < len(s); {
		if limit > 0 && len(buf)+(i-done) > end-len(cutMark)-6 {
			return append(append(buf, s[done:i]...), cutMark...)
		}
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				buf = append(append(buf, s[done:i]...), "\uFFFD"...)
				done = i + 1
			}
			i += size
			continue
		}
		i++
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		buf = append(buf, s[done:i-1]...)
		done = i
		switch c {
		case '"', '\\':
			buf = append(buf, '\\', c)
		case '\n':
			buf = append(buf, '\\', 'n')
		case '\r':
			buf = append(buf, '\\', 'r')
		case '\t':
			buf = append(buf, '\\', 't')
		default:
			buf = append(buf, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
	}
	return append(buf, s[done:]...)
}
