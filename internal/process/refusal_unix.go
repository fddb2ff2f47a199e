//go:build unix

package process

import (
	"errors"
	"syscall"
)

func isFormatError(err error) bool { return errors.Is(err, syscall.ENOEXEC) }

func isShortage(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOMEM) ||
		errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
