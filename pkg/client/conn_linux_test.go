package client

import (
	"errors"
	"net"
	"path/filepath"
	"testing"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// Another file may have the number of a handle that was closed.
func TestHeldSocketIsNotDialedOnceClosed(t *testing.T) {
	at := func(name string) transport.Endpoint {
		path := filepath.Join(t.TempDir(), name)
		listener, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		return transport.Endpoint{Network: handshake.NetworkUnix, Address: path}
	}
	mine, other := at("a"), at("b")
	held := holdSocket(t.Context(), mine)
	conn, err := held.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	held.close()
	next := holdSocket(t.Context(), other) // gets the number, as a rule
	defer next.close()
	if conn, err := held.dial(t.Context()); !errors.Is(err, net.ErrClosed) {
		if err == nil {
			_ = conn.Close()
		}
		t.Errorf("dialed after its end: %v", err)
	}
}
