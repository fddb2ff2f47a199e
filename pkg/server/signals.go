package server

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// obeySignals lets signals stop the plugin, if that is asked for, until release
// is called. SIGINT is caught and not ignored: to be ignored is inherited by
// children.
func (s *Server) obeySignals() (release func()) {
	if !s.cfg.Signals {
		return func() {}
	}
	caught, done := make(chan os.Signal, 4), make(chan struct{})
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	var obeying sync.WaitGroup
	obeying.Go(func() {
		stop := s.Stop
		for {
			select {
			case got := <-caught:
				if got == syscall.SIGTERM {
					stop()
					stop = s.Kill
				}
			case <-done:
				return
			}
		}
	})
	return func() {
		signal.Stop(caught)
		close(done)
		obeying.Wait()
	}
}
