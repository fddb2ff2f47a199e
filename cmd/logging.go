package cmd

import (
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/log"
	"github.com/muesli/termenv"
	"golang.org/x/term"

	"github.com/pyvider/rpcplugin/internal/event"
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
	p.logLevel.Set(level)
	if whom.format == "hclog" {
		return slog.New(hclog.NewHandler(p.Stderr, hclog.Options{Level: &p.logLevel, Module: "rpcplugin"}))
	}
	switch whom.format {
	case "json":
		return slog.New(slog.NewJSONHandler(p.Stderr, &slog.HandlerOptions{Level: &p.logLevel, ReplaceAttr: nameLevel}))
	case "logfmt":
		return slog.New(slog.NewTextHandler(p.Stderr, &slog.HandlerOptions{Level: &p.logLevel, ReplaceAttr: nameLevel}))
	}
	handler := log.NewWithOptions(p.Stderr, log.Options{
		Level:           log.Level(level), //nolint:gosec // both count alike, from -8 to 8
		ReportTimestamp: true,
		TimeFormat:      "15:04:05.000",
	})
	renderer := g.renderer(p)
	handler.SetColorProfile(renderer.ColorProfile())
	styles := log.DefaultStyles()
	styles.Levels[log.Level(hclog.LevelTrace)] = lipgloss.NewStyle().SetString("TRAC").Faint(true)
	handler.SetStyles(styles)
	return slog.New(event.NewTextHandler(handler, g.wantsEmoji(p)))
}

// crashReport is stderr for the report of a crash. Hosts take what comes after it
// for a part of it (go-plugin contract, section 5), so that only errors are logged
// from then on.
type crashReport struct{ p *Program }

func (c crashReport) Write(text []byte) (int, error) {
	c.p.logLevel.Set(slog.LevelError)
	return c.p.Stderr.Write(text)
}

// wantsEmoji reports whether text is led by emoji: where the flag leaves it open,
// on a terminal that shows UTF-8 and is not asked to be plain.
func (g globals) wantsEmoji(p *Program) bool {
	if g.Emoji != nil {
		return *g.Emoji
	}
	_, plain := p.LookupEnv("NO_COLOR")
	kind, _ := p.LookupEnv("TERM")
	return !plain && kind != "dumb" && isTerminal(p.Stderr) && p.showsUTF8()
}

// showsUTF8 reports whether the locale's characters are UTF-8: the first of its
// variables that is set counts.
func (p *Program) showsUTF8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale, _ := p.LookupEnv(name); locale != "" {
			locale = strings.ToLower(locale)
			return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
		}
	}
	return false
}

// nameLevel writes levels as the flag names them.
func nameLevel(groups []string, attr slog.Attr) slog.Attr {
	if level, ok := attr.Value.Any().(slog.Level); ok && len(groups) == 0 && attr.Key == slog.LevelKey {
		attr.Value = slog.StringValue(hclog.LevelName(level))
	}
	return attr
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
