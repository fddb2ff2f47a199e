package hclog

import (
	"log/slog"
	"strings"
)

// LevelTrace is the slog level of the protocol's level "trace". slog has no
// name for it; its own handlers print it as DEBUG-4.
const LevelTrace = slog.Level(-8)

// LevelName returns the protocol's word for a level. A level between two words
// has the lower one.
func LevelName(level slog.Level) string {
	switch {
	case level < slog.LevelDebug:
		return "trace"
	case level < slog.LevelInfo:
		return "debug"
	case level < slog.LevelWarn:
		return "info"
	case level < slog.LevelError:
		return "warn"
	default:
		return "error"
	}
}

// parseLevel reads one of the protocol's five words, in any case.
func parseLevel(word string) (slog.Level, bool) {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "trace":
		return LevelTrace, true
	case "debug":
		return slog.LevelDebug, true
	case "info":
		return slog.LevelInfo, true
	case "warn":
		return slog.LevelWarn, true
	case "error":
		return slog.LevelError, true
	default:
		return 0, false
	}
}

// parseForeignLevel reads the level words of other loggers too, among them
// slog's with an offset ("DEBUG-4").
func parseForeignLevel(word string) (slog.Level, bool) {
	if level, ok := parseLevel(word); ok {
		return level, true
	}
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "silly", "verbose", "finest", "notset":
		return LevelTrace, true
	case "information", "informational", "notice":
		return slog.LevelInfo, true
	case "warning":
		return slog.LevelWarn, true
	case "err", "critical", "crit", "fatal", "panic", "dpanic", "alert", "emerg", "emergency":
		return slog.LevelError, true
	}
	var level slog.Level
	if level.UnmarshalText([]byte(word)) != nil {
		return 0, false
	}
	return level, true
}

// numericLevel reads the numbers of pino and bunyan: 10 is trace, 60 is fatal.
// Smaller numbers are refused: they belong to other scales, syslog's runs the
// other way round.
func numericLevel(n float64) (slog.Level, bool) {
	switch {
	case n < 10 || n > 100:
		return 0, false
	case n < 20:
		return LevelTrace, true
	case n < 30:
		return slog.LevelDebug, true
	case n < 40:
		return slog.LevelInfo, true
	case n < 50:
		return slog.LevelWarn, true
	default:
		return slog.LevelError, true
	}
}
