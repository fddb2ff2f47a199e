package server_test

import (
	"context"
	"crypto/tls"
	"errors"
	"path/filepath"
	"testing"

	"github.com/pyvider/rpcplugin/internal/kv"
	"github.com/pyvider/rpcplugin/internal/testpb"
	"github.com/pyvider/rpcplugin/pkg/client"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
)

// testMode starts a plugin in test mode for the time of the test.
func testMode(t *testing.T, cfg server.Config) handshake.Reattach {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cfg.Register = attachable(t, newEcho())
	at, ended, err := server.ServeTest(ctx, cfg)
	noError(t, err)
	t.Cleanup(func() {
		cancel()
		for err := range ended {
			if err != nil {
				t.Errorf("ended with %v", err)
			}
		}
		if at.Network == handshake.NetworkUnix {
			gone(t, filepath.Dir(at.Address))
		}
	})
	return at
}

// attach uses a plugin as our host does.
func attach(t *testing.T, at handshake.Reattach) {
	t.Helper()
	c, err := client.Attach(soon(t), client.Config{}, at)
	noError(t, err)
	reply, err := testpb.NewEchoClient(c.Conn()).Unary(soon(t), &testpb.Message{Payload: []byte("hello")})
	if err != nil || string(reply.GetPayload()) != "hello" {
		t.Errorf("answered %q, %v", reply.GetPayload(), err)
	}
	noError(t, c.Close(soon(t)))
}

// Nothing of a host's is needed, and nothing that is there counts.
func TestServeTestNeedsNoHost(t *testing.T) {
	t.Setenv(handshake.EnvClientCert, "garbage")
	t.Setenv(handshake.EnvMultiplexGRPC, "true")
	t.Setenv(handshake.EnvProtocolVersions, "7")
	stdout := make(lines, 1)
	at := testMode(t, server.Config{
		Cookie: kv.Cookie(), Stdout: stdout, AppVersions: []int{7, 6}, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12}, Capture: true, Signals: true,
	})
	if at.ProtocolVersion != 6 || !at.Test || len(stdout) > 0 {
		t.Errorf("reattach is %+v, %d lines", at, len(stdout))
	}
	c, err := client.Attach(soon(t), client.Config{AppVersions: []int{6}}, at)
	noError(t, err)
	noError(t, c.Close(soon(t)))
}

func TestServeTestFails(t *testing.T) {
	at, ended, err := server.ServeTest(t.Context(), server.Config{Network: "carrier pigeon"})
	wantReason(t, err, server.ReasonNetwork)
	if at != (handshake.Reattach{}) || ended != nil {
		t.Errorf("got %+v, %v", at, ended)
	}
}

// A host that says Shutdown, as one without Test does, ends it as well.
func TestServeTestEndsByShutdown(t *testing.T) {
	at, ended, err := server.ServeTest(t.Context(), server.Config{})
	noError(t, err)
	at.Test = false
	c, err := client.Attach(soon(t), client.Config{AppVersions: []int{1}}, at)
	noError(t, err)
	if err := c.Close(soon(t)); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	noError(t, receive(t, "the plugin's end", ended))
}
