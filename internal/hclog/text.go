package hclog

import (
	"log/slog"
	"strings"
)

// parseBracketed reads "[WARN] message". The tag and the space after it are not
// part of the message: the entry's level says the same.
func parseBracketed(text string) (Entry, bool) {
	if text[0] != '[' {
		return Entry{}, false
	}
	tag, message, found := strings.Cut(text[1:], "]")
	if !found {
		return Entry{}, false
	}
	var level slog.Level
	switch tag {
	case "TRACE":
		level = LevelTrace
	case "DEBUG":
		level = slog.LevelDebug
	case "INFO":
		level = slog.LevelInfo
	case "WARN", "WARNING":
		level = slog.LevelWarn
	case "ERROR", "CRITICAL", "FATAL":
		level = slog.LevelError
	default:
		return Entry{}, false
	}
	return Entry{Level: level, Message: strings.TrimSpace(message)}, true
}

// parsePythonLogging reads "LEVEL:name:message", what Python's logging writes
// unless it is told otherwise. A name has no white space in it.
func parsePythonLogging(text string) (Entry, bool) {
	word, rest, found := strings.Cut(text, ":")
	if !found {
		return Entry{}, false
	}
	var level slog.Level
	switch word {
	case "DEBUG":
		level = slog.LevelDebug
	case "INFO":
		level = slog.LevelInfo
	case "WARNING":
		level = slog.LevelWarn
	case "ERROR", "CRITICAL":
		level = slog.LevelError
	default:
		return Entry{}, false
	}
	name, message, found := strings.Cut(rest, ":")
	if !found || name == "" || strings.ContainsAny(name, " \t") {
		return Entry{}, false
	}
	return Entry{Level: level, Module: name, Message: message}, true
}

// isPanic tells whether a line is the first of a crash of Go's runtime.
func isPanic(text string) bool {
	return strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ")
}
