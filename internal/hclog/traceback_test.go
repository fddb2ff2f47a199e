package hclog_test

import (
	"log/slog"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pyvider/rpcplugin/internal/hclog"
)

func TestClassifierKeepsTraceback(t *testing.T) {
	text := "Traceback (most recent call last):\n  File \"p.py\", line 1, in <module>\n    f()\nA: 1\n\n" +
		"During handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"p.py\", line 3\nB: 2"
	got := classify("x\n" + text + "\n\n\ny")
	if len(got) != 3 {
		t.Fatalf("got %d entries: %s", len(got), short(got))
	}
	if want := []slog.Attr{slog.String("traceback", text)}; !reflect.DeepEqual(got[1].Attrs, want) {
		t.Errorf("got  %v\nwant %v", got[1].Attrs, want)
	}
}

func TestClassifierHoldsBack(t *testing.T) {
	c := hclog.NewClassifier()
	if c.Pending() || c.Flush() != nil {
		t.Error("a new classifier holds something back")
	}
	for _, line := range []string{"Traceback (most recent call last):", "  File \"p.py\", line 1", "A: 1", ""} {
		if got := c.Line([]byte(line)); got != nil || !c.Pending() {
			t.Fatalf("after %q: got %v, pending %v", line, got, c.Pending())
		}
	}
	if got := short(c.Flush()); got != "error A: 1" || c.Pending() {
		t.Errorf("got %q, pending %v", got, c.Pending())
	}
	if got := short(c.Line([]byte("next"))); got != "debug next" {
		t.Errorf("got %q", got)
	}
}

func TestClassifierBounds(t *testing.T) {
	frame := strings.Repeat("  File \"p.py\", line 3, in é\n    g()\n", 4000)
	got := classify("Traceback (most recent call last):\n" + frame + "RecursionError: deep\nafter")
	if s := short(got); s != "error RecursionError: deep\ndebug after" {
		t.Fatalf("got %s", s)
	}
	text := got[0].Attrs[0].Value.String()
	if len(text) > 64<<10 || len(text) < 40<<10 || !strings.HasSuffix(text, "RecursionError: deep") || !strings.Contains(text, "bytes left out") {
		t.Errorf("got %d bytes that end in %q", len(text), text[len(text)-80:])
	}

	long := strings.Repeat("é", 50_000)
	got = classify("Traceback (most recent call last):\n" + frame + "E: " + long)
	text = got[0].Attrs[0].Value.String()
	if len(text) > 64<<10 || len(got[0].Message) > 64<<10 || !utf8.ValidString(got[0].Message) {
		t.Errorf("got %d bytes, a message of %d", len(text), len(got[0].Message))
	}
}

// What only looks like a traceback does not swallow the stream.
func TestClassifierGivesUp(t *testing.T) {
	got := classify("Traceback (most recent call last):\n" + strings.Repeat("some text\n", 100))
	if n := len(got); n != 101 {
		t.Errorf("got %d entries, want each line", n)
	}
	c := hclog.NewClassifier()
	c.Line([]byte("Traceback (most recent call last):"))
	for range 40_000 {
		c.Line([]byte("    indented for ever and ever, and then some more"))
	}
	if c.Pending() {
		t.Error("a traceback of 2 MB is still open")
	}
}

// What a real Python writes.
func TestClassifierOfPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	const chained = `
import logging, sys
logging.basicConfig(level=logging.DEBUG)
def deep(n):
    return deep(n - 1) if n else 1 // 0
try:
    try:
        deep(3)
    except ZeroDivisionError as e:
        raise ValueError("bad: value") from e
except ValueError:
    logging.exception("it failed")
logging.getLogger("a.b").warning("careful")
class Own(Exception): pass
def f():
    class Local(Exception): pass
    raise Local("in f")
try:
    f()
except Exception:
    raise Own
`
	const group = `
import sys
if sys.version_info < (3, 11):
    sys.exit(77)
def group():
    errors = []
    for n in (1, 2):
        try:
            int("x%d" % n)
        except ValueError as e:
            errors.append(e)
    raise ExceptionGroup("outer", [ExceptionGroup("inner", errors), TypeError("t")])
group()
`
	tests := []struct{ name, program, want string }{
		{"chained", chained, "error it failed\nerror ValueError: bad: value\nwarn careful\nerror Own"},
		{"uncaught", "import does.not_exist", "error ModuleNotFoundError: No module named 'does'"},
		{"syntax", "def", "error SyntaxError: invalid syntax"},
		{"recursion", "def a(): b()\ndef b(): a()\na()", "error RecursionError: maximum recursion depth exceeded"},
		{"group", group, "error ExceptionGroup: outer (2 sub-exceptions)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stderr strings.Builder
			cmd := exec.CommandContext(t.Context(), python, "-c", tt.program)
			cmd.Stderr = &stderr
			_ = cmd.Run()
			if cmd.ProcessState.ExitCode() == 77 {
				t.Skip("this python has no exception groups")
			}
			if got := short(classify(stderr.String())); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s\nof\n%s", got, tt.want, &stderr)
			}
		})
	}
}
