package hclog

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strconv"
)

// RawJSON is an object or array in a log line, kept as it was written. It
// encodes as that JSON, and prints as it.
type RawJSON []byte

// MarshalJSON returns the text itself. encoding/json checks and compacts it.
func (r RawJSON) MarshalJSON() ([]byte, error) {
	if len(r) == 0 {
		return []byte("null"), nil
	}
	return r, nil
}

// String returns the JSON text.
func (r RawJSON) String() string { return string(r) }

// field is one member of a JSON object: its key, decoded, and the text of its
// value, which is valid JSON and a part of the line it was read from.
type field struct {
	key   string
	value []byte
}

// splitObject takes a JSON object apart, keeping the order of its members. It
// reports false for anything but one valid object.
func splitObject(line []byte) ([]field, bool) {
	line = bytes.Trim(line, " \t\r\n")
	if len(line) == 0 || line[0] != '{' || !json.Valid(line) {
		return nil, false
	}
	fields := make([]field, 0, 8)
	// The object is valid, so every walk below ends before its last brace.
	for i := 1; ; {
		i = skipSpace(line, i)
		switch line[i] {
		case '}':
			return fields, true
		case ',':
			i++
			continue
		}
		end := stringEnd(line, i)
		key := unquote(line[i:end])
		i = skipSpace(line, skipSpace(line, end)+1)
		end = valueEnd(line, i)
		fields = append(fields, field{key: key, value: line[i:end]})
		i = end
	}
}

// skipSpace returns the first index from i on that is no white space.
func skipSpace(line []byte, i int) int {
	for line[i] == ' ' || line[i] == '\t' || line[i] == '\r' || line[i] == '\n' {
		i++
	}
	return i
}

// stringEnd returns the index after the string that begins at i.
func stringEnd(line []byte, i int) int {
	for i++; line[i] != '"'; i++ {
		if line[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// valueEnd returns the index after the value that begins at i.
func valueEnd(line []byte, i int) int {
	depth := 0
	for {
		switch line[i] {
		case '"':
			i = stringEnd(line, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			i++
			continue
		}
		// A string, or a bracket that closed: at the top, the value is over.
		if depth == 0 {
			return i
		}
	}
}

// unquote decodes a valid JSON string.
func unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var text string
	// The string is valid JSON, which is the only thing that could fail.
	_ = json.Unmarshal(quoted, &text)
	return text
}

// text returns the value if it is a string.
func (f field) text() (string, bool) {
	if f.value[0] != '"' {
		return "", false
	}
	return unquote(f.value), true
}

// number returns the value if it is a number that fits.
func (f field) number() (float64, bool) {
	n, err := strconv.ParseFloat(string(f.value), 64)
	return n, err == nil
}

// attr returns the field as an attribute, with a copy of its value.
func (f field) attr() slog.Attr {
	switch f.value[0] {
	case '"':
		return slog.String(f.key, unquote(f.value))
	case '{', '[':
		return slog.Any(f.key, RawJSON(bytes.Clone(f.value)))
	case 't', 'f':
		return slog.Bool(f.key, f.value[0] == 't')
	case 'n':
		return slog.Any(f.key, nil)
	}
	text := string(f.value)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return slog.Int64(f.key, n)
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return slog.Uint64(f.key, n)
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return slog.Float64(f.key, n)
	}
	return slog.Any(f.key, json.Number(text))
}
