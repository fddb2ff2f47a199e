//go:build unix

package process

import (
	"errors"
	"syscall"
)

// Alive reports whether there is a process of that id, of whatever user; one
// that has ended and was not reaped is still there.
func Alive(pid int) bool { return pid > 0 && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
