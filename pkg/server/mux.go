package server

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/pyvider/rpcplugin/internal/event"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/transport"
)

// muxWait is how long a multiplexing host may take to connect.
const muxWait = 15 * time.Second

// muxSession is the one session of a multiplexing host, once it has connected.
type muxSession struct {
	*sync.Once
	wait  time.Duration // for the host
	ready chan struct{}
	mux   *transport.Mux // valid after ready; nil when no host came
}

func newMuxSession() muxSession {
	return muxSession{Once: new(sync.Once), wait: muxWait, ready: make(chan struct{})}
}

// set makes the session known.
func (m *muxSession) set(mux *transport.Mux) {
	m.Do(func() {
		m.mux = mux
		close(m.ready)
	})
}

// get waits for the session.
func (m *muxSession) get(ctx context.Context) (*transport.Mux, error) {
	select {
	case <-m.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if m.mux == nil {
		return nil, context.Canceled
	}
	return m.mux, nil
}

// serve serves gRPC on the listener, or, for a multiplexing host, on the main
// streams of its one connection. The end of that connection is no error.
func (s *Server) serve(ctx context.Context) error {
	if s.line.Multiplex != handshake.MultiplexYes {
		return s.serveOn(ctx, s.meeting(s.listener.Listener)) // its files are for Close
	}
	mux, err := transport.AcceptMux(s.listener, s.mux.wait)
	s.mux.set(mux)
	if err != nil {
		return err
	}
	defer func() { _ = mux.Close() }()
	s.meet()
	if err := s.listener.Close(); err != nil { // nobody else may dial, by port neither
		s.cfg.log.Debug("cleaning up the socket", event.Failed(event.Socket, event.Clean), "error", err)
	}
	err = s.serveOn(ctx, mux.Main())
	select {
	case <-mux.Done():
		return nil
	default:
		return err
	}
}

// serveOn serves gRPC to the host's connections, directly or by way of Carry,
// whose context ctx is.
func (s *Server) serveOn(ctx context.Context, hosts net.Listener) error {
	if s.carriage != nil {
		return s.carriage.serve(ctx, hosts, s.grpc)
	}
	return s.grpc.Serve(hosts)
}
