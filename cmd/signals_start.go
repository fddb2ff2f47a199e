package cmd

import (
	"context"
	"os"
	"sync"
	"syscall"
)

// during returns a context for a start that takes its time: a signal that would
// stop what serves ends it, and counts for stop, too, if the start has succeeded
// all the same. The caller calls the function before stop.
func (s *signals) during(ctx context.Context, underHost bool) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	started := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			select {
			case got := <-s.caught:
				if got == syscall.SIGPIPE || (underHost && got == os.Interrupt) {
					continue
				}
				s.ctrlC.CompareAndSwap(false, got == os.Interrupt)
				cancel()
				select {
				case s.caught <- got:
				default: // there are others
				}
				return
			case <-started:
				return
			}
		}
	})
	return ctx, func() {
		close(started)
		wait.Wait()
		cancel()
	}
}
