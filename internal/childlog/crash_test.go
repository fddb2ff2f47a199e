package childlog_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pyvider/rpcplugin/internal/childlog"
)

func TestCrash(t *testing.T) {
	long := strings.Repeat("é", 40<<10)
	many := strings.Repeat("line\n", 300)
	for _, test := range []struct{ name, stderr, want string }{
		{"none", "all is well\n", ""},
		{"within a line", "do not panic: it is well\n", ""},
		{"a panic", "before\npanic: boom\r\n\ngoroutine 1 [running]:\nmain.main()\n", "panic: boom\n\ngoroutine 1 [running]:\nmain.main()"},
		{"a fatal error", "fatal error: all goroutines are asleep - deadlock!", "fatal error: all goroutines are asleep - deadlock!"},
		{"no UTF-8", "panic: \xff\n", "panic: \uFFFD"},
		{"many lines", "panic: x\n" + many, "panic: x\n" + strings.TrimSpace(many[:199*len("line\n")])},
		{"a second one", "panic: a\npanic: b\n", "panic: a\npanic: b"},
		{"in JSON", `{"@level":"info","@message":"panic: no"}` + "\n", ""},
		{"a long line", "panic: x\n" + long + "\nlast\n", "panic: x\n" + long[:(64<<10-len("panic: x\n")-1)/2*2]},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			log := childlog.Read(strings.NewReader(test.stderr), newLogger(&out))
			wait(t, log)
			if got := log.Crash(); got != test.want {
				t.Errorf("got %d bytes, %.200q; want %d, %.200q", len(got), got, len(test.want), test.want)
			}
			if !utf8.ValidString(log.Crash()) {
				t.Error("the crash is no UTF-8")
			}
		})
	}
}

func TestCrashNeverGrowsBeyondItsBounds(t *testing.T) {
	for size := range 5 { // lines that fill the room exactly, and nearly so
		line := strings.Repeat("x", 1<<10-1-size)
		log := childlog.Read(strings.NewReader("panic: "+line[len("panic: "):]+"\n"+strings.Repeat(line+"\n", 100)), newLogger(&bytes.Buffer{}))
		wait(t, log)
		if got := len(log.Crash()); got > 64<<10 || got < 62<<10 {
			t.Errorf("lines of %d bytes: %d are kept", len(line), got)
		}
	}
}

func TestCrashIsLoggedAsErrors(t *testing.T) {
	var out bytes.Buffer
	log := childlog.Read(strings.NewReader("fine\npanic: boom\n\ngoroutine 1 [running]:\n[INFO] tagged\nmain.main()\n"), newLogger(&out))
	wait(t, log)
	var levels []string
	for line := range strings.Lines(out.String()) {
		_, rest, _ := strings.Cut(line, `"@level":"`)
		level, _, _ := strings.Cut(rest, `"`)
		levels = append(levels, level)
	}
	if got, want := fmt.Sprint(levels), "[debug error error info error]"; got != want {
		t.Errorf("levels %s, want %s", got, want)
	}
}
