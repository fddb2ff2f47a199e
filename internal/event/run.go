package event

import (
	"context"
	"log/slog"

	"github.com/pyvider/rpcplugin/internal/hclog"
)

// Named returns a logger whose records come from a package of this module, by its
// name: "server" makes the module "rpcplugin.server".
func Named(logger *slog.Logger, name string) *slog.Logger {
	return logger.With(hclog.ModuleKey, ownModules+name)
}

// InRun returns a logger whose records belong to one run of a plugin: id is that of
// the plugin's process, which host and plugin both know, in decimals. A logger
// that has a run keeps it, and so do its records: of a plugin behind a plugin,
// the outer one counts, as that is the one which the host knows. "" is no run.
func InRun(logger *slog.Logger, id string) *slog.Logger {
	handler := logger.Handler()
	if _, has := handler.(run); has || id == "" || handler == slog.DiscardHandler {
		return logger
	}
	return slog.New(run{handler.WithAttrs([]slog.Attr{slog.String(PluginKey, id)})})
}

// run is a handler that has a PluginKey already.
type run struct{ slog.Handler }

// Handle drops the run that a record names, such as a line of the plugin's.
func (r run) Handle(ctx context.Context, record slog.Record) error {
	names := false
	record.Attrs(func(attr slog.Attr) bool {
		names = attr.Key == PluginKey
		return !names
	})
	if !names {
		return r.Handler.Handle(ctx, record)
	}
	others := slog.NewRecord(record.Time, record.Level, record.Message, record.PC)
	record.Attrs(func(attr slog.Attr) bool {
		if attr.Key != PluginKey {
			others.AddAttrs(attr)
		}
		return true
	})
	return r.Handler.Handle(ctx, others)
}

// WithAttrs returns a handler of the same run.
func (r run) WithAttrs(attrs []slog.Attr) slog.Handler { return run{r.Handler.WithAttrs(attrs)} }

// WithGroup returns a handler of the same run.
func (r run) WithGroup(name string) slog.Handler { return run{r.Handler.WithGroup(name)} }
