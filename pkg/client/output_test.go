package client_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
)

// A plugin that prints without end is not held up, and starts.
func TestFloodNeverBlocks(t *testing.T) {
	cfg := as(t, "flood", "")
	cfg.TLS = client.TLSOff
	c := start(t, cfg)
	closed(t, c)
	if ended, words := c.LastWords(); ended.Code != 0 {
		t.Errorf("the plugin %s, %q", ended, words)
	}
}

func TestPanicBeforeTheLine(t *testing.T) {
	logged := newGathered()
	cfg := as(t, "panicker", "no way out")
	cfg.Logger = textLogger(logged)
	failed := fails(t, cfg)
	if failed.Reason != client.ReasonExited || failed.Status == nil || failed.Status.Code != 2 {
		t.Errorf("reason %q, status %v", failed.Reason, failed.Status)
	}
	if !strings.HasPrefix(failed.Crash, "panic: no way out\n") || !strings.Contains(failed.Crash, "playPanicker") {
		t.Errorf("crash %q", failed.Crash)
	}
	if !strings.Contains(failed.Hint(), "panic: no way out") {
		t.Errorf("hint %q", failed.Hint())
	}
	logged.waitFor(t, "the crash", func(s string) bool { return strings.Contains(s, `level=ERROR msg="panic: no way out"`) })
}

func TestPanicLater(t *testing.T) {
	for name, test := range map[string]struct{ role, text string }{"ours": {"ours", ""}, "go-plugin": {"go-plugin", "1"}} {
		t.Run(name, func(t *testing.T) {
			c := start(t, as(t, test.role, test.text))
			if crash := c.Crash(); crash != "" {
				t.Errorf("before it: %q", crash)
			}
			if _, err := testpb.NewEchoClient(c.Conn()).Unary(soon(t), word("panic")); err == nil {
				t.Error("the call was answered")
			}
			receive(t, "Exited", c.Exited())
			if crash := c.Crash(); !strings.HasPrefix(crash, "panic: asked for") || !strings.Contains(crash, "goroutine ") {
				t.Errorf("crash %q", crash)
			}
		})
	}
}

// Plugins of go-plugin's older kind are told apart, by name and with advice.
func TestNetRPC(t *testing.T) {
	for name, cfg := range map[string]client.Config{
		"a plugin":    as(t, "go-plugin netrpc", ""),
		"four fields": as(t, "speaker", "1|1|unix|/x\n"),
	} {
		t.Run(name, func(t *testing.T) {
			failed := fails(t, cfg)
			var cause *handshake.Error
			if failed.Reason != client.ReasonLine || !errors.As(failed, &cause) || cause.Reason != handshake.ReasonProtocol || cause.Found != "netrpc" {
				t.Errorf("reason %q of %v", failed.Reason, failed.Err)
			}
			if !strings.Contains(failed.Hint(), "net/rpc") || !strings.Contains(failed.Hint(), "GRPCServer") {
				t.Errorf("hint %q", failed.Hint())
			}
		})
	}
}
