//go:build !linux

package client

import (
	"context"
	"net"
	"sync"

	"github.com/pyvider/rpcplugin/pkg/transport"
)

// heldSocket is a connection that was opened while the socket's file was there.
// Without the handles of Linux a second one needs the file.
type heldSocket struct {
	mu    sync.Mutex
	spare net.Conn
}

// holdSocket returns nil where that cannot be.
func holdSocket(ctx context.Context, endpoint transport.Endpoint) *heldSocket {
	conn, err := transport.Connect(ctx, endpoint)
	if err != nil {
		return nil
	}
	return &heldSocket{spare: conn}
}

func (h *heldSocket) dial(context.Context) (net.Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	conn := h.spare
	h.spare = nil
	if conn == nil {
		return nil, net.ErrClosed
	}
	return conn, nil
}

// close is called once nobody dials any more.
func (h *heldSocket) close() {
	if conn, err := h.dial(context.Background()); err == nil {
		_ = conn.Close()
	}
}
