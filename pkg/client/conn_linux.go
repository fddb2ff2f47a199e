package client

import (
	"context"
	"net"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/pyvider/rpcplugin/pkg/transport"
)

// heldSocket reaches a unix socket even when its file was removed.
type heldSocket struct {
	dialing sync.RWMutex // the number must not be another file's by then
	fd      int          // -1 once it is closed
}

// holdSocket returns nil where that cannot be.
func holdSocket(_ context.Context, endpoint transport.Endpoint) *heldSocket {
	fd, err := unix.Open(endpoint.Address, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return &heldSocket{fd: fd}
}

func (h *heldSocket) dial(ctx context.Context) (net.Conn, error) {
	h.dialing.RLock()
	defer h.dialing.RUnlock()
	if h.fd < 0 {
		return nil, net.ErrClosed
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", "/proc/self/fd/"+strconv.Itoa(h.fd))
}

// close waits for who dials just now; who comes later is refused.
func (h *heldSocket) close() {
	h.dialing.Lock()
	defer h.dialing.Unlock()
	_ = unix.Close(h.fd)
	h.fd = -1
}
