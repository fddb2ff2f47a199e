package hclog

import (
	"context"
	"io"
	"log/slog"
	"sync"
)

// Options set up a [Handler]. The zero value logs from info on, with no module.
type Options struct {
	// Level is the lowest level that is written; nil is info. A *slog.LevelVar
	// can be changed while the handler is in use.
	Level slog.Leveler
	// Module is the line's @module; empty leaves it out.
	Module string
}

// A Handler writes log records as hclog's JSON lines, one call of Write a line.
// It is safe for use by many goroutines. Attributes become further keys; those
// in groups are joined with points ("request.id"). An attribute whose key the
// line itself uses is written with a leading underscore, except that a string
// of the key [ModuleKey] replaces the module. A line never grows past
// [MaxLineBytes]: a long message is cut, attributes that do not fit are cut or
// left out, and "truncated":true says so.
type Handler struct {
	sink   *sink
	level  slog.Leveler
	module string
	group  string // prefix of the keys of later attributes: "" or "a.b."
	attrs  []byte // encoded attributes, each led by a comma
}

// NewHandler returns a handler that writes to w, typically the plugin's stderr.
// It does not close w. Handlers derived from one another share a lock, so that
// their lines never mix; two calls of NewHandler with one w do not.
func NewHandler(w io.Writer, opts Options) *Handler {
	level := opts.Level
	if level == nil {
		level = slog.LevelInfo
	}
	return &Handler{sink: &sink{w: w}, level: level, module: opts.Module}
}

// Enabled tells whether records of the level are written.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

// Handle writes the record as one line and returns the error of the write.
func (h *Handler) Handle(_ context.Context, record slog.Record) error {
	buf := h.sink.buffer()
	defer h.sink.free(buf)
	module := h.module
	if h.group == "" {
		record.Attrs(func(attr slog.Attr) bool {
			if isModule(attr) {
				module = attr.Value.String()
			}
			return true
		})
	}
	*buf = h.appendLine((*buf)[:0], record, module)
	if len(*buf) > MaxLineBytes {
		*buf = h.appendShortened((*buf)[:0], record, module)
	}
	return h.sink.write(*buf)
}

// WithAttrs returns a handler that adds the attributes to every line. They are
// encoded here, once.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	derived := *h
	derived.attrs = append([]byte(nil), h.attrs...)
	for _, attr := range attrs {
		if h.group == "" && isModule(attr) {
			derived.module = attr.Value.String()
			continue
		}
		derived.attrs = appendAttr(derived.attrs, h.group, attr)
	}
	return &derived
}

// WithGroup returns a handler that leads the keys of all further attributes with
// name and a point. An empty name changes nothing.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	derived := *h
	derived.group += name + "."
	return &derived
}

// appendLine writes the whole line.
func (h *Handler) appendLine(buf []byte, record slog.Record, module string) []byte {
	buf = appendHead(buf, record.Level, record.Message, module, record.Time, 0)
	buf = append(buf, h.attrs...)
	record.Attrs(func(attr slog.Attr) bool {
		if h.group != "" || !isModule(attr) {
			buf = appendAttr(buf, h.group, attr)
		}
		return true
	})
	return appendTail(buf)
}

// appendShortened writes what fits of a line that is too long.
func (h *Handler) appendShortened(buf []byte, record slog.Record, module string) []byte {
	const mark = `,"truncated":true`
	const room = MaxLineBytes - len(mark) - len("}\n")
	buf = appendHead(buf, record.Level, record.Message, module, record.Time, MaxLineBytes/4)
	if len(buf)+len(h.attrs) <= room {
		buf = append(buf, h.attrs...)
	}
	record.Attrs(func(attr slog.Attr) bool {
		if h.group == "" && isModule(attr) {
			return true
		}
		start := len(buf)
		buf = appendAttr(buf, h.group, attr)
		if len(buf) <= room {
			return true
		}
		buf = buf[:start]
		value := attr.Value.Resolve()
		if value.Kind() != slog.KindString {
			return true
		}
		buf = appendKey(buf, h.group, attr.Key)
		left := room - len(buf) - len(`""`)
		if left < 64 {
			buf = buf[:start]
			return true
		}
		buf = appendString(buf, value.String(), left)
		return true
	})
	return appendTail(append(buf, mark...))
}

// isModule tells whether an attribute outside groups names the line's module.
func isModule(attr slog.Attr) bool {
	return attr.Key == ModuleKey && attr.Value.Kind() == slog.KindString
}

// sink is the writer that a handler shares with those derived from it.
type sink struct {
	buffers sync.Pool // of *[]byte
	mu      sync.Mutex
	w       io.Writer // guarded by mu
}

// buffer returns an empty buffer, to be given back with free. Lines are encoded
// outside the lock: a value's own methods run then, and may log.
func (s *sink) buffer() *[]byte {
	if buf, ok := s.buffers.Get().(*[]byte); ok {
		return buf
	}
	buf := make([]byte, 0, 1024)
	return &buf
}

// free takes a buffer back, unless one long line has made it huge.
func (s *sink) free(buf *[]byte) {
	if cap(*buf) <= MaxLineBytes/4 {
		s.buffers.Put(buf)
	}
}

// write passes one line on, whole.
func (s *sink) write(line []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.w.Write(line)
	return err
}
