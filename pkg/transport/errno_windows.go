package transport

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/windows"
)

// isRefused: nobody listens there.
func isRefused(err error) bool { return errors.Is(err, windows.WSAECONNREFUSED) }

// isInUse: somebody is bound there.
func isInUse(err error) bool { return errors.Is(err, windows.WSAEADDRINUSE) }

// isUnavailable: the address is none of this machine's.
func isUnavailable(err error) bool {
	return errors.Is(err, windows.WSAEADDRNOTAVAIL) || errors.Is(err, windows.WSAEAFNOSUPPORT)
}

// isForbidden: this user may not, or the port is reserved by the system.
func isForbidden(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, windows.WSAEACCES)
}

// isBusy: a unix listener is there, and its queue is full.
func isBusy(err error) bool { return errors.Is(err, windows.WSAEWOULDBLOCK) }

// isOtherType: a socket is there, alive, but carries datagrams.
func isOtherType(err error) bool { return errors.Is(err, windows.WSAEPROTOTYPE) }
