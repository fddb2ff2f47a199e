package server

import (
	"os"
	"time"

	"github.com/pyvider/rpcplugin/internal/event"
)

// DefaultShutdownPoll is how often a ShutdownFile is looked for.
const DefaultShutdownPoll = time.Second

// watchFile asks for a stop when the ShutdownFile is there, and removes it: it
// was for this run.
func (s *Server) watchFile() {
	if s.cfg.ShutdownFile == "" {
		return
	}
	look := time.NewTicker(s.cfg.ShutdownPoll)
	defer look.Stop()
	for {
		if _, err := os.Lstat(s.cfg.ShutdownFile); err == nil {
			err = os.Remove(s.cfg.ShutdownFile)
			s.cfg.log.Info("the shutdown file is there; stopping", event.OK(event.Plugin, event.Stop), "path", s.cfg.ShutdownFile, "error", err)
			s.Stop()
			return
		}
		select {
		case <-look.C:
		case <-s.stop:
			return
		}
	}
}
