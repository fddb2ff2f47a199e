package event

import (
	"context"
	"log/slog"
	"strings"

	"github.com/pyvider/rpcplugin/internal/hclog"
)

// ownModules is how the names of this module's loggers begin.
const ownModules = "rpcplugin."

// TextHandler makes records fit for people who read them as they come. It takes
// off what is there for filters: domain, action, result, the run of the plugin,
// and the module if it is one of ours. With emoji, three of them stand for the
// first three, before the message; what another program has said gets one, and
// the room of two. Levels between those that have names are rounded down, and
// groups become prefixes of keys.
type TextHandler struct {
	inner    slog.Handler
	pictures map[[2]string]string // nil without emoji
	event    triple
	group    string // "" or "a.b."
}

// NewTextHandler returns a handler that passes records on to inner.
func NewTextHandler(inner slog.Handler, emoji bool) *TextHandler {
	h := &TextHandler{inner: inner}
	if emoji {
		h.pictures = pictures()
	}
	return h
}

// triple is the words of a record, in the order of columns.
type triple [3]string

func columnOf(key string) int {
	switch key {
	case DomainKey:
		return 0
	case ActionKey:
		return 1
	case ResultKey:
		return 2
	default:
		return -1
	}
}

// ForFilters reports whether an attribute outside groups tells people nothing that
// they do not see anyway, and is there for who filters records.
func ForFilters(attr slog.Attr) bool {
	switch attr.Key {
	case hclog.ModuleKey:
		return strings.HasPrefix(attr.Value.String()+".", ownModules)
	case PluginKey:
		return true
	default:
		return columnOf(attr.Key) >= 0
	}
}

// Enabled is that of the handler inside.
func (h *TextHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

// Handle passes on what is left of the record.
func (h *TextHandler) Handle(ctx context.Context, record slog.Record) error {
	event := h.event
	var attrs []slog.Attr
	record.Attrs(func(attr slog.Attr) bool {
		attrs = h.sift(attrs, &event, h.group, attr)
		return true
	})
	plain := slog.NewRecord(record.Time, named(record.Level), h.lead(event)+record.Message, record.PC)
	plain.AddAttrs(attrs...)
	return h.inner.Handle(ctx, plain)
}

// WithAttrs returns a handler that adds the attributes to every record.
func (h *TextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	derived := *h
	var kept []slog.Attr
	for _, attr := range attrs {
		kept = h.sift(kept, &derived.event, h.group, attr)
	}
	if len(kept) > 0 {
		derived.inner = h.inner.WithAttrs(kept)
	}
	return &derived
}

// WithGroup returns a handler that leads the keys of all further attributes with
// name and a point.
func (h *TextHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	derived := *h
	derived.group += name + "."
	return &derived
}

// sift appends what of an attribute is for people, and keeps what is an event's.
func (h *TextHandler) sift(kept []slog.Attr, event *triple, group string, attr slog.Attr) []slog.Attr {
	attr.Value = attr.Value.Resolve()
	if attr.Value.Kind() == slog.KindGroup {
		if attr.Key != "" {
			group += attr.Key + "."
		}
		for _, member := range attr.Value.Group() {
			kept = h.sift(kept, event, group, member)
		}
		return kept
	}
	if attr.Equal(slog.Attr{}) {
		return kept
	}
	if group == "" {
		if column := columnOf(attr.Key); column >= 0 {
			event[column] = attr.Value.String()
			return kept
		}
		if ForFilters(attr) {
			return kept
		}
	}
	attr.Key = group + attr.Key
	return append(kept, attr)
}

// lead is what stands before the message.
func (h *TextHandler) lead(event triple) string {
	if h.pictures == nil {
		return ""
	}
	if event == (triple{}) {
		return Said + "     "
	}
	var b strings.Builder
	for column, key := range [...]string{DomainKey, ActionKey, ResultKey} {
		picture := h.pictures[[2]string{key, event[column]}]
		if picture == "" {
			picture = Unknown
		}
		b.WriteString(picture)
	}
	b.WriteByte(' ')
	return b.String()
}

// named rounds a level down to one that has a name.
func named(level slog.Level) slog.Level {
	switch {
	case level < slog.LevelDebug:
		return hclog.LevelTrace
	case level < slog.LevelInfo:
		return slog.LevelDebug
	case level < slog.LevelWarn:
		return slog.LevelInfo
	case level < slog.LevelError:
		return slog.LevelWarn
	default:
		return slog.LevelError
	}
}
