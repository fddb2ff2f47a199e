package childlog_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pyvider/rpcplugin/internal/childlog"
	"github.com/pyvider/rpcplugin/internal/hclog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newLogger(out *bytes.Buffer) *slog.Logger {
	return slog.New(hclog.NewHandler(out, hclog.Options{Level: hclog.LevelTrace}))
}

func wait(t *testing.T, log *childlog.Log) {
	t.Helper()
	select {
	case <-log.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the log did not end with its reader")
	}
}

func TestLinesBecomeRecordsWithTheirLevel(t *testing.T) {
	var out bytes.Buffer
	log := childlog.Read(strings.NewReader("[WARN] disk is nearly full\nplain words\n"+
		`{"@level":"info","@message":"ready","@timestamp":"2026-01-02T03:04:05.000006Z","port":1}`+"\n"), newLogger(&out))
	wait(t, log)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("got %d records, expected 3:\n%s", len(lines), out.String())
	}
	for i, want := range []string{`"@level":"warn","@message":"disk is nearly full"`, `"@level":"debug","@message":"plain words"`, `"port":1`} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("record %d is %s, expected it to contain %s", i, lines[i], want)
		}
	}
	if got, want := log.Tail(), []string{"[WARN] disk is nearly full", "plain words", "ready"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("tail is %q, expected %q", got, want)
	}
}

func TestTracebackIsLoggedWhenTheProgramFallsSilent(t *testing.T) {
	r, w := io.Pipe()
	logged := make(chan string, 10)
	logger := slog.New(hclog.NewHandler(writer(logged), hclog.Options{}))
	log := childlog.Read(r, logger)
	if _, err := io.WriteString(w, "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: no\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case line := <-logged:
		if !strings.Contains(line, `"@level":"error"`) || !strings.Contains(line, "ValueError: no") {
			t.Errorf("logged %s, expected one error with the exception", line)
		}
	case <-time.After(10 * time.Second):
		t.Error("the traceback was held back though nothing followed")
	}
	_ = w.Close()
	wait(t, log)
}

func TestTailIsBounded(t *testing.T) {
	var in strings.Builder
	for i := range 100 {
		fmt.Fprintf(&in, "line %d\n", i)
	}
	log := childlog.Read(strings.NewReader(in.String()), slog.New(slog.DiscardHandler))
	wait(t, log)
	tail := log.Tail()
	if len(tail) != 12 || tail[0] != "line 88" || tail[11] != "line 99" {
		t.Errorf("tail is %q, expected the last 12 lines", tail)
	}
	log = childlog.Read(strings.NewReader(strings.Repeat(strings.Repeat("x", 5000)+"\n", 20)), slog.New(slog.DiscardHandler))
	wait(t, log)
	if size := len(strings.Join(log.Tail(), "")); size > 4<<10 || size == 0 {
		t.Errorf("tail holds %d bytes, expected 1 to 4096", size)
	}
}

func TestEndlessLineIsCutAndSaysSo(t *testing.T) {
	var out bytes.Buffer
	log := childlog.Read(strings.NewReader(strings.Repeat("y", 200<<10)), newLogger(&out))
	wait(t, log)
	records := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(records) != 4 {
		t.Fatalf("got %d records, expected one for each 64 KiB", len(records))
	}
	for _, record := range records[:3] {
		if !strings.Contains(record, "yyy") || !strings.Contains(record, `"truncated":true`) || len(record) >= hclog.MaxLineBytes {
			t.Errorf("a record of %d bytes, expected the line's beginning with a mark that it is cut, in a line that hosts read", len(record))
		}
	}
}

type writer chan string

func (w writer) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}
