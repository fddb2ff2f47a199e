//go:build unix

package transport

import (
	"errors"
	"io/fs"
	"syscall"
)

// isRefused: nobody listens there.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// isInUse: somebody is bound there.
func isInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

// isUnavailable: the address is none of this machine's.
func isUnavailable(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}

// isForbidden: this user may not.
func isForbidden(err error) bool { return errors.Is(err, fs.ErrPermission) }

// isBusy: a unix listener is there, and its queue is full.
func isBusy(err error) bool { return errors.Is(err, syscall.EAGAIN) }

// isOtherType: a socket is there, alive, but carries datagrams.
func isOtherType(err error) bool { return errors.Is(err, syscall.EPROTOTYPE) }
