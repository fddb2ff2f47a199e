package cmd

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// stoppable is what signals stop.
type stoppable interface {
	// Stop asks for an end, Kill for one without waiting.
	Stop()
	Kill()
}

// onSignals stops what serves: SIGTERM asks for an end, a second one hurries.
// SIGINT does the same, except under a host: Ctrl-C reaches the whole process
// group, and the host decides when its plugins end. A reader that has gone is
// an error of the write and no signal. The signals are caught, not ignored:
// to be ignored is inherited by children. release undoes it all.
func onSignals(s stoppable, underHost bool) (release func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt, syscall.SIGPIPE)
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() { obey(signals, done, s, underHost) })
	return func() {
		signal.Stop(signals)
		close(done)
		wait.Wait()
	}
}

// obey stops s as signals come, until done.
func obey(signals <-chan os.Signal, done <-chan struct{}, s stoppable, underHost bool) {
	stop := s.Stop
	for {
		select {
		case got := <-signals:
			if got == syscall.SIGPIPE || (underHost && got == os.Interrupt) {
				continue
			}
			stop()
			stop = s.Kill
		case <-done:
			return
		}
	}
}

// interruptible returns a context that SIGINT and SIGTERM end, with
// errInterrupted as its cause. A second signal ends the program.
func interruptible(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		select {
		case <-signals:
			cancel(errInterrupted)
			signal.Stop(signals)
		case <-done:
		}
	})
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		wait.Wait()
		cancel(nil)
	}
}
