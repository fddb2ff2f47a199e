//go:build unix

package client_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestPingOfAStoppedPlugin(t *testing.T) {
	cfg := as(t, "ours", "")
	cfg.PingTimeout, cfg.StopGrace = 300*time.Millisecond, 300*time.Millisecond
	c := start(t, cfg)
	noError(t, c.Ping(context.Background()))
	noError(t, syscall.Kill(c.Pid(), syscall.SIGSTOP))
	ended := make(chan error, 1)
	go func() {
		var err error
		for err == nil { // the signal may be slower than a first answer
			err = c.Ping(context.Background())
		}
		ended <- err
	}()
	if err := receive(t, "the end of Ping", ended); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a plugin that is stopped answers %v", err)
	}
	if took := closed(t, c); took > 3*time.Second {
		t.Errorf("Close took %s", took)
	}
	if ended, _ := c.LastWords(); ended.Signal != "SIGKILL" {
		t.Errorf("the plugin %s", ended)
	}
}
