package client

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// printed is what a plugin has printed.
type printed struct{ stdout, stderr []byte }

func (p printed) Stdout() io.Reader { return bytes.NewReader(p.stdout) }

func (p printed) Stderr() io.Reader { return bytes.NewReader(p.stderr) }

// Whatever a plugin prints is read to its end, within the bounds of what is kept.
func FuzzOutput(f *testing.F) {
	f.Add([]byte("1|1|unix|/x|grpc|\nmore"), []byte("[WARN] mind the gap\n"))
	f.Add([]byte("no line end"), []byte("panic: boom\n\ngoroutine 1 [running]:\n"))
	f.Add([]byte(""), []byte(`{"@level":1,"@message":[],"@timestamp":{}}`+"\n"+`{"@level":"info","@message":"x","@timestamp":"y"}`))
	f.Add(bytes.Repeat([]byte("x"), 70<<10), append([]byte("fatal error: "), bytes.Repeat([]byte("\xff"), 70<<10)...))
	f.Add([]byte("\r\n\x00|"), []byte("Traceback (most recent call last):\n  File\npanic: x\n"+strings.Repeat("y\n", 300)))
	f.Fuzz(func(t *testing.T, stdout, stderr []byte) {
		o := readOutput(printed{stdout, stderr}, slog.New(slog.DiscardHandler))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			o.wait()
		}()
		select {
		case <-ended:
		case <-time.After(15 * time.Second):
			t.Fatal("it goes on reading")
		}
		first, _, _ := bytes.Cut(stdout, []byte("\n"))
		if o.hasLine != (len(stdout) > 0) || len(o.line) > handshake.MaxLineBytes || !bytes.HasPrefix(stdout, []byte(o.line)) {
			t.Errorf("the line is %.100q, %t", o.line, o.hasLine)
		}
		if len(first) < handshake.MaxLineBytes && strings.TrimSuffix(o.line, "\n") != string(first) {
			t.Errorf("the line is %.100q, want %.100q", o.line, first)
		}
		crash := o.stderr.Crash()
		if len(crash) > 64<<10 || strings.Count(crash, "\n") >= 200 || !utf8.ValidString(crash) {
			t.Errorf("the crash has %d bytes and %d line ends", len(crash), strings.Count(crash, "\n"))
		}
		if crash != "" && !strings.HasPrefix(crash, "panic: ") && !strings.HasPrefix(crash, "fatal error: ") {
			t.Errorf("the crash begins with %.100q", crash)
		}
	})
}
