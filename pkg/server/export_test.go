package server

import "time"

// SetMuxWait changes how long s waits for a multiplexing host, before Run.
func SetMuxWait(s *Server, wait time.Duration) { s.mux.wait = wait }
