package event_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/internal/hclog"
)

// newHclog logs as hosts read it.
func newHclog(out *bytes.Buffer) *slog.Logger {
	return slog.New(hclog.NewHandler(out, hclog.Options{Module: "rpcplugin"}))
}

// A host finds each attribute as a key of its own.
func TestHostsSeeAttributes(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	event.Named(event.InRun(newHclog(&out), "7"), "server").Info("m", event.OK(event.Socket, event.Listen))
	const want = `"plugin_id":"7","domain":"socket","action":"listen","result":"ok"}`
	if got := out.String(); !strings.Contains(got, want) || !strings.Contains(got, `"@module":"rpcplugin.server"`) {
		t.Errorf("logged %s, want %s in it, and the module", got, want)
	}
}

// A record belongs to one run: the outermost.
func TestInRun(t *testing.T) {
	t.Parallel()
	for name, log := range map[string]func(*slog.Logger){
		"once":        func(l *slog.Logger) { event.InRun(l, "7").Info("m") },
		"twice":       func(l *slog.Logger) { event.InRun(event.Named(event.InRun(l, "7").With("a", 1), "x"), "8").Info("m") },
		"in a record": func(l *slog.Logger) { event.InRun(l, "7").Info("m", event.PluginKey, "8", "b", 2) },
		"none":        func(l *slog.Logger) { event.InRun(event.InRun(l, ""), "7").Info("m") },
		"in a group":  func(l *slog.Logger) { event.InRun(l, "7").WithGroup("g").Info("m", "a", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			log(newHclog(&out))
			if got := out.String(); strings.Count(got, event.PluginKey) != 1 || !strings.Contains(got, `"plugin_id":"7"`) {
				t.Errorf("logged %s, want plugin_id 7, once", got)
			}
			if got := out.String(); name == "in a record" && !strings.Contains(got, `"b":2`) {
				t.Errorf("logged %s, want b in it", got)
			}
		})
	}
	if logger := slog.New(slog.DiscardHandler); event.InRun(logger, "7") != logger {
		t.Error("a logger that discards is wrapped")
	}
}
