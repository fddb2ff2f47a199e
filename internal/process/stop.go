package process

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/pyvider/rpcplugin/internal/event"
)

// killTimeout bounds the wait for a process that was killed. A process can
// escape SIGKILL only while the kernel itself is stuck on its behalf.
const killTimeout = 5 * time.Second

// Signal sends a signal to the child and the rest of its group. After the exit
// it does nothing and returns nil. On Windows only [os.Kill] and [os.Interrupt]
// exist.
//
// The error is of type [*Error] with ReasonSignal: no such signal, or no
// permission, as for a child that became another user.
func (p *Process) Signal(sig os.Signal) error {
	return p.send(fmt.Sprint(sig), func(g *group) error { return g.signal(sig) })
}

// Kill ends the child and the rest of its group with SIGKILL, and does not wait
// for it. After the exit it does nothing and returns nil. Errors are those of
// [Process.Signal].
func (p *Process) Kill() error {
	return p.send("SIGKILL", (*group).kill)
}

// Stop ends the child and the rest of its group and waits until it is reaped:
// SIGTERM, then SIGKILL if it has not ended after the grace, at once when ctx
// ends. On Windows a console break stands for SIGTERM. A child that cannot be
// asked that way, for want of a console or of permission, gets the end of its
// standard input instead.
//
// It returns the status, also of a child that had ended before; an unknown one
// if the child did not even end for SIGKILL within 5 s. Close is still due.
func (p *Process) Stop(ctx context.Context, grace time.Duration) Status {
	if err := p.send("SIGTERM", (*group).terminate); err != nil {
		p.logger.Debug("child cannot be asked to end", event.Failed(event.Child, event.Stop), "pid", p.pid, "error", err)
		p.stdin.Close()
	}
	if !p.endsWithin(ctx, grace) {
		p.killAndWait()
	}
	return p.Status()
}

// Close ends what is left: it kills the child if it runs, dismisses the
// guardian, closes the pipes and waits for all goroutines. What the child has
// written and nobody has read can still be read. Further calls wait for the
// first and return the same.
//
// The error is of type [*Error] with ReasonUnkillable if the child did not end
// within 5 s; one goroutine then goes on waiting for it.
func (p *Process) Close() error {
	p.closeOnce.Do(func() { p.closeErr = p.close() })
	return p.closeErr
}

func (p *Process) close() error {
	close(p.closing)
	ended := p.killAndWait()
	p.guard.dismiss()
	p.stdin.Close()
	p.stdout.cut()
	p.stderr.cut()
	if !ended {
		return &Error{
			Reason: ReasonUnkillable, Subject: fmt.Sprint(p.pid),
			what: fmt.Sprintf("process %d was killed but has not ended after %v", p.pid, killTimeout),
			hint: "it is stuck inside the system: look for a file system or device that does not answer",
		}
	}
	<-p.ended
	return nil
}

// send does something to the group, if its id is still ours.
func (p *Process) send(signal string, do func(*group) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return nil
	}
	if err := do(p.group); err != nil {
		return &Error{
			Reason: ReasonSignal, Subject: signal, Err: err,
			what: fmt.Sprintf("cannot send %q to process group %d", signal, p.pid),
		}
	}
	return nil
}

// endsWithin waits for the exit and reports whether it came in time.
func (p *Process) endsWithin(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-p.exited:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// killAndWait kills the child if it runs and reports whether it has ended.
func (p *Process) killAndWait() bool {
	if err := p.Kill(); err != nil {
		p.logger.Debug("child cannot be killed", event.Failed(event.Child, event.Stop), "pid", p.pid, "error", err)
	}
	return p.endsWithin(context.Background(), killTimeout)
}

// endOutputs gives descendants that hold the outputs open a moment.
func (p *Process) endOutputs() {
	timer := time.NewTimer(outputGrace)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.closing:
	}
	p.stdout.cut()
	p.stderr.cut()
}
