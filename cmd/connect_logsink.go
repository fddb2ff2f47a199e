package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/charmbracelet/lipgloss"

	"github.com/pyvider/rpcplugin/internal/event"
)

// logSink prints what a plugin says, line by line, each with where it comes from.
type logSink struct {
	wrote chan struct{} // gets a value after lines were printed

	mu      sync.Mutex
	out     io.Writer
	json    bool
	streams []*logStream
	style   func(source string) lipgloss.Style
}

// logLine is the JSON form of a line.
type logLine struct {
	Time    time.Time      `json:"time"`
	Source  string         `json:"source"`
	Level   string         `json:"level,omitempty"`
	Message string         `json:"message"`
	Fields  map[string]any `json:"fields,omitempty"`
}

// newLogSink prints on stdout.
func newLogSink(p *Program, g globals, output string) *logSink {
	renderer := newRenderer(p, p.Stdout, g.Color)
	return &logSink{
		wrote: make(chan struct{}, 1), out: p.Stdout, json: output == "json",
		style: func(source string) lipgloss.Style {
			colour := map[string]string{
				"stdout": "2", "stderr": "3", "log": "6", "ERROR": "1", "WARN": "3", "INFO": "2",
			}[source]
			return renderer.NewStyle().Foreground(lipgloss.Color(colour))
		},
	}
}

// show prints one line.
func (s *logSink) show(line logLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.json {
		_ = json.NewEncoder(s.out).Encode(line)
	} else {
		level := ""
		if line.Level != "" {
			level = s.style(line.Level).Render(fmt.Sprintf("%-5s", line.Level)) + " "
		}
		fields := ""
		for _, name := range slices.Sorted(maps.Keys(line.Fields)) {
			fields += fmt.Sprintf(" %s=%v", name, line.Fields[name])
		}
		fmt.Fprintf(s.out, "%s %s%s%s\n", s.style(line.Source).Render(fmt.Sprintf("%-6s", line.Source)), level, line.Message, fields)
	}
	select {
	case s.wrote <- struct{}{}:
	default:
	}
}

// stream returns a writer of which each line is printed.
func (s *logSink) stream(source string) io.Writer {
	stream := &logStream{sink: s, source: source}
	s.streams = append(s.streams, stream)
	return stream
}

// flush prints lines without an end. Nothing is written any more.
func (s *logSink) flush() {
	for _, stream := range s.streams {
		if len(stream.rest) > 0 {
			s.show(logLine{Time: time.Now(), Source: stream.source, Message: string(stream.rest)})
		}
	}
}

// logStream cuts what is written into lines.
type logStream struct {
	sink   *logSink
	source string
	rest   []byte
}

func (l *logStream) Write(data []byte) (int, error) {
	l.rest = append(l.rest, data...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			return len(data), nil
		}
		l.sink.show(logLine{Time: time.Now(), Source: l.source, Message: string(bytes.TrimSuffix(line, []byte("\r")))})
		l.rest = rest
	}
}

// logger returns a logger that prints the plugin's own records, and leaves those
// of the host to own.
func (s *logSink) logger(own *slog.Logger) *slog.Logger {
	return slog.New(&logTee{sink: s, own: own.Handler()})
}

// logTee tells a plugin's records from the host's: only the host's were made
// somewhere in this program.
type logTee struct {
	sink *logSink
	own  slog.Handler
}

func (t *logTee) Enabled(context.Context, slog.Level) bool { return true }

func (t *logTee) Handle(ctx context.Context, record slog.Record) error {
	if record.PC != 0 {
		if t.own.Enabled(ctx, record.Level) {
			return t.own.Handle(ctx, record)
		}
		return nil
	}
	line := logLine{Time: record.Time, Source: "log", Level: levelText(record.Level), Message: record.Message}
	record.Attrs(func(attribute slog.Attr) bool {
		if !t.sink.json && event.ForFilters(attribute) {
			return true
		}
		if line.Fields == nil {
			line.Fields = make(map[string]any)
		}
		line.Fields[attribute.Key] = attribute.Value.Any()
		return true
	})
	t.sink.show(line)
	return nil
}

func (t *logTee) WithAttrs(attributes []slog.Attr) slog.Handler {
	return &logTee{sink: t.sink, own: t.own.WithAttrs(attributes)}
}

func (t *logTee) WithGroup(name string) slog.Handler {
	return &logTee{sink: t.sink, own: t.own.WithGroup(name)}
}

// levelText names a level as hosts do.
func levelText(level slog.Level) string {
	if level < slog.LevelDebug {
		return "TRACE"
	}
	return level.String()
}
