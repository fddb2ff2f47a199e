package process

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// childAttributes sets the parent-death signal besides the group. The signal
// comes when the thread that forked ends, not only the whole process.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitExit blocks until the leader has exited, and leaves it as a zombie that
// keeps the id of the group from being reused.
func (g *group) awaitExit() error {
	for {
		err := unix.Waitid(unix.P_PID, g.id, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// killRest ends what is left of the group when its leader is a zombie. A member
// that is forking at that moment is included, the kernel sees to it.
func (g *group) killRest() { _ = syscall.Kill(-g.id, syscall.SIGKILL) }
