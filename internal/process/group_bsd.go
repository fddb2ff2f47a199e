//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package process

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// killRounds bounds the attempts to catch members that fork while the group is
// being killed.
const killRounds = 10

// childAttributes sets no parent-death signal: there is none on these systems.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitExit blocks until the leader has exited, and leaves it as a zombie that
// keeps the id of the group from being reused.
func (g *group) awaitExit() error {
	queue, err := unix.Kqueue() // not inherited by children
	if err != nil {
		return err
	}
	defer unix.Close(queue)
	changes := make([]unix.Kevent_t, 1)
	unix.SetKevent(&changes[0], g.id, unix.EVFILT_PROC, unix.EV_ADD|unix.EV_ONESHOT)
	changes[0].Fflags = unix.NOTE_EXIT
	events := make([]unix.Kevent_t, 1)
	for {
		n, err := unix.Kevent(queue, changes, events, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ESRCH):
			return nil // a zombie already
		case err != nil:
			return err
		case n == 0:
			continue
		}
		if no := unix.Errno(events[0].Data); events[0].Flags&unix.EV_ERROR != 0 && no != unix.ESRCH {
			return no
		}
		return nil
	}
}

// killRest ends what is left of the group when its leader is a zombie. Zombies
// alone cannot be signalled, so an error says that nobody is left.
func (g *group) killRest() {
	for range killRounds {
		if syscall.Kill(-g.id, syscall.SIGKILL) != nil {
			return
		}
	}
}
