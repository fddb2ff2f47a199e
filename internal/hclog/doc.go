// Package hclog speaks the log forms that cross a plugin's standard error.
//
// Hosts of the go-plugin protocol read a plugin's stderr line by line. A line
// that is a JSON object with the keys @level, @message and @timestamp is a log
// entry, and everything else is text whose level is guessed from its beginning
// (see the go-plugin contract, section 5).
//
// The package has both directions and what lies between:
//
//   - [Handler] is a [log/slog.Handler] that writes such JSON lines, for a
//     plugin to use on its own stderr.
//   - [ParseLine] reads one of them back, for a host.
//   - [Classifier] reads the stderr of any program, whatever it logs with, and
//     turns each line into an [Entry] with a level: hclog, tagged text, Python's
//     logging and tracebacks, JSON of slog, zap, pino, bunyan, winston and
//     structlog, and panics of Go.
//
// Nothing here starts a goroutine or keeps package-level state.
package hclog
