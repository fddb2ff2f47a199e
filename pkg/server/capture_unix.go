//go:build unix

package server

import (
	"errors"

	"golang.org/x/sys/unix"
)

// flushLimit is how much is flushed while somebody writes on and on: more than
// a pipe holds.
const flushLimit = 4 << 20

// copy hands on what is written until the pipe is closed.
func (p *standIn) copy() {
	raw, err := p.read.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Read(func(fd uintptr) bool { return p.take(int(fd), 0) })
}

// flush hands on what is in the pipe.
func (p *standIn) flush() {
	if raw, err := p.read.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { p.take(int(fd), flushLimit) })
	}
}

// end stops the reader, even if a program that was started holds the pipe.
func (p *standIn) end() {
	_ = p.read.Close()
	<-p.done
}

// take hands on what is in the pipe, until it is empty or, unless limit is 0,
// that much is taken. It reports whether the pipe has ended. Nobody reads
// between the two halves of a hand-over, so what has left the pipe has arrived.
func (p *standIn) take(fd, limit int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for taken := 0; limit == 0 || taken < limit; {
		n, err := unix.Read(fd, p.buffer[:])
		switch {
		case n > 0:
			_, _ = p.to.Write(p.buffer[:n]) // after the end of stdio there is nowhere to go
			taken += n
		case errors.Is(err, unix.EINTR):
		default:
			return !errors.Is(err, unix.EAGAIN)
		}
	}
	return false
}
