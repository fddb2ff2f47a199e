package client

import (
	"context"
	"net"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/pyvider/rpcplugin/pkg/transport"
)

// heldSocket reaches a unix socket even when its file was removed.
type heldSocket struct{ fd int }

// holdSocket returns nil where that cannot be.
func holdSocket(_ context.Context, endpoint transport.Endpoint) *heldSocket {
	fd, err := unix.Open(endpoint.Address, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return &heldSocket{fd: fd}
}

func (h *heldSocket) dial(ctx context.Context) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", "/proc/self/fd/"+strconv.Itoa(h.fd))
}

// close is called once nobody dials any more.
func (h *heldSocket) close() { _ = unix.Close(h.fd) }
