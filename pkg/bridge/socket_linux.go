package bridge

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// socketHandle reaches a unix socket whose file was removed.
type socketHandle struct{ fd int }

// keepSocket opens a handle to the socket at path and removes the file. Where
// that does not work the file stays until the end, and nil is returned.
func keepSocket(path string) *socketHandle {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	if _, err := os.Stat(handlePath(fd)); err != nil { // no /proc here
		_ = unix.Close(fd)
		return nil
	}
	if err := os.Remove(path); err != nil {
		_ = unix.Close(fd)
		return nil
	}
	return &socketHandle{fd: fd}
}

// address is a path that leads to the socket as long as the handle is open.
func (h *socketHandle) address() string { return handlePath(h.fd) }

func (h *socketHandle) close() { _ = unix.Close(h.fd) }

func handlePath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
