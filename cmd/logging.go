package cmd

import (
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/log"
	"github.com/muesli/termenv"
	"golang.org/x/term"

	"github.com/pyvider/rpcplugin/internal/hclog"
)

// audience is whom a log is for, where the flags leave it open.
type audience struct {
	format string
	level  string
}

var (
	// forHost is a go-plugin host: it sorts the lines itself, so it gets all.
	forHost = audience{format: "hclog", level: "trace"} //nolint:gochecknoglobals // a constant
	// forAuthor is a person who tries a plugin out and wants to see it at work.
	forAuthor = audience{format: "text", level: "debug"} //nolint:gochecknoglobals // a constant
	// forUser is a person who wants an answer.
	forUser = audience{format: "text", level: "warn"} //nolint:gochecknoglobals // a constant
)

// logger makes the logger of a command; it writes to stderr.
func (g globals) logger(p *Program, whom audience) *slog.Logger {
	if g.LogFormat != "auto" && g.LogFormat != "" {
		whom.format = g.LogFormat
	}
	if g.LogLevel != "auto" && g.LogLevel != "" {
		whom.level = g.LogLevel
	}
	if whom.level == "off" {
		return slog.New(slog.DiscardHandler)
	}
	level := parseLevel(whom.level)
	if whom.format == "hclog" {
		return slog.New(hclog.NewHandler(p.Stderr, hclog.Options{Level: level, Module: "rpcplugin"}))
	}
	formatter, clock := log.TextFormatter, "15:04:05.000"
	switch whom.format {
	case "json":
		formatter, clock = log.JSONFormatter, time.RFC3339Nano
	case "logfmt":
		formatter, clock = log.LogfmtFormatter, time.RFC3339Nano
	}
	handler := log.NewWithOptions(p.Stderr, log.Options{
		Level:           log.Level(level), //nolint:gosec // both count alike, from -8 to 8
		Formatter:       formatter,
		ReportTimestamp: true,
		TimeFormat:      clock,
	})
	handler.SetColorProfile(g.renderer(p).ColorProfile())
	return slog.New(handler)
}

func parseLevel(name string) slog.Level {
	switch name {
	case "trace":
		return hclog.LevelTrace
	case "debug":
		return slog.LevelDebug
	case "info":
		return slog.LevelInfo
	case "error":
		return slog.LevelError
	default:
		return slog.LevelWarn
	}
}

// newRenderer styles what is written to w: with colour on a terminal, unless
// NO_COLOR or the flag says otherwise.
func newRenderer(p *Program, w io.Writer, when string) *lipgloss.Renderer {
	renderer := lipgloss.NewRenderer(io.Discard)
	renderer.SetHasDarkBackground(true)
	renderer.SetColorProfile(termenv.Ascii)
	_, noColor := p.LookupEnv("NO_COLOR")
	kind, _ := p.LookupEnv("TERM")
	if when == "always" || (when != "never" && !noColor && kind != "dumb" && isTerminal(w)) {
		renderer.SetColorProfile(termenv.ANSI)
	}
	return renderer
}

// isTerminal reports whether w is one.
func isTerminal(w any) bool {
	file, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(file.Fd())) //nolint:gosec // a descriptor fits
}

// wholeWrites keeps writes of several goroutines apart.
type wholeWrites struct {
	mu sync.Mutex
	w  *os.File
}

func (w *wholeWrites) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.w.Write(p)
}

// Fd is that of the file behind, so that a terminal is known as one.
func (w *wholeWrites) Fd() uintptr { return w.w.Fd() }
