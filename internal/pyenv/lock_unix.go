//go:build unix

package pyenv

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile takes the lock of an open file, or returns errBusy.
func lockFile(file *os.File, exclusively bool) error {
	how := unix.LOCK_SH
	if exclusively {
		how = unix.LOCK_EX
	}
	for {
		err := unix.Flock(int(file.Fd()), how|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return errBusy
		case err != nil:
			return os.NewSyscallError("flock", err)
		default:
			return nil
		}
	}
}
