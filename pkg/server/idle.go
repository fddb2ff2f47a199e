package server

import (
	"fmt"
	"net"
	"time"
)

// meet notes that a host has connected.
func (s *Server) meet() { s.metOnce.Do(func() { close(s.met) }) }

// awaitHost closes alone if no host has connected within the IdleTimeout.
func (s *Server) awaitHost(alone chan<- struct{}) {
	if s.cfg.IdleTimeout == 0 {
		return
	}
	idle := time.NewTimer(s.cfg.IdleTimeout)
	defer idle.Stop()
	select {
	case <-idle.C:
		close(alone)
	case <-s.met:
	case <-s.stop:
	}
}

// errNoHost is the error of a plugin that was left alone.
func (s *Server) errNoHost() error {
	return &Error{Reason: ReasonNoHost, Err: fmt.Errorf("no host has connected to %q within %s", s.line.Address, s.cfg.IdleTimeout)}
}

// meeting returns a listener that notes the first host, if that is asked for.
func (s *Server) meeting(hosts net.Listener) net.Listener {
	if s.cfg.IdleTimeout == 0 {
		return hosts
	}
	return metListener{Listener: hosts, meet: s.meet}
}

// metListener calls meet when one of its connections has brought something: who
// probes opens and closes.
type metListener struct {
	net.Listener

	meet func()
}

func (l metListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return metConn{Conn: conn, meet: l.meet}, nil
}

type metConn struct {
	net.Conn

	meet func()
}

func (c metConn) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	if n > 0 {
		c.meet()
	}
	return n, err
}
