package event_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/internal/hclog"
)

// newText logs as text without times.
func newText(out *bytes.Buffer, emoji bool) *slog.Logger {
	inner := slog.NewTextHandler(out, &slog.HandlerOptions{Level: hclog.LevelTrace, ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
		if attr.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return attr
	}})
	return slog.New(event.NewTextHandler(inner, emoji))
}

func TestText(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		log         func(*slog.Logger)
		emoji, want string
	}{
		"the three": {
			func(l *slog.Logger) { l.Info("up", event.OK(event.Child, event.Listen), "after", time.Second) },
			"🐣📡✅ up", `level=INFO msg=up after=1s`,
		},
		"each result": {
			func(l *slog.Logger) {
				l.Warn("a", event.Tried(event.TLS, event.Load, errors.New("no")))
				l.Warn("a", event.Tried(event.TLS, event.Load, nil))
				l.Warn("a", event.Retry(event.TLS, event.Load))
				l.Warn("a", event.Skipped(event.TLS, event.Load))
				l.Warn("a", event.TimedOut(event.TLS, event.Load))
				l.Warn("a", event.Wait(event.TLS, event.Load))
			},
			"🔒📦❌ a\n🔒📦✅ a\n🔒📦🔁 a\n🔒📦⏩ a\n🔒📦⏰ a\n🔒📦⏳ a",
			strings.TrimSuffix(strings.Repeat("level=WARN msg=a\n", 6), "\n"),
		},
		"ahead of time": {
			func(l *slog.Logger) { l.With("domain", "tls", "n", 1).Info("a", "action", "load", "result", "ok") },
			"🔒📦✅ a", "level=INFO msg=a n=1",
		},
		"unknown words": {
			func(l *slog.Logger) { l.Info("a", "domain", "database", "action", "load") },
			"🔹📦🔹 a", "level=INFO msg=a",
		},
		"a program's own words": {
			func(l *slog.Logger) { l.Info("a", hclog.ModuleKey, "db", "n", 1) },
			"💬     a", "level=INFO msg=a @module=db n=1",
		},
		"what filters need": {
			func(l *slog.Logger) {
				event.InRun(event.Named(l, "server"), "12").Info("a", event.OK(event.TLS, event.Load))
			},
			"🔒📦✅ a", "level=INFO msg=a",
		},
		"groups": {
			func(l *slog.Logger) {
				l.WithGroup("g").With("a", 1).Info("m", "domain", "x", slog.Group("h", "b", 2), slog.Group(""), slog.Attr{})
			},
			"💬     m", "level=INFO msg=m g.a=1 g.domain=x g.h.b=2",
		},
		"levels between": {
			func(l *slog.Logger) {
				for _, level := range []slog.Level{-9, -5, -1, 3, 5, 12} {
					l.Log(context.Background(), max(level, hclog.LevelTrace), "m")
				}
			},
			strings.TrimSuffix(strings.Repeat("💬     m\n", 6), "\n"),
			"level=DEBUG-4 msg=m\nlevel=DEBUG-4 msg=m\nlevel=DEBUG msg=m\nlevel=INFO msg=m\nlevel=WARN msg=m\nlevel=ERROR msg=m",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var plain, pictured bytes.Buffer
			test.log(newText(&plain, false))
			test.log(newText(&pictured, true))
			if got := strings.TrimSuffix(plain.String(), "\n"); got != test.want {
				t.Errorf("without emoji\n%s\nwant\n%s", got, test.want)
			}
			wants := strings.Split(test.emoji, "\n")
			for i, line := range strings.Split(strings.TrimSuffix(pictured.String(), "\n"), "\n") {
				if i >= len(wants) || !strings.Contains(line, `msg="`+wants[i]+`"`) {
					t.Errorf("with emoji %q, want %q in line %d", line, test.emoji, i)
				}
			}
		})
	}
}

// Messages begin in the same column, whatever leads them.
func TestTextColumns(t *testing.T) {
	t.Parallel()
	for _, attrs := range [][]any{
		{event.OK(event.Child, event.Listen)},
		{event.Failed(event.TLS, event.Load)},
		{"domain", "nobody's"},
		{},
	} {
		var out bytes.Buffer
		newText(&out, true).Info("message", attrs...)
		_, lead, _ := strings.Cut(out.String(), `msg="`)
		lead, _, found := strings.Cut(lead, "message")
		if got := lipgloss.Width(lead); !found || got != 7 {
			t.Errorf("the message of %q begins in column %d, want 7", out.String(), got)
		}
	}
}
