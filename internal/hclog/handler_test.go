package hclog_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/pyvider/rpcplugin/internal/hclog"
)

func handle(t *testing.T, handler slog.Handler, record slog.Record) {
	t.Helper()
	if err := handler.Handle(context.Background(), record); err != nil {
		t.Fatal(err)
	}
}

func TestHandlerLevels(t *testing.T) {
	var out bytes.Buffer
	logger := slog.New(hclog.NewHandler(&out, hclog.Options{Level: hclog.LevelTrace}))
	for _, level := range []slog.Level{-9, -8, -5, -4, -1, 0, 3, 4, 7, 8, 12} {
		logger.Log(context.Background(), level, fmt.Sprint(int(level)))
	}
	var got []string
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var fields map[string]string
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		got = append(got, fields["@message"]+fields["@level"])
	}
	const want = "-8trace -5trace -4debug -1debug 0info 3info 4warn 7warn 8error 12error"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	out.Reset()
	logger = slog.New(hclog.NewHandler(&out, hclog.Options{}))
	logger.Debug("no")
	if out.Len() != 0 {
		t.Errorf("a handler without a level wrote %q", &out)
	}
}

func TestHandlerModule(t *testing.T) {
	var out bytes.Buffer
	handler := hclog.NewHandler(&out, hclog.Options{Module: "own"})
	logger := slog.New(handler)
	logger.Info("1")
	logger.Info("2", hclog.ModuleKey, "given")
	logger.With(hclog.ModuleKey, "with").Info("3")
	logger.WithGroup("g").Info("4", hclog.ModuleKey, "in group")
	var got []string
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		entry, ok := hclog.ParseLine([]byte(line))
		if !ok {
			t.Fatalf("refused %q", line)
		}
		got = append(got, fmt.Sprint(entry.Message, entry.Module, entry.Attrs))
	}
	if s := strings.Join(got, " "); s != "1own[] 2given[] 3with[] 4own[g.@module=in group]" {
		t.Errorf("got %s", s)
	}
}

// slog's own test of handlers, with the joined keys taken apart again.
func TestHandlerConforms(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return hclog.NewHandler(&out, hclog.Options{})
	}, func(t *testing.T) map[string]any {
		var flat map[string]any
		if err := json.Unmarshal(out.Bytes(), &flat); err != nil {
			t.Fatal(err)
		}
		nested := map[string]any{}
		for key, value := range flat {
			switch key {
			case hclog.LevelKey:
				key = slog.LevelKey
			case hclog.MessageKey:
				key = slog.MessageKey
			case hclog.TimeKey:
				key = slog.TimeKey
			}
			at := nested
			parts := strings.Split(key, ".")
			for _, part := range parts[:len(parts)-1] {
				if _, ok := at[part]; !ok {
					at[part] = map[string]any{}
				}
				at = at[part].(map[string]any)
			}
			at[parts[len(parts)-1]] = value
		}
		return nested
	})
}

// A host reads 64 KiB in one piece; what is longer loses its level.
func TestHandlerLineLength(t *testing.T) {
	long := strings.Repeat("é\n", 100_000)
	tests := []struct {
		name    string
		with    []slog.Attr
		message string
		attrs   []any
		want    []string
	}{
		{"message", nil, long, []any{"k", "v"}, []string{`"k":"v"`, `… (cut)"`}},
		{"value", nil, "m", []any{"traceback", long, "after", 5}, []string{`"traceback":"é\né`, `… (cut)"`}},
		{"escapes", nil, strings.Repeat("\x01", 80_000), []any{"k", strings.Repeat("\x01", 80_000)}, []string{`"k":"\u0001`}},
		{"list", nil, "m", []any{"list", []string{long}, "after", 5}, []string{`"after":5`}},
		{"with", []slog.Attr{slog.String("w", long)}, "m", []any{"after", 5}, []string{`"after":5`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			handler := hclog.NewHandler(&out, hclog.Options{Module: "mod"}).WithAttrs(tt.with)
			slog.New(handler).Error(tt.message, tt.attrs...)
			if _, ok := hclog.ParseLine(out.Bytes()); !ok {
				t.Fatalf("refused a line of %d bytes", out.Len())
			}
			for _, want := range append(tt.want, `"truncated":true`, `"@level":"error"`, `"@module":"mod"`) {
				if !bytes.Contains(out.Bytes(), []byte(want)) {
					t.Errorf("%s is missing in %.200s", want, &out)
				}
			}
			if out.Len() < 100 || out.Len() > hclog.MaxLineBytes {
				t.Errorf("got a line of %d bytes", out.Len())
			}
			_, isPrefix, err := bufio.NewReaderSize(&out, hclog.MaxLineBytes).ReadLine()
			if isPrefix || err != nil {
				t.Errorf("a reader of 64 KiB got a piece of it, or %v", err)
			}
		})
	}
}

// countingWriter fails the test if a line comes in pieces or mixed.
type countingWriter struct {
	t     *testing.T
	mu    sync.Mutex
	lines int
}

func (w *countingWriter) Write(p []byte) (int, error) {
	if !w.mu.TryLock() {
		w.t.Error("two writes at once")
		return len(p), nil
	}
	defer w.mu.Unlock()
	if _, ok := hclog.ParseLine(p); !ok || bytes.Count(p, []byte("\n")) != 1 {
		w.t.Errorf("no whole line: %q", p)
	}
	w.lines++
	return len(p), nil
}

func TestHandlerConcurrent(t *testing.T) {
	writer := &countingWriter{t: t}
	logger := slog.New(hclog.NewHandler(writer, hclog.Options{}))
	var running sync.WaitGroup
	for i := range 8 {
		running.Go(func() {
			mine := logger.With("worker", i)
			for j := range 100 {
				mine.Info("step", "j", j, "text", strings.Repeat("x", j*20))
			}
		})
	}
	running.Wait()
	if writer.lines != 800 {
		t.Errorf("got %d lines, want 800", writer.lines)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestHandlerReturnsWriteError(t *testing.T) {
	gone := errors.New("gone")
	handler := hclog.NewHandler(failingWriter{gone}, hclog.Options{})
	err := handler.Handle(context.Background(), slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0))
	if !errors.Is(err, gone) {
		t.Errorf("got %v, want %v", err, gone)
	}
}

func TestHandlerAllocates(t *testing.T) {
	logger := slog.New(hclog.NewHandler(&discard{}, hclog.Options{Module: "m"})).With("request", "r")
	ctx := context.Background()
	got := testing.AllocsPerRun(100, func() {
		logger.LogAttrs(ctx, slog.LevelInfo, "started", slog.String("path", "/tmp/x"), slog.Int("pid", 7), slog.Bool("tls", true))
	})
	if got > 0 {
		t.Errorf("a line costs %v allocations", got)
	}
}

type discard struct{}

func (*discard) Write(p []byte) (int, error) { return len(p), nil }
