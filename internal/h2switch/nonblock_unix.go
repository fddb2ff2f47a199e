//go:build unix

package h2switch

import (
	"errors"
	"net"
	"syscall"
)

// nonblock writes as much to a socket as it takes at once.
type nonblock struct {
	raw  syscall.RawConn
	call func(fd uintptr) bool // made once: it would be allocated for each write
	data []byte
	n    int
	err  error
}

// newNonblock returns nil for what is no socket.
func newNonblock(conn net.Conn) *nonblock {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	w := &nonblock{raw: raw}
	w.call = func(fd uintptr) bool {
		w.n, w.err = syscall.Write(int(fd), w.data)
		return true
	}
	return w
}

// write returns how much was taken; less than all is no error.
func (w *nonblock) write(data []byte) (int, error) {
	w.data = data
	err := w.raw.Write(w.call)
	w.data = nil
	switch {
	case err != nil:
		return 0, err
	case errors.Is(w.err, syscall.EAGAIN) || errors.Is(w.err, syscall.EINTR):
		return 0, nil
	case w.err != nil:
		return 0, w.err
	}
	return w.n, nil
}
