package hclog_test

import (
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pyvider/rpcplugin/internal/hclog"
)

// classify feeds a whole stream.
func classify(stream string) []hclog.Entry {
	c := hclog.NewClassifier()
	var entries []hclog.Entry
	for line := range strings.SplitSeq(stream, "\n") {
		entries = append(entries, c.Line([]byte(line))...)
	}
	return append(entries, c.Flush()...)
}

func TestClassifierOneLine(t *testing.T) {
	const trace, debug, info, warn, bad = hclog.LevelTrace, slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError
	second := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	milli := second.Add(123 * time.Millisecond)
	tests := []struct {
		line string
		want hclog.Entry
	}{
		{`{"@level":"info","@message":"m","@module":"a","k":1}`, hclog.Entry{Level: info, Message: "m", Module: "a", Attrs: []slog.Attr{slog.Int("k", 1)}}},
		{`{"@level":"info","@message":5}`, hclog.Entry{Level: debug, Message: `{"@level":"info","@message":5}`}},
		{"plain", hclog.Entry{Level: debug, Message: "plain"}},
		{"  indented  ", hclog.Entry{Level: debug, Message: "  indented  "}},
		{"carriage\r", hclog.Entry{Level: debug, Message: "carriage"}},
		{"a\xff\xfeb", hclog.Entry{Level: debug, Message: "a\uFFFDb"}},

		{"[TRACE] m", hclog.Entry{Level: trace, Message: "m"}},
		{"[DEBUG] m", hclog.Entry{Level: debug, Message: "m"}},
		{"[INFO]  m: x", hclog.Entry{Level: info, Message: "m: x"}},
		{"[WARN]m", hclog.Entry{Level: warn, Message: "m"}},
		{"[WARNING] m", hclog.Entry{Level: warn, Message: "m"}},
		{"[ERROR] m", hclog.Entry{Level: bad, Message: "m"}},
		{"[CRITICAL] m", hclog.Entry{Level: bad, Message: "m"}},
		{"[FATAL] m", hclog.Entry{Level: bad, Message: "m"}},
		{"[OTHER] m", hclog.Entry{Level: debug, Message: "[OTHER] m"}},
		{"[ERROR m", hclog.Entry{Level: debug, Message: "[ERROR m"}},
		{" [ERROR] m", hclog.Entry{Level: debug, Message: " [ERROR] m"}},

		{"DEBUG:a:m", hclog.Entry{Level: debug, Module: "a", Message: "m"}},
		{"INFO:a.b:m:n", hclog.Entry{Level: info, Module: "a.b", Message: "m:n"}},
		{"WARNING:root:m", hclog.Entry{Level: warn, Module: "root", Message: "m"}},
		{"ERROR:a: m", hclog.Entry{Level: bad, Module: "a", Message: " m"}},
		{"CRITICAL:a:", hclog.Entry{Level: bad, Module: "a"}},
		{"ERROR: disk: full", hclog.Entry{Level: debug, Message: "ERROR: disk: full"}},
		{"ERROR::m", hclog.Entry{Level: debug, Message: "ERROR::m"}},
		{"error:a:m", hclog.Entry{Level: debug, Message: "error:a:m"}},

		{`{"time":"2026-03-04T05:06:07.123Z","level":"WARN","msg":"slog","k":"v","name":"bob"}`, hclog.Entry{Level: warn, Message: "slog", Time: milli, Attrs: []slog.Attr{slog.String("k", "v"), slog.String("name", "bob")}}},
		{`{"level":"DEBUG-4","msg":"slog"}`, hclog.Entry{Level: trace, Message: "slog"}},
		{`{"level":"error","ts":1772600767.123,"logger":"db","caller":"f.go:1","msg":"zap"}`, hclog.Entry{Level: bad, Message: "zap", Module: "db", Time: milli, Attrs: []slog.Attr{slog.String("caller", "f.go:1")}}},
		{`{"level":"dpanic","ts":"2026-03-04T05:06:07.123+0000","msg":"zap"}`, hclog.Entry{Level: bad, Message: "zap", Time: milli}},
		{`{"level":30,"time":1772600767123,"pid":9,"name":"svc","msg":"pino"}`, hclog.Entry{Level: info, Message: "pino", Module: "svc", Time: milli, Attrs: []slog.Attr{slog.Int("pid", 9)}}},
		{`{"level":10,"msg":"pino"}`, hclog.Entry{Level: trace, Message: "pino"}},
		{`{"level":20,"msg":"pino"}`, hclog.Entry{Level: debug, Message: "pino"}},
		{`{"level":40,"msg":"pino"}`, hclog.Entry{Level: warn, Message: "pino"}},
		{`{"level":60,"msg":"pino"}`, hclog.Entry{Level: bad, Message: "pino"}},
		{`{"message":"winston","level":"warning","timestamp":"today"}`, hclog.Entry{Level: warn, Message: "winston", Attrs: []slog.Attr{slog.String("timestamp", "today")}}},
		{`{"event":"structlog","level":"critical","timestamp":"2026-03-04T05:06:07Z"}`, hclog.Entry{Level: bad, Message: "structlog", Time: second}},
		{`{"msg":"a","message":"b","levelname":"NOTICE"}`, hclog.Entry{Level: info, Message: "a", Attrs: []slog.Attr{slog.String("message", "b")}}},
		{`{"level":3,"msg":"syslog"}`, hclog.Entry{Level: debug, Message: `{"level":3,"msg":"syslog"}`}},
		{`{"level":"loud","msg":"m"}`, hclog.Entry{Level: debug, Message: `{"level":"loud","msg":"m"}`}},
		{`{"level":"info","msg":7}`, hclog.Entry{Level: debug, Message: `{"level":"info","msg":7}`}},
		{`{"msg":"no level"}`, hclog.Entry{Level: debug, Message: `{"msg":"no level"}`}},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			got := classify(tt.line)
			for i := range got {
				if !got[i].Time.IsZero() {
					got[i].Time = got[i].Time.UTC()
				}
			}
			if want := []hclog.Entry{tt.want}; !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// short writes entries as "level message" lines.
func short(entries []hclog.Entry) string {
	names := map[slog.Level]string{hclog.LevelTrace: "trace", slog.LevelDebug: "debug", slog.LevelInfo: "info", slog.LevelWarn: "warn", slog.LevelError: "error"}
	var out strings.Builder
	for _, entry := range entries {
		fmt.Fprintf(&out, "%s %s\n", names[entry.Level], entry.Message)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func TestClassifierStreams(t *testing.T) {
	const header = "Traceback (most recent call last):\n"
	const frame = "  File \"p.py\", line 3, in f\n    g()\n"
	tests := []struct{ name, stream, want string }{
		{"blank lines", "\n \t\r\na\n\n", "debug a"},
		{
			"panic", "before\npanic: boom\n\ngoroutine 1 [running]:\n\tf()\n[INFO] tagged\n{\"@level\":\"warn\",\"@message\":\"too\"}\nexit status 2",
			"debug before\nerror panic: boom\nerror goroutine 1 [running]:\nerror \tf()\ninfo tagged\nwarn too\nerror exit status 2",
		},
		{"fatal error", "fatal error: all goroutines are asleep\nx", "error fatal error: all goroutines are asleep\nerror x"},
		{"no panic in the middle", "a panic: b\nx", "debug a panic: b\ndebug x"},
		{"no panic without a space", "panic:b\nx", "debug panic:b\ndebug x"},
		{"traceback", "a\n" + header + frame + "ValueError: bad\nb", "debug a\nerror ValueError: bad\ndebug b"},
		{"exception without text", header + frame + "KeyboardInterrupt\n", "error KeyboardInterrupt"},
		{"exception of a module", header + frame + "a.b_1.MyError: x: y\n", "error a.b_1.MyError: x: y"},
		{"exception of a function", header + frame + "m.f.<locals>.E: x\n", "error m.f.<locals>.E: x"},
		{"exception named like a level", header + frame + "Error: x\nb", "error Error: x\ndebug b"},
		{"text of two lines", header + frame + "ValueError: a\nb", "error ValueError: a\ndebug b"},
		{"logging.exception", "ERROR:app:failed\n" + header + frame + "ValueError: bad\nINFO:app:next", "error failed\nerror ValueError: bad\ninfo next"},
		{"two in a row", header + frame + "A: 1\n" + header + frame + "B: 2\n", "error A: 1\nerror B: 2"},
		{"two apart", header + frame + "A: 1\n\n" + header + frame + "B: 2\n", "error A: 1\nerror B: 2"},
		{
			"chained", header + frame + "A: 1\n\nDuring handling of the above exception, another exception occurred:\n\n" + header + frame + "B: 2\n\n" +
				"The above exception was the direct cause of the following exception:\n\n" + header + frame + "C: 3\nafter", "error C: 3\ndebug after",
		},
		{"chained without frames", header + frame + "A: 1\n\nDuring handling of the above exception, another exception occurred:\n\nB: 2\nx", "error B: 2\ndebug x"},
		{"other lines between", header + "[WARN] w\n{\"level\":\"info\",\"msg\":\"i\"}\nINFO: x\n" + frame + "A: 1", "warn w\ninfo i\ndebug INFO: x\nerror A: 1"},
		{"panic between", header + frame + "panic: p\nx", "error g()\nerror panic: p\nerror x"},
		{"no end", header + frame, "error g()"},
		{"headline alone", header, "error Traceback (most recent call last):"},
		{"syntax error", "  File \"p.py\", line 1\n    def\n       ^\nSyntaxError: invalid syntax", "error SyntaxError: invalid syntax"},
		{
			"exception group", "  + Exception Group Traceback (most recent call last):\n  |   File \"p.py\", line 1, in <module>\n  |     raise eg\n" +
				"  | ExceptionGroup: two (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n    | ValueError: 1\n    +---------------- 2 ----------------\n" +
				"    | Traceback (most recent call last):\n    |   File \"p.py\", line 5, in f\n    | TypeError: 2\n    +------------------------------------\nafter",
			"error ExceptionGroup: two (2 sub-exceptions)\ndebug after",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := short(classify(tt.stream)); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// Flushing when the stream is quiet does not end a panic.
func TestClassifierFlushKeepsPanic(t *testing.T) {
	var c hclog.Classifier
	c.Line([]byte("panic: boom"))
	c.Flush()
	if got := short(c.Line([]byte("goroutine 1"))); got != "error goroutine 1" {
		t.Errorf("got %q", got)
	}
}

func FuzzClassifier(f *testing.F) {
	for _, seed := range []string{
		"Traceback (most recent call last):\n  File \"p\", line 1\nE: x\n\nDuring handling of the above exception, x\n\nTraceback (most recent call last):\n",
		"  + Exception Group Traceback (most recent call last):\n  | E: x\n    +-----\n", "panic: x\n[INFO]\nINFO:a:\n", "{\"level\":30,\"msg\":\"\"}\n{\"level\":\"",
		"  File \"\", line \n", "\x00\xff\r\n[", "{\"level\":\"info\",\"msg\":\"m\",\"time\":1e308}\n{}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, stream string) {
		total := 0
		for _, entry := range classify(stream) {
			total += len(entry.Message)
			if !utf8.ValidString(entry.Message) || !utf8.ValidString(entry.Module) {
				t.Errorf("no UTF-8: %q", entry.Message)
			}
			if written := write(entry); len(written) == 0 || len(written) > hclog.MaxLineBytes {
				t.Errorf("wrote %d bytes", len(written))
			} else if back, ok := hclog.ParseLine(written); !ok || back.Message != entry.Message && len(written) < 16<<10 {
				t.Errorf("read back %+v from %q", back, written)
			}
		}
		if total > 3*len(stream)+64 {
			t.Errorf("%d bytes of messages out of %d", total, len(stream))
		}
	})
}
