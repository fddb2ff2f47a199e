package cmd

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
)

// stoppable is what signals stop.
type stoppable interface {
	// Stop asks for an end, Kill for one without waiting.
	Stop()
	Kill()
}

// signals are caught from the moment that something is started, and stop it.
// They are caught and not ignored: to be ignored is inherited by children.
type signals struct {
	caught chan os.Signal
	done   chan struct{}
	wait   sync.WaitGroup
	ctrlC  atomic.Bool // stopped what served
}

// catchSignals begins to catch. What comes before stop waits for it.
func catchSignals() *signals {
	s := &signals{caught: make(chan os.Signal, 4), done: make(chan struct{})}
	signal.Notify(s.caught, syscall.SIGTERM, os.Interrupt, syscall.SIGPIPE)
	return s
}

// stop lets the signals stop what serves: SIGTERM asks for an end, a second one
// hurries. SIGINT does the same, except under a host: Ctrl-C reaches the whole
// process group, and the host decides when its plugins end. A reader that has
// gone is an error of the write and no signal.
func (s *signals) stop(running stoppable, underHost bool) {
	s.wait.Go(func() { s.obey(running, underHost) })
}

// obey stops running as signals come, until release.
func (s *signals) obey(running stoppable, underHost bool) {
	stop := running.Stop
	for {
		select {
		case got := <-s.caught:
			if got == syscall.SIGPIPE || (underHost && got == os.Interrupt) {
				continue
			}
			s.ctrlC.CompareAndSwap(false, got == os.Interrupt)
			stop()
			stop = running.Kill
		case <-s.done:
			return
		}
	}
}

// interrupted reports whether SIGINT has stopped what served.
func (s *signals) interrupted() bool { return s.ctrlC.Load() }

// release obeys no more. The signals stay caught: the process is about to exit,
// and one that comes now, or is on its way, is not to change its status.
func (s *signals) release() {
	close(s.done)
	s.wait.Wait()
}

// interruptible returns a context that SIGINT and SIGTERM end, with
// errInterrupted as its cause. A second signal ends the program. SIGINT does
// not while instead, if there is one, returns true.
func interruptible(ctx context.Context, instead func() bool) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			select {
			case got := <-signals:
				if got == os.Interrupt && instead != nil && instead() {
					continue
				}
				cancel(errInterrupted)
				signal.Stop(signals)
			case <-done:
			}
			return
		}
	})
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		wait.Wait()
		cancel(nil)
	}
}
