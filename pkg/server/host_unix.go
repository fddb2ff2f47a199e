//go:build unix

package server

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// hostPoll is how often the parent process is looked at. The pipe needs no
// polling: its end is reported at once.
const hostPoll = 250 * time.Millisecond

// waitHost returns true when the other end of stdout, which may be nil, has
// gone or our parent has ended, false when ended is closed first.
func waitHost(parent int, stdout *os.File, ended <-chan struct{}) bool {
	wake, waker, err := os.Pipe()
	if err != nil {
		return false
	}
	defer wake.Close()
	done, woken := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(woken)
		select {
		case <-ended:
		case <-done:
		}
		_ = waker.Close()
	}()
	defer func() { close(done); <-woken }()
	fds := []unix.PollFd{{Fd: -1}, {Fd: int32(wake.Fd()), Events: unix.POLLIN}}
	if stdout != nil {
		fds[0].Fd = int32(stdout.Fd())
	}
	for {
		n, err := unix.Poll(fds, int(hostPoll.Milliseconds()))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return false
		case fds[1].Revents != 0:
			return false
		case n > 0 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0:
			return true
		case os.Getppid() != parent:
			return true
		}
	}
}
